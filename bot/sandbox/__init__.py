"""The outside, pretended over real HTTP: a mobile-money operator and an SMS provider."""
