"""A lossy codec for the geometry of 3D shapes."""

__version__ = "0.1.0"
