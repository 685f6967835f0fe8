"""Scikit-learn's own tests of meta-estimators, with distilled classifiers inside.

``python tests/sklearn_suites.py`` runs copies of its modules in which each classifier that a test
puts inside a meta-estimator is the student of a `DistilledClassifier` with ``alpha=0``, which is to
behave like it. What fails is printed, unless it is listed with the reason: an assumption of the
test's own. The exit code is 1 if anything else fails, or if a listed test passes.
"""

import ast
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn.utils import all_estimators

from skdistill import DistilledClassifier

SUITES = (
    "sklearn.tests.test_calibration",
    "sklearn.ensemble.tests.test_stacking",
    "sklearn.ensemble.tests.test_bagging",
    "sklearn.ensemble.tests.test_voting",
    "sklearn.model_selection.tests.test_classification_threshold",
    "sklearn.tests.test_multioutput",
)
# Classifiers that the modules put inside others.
INSIDE = (
    "DecisionTreeClassifier",
    "ExtraTreesClassifier",
    "GaussianNB",
    "LogisticRegression",
    "MultinomialNB",
    "RandomForestClassifier",
    "SGDClassifier",
)
LISTED: dict[str, str] = {}


class Swapped(type):
    """A class whose instances are distilled classifiers, with an instance of another as student."""

    def __call__(cls, *args, **kwargs):
        return DistilledClassifier(student=cls.student_class(*args, **kwargs), alpha=0.0)

    def __instancecheck__(cls, instance):
        return isinstance(getattr(instance, "student", instance), cls.student_class)


def swapped():
    """Return the classes to put in the place of scikit-learn's, by their names."""
    classes = dict(all_estimators(type_filter="classifier"))
    return {name: Swapped(name, (), {"student_class": classes[name]}) for name in INSIDE}


def write_copy(suite, folder):
    """Write a copy of a module of tests whose classifiers are swapped once they are imported."""
    source = Path(find_spec(suite).origin).read_text()
    imports = [
        node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    lines = source.splitlines()
    lines.insert(
        imports[-1].end_lineno,
        "import sklearn_suites\n"
        "globals().update({k: v for k, v in sklearn_suites.swapped().items() if k in globals()})",
    )
    path = folder / f"{suite.rpartition('.')[2]}.py"
    path.write_text("\n".join(lines))
    return path


class Outcomes:
    """What pytest reports, test by test."""

    def __init__(self):
        self.passed, self.failed, self.skipped = [], {}, []

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed[report.nodeid] = report.longrepr.reprcrash.message.splitlines()[0]
        elif report.when == "call":
            (self.passed if report.passed else self.skipped).append(report.nodeid)


def main():
    """Run the suites, and print what fails."""
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(write_copy(suite, Path(folder))) for suite in SUITES]
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "sklearn.conftest",
            "--tb=no",
            "-W",
            "ignore",
        ]
        pytest.main([*options, "--rootdir", folder, *paths], plugins=[outcomes])
    unlisted = {
        name: message
        for name, message in outcomes.failed.items()
        if name.rpartition("::")[2].partition("[")[0] not in LISTED
    }
    for name, message in unlisted.items():
        print(f"{name}: {message}")
    counts = len(outcomes.passed), len(outcomes.skipped), len(outcomes.failed), len(unlisted)
    print("{} passed, {} skipped, {} failed, of which {} are not listed".format(*counts))
    sys.exit(bool(unlisted))


if __name__ == "__main__":
    sys.modules["sklearn_suites"] = sys.modules["__main__"]
    main()
