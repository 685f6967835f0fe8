"""The mathematics of soft labels: arrays in, numbers out, no estimator anywhere."""

from ._simplex import centred_logits, project_onto_simplex, softmax_rows

__all__ = ["centred_logits", "project_onto_simplex", "softmax_rows"]
