"""scikit-learn's own tests of meta-estimators, with the estimators of this package put in.

``python tests/sklearn_suites.py`` runs copies of scikit-learn's modules. Each classifier that a
test puts inside a meta-estimator becomes the student of a `DistilledClassifier` with ``alpha=0``,
which must behave like it; where a module lists meta-estimators, those of this package join the
list. The exit code is 1 if a test fails that `REASONS` does not list, or passes although listed.
``python tests/sklearn_suites.py test_voting`` runs one module.
"""

import ast
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn import get_config
from sklearn.utils import all_estimators

from skdistill import (
    BornAgainClassifier,
    CascadeClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
)

SUITES = (
    "sklearn.tests.test_metaestimators",
    "sklearn.tests.test_metaestimators_metadata_routing",
    "sklearn.tests.test_calibration",
    "sklearn.tests.test_multioutput",
    "sklearn.ensemble.tests.test_bagging",
    "sklearn.ensemble.tests.test_stacking",
    "sklearn.ensemble.tests.test_voting",
    "sklearn.model_selection.tests.test_classification_threshold",
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
# The names of tests that fail, by the reason: an assumption of the test's own.
REASONS = {
    "the grid or the test names a step or a parameter by the class that was swapped": (
        "test_metaestimators.test_meta_estimators_delegate_data_validation[GridSearchCV1]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[GridSearchCV3]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[HalvingGridSearchCV1]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[HalvingGridSearchCV3]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[HalvingRandomSearchCV1]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[HalvingRandomSearchCV3]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[RandomizedSearchCV1]",
        "test_metaestimators.test_meta_estimators_delegate_data_validation[RandomizedSearchCV3]",
        "test_multioutput.test_multi_output_predict_proba",
        "test_voting.test_gridsearch",
        "test_calibration.test_calibration_display_compute[uniform-5]",
        "test_calibration.test_calibration_display_compute[uniform-10]",
        "test_calibration.test_calibration_display_compute[quantile-5]",
        "test_calibration.test_calibration_display_compute[quantile-10]",
        "test_stacking.test_stacking_final_estimator_attribute_error",
    ),
    "DistilledClassifier has one label per row; MultiOutputClassifier takes it for several": (
        "test_multioutput.test_multi_output_classes_[estimator0]",
        "test_stacking.test_stacking_classifier_multilabel_predict_proba[RandomForestClassifier]",
        "test_stacking.test_stacking_classifier_multilabel_auto_predict[False-auto]",
        "test_stacking.test_stacking_classifier_multilabel_auto_predict[False-predict]",
        "test_stacking.test_stacking_classifier_multilabel_auto_predict[True-auto]",
        "test_stacking.test_stacking_classifier_multilabel_auto_predict[True-predict]",
    ),
    "it has no partial_fit: teacher and student are fitted on all rows": (
        "test_multioutput.test_multi_output_classification_partial_fit",
        "test_multioutput.test_multi_output_classification_partial_fit_no_first_classes_exception",
        "test_multioutput.test_multi_output_classification_partial_fit_parallelism",
        "test_multioutput.test_fit_params_no_routing[MultiOutputClassifier-partial_fit]",
    ),
    "a bag of five rows has one class only, and the swapped student refuses that by name": (
        "test_bagging.test_bagging_classifier_with_missing_inputs",
    ),
    "the parameters are made before the test enables routing, so that nothing requests weights": (
        "test_bagging.test_bagging_with_metadata_routing[model0]",
    ),
    "the test's estimator has no classes, and scores": (
        "test_metaestimators.test_metaestimator_delegation",
    ),
    "a default teacher or student requests sample_weight, since the user has no object to set": (
        "test_metaestimators_metadata_routing.test_default_request[DistilledClassifier0]",
        "test_metaestimators_metadata_routing.test_default_request[DistilledClassifier1]",
        "test_metaestimators_metadata_routing.test_default_request[DistilledMulticlassRetriever]",
        "test_metaestimators_metadata_routing.test_default_request[DistilledBipartiteRanker]",
        "test_metaestimators_metadata_routing.test_default_request[CascadeClassifier0]",
        "test_metaestimators_metadata_routing.test_default_request[CascadeClassifier1]",
    ),
    "folds that split groups are refused": tuple(
        f"test_metaestimators_metadata_routing.test_metadata_is_routed_correctly_to_splitter[{name}]"
        for name in (
            "DistilledClassifier1",
            "DistilledMulticlassRetriever",
            "DistilledBipartiteRanker",
            "BornAgainClassifier",
        )
    ),
    "generations need three folds; the test has two": (
        "test_metaestimators_metadata_routing."
        "test_setting_request_on_sub_estimator_removes_error[BornAgainClassifier]",
        "test_metaestimators_metadata_routing."
        "test_metadata_routed_to_group_splitter[BornAgainClassifier]",
    ),
    "soft labels need an estimator that takes sample_weight": (
        "test_metaestimators_metadata_routing.test_non_consuming_estimator_works"
        "[BornAgainClassifier]",
        "test_metaestimators_metadata_routing.test_non_consuming_estimator_works"
        "[CascadeClassifier1]",
    ),
    "the student of a cascade is distilled, so that its weights are those of soft labels": (
        "test_metaestimators_metadata_routing."
        "test_setting_request_on_sub_estimator_removes_error[CascadeClassifier1]",
    ),
}
LISTED = {name for names in REASONS.values() for name in names}


class Swapped:
    """Stands for a class of classifiers: calling it gives one as student of a DistilledClassifier.

    Classes that a test derives from it derive from the class itself.
    """

    def __init__(self, cls):
        self.student_class = cls
        self.__name__ = cls.__name__

    def __call__(self, *args, **kwargs):
        student = self.student_class(*args, **kwargs)
        if get_config()["enable_metadata_routing"]:
            student.set_fit_request(sample_weight=True)
        return DistilledClassifier(student=student, alpha=0.0)

    def __mro_entries__(self, bases):
        return (self.student_class,)

    def __instancecheck__(self, instance):
        return isinstance(getattr(instance, "student", instance), self.student_class)


def swap_classifiers(namespace):
    """Put distilled classifiers in the place of those that a module of tests has imported."""
    classes = dict(all_estimators(type_filter="classifier"))
    for name in INSIDE:
        if name in namespace:
            namespace[name] = Swapped(classes[name])


def add_delegators(namespace):
    """Add the estimators that have the methods of a student to the list of such."""
    delegator = namespace["DelegatorData"]
    namespace["DELEGATING_METAESTIMATORS"] += [
        delegator(
            "DistilledClassifier",
            lambda student: DistilledClassifier(student=student, alpha=0.0),
            skip_methods=["transform", "inverse_transform", "score"],
        ),
        delegator(
            "CascadeClassifier",
            lambda teacher: CascadeClassifier(teacher, max_disagreement=0.9),
            skip_methods=["transform", "inverse_transform", "decision_function", "score"],
        ),
    ]


def add_metaestimators(namespace):
    """Add the estimators of this package to the list of those that route metadata."""
    common = {
        "estimator": "classifier",
        "X": namespace["X"],
        "preserves_metadata": "subset",
        "estimator_routing_methods": ["fit"],
        "cv_name": "cv",
        "cv_routing_methods": ["fit"],
    }
    teacher = {**common, "estimator_name": "teacher", "y": namespace["y"]}
    student = {name: value for name, value in teacher.items() if not name.startswith("cv_")}
    student |= {"estimator_name": "student", "preserves_metadata": True}
    # Of a cascade neither has folds, and each gets the metadata of the rows that it is fitted on.
    cascade = {**student, "metaestimator": CascadeClassifier, "preserves_metadata": "subset"}
    cascade["init_args"] = {"max_disagreement": 0.9}
    namespace["METAESTIMATORS"] += [
        {**student, "metaestimator": DistilledClassifier, "init_args": {"alpha": 0.0}},
        {**teacher, "metaestimator": DistilledClassifier, "init_args": {"alpha": 1.0}},
        {**teacher, "metaestimator": DistilledMulticlassRetriever, "init_args": {"k": 1}},
        {**teacher, "metaestimator": DistilledBipartiteRanker, "y": namespace["y_binary"]},
        {**teacher, "metaestimator": BornAgainClassifier, "estimator_name": "estimator"},
        {**cascade, "estimator_name": "teacher"},
        cascade,
    ]


def insert_after(source, found, text):
    """Return the source of a module with text after the last statement for which `found` holds."""
    last = [node for node in ast.parse(source).body if found(node)][-1]
    lines = source.splitlines()
    lines.insert(last.end_lineno, text)
    return "\n".join(lines)


def assigns(name):
    """Return a function that tells whether a statement assigns a name."""
    return lambda node: (
        name
        in [
            getattr(target, "id", None)
            for target in [*getattr(node, "targets", []), getattr(node, "target", None)]
        ]
    )


def write_copy(suite, folder):
    """Write a copy of a module of tests in which our estimators are put in."""
    source = Path(find_spec(suite).origin).read_text()
    for name, add in (
        ("DELEGATING_METAESTIMATORS", add_delegators),
        ("METAESTIMATORS", add_metaestimators),
    ):
        if any(map(assigns(name), ast.parse(source).body)):
            text = f"sklearn_suites.{add.__name__}(globals())"
            source = insert_after(source, assigns(name), text)
    source = insert_after(
        source,
        lambda node: isinstance(node, ast.Import | ast.ImportFrom),
        "import sklearn_suites\nsklearn_suites.swap_classifiers(globals())",
    )
    path = folder / f"{suite.rpartition('.')[2]}.py"
    path.write_text(source)
    return path


class Outcomes:
    """The outcome of each test."""

    def __init__(self):
        self.passed, self.failed, self.skipped = [], {}, []

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rpartition("/")[2].replace(".py::", ".")
        if report.failed:
            self.failed[name] = report.longrepr.reprcrash.message.splitlines()[0]
        elif report.when == "call" or report.skipped:
            (self.passed if report.passed else self.skipped).append(name)


def main(names):
    """Run the suites, and print what fails."""
    outcomes = Outcomes()
    suites = [suite for suite in SUITES if not names or suite.rpartition(".")[2] in names]
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "sklearn.conftest",
        "--tb=no",
        "-W",
        "ignore",
        "--no-summary",
    ]
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(write_copy(suite, Path(folder))) for suite in suites]
        pytest.main([*options, "--no-summary", "--rootdir", folder, *paths], plugins=[outcomes])
    unlisted = {name: message for name, message in outcomes.failed.items() if name not in LISTED}
    passing = [name for name in outcomes.passed if name in LISTED]
    for name, message in unlisted.items():
        print(f"{name}: {message}")
    for name in passing:
        print(f"{name}: passes, although it is listed")
    print(
        f"{len(outcomes.passed)} passed, {len(outcomes.skipped)} skipped, "
        f"{len(outcomes.failed)} failed, of which {len(unlisted)} are not listed"
    )
    sys.exit(bool(unlisted or passing))


if __name__ == "__main__":
    sys.modules["sklearn_suites"] = sys.modules["__main__"]
    main(sys.argv[1:])
