"""The door to Telegram: a chat in which the same conversations are had as by phone."""
