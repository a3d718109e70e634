"""Memory: where it can be read, what it was over time, whose it is, and what was in it when it ran out."""
