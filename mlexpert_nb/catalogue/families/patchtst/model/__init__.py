"""Pages of the forecaster, as they are delivered."""
