# The ways to run clientele. The README shows the plain commands for machines without make.

VENV := .venv
BI_VENV := .venv-bi
BENCHMARK_VENV := .venv-benchmark
SPARK_VENV := .venv-spark
BIN := $(VENV)/bin
OLDEST := 3.10
NEWEST := 3.13

# The first Python that fits; `make demo PYTHON=/path/to/python` takes another.
FITS := import sys; sys.exit(not ((3, 10) <= sys.version_info[:2] <= (3, 13)))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$name -c '$(FITS)' 2>/dev/null && echo $$name && break; done)

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The lock is complete and every file in it has its hash, so nothing is left to resolve.
INSTALL_LOCK := $(INSTALL) --no-deps --require-hashes --requirement
INSTALL_PROJECT := $(INSTALL) --no-deps --no-build-isolation --editable .

# A build keeps one core busy, so files of tests run side by side: each in one process, since its
# tests share warehouses, and in the order of their names, in which no long one comes last.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# One line on the terminal for each stage.
say = @printf '\n== %s\n' "$(1)"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint build docs bi spark benchmark benchmark-full benchmark-tables faults ten-days clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build docs  ## install, build the demo shop and its docs, and show its segments
	@$(BIN)/clientele show segments

test: $(VENV)/.installed-dev lint build docs  ## install what tests need and run all that CI runs
	$(call say,pytest)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest $(SIDE_BY_SIDE)

faults: $(VENV)/.installed-dev  ## kill, damage and starve all commands, and print what was seen
	$(call say,faults)
	@mkdir -p target && rm -f target/faults.jsonl
	@result=0; PATH="$(CURDIR)/$(BIN):$$PATH" CLIENTELE_FAULTS=whole \
		CLIENTELE_FAULTS_NOTES="$(CURDIR)/target/faults.jsonl" \
		$(BIN)/python -m pytest tests/faults $(SIDE_BY_SIDE) || result=$$?; \
	$(BIN)/python tests/faults/seen.py target/faults.jsonl target/faults.md && exit $$result

