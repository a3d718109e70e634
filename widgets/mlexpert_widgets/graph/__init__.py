"""The architecture of a model: its modules, what flows between them, what they cost, and the pictures of it."""
