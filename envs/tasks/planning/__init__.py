"""Plans: sequences of actions that reach a goal."""
