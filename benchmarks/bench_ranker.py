"""Cost and AUC of ranking by all pairs, compared with pointwise fits and other pairwise ones.

First, linear fits to 10,000 and 1,000,000 rows: the loss of all pairs, which the linear scorer
minimises, against the log-loss, which scikit-learn's LogisticRegression minimises, at the same
tolerance.

Second, late flights: real labels, and so noisy that the AUC stays near 0.7. Every method chooses
its main parameters on validation rows, and its best setting is fitted to the training rows and
tested on others; several splits, with standard errors. Time and memory are those of the best
setting of the first split. The teacher predicts beforehand: its cost is not in the table.

Only the ratios are meaningful: all sides are measured in turn on the same machine, each time in a
fresh process with one thread.
"""

import json
from argparse import ArgumentParser
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _measure import compare, measure, print_table, write_json
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from scipy.special import expit
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRanker, XGBRegressor

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import load_flights
from skdistill.students.ranking import fit_ranker

PARTS = ("linear", "flights")
N_FEATURES = 20
GOAL = 2  # the linear fit by pairs takes so many times the logistic regression's time at most
WARM_UP_ROWS = 500
# LightGBM takes no larger queries.
QUERY = 10_000
SLOW = 20.0  # seconds from which one measurement is enough
RESULTS = Path(__file__).parent / "results" / "bench_ranker.json"


