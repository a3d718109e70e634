"""Pages of the graph network, as they are delivered."""
