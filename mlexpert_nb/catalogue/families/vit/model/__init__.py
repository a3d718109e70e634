"""Pages of the Vision Transformer, as they are delivered."""
