"""Conclave: a WebRTC meeting server whose security can be verified instead of trusted."""

__version__ = "0.1.0"
