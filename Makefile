# Recipes name relative paths alone, and venv tools are called as `python -m`: the folder's own path
# may hold spaces, which neither make's lists nor a script's first line can.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := bin/with-env python
# Plain `=`: the command line overrides it, a stray ENV or ARGS of the environment does not.
ENV = demo
ARGS =

.PHONY: help setup demo test acceptance snapshots bench lint types package lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: ## .venv with Python packages, Java and Delta's JARs (every other command does it first)
	@bin/setup

# The C1 compiler alone halves the CPU of a short session; long jobs and benchmarks take the full JIT,
# and so does the demo: the matrix products of Spark's network are vector code that C1 runs at a crawl.
test acceptance: export HOLDFAST_JIT ?= quick

demo: setup ## raw data to scores, in a lake of its own (ENV=demo)
	bin/spark-submit jobs/run_pipeline.py --env "$(ENV)"

# Models need no Spark and ran before, but for fits over partitions. Of the jobs: what fails, what is
# refused, what a table is, how learners compare, and the pipeline with its notebooks over one small
# lake. What takes minutes (many runs, whole data, writers at once) is in `acceptance`.
# Two processes, since a JVM keeps plans of all that it ran: in one, its heap was full near the end.
SPARK_UNIT = tests/unit/transforms tests/unit/udfs tests/unit/contracts tests/architecture \
	tests/packaging tests/unit/models/test_spark_learners.py tests/unit/models/test_prediction.py \
	tests/unit/models/uplift/test_on_spark.py tests/unit/models/survival/test_distributed.py
SPARK_JOBS = tests/jobs/test_train_and_score.py tests/jobs/test_champion.py \
	tests/jobs/test_compare_learners.py tests/jobs/test_ingest_refusals.py \
	tests/jobs/test_ingest_bad_rows.py tests/jobs/test_lake.py tests/jobs/test_run_pipeline.py \
	tests/notebooks \
	--deselect tests/jobs/test_lake.py::test_four_writers_of_one_table_lose_nothing_and_readers_see_whole_merges

# Their docstrings' examples run too.
PURE = contracts udfs transforms models simulator messages

# Hypothesis draws the same examples each time: a run is judged by its change, not by its luck. Other
# draws look for faults: make test PROFILE=default.
PROFILE = ci

# DuckDB's run leaves a core to Spark's: they go side by side, and the first to be told is Spark's.
test: setup ## unit tests without a JVM (DuckDB), and on Spark (ARGS="-k name -x")
	@status=0; said=$$(mktemp); trap 'rm -f "$$said"; kill $$(jobs -p) 2>/dev/null' EXIT; \
	export PYTEST_ADDOPTS="--hypothesis-profile=$(PROFILE) $$PYTEST_ADDOPTS"; \
	HOLDFAST_ENGINE=duckdb $(PY) -m pytest --doctest-modules $(PURE) tests/unit $(ARGS) \
		>"$$said" 2>&1 & duckdb=$$!; \
	echo "== tests on Spark"; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest $(SPARK_UNIT) $(ARGS) || status=$$?; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest $(SPARK_JOBS) $(ARGS) || status=$$?; \
	wait $$duckdb || status=$$?; \
	echo "== tests/unit on DuckDB"; cat "$$said"; \
	exit $$status

acceptance: setup ## the product's promises, on the real commands (ARGS=)
	@status=0; for file in tests/acceptance/test_*.py tests/jobs/test_*.py; do \
		HOLDFAST_ENGINE=spark $(PY) -m pytest $$file $(ARGS) || status=$$?; \
	done; exit $$status

snapshots: setup ## tests/snapshots anew: help texts, tables, settings
	$(PY) tests/snapshots/rebuild.py

bench: setup ## the figures of docs, measured here (ARGS=)
	$(PY) -m benchmarks $(ARGS)

lint: setup ## ruff, and who may import whom
	@status=0; \
	$(PY) -m ruff check . || status=1; \
	$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()" || status=1; \
	exit $$status

types: setup ## mypy
	$(PY) -m mypy

package: setup ## the wheel, and the same as .zip for --py-files, in dist/
	@bin/package

# pip, unlike uv, refuses a locked `coverage` where a package asks for `coverage[toml]`.
lock: setup ## requirements*.txt from requirements.in; what need not move does not
	$(PY) -m uv pip compile --quiet --generate-hashes --no-header --no-strip-extras \
		--python-version 3.11 requirements.in --output-file requirements.txt
	echo "uv==0.13.9" | $(PY) -m uv pip compile --quiet --generate-hashes --no-header \
		--python-version 3.11 - --output-file requirements-setup.txt

clean: ## remove .venv, dist and caches (no lake, no tracking store)
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
