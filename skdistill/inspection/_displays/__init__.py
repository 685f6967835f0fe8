"""Pictures in scikit-learn's style: made from estimators or predictions, drawn by `plot`."""
