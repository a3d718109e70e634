"""Blocks: one file a building block, each a typed PyTorch module with its paper and its equations.

This package imports nothing, so that naming it costs no torch; a block is imported by its own file.
"""
