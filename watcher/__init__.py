"""Hear of new satellite products the moment a ground segment publishes them."""

__version__ = "0.1.0"
