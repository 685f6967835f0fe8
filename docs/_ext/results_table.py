"""The directive `results-table`: a table of `benchmarks/results`, made when the page is built.

What a benchmark has written is shown as its script summarises it, so that no number stands on a
page by hand, and none is older than the file that it is from.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
for folder in (ROOT, ROOT / "benchmarks"):  # `benchmarks.paper` is a package, the rest scripts
    sys.path.insert(0, str(folder))


class ResultsTable(SphinxDirective):
    """``{results-table} NAME``, a name of `TABLES`."""

    required_arguments = 1

    def run(self):
        """Return the table, and a line that says where it is from."""
        (name,) = self.arguments
        file, rows_of = TABLES[name]
        path = RESULTS / file
        self.env.note_dependency(str(path))
        results = read(path)
        return [table(rows_of(results), name), nodes.paragraph("", "", *source_of(file, results))]


def read(path):
    """Return what a benchmark has written; for a folder, all of its files."""
    if path.is_dir():
        return import_module("benchmarks.paper._report").read_results(path)
    return json.loads(path.read_text())


def table(rows, name):
    """Return dicts with the same keys as a table."""
    cell = import_module("_measure").cell
    header = list(rows[0])
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    head, body = nodes.thead(), nodes.tbody()
    head += line(header)
    body += [line([cell(value) for value in each.values()]) for each in rows]
    group += [head, body]
    whole = nodes.table("", classes=["results", name])
    whole += group
    return whole


def line(cells):
    """Return cells of text as one row."""
    row = nodes.row()
    for text in cells:
        entry = nodes.entry()
        entry += nodes.paragraph("", text)
        row += entry
    return row


def source_of(file, results):
    """Return the file's name, and the versions that it was made with."""
    versions = (results if isinstance(results, dict) else results[-1])["versions"]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    text = f"; {shown}."
    return nodes.literal("", f"benchmarks/results/{file}"), nodes.Text(text)


def quality_summary(results):
    """Return what all pairs of problem and student say of each variant."""
    quality, records = import_module("bench_variants"), quality_records(results)
    compared = [
        each for each in records if each.student != "teacher" and each.variant != quality.LABELS
    ]
    variants = dict.fromkeys(each.variant for each in compared)
    return [quality.summary(variant, compared) for variant in variants]


def quality_by_student(results):
    """Return what the problems say of each student in each variant, in short."""
    quality, records = import_module("bench_variants"), quality_records(results)
    lines = []
    for student, variant in dict.fromkeys((each.student, each.variant) for each in records):
        if student != "teacher" and variant not in (quality.LABELS, "imodels", "AutoGluon"):
            ours = [each for each in records if each.student == student]
            line = quality.summary(variant, ours)
            lines.append({
                "student": student, "variant": variant, "log-loss": line["log-loss"],
                "ratio": line["log-loss ratio"], "worst": line["worst"],
                "accuracy": line["accuracy"],
            })  # fmt: skip
    return lines


def quality_all(results):
    """Return every pair of problem and student in every variant."""
    return [each.shown() for each in quality_records(results)]


def quality_records(results):
    """Return the seeds of `bench_variants.py`, collected."""
    quality = import_module("bench_variants")
    return [
        quality.record_of(problem, student, variant, seeds)
        for problem, seeds in results["scores"].items()
        if seeds
        for student, variants in next(iter(seeds.values())).items()
        for variant in variants
    ]


def alpha_summary(results):
    """Return the excess loss of each way to choose alpha."""
    alpha, records = import_module("bench_alpha"), results["records"]
    pairs = sorted({(each["problem"], each["student"]) for each in records})
    return [alpha.summary(way, records, pairs) for way in alpha.FITS]


def of_reporting(title):
    """Return what reads a table of the data sets that report."""
    return lambda results: results["report"]["tables"][title]


def students(results):
    """Return what soft labels cost each student, students together; sizes are for checking only."""
    line_of, records = import_module("bench_students").line_of, results["records"]
    names = list(results["students"])
    records = sorted(records, key=lambda each: names.index(each["student"]))
    return without(("hard size", "fast size", "exp. size"), map(line_of, records))


def flights(results):
    """Return the AUC of ways to rank late flights."""
    records = results["flights"]["records"]
    return [import_module("bench_ranker").line_of(each, records) for each in records]


