# Recipes use relative paths, and call the tools of .venv as `python -m`: the path of this folder may
# contain spaces, which neither make's lists nor the first line of a script support.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := bin/with-env python
# Plain `=`: `make demo ENV=acme` overrides the value, a variable ENV of the shell does not.
ENV = demo
ARGS =

.PHONY: help setup dev demo test acceptance snapshots bench lint types package lock notices clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: ## install what the commands need into .venv: Python packages, Java, Delta's JARs
	@bin/setup

dev: ## the same, and what tests, lint, types and benchmarks need (they install it first)
	@bin/setup dev

# Only the C1 compiler: that halves the CPU time of a short session. Long jobs, benchmarks and the demo
# use the full JIT: Spark's neural network multiplies matrices in vector code, which is slow under C1.
test acceptance: export HOLDFAST_JIT ?= quick

demo: setup ## run the whole pipeline on public data (ENV=demo: conf/demo.yaml)
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
test: dev ## unit tests without a JVM (DuckDB), and on Spark (ARGS="-k name -x")
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

acceptance: dev ## long tests: the real commands on whole data (ARGS=)
	@status=0; for file in tests/acceptance/test_*.py tests/jobs/test_*.py; do \
		HOLDFAST_ENGINE=spark $(PY) -m pytest $$file $(ARGS) || status=$$?; \
	done; exit $$status

snapshots: dev ## rebuild tests/snapshots: help texts, tables, settings
	$(PY) tests/snapshots/rebuild.py

bench: dev ## measure the figures of benchmarks/RESULTS.md on this machine (ARGS=)
	$(PY) -m benchmarks $(ARGS)

lint: dev ## ruff, and the import rules
	@status=0; \
	$(PY) -m ruff check . || status=1; \
	$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()" || status=1; \
	exit $$status

types: dev ## mypy
	$(PY) -m mypy

package: dev ## build the wheel, and the same file as .zip for --py-files, in dist/
	@bin/package

# --no-strip-extras: pip, unlike uv, refuses a locked `coverage` if a package asks for `coverage[toml]`.
# The later locks are constrained by requirements.txt, so that a package has one version everywhere.
lock: setup ## resolve requirements*.in to requirements*.txt; versions move only where they must
	for name in requirements requirements-duckdb requirements-dev; do \
		$(PY) -m uv pip compile --quiet --generate-hashes --no-header --no-strip-extras \
			--python-version 3.11 $$name.in --output-file $$name.txt || exit; \
	done
	echo "uv==0.13.9" | $(PY) -m uv pip compile --quiet --generate-hashes --no-header \
		--python-version 3.11 - --output-file requirements-setup.txt

notices: setup ## write THIRD_PARTY_NOTICES: the licences of requirements.txt
	$(PY) docs/notices.py

clean: ## remove .venv, dist and caches; lakes and tracking stores stay
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
