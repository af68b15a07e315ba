"""The door for Telegram: updates come in, messages leave through the outbox."""
