"""The screens of the dashboard: what each shows, and what can be done on it."""
