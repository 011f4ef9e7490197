"""A terminal program that stands on the wire between an agent and its model."""

__version__ = "0.2.0"