lint: $(VENV)/.installed-dev  ## check the hand: Python, SQL, the rules of the dbt project
	$(call say,ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory target/.linted
	$(call say,dbt parse)
	@$(BIN)/dbt --quiet parse --target-path target/rules --vars '{sources: [market, olist, online_retail, sales_json], contact_sources: [suppressions, consents]}'
	$(call say,dbt-bouncer)
	@if [ -x $(BIN)/dbt-bouncer ]; then $(BIN)/dbt-bouncer run; \
	else echo "skipped: dbt-bouncer needs Python 3.11 or later"; fi

build: $(VENV)/.installed  ## build the warehouse from the demo shop, with its tests
	$(call say,dbt build)
	@mkdir -p warehouse
	@$(BIN)/dbt build

docs: $(VENV)/.installed  ## write the report, the model cards and the docs of the built warehouse
	$(call say,dbt docs)
	@$(BIN)/dbt --quiet docs generate --static
	@echo "target/static_index.html"
	$(call say,clientele model-card)
	@$(BIN)/clientele model-card
	$(call say,clientele report)
	@$(BIN)/clientele report

bi: build $(BI_VENV)/.installed  ## prove that Apache Superset reads the marts, in an environment of its own
	$(call say,Superset on the marts)
	@$(BI_VENV)/bin/python bi/prove_superset.py --python $(BIN)/python

benchmark: $(VENV)/.installed $(BENCHMARK_VENV)/.installed  ## measure builds of small shops against pandas and polars, and plot them
	@$(BIN)/python benchmarks/run.py $(BENCHMARK)

benchmark-full: $(VENV)/.installed $(BENCHMARK_VENV)/.installed  ## the same up to 5,780,000 customers, which takes hours
	@$(BIN)/python benchmarks/run.py --customers 50000,578000,5780000 \
		--result benchmarks/results/full.json $(BENCHMARK)

benchmark-tables: $(VENV)/.installed  ## write the tables and plots of the result that is published
	@$(BIN)/python benchmarks/run.py --tell --result benchmarks/results/full.json

# Both engines build twice into what was empty: a second build knows what the first one kept. On the
# earlier day models were fitted that are due again on the last. Spark makes anew what grows, so DuckDB
# does, too.
EARLIER := 2026-03-20
spark: $(VENV)/.installed $(SPARK_VENV)/.installed  ## build the demo on Apache Spark too, and compare every table
	$(call say,tests that need Spark)
	@for tests in tests/spark tests/python/test_dialect.py; do \
		$(SPARK_VENV)/bin/python -m pytest $$tests || exit 1; done
	$(call say,the project on DuckDB)
	@mkdir -p target/spark && rm -f target/spark/clientele.duckdb*
	@for as_of in $(EARLIER) ''; do \
		CLIENTELE_WAREHOUSE=target/spark/clientele.duckdb $(BIN)/dbt --quiet build --full-refresh \
			--exclude-resource-type test --exclude-resource-type unit_test \
			--vars "{as_of: '$$as_of'}" --target-path target/spark/duckdb || exit 1; done
	$(call say,the project on Spark)
	@$(SPARK_VENV)/bin/python spark/prove_spark.py --warehouse target/spark/clientele.duckdb \
		--earlier $(EARLIER)

ten-days: $(VENV)/.installed  ## live through ten days of production, and write them into the docs
	@$(BIN)/python tests/faults/ten_days.py --fresh --write-docs

clean:  ## remove what was built, but not the environment
	@rm -rf target logs build .pytest_cache .ruff_cache .hypothesis
	@find warehouse -mindepth 1 ! -name .gitkeep -delete 2>/dev/null || true

# SQL is linted again where a file changed, and all of it where a macro or a setting did: that takes
# a minute.
LINTED := models snapshots tests
SQL := $(shell find models snapshots tests macros -name '*.sql')
target/.linted: $(SQL) pyproject.toml dbt_project.yml | $(VENV)/.installed-dev
	$(call say,sqlfluff)
	@mkdir -p target warehouse
	@CLIENTELE_WAREHOUSE=target/lint.duckdb $(BIN)/sqlfluff lint \
		$(if $(filter-out $(LINTED:=/%),$?),$(LINTED),$?)
	@touch $@

# A stamp says that a lock is installed: the next run does not install it again.
$(VENV)/.python:
	@[ -n "$(PYTHON)" ] || { echo "clientele needs Python $(OLDEST) to $(NEWEST): \
	make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c '$(FITS)' || { echo "clientele needs Python $(OLDEST) to $(NEWEST), \
	not $$($(PYTHON) --version)" >&2; exit 1; }
	$(call say,environment in $(VENV))
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.python
	$(call say,requirements.lock)
	@$(INSTALL_LOCK) requirements.lock
	@$(INSTALL_PROJECT)
	@touch $@

# What tests need holds all that the demo needs.
# One of its packages (halo) is no wheel: it is built with the setuptools of requirements.lock.
$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/.installed
	$(call say,requirements-dev.lock)
	@$(INSTALL) --no-build-isolation --no-deps --require-hashes --requirement requirements-dev.lock
	@$(INSTALL_PROJECT)
	@touch $(VENV)/.installed $@

# Superset's own environment: its DuckDB is older, and its numpy has no wheels for Python 3.13.
BI_FITS := import sys; sys.exit(not ((3, 10) <= sys.version_info[:2] <= (3, 12)))
BI_PYTHON ?= $(shell for name in $(PYTHON) python3.12 python3.11 python3.10; do \
	$$name -c '$(BI_FITS)' 2>/dev/null && echo $$name && break; done)
$(BI_VENV)/.installed: requirements-bi.lock
	@[ -n "$(BI_PYTHON)" ] || { echo "Superset needs Python 3.10 to 3.12: \
	make bi BI_PYTHON=/path/to/python" >&2; exit 1; }
	$(call say,requirements-bi.lock in $(BI_VENV))
	@$(BI_PYTHON) -m venv $(BI_VENV)
	@$(BI_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --require-hashes --requirement requirements-bi.lock
	@touch $@

# The rivals' own environment: the project itself needs neither polars nor Arrow.
BENCHMARK_FITS := import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))
BENCHMARK_PYTHON ?= $(shell for name in $(PYTHON) python3.13 python3.12 python3.11; do \
	$$name -c '$(BENCHMARK_FITS)' 2>/dev/null && echo $$name && break; done)
$(BENCHMARK_VENV)/.installed: requirements-benchmark.lock
	@[ -n "$(BENCHMARK_PYTHON)" ] || { echo "pandas 3 needs Python 3.11 to 3.13: \
	make benchmark BENCHMARK_PYTHON=/path/to/python" >&2; exit 1; }
	$(call say,requirements-benchmark.lock in $(BENCHMARK_VENV))
	@$(BENCHMARK_PYTHON) -m venv $(BENCHMARK_VENV)
	@$(BENCHMARK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --require-hashes --requirement requirements-benchmark.lock
# Spark's own environment: dbt with another adapter, and PySpark, which is no wheel: it is built with
# the setuptools of its own lock, installed first.
$(SPARK_VENV)/.installed: requirements-spark.lock | $(VENV)/.python
	$(call say,requirements-spark.lock in $(SPARK_VENV))
	@$(PYTHON) -m venv $(SPARK_VENV)
	@awk '/^setuptools==/ {take = 1} take {print} take && !/\\$$/ {exit}' \
		requirements-spark.lock > $(SPARK_VENV)/setuptools.lock
	@for lock in $(SPARK_VENV)/setuptools.lock requirements-spark.lock; do \
		$(SPARK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --require-hashes --requirement $$lock || exit 1; done
	@touch $@
