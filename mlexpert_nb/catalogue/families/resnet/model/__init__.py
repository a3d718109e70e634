"""Pages of the ResNet, as they are delivered."""
