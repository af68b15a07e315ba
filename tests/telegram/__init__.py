"""Tests of the door for Telegram."""
