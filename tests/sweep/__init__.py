"""The crash-point sweep: the server is killed at every seam of every money path, and must be right."""
