"""Pages of Mamba, as they are delivered."""
