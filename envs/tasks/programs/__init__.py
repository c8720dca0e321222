"""Small programs: write, read, mend and invert them."""
