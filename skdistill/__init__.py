"""Knowledge distillation for scikit-learn: a teacher's probabilities instead of labels."""

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
