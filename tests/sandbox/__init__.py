"""Tests of the pretended outside."""
