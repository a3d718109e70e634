"""Pictures for notebooks: plain data in, picture out; knows nothing of the toolkit."""

from mlexpert_widgets.share_bar import share_bar, share_colours

__all__ = ["share_bar", "share_colours"]
