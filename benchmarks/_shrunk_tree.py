"""A decision tree whose leaves are shrunk to their ancestors, the honest rival of a distilled tree.

Agarwal, Tan, Ronen, Singh and Yu, "Hierarchical shrinkage: improving the accuracy and
interpretability of tree-based models", ICML 2022.
"""

import numpy as np
from sklearn.tree import DecisionTreeClassifier


class ShrunkTree(DecisionTreeClassifier):
    """A tree whose leaves are shrunk to their ancestors (hierarchical shrinkage)."""

    def __init__(self, *, strength=0.0, max_leaf_nodes=None, random_state=None):
        super().__init__(max_leaf_nodes=max_leaf_nodes, random_state=random_state)
        self.strength = strength

    def predict_proba(self, X):
        """Return the shrunk class probabilities of the leaves."""
        return shrunk_values(self.tree_, self.strength)[self.apply(X)]


def shrunk_values(tree, strength):
    """Return the class probabilities of all nodes of a tree, shrunk.

    Each node's are those of its parent, plus its difference to the parent divided by
    1 + strength / rows of the parent.
    """
    proba = tree.value[:, 0, :]
    shrunk = proba.copy()
    for parent in range(tree.node_count):  # parents come before their children
        share = 1 / (1 + strength / tree.weighted_n_node_samples[parent])
        for child in (tree.children_left[parent], tree.children_right[parent]):
            if child >= 0:
                shrunk[child] = shrunk[parent] + share * (proba[child] - proba[parent])
    return np.maximum(shrunk, 0)  # rounding leaves a little below 0
