"""Utilities of the whole package, each file one idea."""
