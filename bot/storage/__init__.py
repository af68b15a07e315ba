"""What must never be lost (records), and what may vanish (sessions)."""
