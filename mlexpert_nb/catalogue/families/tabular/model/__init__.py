"""Pages of the networks for tables, as they are delivered."""
