"""One function a behaviour: a subject in, behaviours out; each leaves the subject as it found it."""
