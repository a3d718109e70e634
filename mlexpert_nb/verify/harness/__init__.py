"""The judge's child process: it alone runs delivered code, and writes down what the checks found."""
