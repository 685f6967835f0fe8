# `make quickstart` and `make test` do everything on a machine that has Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread per BLAS and OpenMP pool: several pools at once make small work many times slower.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: quickstart flights rank nets retrieve test test-slow lint bench paper clean

quickstart: $(VENV)/quickstart
	$(BIN)/python examples/quickstart.py

flights: $(VENV)/test
	$(BIN)/python examples/flights.py

rank: $(VENV)/test
	$(BIN)/python examples/rank_flights.py

nets: $(VENV)/test
	$(BIN)/python examples/train_a_net.py
	$(BIN)/python examples/ensemble_to_small_net.py

retrieve: $(VENV)/test
	$(BIN)/python examples/flight_destinations.py
	$(BIN)/python examples/wordnet_hypernyms.py

test: quickstart $(VENV)/test lint
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-slow: $(VENV)/test
	$(BIN)/python -m pytest -n auto --dist loadgroup -m slow

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/test
	$(BIN)/python benchmarks/bench_expansion.py
	$(BIN)/python benchmarks/bench_students.py
	$(BIN)/python benchmarks/bench_torch.py
	$(BIN)/python benchmarks/bench_pairwise.py
	$(BIN)/python benchmarks/bench_ranker.py
	$(BIN)/python benchmarks/bench_retrieval.py
	$(BIN)/python benchmarks/bench_retrieval_quality.py
	$(BIN)/python benchmarks/bench_search.py
	$(BIN)/python benchmarks/bench_alpha.py
	$(BIN)/python benchmarks/bench_quality.py
	$(BIN)/python benchmarks/bench_dask.py

paper: $(VENV)/test
	$(BIN)/python -m benchmarks.paper

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/quickstart: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[plot]"
	touch $@

$(VENV)/test: $(VENV)/quickstart
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test,bench]"
	touch $@

clean:
	rm -rf $(VENV) output .pytest_cache .ruff_cache .hypothesis
