"""Claim 7: the best alpha for weak and strong teachers."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import make_hidden_classes
from skdistill.metrics import brier_loss, soft_log_loss

from ._tests import larger, smaller

CLAIM = """Mixing the labels into the teacher's probabilities (alpha below 1) helps with a weak
teacher; with a strong one and noisy labels, alpha near 1 is best."""
SOURCE = "Section 4's bias and variance; loss correction: Dao et al. (ICLR 2021), alpha = 1 − γ."
SETUP = """Three hidden classes (5 features) with noisy labels, 2,000 rows. The weak teacher is a
tree of depth 1, the strong one a forest of 100 trees with at least 3 rows a leaf; both are
cross-fitted. The student, a tree with at least 20 rows a leaf, learns alpha · teacher + (1 − alpha)
· one-hot label; its excess log-loss is measured by p* on 10,000 test rows. target distance: ‖target
− p*‖² on the training rows, smallest at α* = (V − c)/(V + M − 2c), where V = E‖y − p*‖²,
M = E‖p − p*‖² and c = E(p − p*)ᵀ(y − p*). student's best: the alpha with the lowest excess log-loss
of a seed."""
SEEDS = 16
ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
TEACHERS = ("weak", "strong")
EXCESS = "excess log-loss"
DISTANCE = "target distance"


def score(seed):
    """Return for each teacher and alpha the scores of target and student, and the best alphas."""
    X, y, p_star = make_hidden_classes(12_000, n_classes=3, random_state=seed)
    train, test = slice(2000), slice(2000, None)
    labels = np.eye(3)[y[train]]
    teachers = {
        "weak": DecisionTreeClassifier(max_depth=1, random_state=seed),
        "strong": RandomForestClassifier(100, min_samples_leaf=3, random_state=seed),
    }
    scores, best = {}, {}
    for name, teacher in teachers.items():
        proba = cross_val_predict(teacher, X[train], y[train], cv=5, method="predict_proba")
        rows = {}
        for alpha in ALPHAS:
            tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
            student = DistilledClassifier(student=tree, alpha=alpha)
            student.fit(X[train], y[train], teacher_proba=proba)
            rows[alpha] = {
                DISTANCE: brier_loss(p_star[train], alpha * proba + (1 - alpha) * labels),
                EXCESS: soft_log_loss(p_star[test], student.predict_proba(X[test]))
                - soft_log_loss(p_star[test], p_star[test]),
            }
        scores |= {f"{name}, alpha {alpha}": row for alpha, row in rows.items()}
        best[f"{name}, best alpha"] = {
            "student's best": min(ALPHAS, key=lambda alpha, rows=rows: rows[alpha][EXCESS]),
            "α*": best_for_targets(labels, proba, p_star[train]),
        }
    return scores | best


def best_for_targets(labels, proba, p_star):
    """Return the alpha whose mixture of labels and teacher is nearest to p*."""
    noise, error = labels - p_star, proba - p_star
    v, m, c = ((a * b).sum() for a, b in ((noise, noise), (error, error), (noise, error)))
    return (v - c) / (v + m - 2 * c)


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""

    def excess(name, *alphas):
        return (scores[f"{name}, alpha {alpha}"][EXCESS] for alpha in alphas)

    best = {name: scores[f"{name}, best alpha"] for name in TEACHERS}
    return [
        larger(f"{measure}: larger for the strong teacher", *(
            best[name][measure] for name in ("strong", "weak")
        ))
        for measure in ("student's best", "α*")
    ] + [
        smaller("weak: alpha 0.5 distils better than 1", *excess("weak", 0.5, 1.0)),
        smaller("strong: alpha 1 distils better than 0", *excess("strong", 1.0, 0.0)),
        smaller("strong: alpha 1 distils better than 0.5", *excess("strong", 1.0, 0.5)),
    ]  # fmt: skip


def draw(scores, figure):
    """Draw targets and students over alpha, with the alpha that the formula takes for best."""
    panels = figure.subplots(1, 2)
    labels = ("‖target − p*‖²", "student's excess log-loss (nats, log scale)")
    for panel, measure, label in zip(panels, (DISTANCE, EXCESS), labels, strict=True):
        for k, name in enumerate(TEACHERS):
            columns = [scores[f"{name}, alpha {alpha}"][measure] for alpha in ALPHAS]
            means = [column.mean() for column in columns]
            errors = [column.std(ddof=1) / len(column) ** 0.5 for column in columns]
            panel.errorbar(ALPHAS, means, errors, marker="os"[k], linestyle=("-", "--")[k],
                           color=f"C{k}", capsize=3, label=f"{name} teacher")  # fmt: skip
            panel.axvline(scores[f"{name}, best alpha"]["α*"].mean(), color=f"C{k}", linewidth=1,
                          linestyle=(":", "-.")[k], label=f"α* of the {name} teacher")  # fmt: skip
        panel.set(xlabel="alpha, weight of the teacher", ylabel=label, xticks=ALPHAS)
    panels[1].set_yscale("log")
    panels[1].set_yticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
