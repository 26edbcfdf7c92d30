# Recipes use relative paths, and call the tools of .venv as `python -m`: the path of this folder may
# contain spaces, which neither make's lists nor the first line of a script support.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := bin/with-env python
# Plain `=`: `make demo ENV=acme` overrides the value, a variable ENV of the shell does not.
ENV = demo
ARGS =
FACTOR = 600

.PHONY: help setup dev demo live app stream test formulas cluster engines acceptance snapshots bench lint types
.PHONY: policy-year
.PHONY: package lock notices clean judge contracts sbom site

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: ## install what the commands need into .venv: Python packages, Java, Delta's JARs
	@bin/setup

dev: ## the same, and what tests, lint, types and benchmarks need (they install it first)
	@bin/setup dev

# Only the C1 compiler: that halves the CPU time of a short session. Long jobs, benchmarks and the demo
# use the full JIT.
test formulas engines acceptance: export HOLDFAST_JIT ?= quick
# Many processes import pandas, MLflow and pyspark. An image may forbid to store compiled modules, and
# then each process spends 5 seconds on compiling them again.
test formulas engines acceptance: export PYTHONDONTWRITEBYTECODE =

demo: setup ## run the whole pipeline on public data (ENV=demo: conf/demo.yaml)
	bin/holdfast run_pipeline --env "$(ENV)"

live: ## start Redis, the prediction service over the tables of the demo, and simulated events (ENV=demo)
	@bin/live "$(ENV)"

app: ## show customers, plans and models in the browser (ENV=demo: conf/demo.yaml)
	@bin/setup app
	$(PY) -m app --env "$(ENV)"

stream: setup ## stream the events of a simulated company: engagement now, contacts (FACTOR=600: its clock)
	@bin/stream "$(FACTOR)"

# Every package of the checkout that is shipped; doctests run in all of them.
PACKAGES := $(filter-out benchmarks conf docs notebooks tests,$(patsubst %/__init__.py,%,$(wildcard */__init__.py)))

# Hypothesis draws the same examples in every run. Other examples: make test PROFILE=default.
PROFILE = ci

# pytest imports every file that it is given, and all of them take half a minute. So the run of
# tests on Spark gets two folders, and the files elsewhere that name Spark: tests/conftest.py refuses
# a test that needs Spark in another file.
ON_SPARK = tests/jobs tests/notebooks \
	$$(grep -rl spark tests --include="test_*.py" --exclude-dir=jobs --exclude-dir=notebooks \
		--exclude-dir=wiring | sort)

# A test runs on DuckDB, without a JVM, unless it is marked spark_only. Tests that take minutes are
# marked acceptance. Two processes run in parallel, one per core. The second one runs DuckDB, then the
# lake of run_pipeline; its output is shown last. Spark runs in three processes, since a JVM keeps the
# plans of all that it ran and its heap fills up.
test: dev ## tests on DuckDB and on Spark (ARGS="-k name -x")
	@status=0; log=$$(mktemp); trap 'rm -f "$$log"; kill $$(jobs -p) 2>/dev/null' EXIT; \
	export PYTEST_ADDOPTS="--hypothesis-profile=$(PROFILE) $$PYTEST_ADDOPTS"; \
	{ \
		trap 'kill $$!; exit 1' TERM; second=0; \
		echo "== tests on DuckDB"; \
		HOLDFAST_ENGINE=duckdb $(PY) -m pytest -m "not acceptance and not spark_only" $(ARGS) & \
		wait $$! || second=$$?; \
		echo "== tests of run_pipeline on Spark"; \
		HOLDFAST_ENGINE=spark $(PY) -m pytest tests/jobs tests/notebooks \
			-m "pipeline and not acceptance" $(ARGS) & \
		wait $$! || second=$$?; \
		exit $$second; \
	} >"$$log" 2>&1 & second=$$!; \
	echo "== doctests"; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest --doctest-modules $(PACKAGES) -q || status=$$?; \
	echo "== tests on Spark"; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest tests/wiring -m "wiring and not acceptance" $(ARGS) || status=$$?; \
	HOLDFAST_ENGINE=spark $(PY) -m pytest $(ON_SPARK) \
		-m "spark_only and not acceptance and not wiring and not pipeline" $(ARGS) || status=$$?; \
	wait $$second || status=$$?; \
	cat "$$log"; \
	exit $$status

