"""Phones to try the service with: in the browser and in the terminal; they speak the wire only."""
