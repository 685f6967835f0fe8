"""Retrieve the hypernym of a dictionary text among hundreds of labels.

The texts are the glosses of WordNet's nouns ("a small cake leavened with yeast"), the label of
each is its hypernym, the more general noun (cake). The features of the student are TF-IDF weights
of the words of the gloss; it ranks the labels by a linear scorer of rank `--rank`, with far fewer
coefficients than one of full rank. The teacher is a ridge regression of all labels on many more
features: pairs of words, and the letters of the defined words, which the student does not have
("birthday cake" is informative). It is cross-fitted.

The labels have hardly any noise, and a teacher that errs in a third of the rows contradicts
correct labels: alpha is 1 or 0.5.

The data are in Debian's package: ``apt-get install wordnet-base``; or download WordNet 3.0 and
give the path of its file data.noun. By default 6,000 texts train, and labels with fewer than 20
texts are left out: 601 stay. ``--full`` keeps those with 10 (1,625 labels of 42,253 texts) and
trains on 12,000, which takes several times as long, and several GB for the teacher.

Run it with ``python examples/wordnet_hypernyms.py``; besides scikit-learn it needs matplotlib.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from _report import print_tally
from _retrieval import BASELINE, OBJECTIVES, K, best_of, cost, draw, fit_timed, judge, print_table
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.utils import gen_batches

DEBIAN = "/usr/share/wordnet/data.noun"
HYPERNYMS = ("@", "@i")  # a kind of, an instance of


class RidgeTeacher(ClassifierMixin, BaseEstimator):
    """Probabilities by ridge regression on one-hot labels, in closed form for all labels."""

    def __init__(self, alpha=0.3):
        self.alpha = alpha

    def fit(self, X, y):
        """Fit the ridge regression to one-hot labels."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.ridge_ = KernelRidge(alpha=self.alpha).fit(X, np.eye(len(self.classes_))[codes])
        return self

    def predict_proba(self, X):
        """Return the predictions of the regression, clipped above 0 and renormalised."""
        # In blocks: the kernel of all test and all training rows would take gigabytes.
        blocks = gen_batches(X.shape[0], 1000)
        proba = np.maximum(np.vstack([self.ridge_.predict(X[rows]) for rows in blocks]), 1e-6)
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Return the most probable label."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def read_nouns(path):
    """Return glosses, the defined words of each, and the number of its first hypernym."""
    glosses, words, labels = [], [], []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):  # the licence
            continue
        entry, gloss = line.split(" | ", maxsplit=1)
        fields = entry.split()
        n_words = int(fields[3], base=16)
        pointers = fields[5 + 2 * n_words :]  # four fields each: symbol, target, ...
        above = [pointers[at + 1] for at in range(0, len(pointers), 4) if pointers[at] in HYPERNYMS]
        if above:
            glosses.append(gloss.strip())
            words.append(" ".join(fields[4 : 4 + 2 * n_words : 2]).replace("_", " "))
            labels.append(above[0])
    return np.array(glosses), np.array(words), np.array(labels)


def prepare(glosses, words, train, test):
    """Return the features of training and test rows, for the student and for the teacher.

    Vocabulary and word weights are estimated on the training rows.
    """

    def tfidf(texts, **params):
        vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, **params).fit(texts[train])
        return vectorizer.transform(texts[train]), vectorizer.transform(texts[test])

    of_student = tfidf(glosses)
    pairs = tfidf(glosses, ngram_range=(1, 2))
    letters = tfidf(words, analyzer="char_wb", ngram_range=(2, 5))
    of_teacher = [sparse.hstack([a, 0.7 * b], "csr") for a, b in zip(pairs, letters, strict=True)]
    return *of_student, *of_teacher


def run_split(glosses, words, labels, seed, arguments):
    """Return the scores of each model on one split."""
    train, test = train_test_split(
        np.arange(len(labels)), train_size=arguments.n_train, stratify=labels, random_state=seed
    )
    X_train, X_test, rich_train, rich_test = prepare(glosses, words, train, test)
    y_train, y_test = labels[train], labels[test]
    teacher = RidgeTeacher()
    proba = cross_val_predict(teacher, rich_train, y_train, cv=3, method="predict_proba")
    fitted = clone(teacher).fit(rich_train, y_train)
    ranked = best_of(fitted.predict_proba(rich_test), fitted.classes_)
    results = {("teacher", "ridge on more"): judge(ranked, y_test)}

    variants = {BASELINE: {"objective": "cross_entropy", "alpha": 0.0}}
    for form, objective in OBJECTIVES.items():
        for alpha in (0.5, 1.0):
            variants[f"{form}, alpha {alpha:g}"] = {
                "objective": objective, "alpha": alpha,
                "teacher_proba": proba, "teacher_temperature": "auto",
            }  # fmt: skip
    name = f"rank {arguments.rank}"
    for variant, params in variants.items():
        model, seconds = fit_timed(X_train, y_train, rank=arguments.rank, tol=3e-4, **params)
        retrieved, _ = model.retrieve(X_test)
        results[name, variant] = judge(retrieved, y_test) | cost(model, X_test, seconds)
        print(f"split {seed}: {variant}, {seconds:.0f} s", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--path", default=DEBIAN, help="WordNet's data.noun, by default that of Debian")
    add("--min-texts", type=int, default=20, help="leave out labels with fewer")
    add("--n-train", type=int, default=6000, help="texts to train on; the others test")
    add("--full", action="store_true", help="--min-texts 10 --n-train 12000")
    add("--rank", type=int, default=32, help="dimensions of the student's bottleneck")
    add("--splits", type=int, default=3, help="train/test splits (at least 2)")
    add("--picture", default="output/wordnet_hypernyms.png", help="where to draw")
    arguments = parser.parse_args()
    if not Path(arguments.path).exists():
        parser.error(
            f"there is no file {arguments.path}. On Debian and Ubuntu: apt-get install "
            "wordnet-base; or download WordNet 3.0 and give the path of its dict/data.noun."
        )
    if arguments.full:
        arguments.min_texts, arguments.n_train = 10, 12_000

    glosses, words, labels = read_nouns(arguments.path)
    counts = Counter(labels.tolist())
    kept = np.array([counts[label] >= arguments.min_texts for label in labels.tolist()])
    glosses, words, labels = glosses[kept], words[kept], labels[kept]
    print(f"{len(labels):,} texts, {len(set(labels.tolist())):,} labels", flush=True)

    results = defaultdict(list)
    for seed in range(arguments.splits):
        for name, scores in run_split(glosses, words, labels, seed, arguments).items():
            results[name].append(scores)

    print()
    print_table(results)
    columns = ["P@1", f"R@{K}"]
    variants = [f"{form}, alpha {alpha}" for form in OBJECTIVES for alpha in ("0.5", "1")]
    print_tally(results, columns, variants, baseline=BASELINE)
    for same in ("alpha 0.5", "alpha 1"):
        others = [f"{form}, {same}" for form in OBJECTIVES if form != "plain"]
        print_tally(results, columns, others, baseline=f"plain, {same}")
    draw(
        results,
        columns,
        arguments.picture,
        f"Hypernyms of WordNet, {len(set(labels.tolist())):,} labels, {arguments.n_train:,} texts",
    )


if __name__ == "__main__":
    main()
