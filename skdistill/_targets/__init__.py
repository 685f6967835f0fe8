"""What students learn from, as immutable values: soft labels, label sets, retrieval targets."""
