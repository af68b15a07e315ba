"""Payment providers: one operator a file."""
