"""The tests: most read as a phone call."""
