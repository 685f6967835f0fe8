"""What students do with their parameters that the expansion made by hand does not, and why.

A reason excuses other numbers, and what the student itself would refuse: no error of ours, no other
shape, and no copies on both sides of a split.
"""

import catboost
import sklearn
from boosters import main_name

DRAWS_ROWS = "It draws rows: original ones in ours, copies in the expansion."
DRAWS_COLUMNS = "LightGBM draws other columns, or other borders, beside a custom objective."
GUESSES_ROWS = (
    "LightGBM guesses the rows of a leaf from its Hessian, which copies share: ours are of "
    "original rows, those of the expansion are rounded otherwise."
)
OTHER_ORDER = (
    "Each step of stochastic gradient descent depends on those before. Ours come in another order, "
    "and where they are few, large or have no optimum to settle at, that shows."
)
TIES = "A leaf weighs exactly as much as it must, and the weights of copies add up with an error."
MEDIAN = "The border of two bins is a weighted median; between two rows rounding decides."
NO_VARIANCE = "Of a constant column no variance is left, and scikit-learn divides rounding by zero."
HELD_OUT = "Ours holds out original rows; the expansion has copies of a row on both sides."

# (class, main name of a parameter), or with a value or "*" in place of the name: the reason.
REASONS = {
    ("XGBClassifier", "subsample"): DRAWS_ROWS,
    ("XGBRFClassifier", "subsample"): DRAWS_ROWS,
    ("XGBClassifier", "max_bin", 2): MEDIAN,
    ("XGBRFClassifier", "max_bin", 2): MEDIAN,
    ("LGBMClassifier", "min_data_in_leaf"): GUESSES_ROWS,
    ("LGBMClassifier", "path_smooth"): GUESSES_ROWS,
    ("LGBMClassifier", "feature_fraction"): DRAWS_COLUMNS,
    ("LGBMClassifier", "extra_trees"): DRAWS_COLUMNS,
    ("LGBMClassifier", "use_quantized_grad"): "It rounds the gradients of rows at random.",
    ("LGBMClassifier", "bin_construct_sample_cnt"): DRAWS_ROWS,
    ("CatBoostClassifier", "boosting_type", "Ordered"): "It permutes rows, and copies otherwise.",
    ("CatBoostClassifier", "bootstrap_type", "Bayesian"): DRAWS_ROWS,
    ("CatBoostClassifier", "subsample"): DRAWS_ROWS,
    ("CatBoostClassifier", "posterior_sampling"): "Its noise depends on the number of rows.",
    ("CatBoostClassifier", "eval_fraction"): HELD_OUT,
    ("CatBoostClassifier", "loss_function", "CrossEntropy"): (
        "CatBoost takes no class weights beside it; ours learns them, as with Logloss."
    ),
    ("RandomForestClassifier", "min_weight_fraction_leaf"): TIES,
    ("GaussianNB", "var_smoothing", 0.0): NO_VARIANCE,
    ("Perceptron", "*"): OTHER_ORDER,
    ("SGDClassifier", "loss"): OTHER_ORDER,
    ("SGDClassifier", "max_iter"): OTHER_ORDER,
    ("SGDClassifier", "penalty", None): OTHER_ORDER,
}


DRAWS_COPIES = "It draws copies, fairly, and so other ones than the rows of ordinary training."
LOOSE = "The solver stops at the first point that is good enough, which copies make another one."

# The same for labels that are all but hard, where ordinary training is right.
REASONS_OF_NEARLY_HARD_LABELS = {
    ("BaggingClassifier", "*"): DRAWS_COPIES,
    ("CatBoostClassifier", "auto_class_weights"): (
        "CatBoost balances by weights rounded down to whole numbers; ours are not rounded."
    ),
    ("CatBoostClassifier", "boosting_type", "Ordered"): "It permutes rows, and copies otherwise.",
    ("CatBoostClassifier", "bootstrap_type"): DRAWS_COPIES,
    ("CatBoostClassifier", "mvs_reg"): DRAWS_COPIES,
    ("CatBoostClassifier", "posterior_sampling"): "Its noise depends on the number of rows.",
    ("CatBoostClassifier", "sampling_frequency"): DRAWS_COPIES,
    ("CatBoostClassifier", "subsample"): DRAWS_COPIES,
    ("GradientBoostingClassifier", "learning_rate", 3.0): "It diverges; rounding decides where.",
    ("GradientBoostingClassifier", "max_features"): (
        "Leaves with copies of hardly any weight are split further, which draws other features."
    ),
    ("GradientBoostingClassifier", "subsample"): DRAWS_COPIES,
    ("HistGradientBoostingClassifier", "early_stopping", True): (
        "Ours holds out other original rows than ordinary training does, as many."
    ),
    ("LGBMClassifier", "extra_trees"): DRAWS_COLUMNS,
    ("LGBMClassifier", "feature_fraction"): DRAWS_COLUMNS,
    ("LGBMClassifier", "max_delta_step"): (
        "Where all leaves are cut to one size, splits are equally good, and rounding decides."
    ),
    ("LinearSVC", "tol", 3.0): LOOSE,
    ("MLPClassifier", "batch_size"): (
        "Copies are shuffled into other batches than the rows of ordinary training."
    ),
    **{("NuSVC", name): LOOSE for name in ("gamma", "kernel", "max_iter", "nu", "tol")},
    **{("SVC", name): LOOSE for name in ("C", "max_iter", "tol")},
    ("SVC", "kernel", "poly"): LOOSE,
}

# The smallest supported versions.
if tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 9):
    REASONS["RandomForestClassifier", "max_features", 2] = (
        "In one node of a bag, which 1.9 draws otherwise, splits of two features are equally good."
    )
    REASONS["HistGradientBoostingClassifier", "max_bins", 7] = (
        "Before 1.9 borders of bins are percentiles without weights: copies shift them."
    )
if catboost.__version__ == "1.2.8":
    REASONS["CatBoostClassifier", "class_weights"] = (
        "It refuses a dict with further classes; ours and 1.2.10 do not use their weights."
    )


def keys_of(case):
    """Return the keys of `REASONS` that may stand for a case."""
    student = case.student_class.__name__
    keys = [(student, "*")]
    for name, value in case.params.items():
        main = main_name(case.student_class, name)
        keys += [(student, name), (student, main), (student, main, value)]
    return keys


def reason_not_equal(case, reasons=REASONS):
    """Return why a case may end in other numbers than it should; None if it may not."""
    # Compared in a list, since some values have no hash.
    return next((reasons[known] for known in reasons if known in keys_of(case)), None)