formulas: dev ## the tests of formulas and transforms, which CI runs on DuckDB, on Spark (ARGS=)
	HOLDFAST_ENGINE=spark $(PY) -m pytest tests/unit/udfs tests/unit/transforms tests/unit/contracts \
		-m "not duckdb_only" --hypothesis-profile=$(PROFILE) $(ARGS)

cluster: setup ## run_pipeline on a standalone cluster of this machine (ENV=demo ARGS="--as-of DAY")
	$(PY) -m tests.cluster run_pipeline --env "$(ENV)" $(ARGS)

engines: dev ## one small lake on every engine, tables compared; writes docs/platforms.md (ARGS=)
	$(PY) -m tests.engines $(ARGS)

# One process per file: a JVM keeps the plans of all that it ran, and its heap would fill up.
acceptance: ## tests that take minutes: whole data, kills, concurrent writers (ARGS=)
	@bin/setup acceptance
	@status=0; for file in $$(grep -rlE "\bacceptance\b" tests --include="test_*.py"); do \
		HOLDFAST_ENGINE=spark $(PY) -m pytest -m "acceptance and not duckdb_only" $$file $(ARGS) || [ $$? = 5 ] || status=1; \
	done; \
	HOLDFAST_ENGINE=duckdb $(PY) -m pytest -m "acceptance and not spark_only" $(ARGS) || [ $$? = 5 ] || status=1; \
	exit $$status

snapshots: dev ## rebuild tests/snapshots: help texts, tables, settings
	$(PY) tests/snapshots/rebuild.py

bench: dev ## measure the figures of benchmarks/RESULTS.md on this machine (ARGS=)
	$(PY) -m benchmarks $(ARGS)

policy-year: dev ## a year of decisions in 20 simulated companies, in benchmarks/RESULTS.md
	$(PY) -m benchmarks policy_year

judge: dev ## measure the judge of messages on labelled texts (needs ANTHROPIC_API_KEY, paid) (ARGS=)
	$(PY) -m benchmarks.judge $(ARGS)

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
# The later locks are constrained by requirements.txt (that of the docs by requirements-dev.txt), so that a
# package has one version everywhere.
lock: setup ## resolve requirements*.in to requirements*.txt; versions move only where they must
	for name in requirements requirements-duckdb requirements-connect requirements-service requirements-app \
		requirements-dev requirements-browser requirements-docs requirements-moto requirements-sbom; do \
		$(PY) -m uv pip compile --quiet --generate-hashes --no-header --no-strip-extras \
			--python-version 3.11 $$name.in --output-file $$name.txt || exit; \
	done
	echo "uv==0.13.9" | $(PY) -m uv pip compile --quiet --generate-hashes --no-header \
		--python-version 3.11 - --output-file requirements-setup.txt

contracts: dev ## write docs/contracts (ODCS), docs/metric_views and the data dictionary from contracts/
	$(PY) docs/generate.py

sbom: setup ## write dist/sbom.cdx.json: the packages of the users' locks, in CycloneDX format
	@bin/sbom

site: ## build the documentation site into the folder site/
	@bin/setup docs
	$(PY) -m mkdocs build --strict --quiet
	@echo "Open site/index.html in a browser. Search needs a server: python -m http.server -d site"

notices: setup ## write THIRD_PARTY_NOTICES: the licences of requirements.txt
	$(PY) docs/notices.py

clean: ## remove .venv, dist and caches; lakes and tracking stores stay
	rm -rf .venv build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
