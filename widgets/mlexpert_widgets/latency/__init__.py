"""How long calls take: recorded, measured against each other, and split by op and by module."""
