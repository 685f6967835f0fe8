"""Teacher probabilities: out-of-fold, frozen or given; their cache and their scores."""
