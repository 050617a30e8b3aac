# Every target brings what it needs; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# More arguments for pytest, as in: make test ARGS="tests/unit -x"
ARGS ?=
# One process a core, each with clusters of its own; a file stays whole. ARGS="-n 0" for just one.
CORES := -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test check testbed bench bench-containment bench-idle
.PHONY: bench-kills bench-detection uninstall lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## the packages of requirements.lock into .venv

$(READY): pyproject.toml requirements.lock scripts/setup.py scripts/uv.lock
	@$(PYTHON) scripts/setup.py

demo: $(READY) $(if $(filter real,$(CLUSTER)),testbed) ## the story in a terminal (CLUSTER=real: on a real control plane)
	@$(BIN)/blastdoor demo $(if $(CLUSTER),--cluster $(CLUSTER))

test: testbed ## all tests: unit, property, contract, end to end
	@$(BIN)/pytest $(CORES) $(ARGS)

check: $(READY) ## format, lint, types, layers, generated files, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m controller.api.crd --check
	$(BIN)/python -m controller.cli.reference --check
	$(BIN)/python scripts/references.py --check
	$(BIN)/python scripts/docs.py

testbed: $(READY) ## etcd, kube-apiserver, controllers, kubectl, Prometheus: found, fetched or built
	@$(BIN)/python -m controller.local.toolchain

bench: testbed ## the benchmarks; results in benchmarks/results
	@$(BIN)/python -m benchmarks

bench-containment: testbed ## crossing sample to weight 0 at the gateway (ARGS="--runs 10")
	@$(BIN)/python -m benchmarks.containment $(ARGS)

bench-idle: testbed ## requests, memory and processor time of an idle operator (ARGS="--seconds 60")
	@$(BIN)/python -m benchmarks.idle $(ARGS)

bench-kills: testbed ## kill -9 before and after each write of a release (ARGS="--every 5", "--minutes 20")
	@$(BIN)/python -m benchmarks.kills $(ARGS)

bench-detection: $(READY) ## false rollbacks, delays and orders lost of ten rules (ARGS=--quick: a tenth)
	@$(BIN)/python -m benchmarks.detection $(ARGS)

uninstall: $(READY) ## restore every workload on the cluster of your kubeconfig, then remove Blastdoor
	@$(BIN)/blastdoor uninstall --yes $(ARGS)

lock: $(READY) ## requirements.lock again from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --extra dev --extra local pyproject.toml -o requirements.lock

clean: ## what make made in this folder (the testbed's programs stay in the user's cache)
	@rm -rf .venv .demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
