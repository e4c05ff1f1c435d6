# One environment for everything; PYTHON may name any interpreter from 3.11 on.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Most of the time of the tests goes into compiling programs that run once: quick code will do, except where the
# compiled program itself is judged. A bare `pytest tests` compiles everything as it is for a user.
QUICK := --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false

.PHONY: demo test cluster check verify bench bench-plots notebooks clean

demo: $(STAMP)
	$(BIN)/python scripts/demo.py

test: $(STAMP)
	XLA_FLAGS="$(QUICK)" $(BIN)/python -m pytest -n 2 --dist worksteal -m "not compiled and not cluster" tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m compiled $$(grep -rl --include 'test_*.py' mark.compiled tests)

# On a real Slurm of one machine, which is started and stopped; skipped where it is not installed and cannot be.
cluster: $(STAMP)
	scripts/slurm_onebox.sh install || echo "Slurm cannot be installed here: the tests that need it are skipped"
	$(BIN)/python -m pytest -m cluster tests/cluster

check: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# Long checks: each prints a page, kept only if the check holds.
verify: $(STAMP)
	mkdir -p docs/verified
	for script in scripts/verify/[!_]*.py; do \
		page=docs/verified/$$(basename $$script .py).md; \
		$(BIN)/python $$script > $$page.part && mv $$page.part $$page || exit 1; \
	done

# Against peers, answers first, a process for each kernel (`make bench K=synchronous` for one): prints a page beside all
# timings in JSON, kept only if no answer is wrong. Peers that are not installed are left out: `pip install '.[bench,peers]'`.
bench: $(STAMP)
	mkdir -p docs/benchmarks
	for script in $(if $(K),benchmarks/$(K).py,benchmarks/[!_]*.py); do \
		page=docs/benchmarks/$$(basename $$script .py); \
		BENCHMARK_JSON=$$page.json.part $(BIN)/python $$script > $$page.md.part || exit 1; \
		for kind in md json; do [ ! -f $$page.$$kind.part ] || mv $$page.$$kind.part $$page.$$kind; done; \
	done

# How time and memory grow: figures and a page, in a few minutes.
bench-plots: $(STAMP)
	mkdir -p docs/benchmarks docs/images
	$(BIN)/python benchmarks/_scaling.py > docs/benchmarks/scaling.md.part
	mv docs/benchmarks/scaling.md.part docs/benchmarks/scaling.md

notebooks: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[notebooks]'
	for notebook in notebooks/*.py; do \
		$(BIN)/jupytext --to ipynb --execute --output $(VENV)/$$(basename $$notebook .py).ipynb $$notebook || exit 1; \
	done

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) runs build dist