def retrieval_quality(results):
    """Return what each objective retrieves, without the scores of each seed."""
    return without(["scores"], results["records"])


def clusters(results):
    """Return what labelling and an iteration cost, one column for each cluster."""
    return import_module("bench_dask").side_by_side(results["clusters"])


def claims(results):
    """Return the paper's claims with their verdicts."""
    header, rows = import_module("benchmarks.paper._report").summary_table(results)
    return [dict(zip(header, row, strict=True)) for row in rows]


def without(names, records):
    """Return records without some of their keys."""
    return [{key: each[key] for key in each if key not in names} for each in records]


TABLES = {
    "quality": ("bench_variants.json", quality_summary),
    "quality-by-student": ("bench_variants.json", quality_by_student),
    "quality-all": ("bench_variants.json", quality_all),
    "default": ("bench_quality.json", of_reporting("without extra rows")),
    "default-extra-rows": ("bench_quality.json", of_reporting("with extra rows")),
    "default-by-student": ("bench_quality.json", of_reporting("without extra rows, by student")),
    "default-extra-rows-by-student": (
        "bench_quality.json",
        of_reporting("with extra rows, by student"),
    ),
    "alpha": ("bench_alpha.json", alpha_summary),
    "regression": ("bench_regression.json", of_reporting("all students")),
    "regression-trees": ("bench_regression.json", of_reporting("trees, 500 rows")),
    "regression-by-student": ("bench_regression.json", of_reporting("by student")),
    "regression-promises": ("bench_regression.json", of_reporting("promised and realised gain")),
    "regression-2000": ("bench_regression_2000.json", of_reporting("all students")),
    "regression-autogluon": ("bench_regression_autogluon.json", of_reporting("all students")),
    "regression-settle": (
        "bench_regression_settle.json",
        lambda results: results["settle"]["tables"]["all students"],
    ),
    "regression-goals": ("bench_regression.json", lambda results: results["report"]["goals"]),
    "students": ("bench_students.json", students),
    "students-goals": ("bench_students.json", lambda results: results["goals"]),
    "expansion": ("bench_expansion.json", lambda results: results["records"]),
    "torch": ("bench_torch.json", lambda results: without(["loss"], results["records"])),
    "nets": ("bench_nets.json", lambda results: results["table"]),
    "born-again-nets": ("bench_born_again_nets.json", lambda results: results["table"]),
    "pairwise": ("bench_pairwise.json", lambda results: results["by_size"]),
    "pairwise-surrogates": ("bench_pairwise.json", lambda results: results["by_surrogate"]),
    "pairwise-spreads": ("bench_pairwise.json", lambda results: results["by_spread"]),
    "ranker-linear": ("bench_ranker.json", lambda results: results["linear"]["records"]),
    "ranker-flights": ("bench_ranker.json", flights),
    "retrieval": ("bench_retrieval.json", lambda results: results["losses"]),
    "retrieval-quality": ("bench_retrieval_quality.json", retrieval_quality),
    "cascade-kept": ("bench_cascade.json", lambda results: results["kept"]),
    "cascade-broken": ("bench_cascade.json", lambda results: results["broken"]),
    "cascade-verdicts": ("bench_cascade.json", lambda results: results["verdicts"]),
    "cascade-without": ("bench_cascade.json", lambda results: results["without"]),
    "cascade-fallback": ("bench_cascade.json", lambda results: results["fallback"]),
    "overhead": ("bench_overhead.json", lambda results: results["records"]),
    "two-cores": ("bench_overhead.json", lambda results: results["two cores"]),
    "search": ("bench_search.json", lambda results: results["records"]),
    "dask-out-of-core": ("bench_dask.json", lambda results: results["out of core"]),
    "dask-clusters": ("bench_dask.json", clusters),
    "dask-far": ("bench_dask.json", lambda results: results["extrapolation, not measured"]),
    "many-unlabeled": ("bench_many_unlabeled.json", lambda results: results["records"]),
    "fitted-teacher": ("bench_fitted_teacher.json", lambda results: results["lines"]),
    "claims": ("paper", claims),
}


def setup(app):
    """Register the directive."""
    app.add_directive("results-table", ResultsTable)
    return {"parallel_read_safe": True}
