"""Knowledge distillation for scikit-learn: a teacher's probabilities instead of labels."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._base._deployable import deployable
from ._bipartite_ranker import DistilledBipartiteRanker
from ._born_again import BornAgainClassifier
from ._cascade_classifier import CascadeClassifier
from ._distilled_classifier import DistilledClassifier
from ._distilled_regressor import DistilledRegressor
from ._multiclass_retriever import DistilledMulticlassRetriever
from ._soft_label_classifier import SoftLabelClassifier
from ._targets._soft_labels import SoftLabels
from .students import fit_soft_labels

__all__ = [
    "BornAgainClassifier",
    "CascadeClassifier",
    "DistilledBipartiteRanker",
    "DistilledClassifier",
    "DistilledMulticlassRetriever",
    "DistilledRegressor",
    "SoftLabelClassifier",
    "SoftLabels",
    "deployable",
    "fit_soft_labels",
]
__version__ = "0.1.0"

# All but nets, which needs Torch.
_SUBMODULES = (
    "augmentation", "datasets", "inspection", "metrics", "objectives", "students", "teachers",
)  # fmt: skip


if not TYPE_CHECKING:  # else type checkers would accept every name

    def __getattr__(name):
        """Raise AttributeError, with the import of a public name of a submodule as the remedy."""
        remedy = ""
        if name in (*_SUBMODULES, "nets"):
            remedy = f" Write import skdistill.{name} first."
        elif not name.startswith("_"):
            for submodule in _SUBMODULES:
                if name in import_module(f".{submodule}", __name__).__all__:
                    remedy = f" Write from skdistill.{submodule} import {name}."
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{remedy}")
