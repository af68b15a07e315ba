"""Tests of ussd."""
