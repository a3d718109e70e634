"""Families: complete networks composed from the blocks, with the text that is delivered for each."""
