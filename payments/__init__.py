"""Receives payment webhooks, keeps every one, and turns each into its effect exactly once."""

__version__ = "0.1.0"
