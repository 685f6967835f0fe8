"""Students whose class alone says that they predict the class of the largest probability.

For these one pass over the rows gives both. A test on rows would not do: rows that certify a bound
may not choose what it is for.
"""

from sklearn.pipeline import Pipeline

from ._predictions import is_net_of_skorch, predicts_numbers

# By package. CatBoost is not among them, whose classifiers may have a threshold of their own.
CLASSIFIERS = {
    "lightgbm": ("LGBMClassifier",),
    "skorch": ("NeuralNetClassifier",),
    "sklearn": (
        "BernoulliNB", "CategoricalNB", "DecisionTreeClassifier", "ExtraTreeClassifier",
        "ExtraTreesClassifier", "GaussianNB", "GradientBoostingClassifier",
        "HistGradientBoostingClassifier", "LinearDiscriminantAnalysis", "LogisticRegression",
        "LogisticRegressionCV", "MLPClassifier", "MultinomialNB", "QuadraticDiscriminantAnalysis",
        "RandomForestClassifier",
    ),
    "xgboost": ("XGBClassifier",),
}  # fmt: skip


def predicts_most_probable(student):
    """Return whether `predict` is known to be the class of the largest probability.

    Where two probabilities are equal up to rounding, it may be the other one.
    """
    while isinstance(student, Pipeline):
        student = student[-1]
    return predicts_numbers(student) or _is_listed(student)


def leaves_rows_unchanged(student):
    """Return whether a student is known not to change the rows that it predicts in place.

    A Pipeline may, and so may a net, whose tensors share the memory of the rows.
    """
    return _is_listed(student) and not is_net_of_skorch(student)


def _is_listed(student):
    """Return whether the class of a student is listed: a subclass may predict in another way."""
    package, _, _ = type(student).__module__.partition(".")
    return type(student).__name__ in CLASSIFIERS.get(package, ())
