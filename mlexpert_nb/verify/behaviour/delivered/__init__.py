"""What is written for the user: `behaviour_tests.py` is one such file, for a linear layer, and the source of all."""
