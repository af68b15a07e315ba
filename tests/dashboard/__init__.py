"""The dashboard, as staff use it."""
