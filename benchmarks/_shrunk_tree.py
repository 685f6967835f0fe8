"""Decision trees whose leaves are shrunk to their ancestors, honest rivals of a distilled tree.

Agarwal, Tan, Ronen, Singh and Yu, "Hierarchical shrinkage: improving the accuracy and
interpretability of tree-based models", ICML 2022.
"""

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


class ShrunkTree(DecisionTreeClassifier):
    """A classifier whose leaves are shrunk to their ancestors (hierarchical shrinkage)."""

    def __init__(self, *, strength=0.0, max_leaf_nodes=None, random_state=None):
        super().__init__(max_leaf_nodes=max_leaf_nodes, random_state=random_state)
        self.strength = strength

    def predict_proba(self, X):
        """Return the shrunk class probabilities of the leaves."""
        proba = shrunk_values(self.tree_, self.strength)[self.apply(X)]
        return np.maximum(proba, 0)  # rounding leaves a little below 0


class ShrunkTreeRegressor(DecisionTreeRegressor):
    """The same for a continuous target."""

    def __init__(self, *, strength=0.0, max_leaf_nodes=None, random_state=None):
        super().__init__(max_leaf_nodes=max_leaf_nodes, random_state=random_state)
        self.strength = strength

    def predict(self, X):
        """Return the shrunk means of the leaves."""
        return shrunk_values(self.tree_, self.strength)[self.apply(X), 0]


def shrunk_values(tree, strength):
    """Return the class probabilities or means of all nodes of a tree, shrunk.

    Each node's are those of its parent, plus its difference to the parent divided by
    1 + strength / rows of the parent.
    """
    values = tree.value[:, 0, :]  # (n_nodes, n_classes), of a regressor (n_nodes, 1)
    shrunk = values.copy()
    for parent in range(tree.node_count):  # parents come before their children
        share = 1 / (1 + strength / tree.weighted_n_node_samples[parent])
        for child in (tree.children_left[parent], tree.children_right[parent]):
            if child >= 0:
                shrunk[child] = shrunk[parent] + share * (values[child] - values[parent])
    return shrunk