def main():
    """Run the parts, print their tables and write them; other parts stay as they were written."""
    options = parse_options()
    written = json.loads(options.json.read_text()) if options.json.exists() else {}
    results = {part: written[part] for part in PARTS if part in written}
    if "linear" in options.parts:
        linear = measure_linear_fits(options)
        show_linear(linear)
        results["linear"] = {
            "n_features": N_FEATURES,
            "repeats": options.repeats,
            "records": linear,
        }
    if "flights" in options.parts:
        flights = compare_on_flights(options)
        show_flights(flights, options)
        results["flights"] = {
            "n_flights": options.n_flights,
            "splits": options.splits,
            "records": flights,
        }
    write_json(options.json, results)


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=PARTS, help="that are run (default: both)")
    add("--n-samples", type=int, nargs="+", default=[10_000, 1_000_000], help="of the linear fits")
    add("--n-flights", type=int, default=80_000, help="half to train, a quarter to validate")
    add("--splits", type=int, default=3, help="of the flights (default: 3)")
    add("--repeats", type=int, default=5, help="of each linear fit (default: 5)")
    add("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


# The linear fits.


def measure_linear_fits(options):
    """Return what each kind of problem costs by rows and by pairs."""
    problems = {
        "even": {"intercept": 0.0},
        "rare (0.5 %)": {"intercept": -6.5},
        "unlike scales": {"intercept": 0.0, "spread": 2.0},
    }
    records = []
    for n_samples, (name, kind), labels in product(
        options.n_samples, problems.items(), ("hard", "soft")
    ):
        X, y, proba = make_problem(n_samples, **kind)
        hard = np.column_stack([1 - y, y]).astype(float)
        soft_labels = SoftLabels(proba if labels == "soft" else hard, y=y)

        def by_rows(rows=slice(None), X=X, y=y, soft_labels=soft_labels, labels=labels):
            if labels == "hard":
                return LogisticRegression().fit(X[rows], y[rows])
            return fit_soft_labels(LogisticRegression(), X[rows], soft_labels.take(rows))

        def by_pairs(rows=slice(None), X=X, soft_labels=soft_labels):
            return fit_ranker(LogisticRegression(), X[rows], soft_labels.take(rows))

        def warm_up(by_rows=by_rows, by_pairs=by_pairs):
            by_rows(slice(WARM_UP_ROWS))
            by_pairs(slice(WARM_UP_ROWS))

        print(f"{n_samples} rows, {name}, {labels}: {proba[:, 1].mean():.3f} positive", flush=True)
        ways = {"rows": by_rows, "pairs": by_pairs}
        cost = compare(ways, options.repeats, warm_up=warm_up)
        records.append(
            {
                "n": n_samples,
                "problem": name,
                "labels": labels,
                "rows s": cost["rows"].seconds,
                "pairs s": cost["pairs"].seconds,
                "time ratio": cost["pairs"].seconds / cost["rows"].seconds,
                "goal": GOAL,
                "reached": cost["pairs"].seconds <= GOAL * cost["rows"].seconds,
                "rows MB": cost["rows"].extra_mb,
                "pairs MB": cost["pairs"].extra_mb,
                "rows n_iter": int(cost["rows"].returned.n_iter_[0]),
                "pairs n_iter": int(cost["pairs"].returned.n_iter_[0]),
                "rows AUC": auc(y, cost["rows"].returned, X),
                "pairs AUC": auc(y, cost["pairs"].returned, X),
            }
        )
    return records


def make_problem(n_samples, intercept, spread=0.0):
    """Return Gaussian rows, noisy labels of a linear function of them, and its probabilities.

    Features differ in scale by up to 10 to the power of ± `spread`.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, N_FEATURES))
    p = expit(X @ rng.normal(size=N_FEATURES) / 3 + intercept)
    y = (rng.random(n_samples) < p).astype(int)
    return X * 10 ** rng.uniform(-spread, spread, size=N_FEATURES), y, np.column_stack([1 - p, p])


def auc(y, model, X):
    """Return the area under the ROC curve of a linear model."""
    return roc_auc_score(y, model.decision_function(X))


def show_linear(records):
    """Print the first table."""
    print("\nLinear fits. rows: log-loss; pairs: logistic loss of all pairs. MB: extra memory.\n")
    print_table(records)
    missed = [f"{each['n']} rows, {each['problem']}, {each['labels']}" for each in records
              if not each["reached"]]  # fmt: skip
    print(f"\nGoal, at most {GOAL} times the time: missed by {'; '.join(missed) or 'none'}.\n")


# The flights.


class Flights(NamedTuple):
    """Rows of one split, with the teacher's probabilities of the training rows."""

    X: np.ndarray
    y: np.ndarray
    proba: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


class Method(NamedTuple):
    """A method of fitting scores: ``fit(flights, **setting)`` returns a function of rows."""

    learner: str
    learns: str
    labels: str
    fit: Any
    settings: list


def compare_on_flights(options):
    """Return the AUC of every method on every split, and the cost of its best setting."""
    X, y = load_flights(options.n_flights, random_state=0)
    methods = all_methods()
    records = [
        {**each._asdict(), "AUC": [], "setting": []}
        for each in [*methods, Method("teacher", "—", "hard", None, [{}])]
    ]
    for seed in range(options.splits):
        flights, teacher_auc = make_split(X, y, seed)
        print(f"split {seed}: teacher {teacher_auc:.4f}", flush=True)
        records[-1]["AUC"].append(teacher_auc)
        for method, record in zip(methods, records, strict=False):
            best, scores = choose_setting(method, flights)
            record["AUC"].append(roc_auc_score(flights.y_test, scores(flights.X_test)))
            record["setting"].append(best)
            print(f"  {method[:3]} {best}: {record['AUC'][-1]:.4f}", flush=True)
            if seed == 0:
                record.update(cost_of(method, best, flights))
    for record in records:
        del record["fit"], record["settings"]
    return records


def make_split(X, y, seed):
    """Return a split, and the AUC of the teacher on its test rows."""
    train, rest = train_test_split(np.arange(len(y)), train_size=0.5, stratify=y, random_state=seed)
    validation, test = train_test_split(rest, train_size=0.5, stratify=y[rest], random_state=seed)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = make_column_transformer(
        (one_hot, make_column_selector(dtype_include="category")),
        (numbers, make_column_selector(dtype_include="number")),
    ).fit(X.iloc[train])
    rows = {name: prepare.transform(X.iloc[part]).astype(np.float32)
            for name, part in (("train", train), ("val", validation), ("test", test))}  # fmt: skip
    teacher = make_teacher()
    proba = cross_val_predict(teacher, rows["train"], y[train], method="predict_proba")
    proba_test = teacher.fit(rows["train"], y[train]).predict_proba(rows["test"])[:, 1]
    flights = Flights(
        rows["train"], y[train], proba, rows["val"], y[validation], rows["test"], y[test]
    )
    return flights, roc_auc_score(y[test], proba_test)


def make_teacher():
    """Return the teacher of examples/flights.py: boosting and a forest that vote."""
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=300, early_stopping=False, random_state=0
    )
    forest = RandomForestClassifier(min_samples_leaf=5, max_features=0.5, random_state=0)
    return VotingClassifier([("boosting", boosting), ("forest", forest)], voting="soft")


