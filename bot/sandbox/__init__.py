"""The outside, pretended over real HTTP: mobile-money operators, an SMS provider, Telegram."""
