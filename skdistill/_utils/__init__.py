"""Utilities shared by the whole package."""
