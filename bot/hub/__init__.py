"""The marketplace door: signed events in, signed news out. The words are those of its hub."""
