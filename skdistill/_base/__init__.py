"""What the estimators share: the steps of `fit`, the choice of alpha, prediction by a student."""
