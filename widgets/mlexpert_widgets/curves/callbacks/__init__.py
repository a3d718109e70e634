"""What other people's training loops call, so that their metrics come into a `Recorder`; one library a module."""
