"""Targets of students, as immutable values: soft labels, label sets, retrieval targets."""
