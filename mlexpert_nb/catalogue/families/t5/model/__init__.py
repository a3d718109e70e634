"""Pages of T5, as they are delivered."""
