"""Comparing what is kept here with what the providers say, and keeping what does not agree."""
