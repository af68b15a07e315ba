"""Who may use the dashboard: members of staff, their two steps, sessions and roles."""
