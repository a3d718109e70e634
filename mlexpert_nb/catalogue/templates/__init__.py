"""Text that is delivered with every entry, and the templates of `mlexpert init`."""
