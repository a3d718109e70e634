"""Pages of BERT, as they are delivered."""
