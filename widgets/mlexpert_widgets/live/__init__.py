"""What every live view stands on: series of points, the feed to the browser, the frozen picture."""