def choose_setting(method, flights):
    """Return the setting that ranks the validation rows best, and its scores."""
    best, best_auc, best_scores = None, -np.inf, None
    for setting in method.settings:
        scores = method.fit(flights, **setting)
        reached = roc_auc_score(flights.y_validation, scores(flights.X_validation))
        if reached > best_auc:
            best, best_auc, best_scores = setting, reached, scores
    return best, best_scores


def cost_of(method, setting, flights):
    """Return the time and memory of one fit."""

    def fit():
        method.fit(flights, **setting)

    def warm_up():
        few = {name: getattr(flights, name)[:WARM_UP_ROWS] for name in ("X", "y", "proba")}
        small = {"n_estimators": 2} if "n_estimators" in setting else {}
        method.fit(flights._replace(**few), **{**setting, **small})

    cost = measure(fit, warm_up=warm_up)
    return {"seconds": cost.seconds, "mb": cost.extra_mb}


def all_methods():
    """Return every method with the settings that it may choose from."""
    trees = both(
        [{"n_estimators": n} for n in (100, 300)], [{"max_depth": depth} for depth in (3, 6)]
    )
    strengths = [{"C": C} for C in (1e-4, 1e-2, 1.0)]
    alphas = [{"alpha": alpha} for alpha in (0.5, 1.0)]

    xgb_pairs = both(trees, [{"lambdarank_num_pair_per_sample": k} for k in (1, 10)])
    lgbm_levels = both(trees, [{"lambdarank_truncation_level": k} for k in (30, 300)])
    steps = both([{"lr": lr} for lr in (0.001, 0.01)], [{"epochs": n} for n in (5, 20)])
    methods = [
        Method("linear", "rows", "hard", linear_by_rows, strengths),
        Method("linear", "all pairs", "hard", linear_by_pairs, strengths),
        Method("linear", "LibAUC pairs", "hard", linear_by_libauc, steps),
        Method("linear", "rows", "soft", linear_by_rows, both(strengths, alphas)),
        Method("linear", "all pairs", "soft", linear_by_pairs, both(strengths, alphas)),
        Method("XGBoost", "rows", "hard", xgb_by_rows, trees),
        Method("XGBoost", "rank:pairwise", "hard", xgb_rank_pairwise, xgb_pairs),
        Method("XGBoost", "all pairs", "hard", xgb_by_pairs, trees),
        Method("XGBoost", "rows", "soft", xgb_by_rows, both(trees, alphas)),
        Method("XGBoost", "all pairs", "soft", xgb_by_pairs, both(trees, alphas)),
        Method("LightGBM", "rows", "hard", lgbm_by_rows, trees),
        Method("LightGBM", "lambdarank", "hard", lgbm_lambdarank, lgbm_levels),
        Method("LightGBM", "all pairs", "hard", lgbm_by_pairs, trees),
        Method("LightGBM", "rows", "soft", lgbm_by_rows, both(trees, alphas)),
        Method("LightGBM", "all pairs", "soft", lgbm_by_pairs, both(trees, alphas)),
    ]
    return [each for each in methods if "LibAUC" not in each.learns or find_spec("torch")]


def both(*grids):
    """Return every combination of a setting from each grid."""
    return [{k: v for part in parts for k, v in part.items()} for parts in product(*grids)]


def targets(flights, alpha):
    """Return the soft labels for a mixing weight; alpha 0 gives hard labels."""
    return SoftLabels(flights.proba, y=flights.y).mix_with_labels(alpha)


def linear_by_rows(flights, C, alpha=0.0):
    """Fit a logistic regression, to soft labels if alpha > 0."""
    model = fit_soft_labels(LogisticRegression(C=C), flights.X, targets(flights, alpha))
    return model.decision_function


def linear_by_pairs(flights, C, alpha=0.0):
    """Fit the linear scorer to all pairs."""
    return fit_ranker(LogisticRegression(C=C), flights.X, targets(flights, alpha)).decision_function


def xgb_by_rows(flights, alpha=0.0, **setting):
    """Boost XGBoost on the log-loss."""
    student = XGBClassifier(learning_rate=0.1, n_jobs=1, **setting)
    model = fit_soft_labels(student, flights.X, targets(flights, alpha))
    return lambda X: model.predict(X, output_margin=True)


def xgb_by_pairs(flights, alpha=0.0, **setting):
    """Boost XGBoost on all pairs."""
    student = XGBRegressor(learning_rate=0.1, n_jobs=1, **setting)
    return fit_ranker(student, flights.X, targets(flights, alpha)).predict


