"""Claim 9: born-again generations, and the best weight on the one before."""

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import make_hidden_classes

from ._tests import larger, smaller

CLAIM = """Under heavy noise a model distilled into itself beats itself, and a further generation
helps again; the noisier the labels, the larger the best weight on the teacher, up to more than 1
for squared error."""
SOURCE = "Das and Sanghavi (2023), Pareek et al. (2024)."
SETUP = """Generation 0 learns from labels, each further one from (1 − ξ) · label + ξ · the one
before, with the ξ that has the least squared error on 10,000 validation rows with labels as noisy.
Trees: 1,000 rows of 2 classes (5 features), labels kept or 40 % of them flipped; each generation
is cross-fitted (3 folds); ξ in steps of 1/4 from 0 to 1. Ridge: 200 rows, 100 features, slopes of
length 1, noise of standard deviation 0.1 or 2, penalty 20; in-sample; any ξ. error: squared error
to p* or the noise-free target on 5,000 rows."""
SEEDS = 12
N_GENERATIONS = 3
ROWS = {
    "tree, clean": ("tree", 0.0),
    "tree, noisy": ("tree", 0.4),
    "ridge, clean": ("ridge", 0.1),
    "ridge, noisy": ("ridge", 2.0),
}
N_CHOICE, N_TEST = 10_000, 5000


def score(seed):
    """Return the error of every generation, and its weight on the one before."""
    of_model = {"tree": tree_generations, "ridge": ridge_generations}
    return {row: of_model[model](noise, seed) for row, (model, noise) in ROWS.items()}


def tree_generations(noise, seed, n_train=1000):
    """Return errors and weights of trees, each cross-fitted with the whole line before it."""
    n_rows = n_train + N_CHOICE + N_TEST
    X, y, p_star = make_hidden_classes(n_rows, class_sep=10, random_state=seed)
    rng = np.random.default_rng(seed)
    y = np.where(rng.uniform(size=n_rows) < noise, 1 - y, y)
    truth = noise + (1 - 2 * noise) * p_star[:, 1]
    train, choice, test = np.split(np.arange(n_rows), [n_train, n_train + N_CHOICE])

    def error(model, target, rows):
        return ((model.predict_proba(X[rows])[:, 1] - target[rows]) ** 2).mean()

    # The share of the weight, not the number of rows, means the same for soft labels.
    tree = DecisionTreeClassifier(min_weight_fraction_leaf=0.005, random_state=0)
    best = DistilledClassifier(tree, tree, alpha=0).fit(X[train], y[train])
    scores = {"error 0": error(best, truth, test)}
    for generation in range(1, N_GENERATIONS + 1):
        candidates = [
            DistilledClassifier(best, tree, alpha=alpha, cv=3).fit(X[train], y[train])
            for alpha in (0, 0.25, 0.5, 0.75, 1)
        ]
        best = min(candidates, key=lambda model: error(model, y, choice))
        scores[f"ξ {generation}"] = best.alpha
        scores[f"error {generation}"] = error(best, truth, test)
    return scores


def ridge_generations(noise, seed, n_train=200, n_features=100):
    """Return errors and weights of ridge regressions, each in-sample."""
    rng = np.random.default_rng(seed)
    n_rows = n_train + N_CHOICE + N_TEST
    slopes = rng.standard_normal(n_features)
    X = rng.standard_normal((n_rows, n_features))
    truth = X @ slopes / np.linalg.norm(slopes)
    y = truth + noise * rng.standard_normal(n_rows)
    train, choice, test = np.split(np.arange(n_rows), [n_train, n_train + N_CHOICE])

    def smooth(target):
        ridge = Ridge(alpha=20, fit_intercept=False)
        return ridge.fit(X[train], target[train]).predict(X)

    of_labels = smooth(y)
    best = of_labels
    scores = {"error 0": ((best - truth)[test] ** 2).mean()}
    for generation in range(1, N_GENERATIONS + 1):
        # A ridge's predictions are linear in its targets, hence in ξ: least squares finds it.
        step = smooth(best) - of_labels
        weight = step[choice] @ (y - of_labels)[choice] / (step[choice] @ step[choice])
        best = of_labels + weight * step
        scores[f"ξ {generation}"] = weight
        scores[f"error {generation}"] = ((best - truth)[test] ** 2).mean()
    return scores


def tests(scores):
    """Return the tests of the claim."""
    found = []
    for model in ("tree", "ridge"):
        noisy, clean = scores[f"{model}, noisy"], scores[f"{model}, clean"]
        found += [
            smaller(f"{model}, noisy: generation 1 beats generation 0", noisy["error 1"],
                    noisy["error 0"]),
            smaller(f"{model}, noisy: generation 2 beats generation 1", noisy["error 2"],
                    noisy["error 1"]),
            smaller(f"{model}: the best ξ of generation 1 is smaller with clean labels",
                    clean["ξ 1"], noisy["ξ 1"]),
        ]  # fmt: skip
    ridge = scores["ridge, noisy"]
    return [*found, larger("ridge, noisy: the best ξ of generation 1 is above 1", ridge["ξ 1"], 1)]


def draw(scores, figure):
    """Draw each generation's error, relative to the first, and its weight."""
    errors, weights = figure.subplots(1, 2)
    looks = zip(scores.items(), "osv^", (":", "--", "-.", "-"), strict=True)
    for (row, columns), marker, style in looks:
        look = {"marker": marker, "linestyle": style, "capsize": 3, "label": row}
        generations = np.arange(N_GENERATIONS + 1)
        relative = [columns[f"error {g}"] / columns["error 0"] for g in generations]
        errors.errorbar(generations, *mean_and_bar(relative), **look)
        chosen = [columns[f"ξ {g}"] for g in generations[1:]]
        weights.errorbar(generations[1:], *mean_and_bar(chosen), **look)
    errors.set(ylabel="squared error, share of generation 0", xticks=generations)
    weights.set(ylabel="best ξ, the weight on the teacher", xticks=generations[1:])
    for panel in (errors, weights):
        panel.set_xlabel("generation; two standard errors")
    figure.legend(*errors.get_legend_handles_labels(), loc="outside upper center", ncols=4)


def mean_and_bar(found):
    """Return the mean over seeds and two standard errors."""
    found = np.array(found)
    return found.mean(axis=1), 2 * found.std(axis=1, ddof=1) / np.sqrt(found.shape[1])
