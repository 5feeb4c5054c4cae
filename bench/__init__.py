"""Measurements: what the codec reaches, and how its trained tables were made."""
