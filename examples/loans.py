"""Distil a scorecard for loans from accepted and rejected applicants, with weights.

Applicants come from 60 districts with different risks. Loans were granted by an earlier score, so
that only accepted applicants have a label: 1 for a default. Of those without a default, one in
four is in the data, with weight 4. The teacher, boosted trees, is fitted to the accepted
applicants; two students are fitted to its probabilities for accepted and rejected applicants:

- a scorecard: target encoding of the districts, then a logistic regression;
- a tree with at least 100 applicants in each leaf, whose risk is non-decreasing in the debt.

The data are simulated, so that the true risk of every new applicant is known. A score is useful
only if its mean equals the observed rate among all new applicants: both are printed.

Run it with ``python examples/loans.py``; it needs scikit-learn and skdistill.
"""

import argparse
import warnings

import numpy as np
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

DISTRICT, INCOME, DEBT, YEARS = range(4)
N_DISTRICTS = 60

teacher = HistGradientBoostingClassifier(
    categorical_features=[DISTRICT], max_iter=50, min_samples_leaf=100, random_state=0
)
students = {
    "scorecard": make_pipeline(
        make_column_transformer(
            (TargetEncoder(target_type="binary", random_state=0), [DISTRICT]),
            remainder="passthrough",
        ),
        StandardScaler(),
        LogisticRegression(),
    ),
    "tree": DecisionTreeClassifier(
        min_samples_leaf=100, monotonic_cst=[0, 0, 1, 0], random_state=0
    ),
}


def draw_applicants(n_rows, rng):
    """Return applicants and their true risk, on average about one in twelve."""
    of_district = np.random.default_rng(7).normal(scale=0.8, size=N_DISTRICTS)
    district = rng.integers(0, N_DISTRICTS, size=n_rows)
    income, debt = rng.normal(size=(2, n_rows))
    years = rng.exponential(4, size=n_rows)
    risk = expit(
        of_district[district]
        - 0.5 * income
        + 0.9 * debt
        - 0.1 * years
        + 0.4 * debt * (years < 1)
        - 2.7
    )
    return np.column_stack([district, income, debt, years]), risk


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=30_000, help="applicants in the past")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    warnings.filterwarnings("ignore", message=".*TargetEncoder", category=FutureWarning)  # 1.9 on

    X, risk = draw_applicants(arguments.n_samples, rng)
    y = (rng.random(len(X)) < risk).astype(int)
    accepted = X[:, INCOME] - X[:, DEBT] + rng.normal(size=len(X)) > 0
    kept = accepted & ((y == 1) | (rng.random(len(X)) < 0.25))
    X_train, y_train, X_rejected = X[kept], y[kept], X[~accepted]
    weight = np.where(y_train == 1, 1.0, 4.0)
    X_test, risk_test = draw_applicants(20_000, rng)
    y_test = (rng.random(len(X_test)) < risk_test).astype(int)
    by_weight = np.average(y_train, weights=weight)
    print(f"{len(X_train):,} accepted applicants, {y_train.mean():.0%} of them bad ", end="")
    print(f"({by_weight:.1%} by weight); {len(X_rejected):,} rejected ones\n")

    models = {("teacher", ""): clone(teacher).fit(X_train, y_train, sample_weight=weight)}
    for name, student in students.items():
        last = f"{student.steps[-1][0]}__" if name == "scorecard" else ""
        plain = clone(student).fit(X_train, y_train, **{f"{last}sample_weight": weight})
        models[name, "labels alone"] = plain
        distilled = DistilledClassifier(teacher, student, alpha=1.0, random_state=0)
        distilled.fit(X_train, y_train, sample_weight=weight, X_unlabeled=X_rejected)
        # student_ is what would be deployed: a plain scikit-learn object.
        models[name, "distilled, with rejected ones"] = distilled.student_

    print(f"{'':41}  {'AUC':>5}  {'log-loss':>8}  {'mean prediction':>15}  {'observed rate':>13}")
    for (name, variant), model in models.items():
        p = model.predict_proba(X_test)[:, 1]
        print(
            f"{name:9}  {variant:30}  {roc_auc_score(y_test, p):5.3f}  {log_loss(y_test, p):8.4f}  "
            f"{p.mean():15.3f}  {y_test.mean():13.3f}"
        )
    best = roc_auc_score(y_test, risk_test), log_loss(y_test, risk_test)
    print(f"{'true risk':41}  {best[0]:5.3f}  {best[1]:8.4f}")

    tree = models["tree", "distilled, with rejected ones"]
    rows = np.unique(tree.apply(np.vstack([X_train, X_rejected])), return_counts=True)[1]
    print(
        f"\nThe distilled tree has {len(rows)} leaves; the smallest holds {rows.min()} applicants."
    )


if __name__ == "__main__":
    main()
