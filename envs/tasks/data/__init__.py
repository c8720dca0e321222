"""Tables, queries and spreadsheets."""
