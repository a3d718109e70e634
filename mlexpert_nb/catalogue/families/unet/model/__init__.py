"""Pages of the U-Net, as they are delivered."""