def xgb_rank_pairwise(flights, **setting):
    """Boost XGBoost on the pairs that it samples, all rows one query."""
    student = XGBRanker(
        objective="rank:pairwise",
        lambdarank_pair_method="mean",
        learning_rate=0.1,
        n_jobs=1,
        **setting,
    )
    return student.fit(flights.X, flights.y, qid=np.zeros(len(flights.y), dtype=int)).predict


def lgbm_trees(setting):
    """Return LightGBM's parameters for trees of a depth: as many leaves as that allows."""
    own = {k: v for k, v in setting.items() if k != "max_depth"}
    return {**own, "num_leaves": 2 ** setting["max_depth"] - 1, "n_jobs": 1, "verbose": -1}


def lgbm_by_rows(flights, alpha=0.0, **setting):
    """Boost LightGBM on the log-loss."""
    student = LGBMClassifier(**lgbm_trees(setting))
    model = fit_soft_labels(student, flights.X, targets(flights, alpha))
    return lambda X: model.predict_proba(X)[:, 1]


def lgbm_by_pairs(flights, alpha=0.0, **setting):
    """Boost LightGBM on all pairs."""
    student = LGBMRegressor(**lgbm_trees(setting))
    return fit_ranker(student, flights.X, targets(flights, alpha)).predict


def lgbm_lambdarank(flights, **setting):
    """Boost LightGBM on the pairs within queries of 10,000 rows, the most that it takes."""
    full, rest = divmod(len(flights.y), QUERY)
    queries = [QUERY] * full + [rest] * (rest > 0)
    return LGBMRanker(**lgbm_trees(setting)).fit(flights.X, flights.y, group=queries).predict


def linear_by_libauc(flights, lr, epochs, batch_size=1024):
    """Train a linear scorer by Adam on the pairs within batches."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    X, y = torch.from_numpy(flights.X), torch.from_numpy(flights.y)
    scorer, loss_of = torch.nn.Linear(X.shape[1], 1), pairwise_auc_loss()
    optimizer = torch.optim.Adam(scorer.parameters(), lr=lr)
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(batch_size):
            if 0 < y[rows].sum() < len(rows):
                optimizer.zero_grad()
                loss_of(scorer(X[rows]), y[rows]).backward()
                optimizer.step()
    weight = scorer.weight.detach().numpy()[0]
    return lambda X: X @ weight


def pairwise_auc_loss():
    """Return LibAUC's logistic loss of pairs; the same formula where LibAUC is not installed."""
    if find_spec("libauc"):
        from libauc.losses.auc import PairwiseAUCLoss

        return PairwiseAUCLoss("logistic")
    import torch

    def loss(scores, y):
        s = scores.ravel()
        return torch.nn.functional.softplus(s[y == 0][None] - s[y == 1][:, None]).mean()

    return loss


def show_flights(records, options):
    """Print the second table, and the gain of each method over rows and hard labels."""
    print(
        f"\nLate flights, {options.n_flights // 2} training rows, {options.splits} splits; ±: "
        "standard error. MB: extra memory.\nvs. rows: difference in AUC from the same learner on "
        "rows with hard labels, on the same splits.\n"
    )
    libauc = "LibAUC" if find_spec("libauc") else "LibAUC's formula in torch (not installed)"
    print_table([line_of(each, records) for each in records])
    print(f"LibAUC pairs: {libauc}, batches of 1024. lambdarank: queries of {QUERY} rows.")


def line_of(record, records):
    """Return one line of the table."""
    plain = (record["learner"], "rows", "hard")
    of_plain = [
        each["AUC"]
        for each in records
        if (each["learner"], each["learns"], each["labels"]) == plain
    ]
    base = of_plain[0] if of_plain else record["AUC"]
    difference = np.subtract(record["AUC"], base)
    own = difference.any()
    return {
        "learner": record["learner"],
        "learns": record["learns"],
        "labels": record["labels"],
        "AUC": f"{np.mean(record['AUC']):.4f} ± {error_of(record['AUC']):.4f}",
        "vs. rows": f"{difference.mean():+.4f} ± {error_of(difference):.4f}" if own else "",
        "s": record.get("seconds"),
        "MB": record.get("mb"),
        "setting of split 0": short(record["setting"][0]) if record["setting"] else "",
    }


def error_of(values):
    """Return the standard error of a mean."""
    return np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


def short(setting):
    """Return a setting as text."""
    return " ".join(f"{name.removeprefix('lambdarank_')}={value:g}"
                    for name, value in setting.items())  # fmt: skip


if __name__ == "__main__":
    main()
