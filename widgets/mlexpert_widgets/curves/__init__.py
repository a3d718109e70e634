"""Learning curves: what a training loop logs, what the curves say, and the view of them."""
