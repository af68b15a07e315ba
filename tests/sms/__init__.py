"""Tests of the SMS client."""
