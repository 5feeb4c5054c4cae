"""Shapes to symbols and back."""
