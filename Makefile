# Recipes name relative paths alone, and venv tools are called as `python -m`: the folder's own path
# may hold spaces, which neither make's lists nor a script's first line can.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := bin/with-env python
# Plain `=`: the command line overrides it, a stray ENV or ARGS of the environment does not.
ENV = demo
ARGS =

.PHONY: help setup demo test engines acceptance snapshots bench lint types package lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: ## .venv with Python packages, Java and Delta's JARs (every other command does it first)
	@bin/setup

# The C1 compiler alone halves the CPU of a short session; long jobs and benchmarks take the full JIT,
# and so does the demo: the matrix products of Spark's network are vector code that C1 runs at a crawl.
test acceptance engines: export HOLDFAST_JIT ?= quick

demo: setup ## raw data to scores, in a lake of its own (ENV=demo)
	bin/spark-submit jobs/run_pipeline.py --env "$(ENV)"

# Every package of the checkout that is shipped; doctests run in all of them.
PACKAGES := $(filter-out benchmarks conf docs notebooks tests,$(patsubst %/__init__.py,%,$(wildcard */__init__.py)))

# Hypothesis draws the same examples in every run. Other examples: make test PROFILE=default.
PROFILE = ci

# A test runs on DuckDB, without a JVM, unless it is marked spark_only. Tests that take minutes are
# marked acceptance. The two runs go in parallel, one per core; Spark's output is shown first.
test: setup ## tests on DuckDB and on Spark (ARGS="-k name -x")
	@status=0; log=$$(mktemp); trap 'rm -f "$$log"; kill $$(jobs -p) 2>/dev/null' EXIT; \
	export PYTEST_ADDOPTS="--hypothesis-profile=$(PROFILE) $$PYTEST_ADDOPTS"; \
	HOLDFAST_ENGINE=duckdb $(PY) -m pytest -m "not acceptance and not spark_only" $(ARGS) \
		>"$$log" 2>&1 & duckdb=$$!; \
	echo "== doctests"; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest --doctest-modules $(PACKAGES) -q || status=$$?; \
	echo "== tests on Spark"; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest -m "spark_only and not acceptance" $(ARGS) || status=$$?; \
	wait $$duckdb || status=$$?; \
	echo "== tests on DuckDB"; cat "$$log"; \
	exit $$status

engines: setup ## the tests of formulas and transforms, which CI runs on DuckDB, on Spark (ARGS=)
	HOLDFAST_ENGINE=spark $(PY) -m pytest tests/unit/udfs tests/unit/transforms tests/unit/contracts \
		-m "not duckdb_only" --hypothesis-profile=$(PROFILE) $(ARGS)

# One process per file: a JVM keeps the plans of all that it ran, and its heap would fill up.
acceptance: setup ## tests that take minutes: whole data, kills, concurrent writers (ARGS=)
	@status=0; for file in $$(grep -rlE "\bacceptance\b" tests --include="test_*.py"); do \
		HOLDFAST_ENGINE=spark $(PY) -m pytest -m "acceptance and not duckdb_only" $$file $(ARGS) || [ $$? = 5 ] || status=1; \
	done; \
	HOLDFAST_ENGINE=duckdb $(PY) -m pytest -m "acceptance and not spark_only" $(ARGS) || status=$$?; \
	exit $$status

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
