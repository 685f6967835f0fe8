"""Thresholds for a student's confidence, with a bound on how often its predictions fail."""
