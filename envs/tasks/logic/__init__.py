"""Tasks of logic: what follows, what satisfies, who stands where."""
