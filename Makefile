# One environment for everything; PYTHON may name any interpreter from 3.11 on.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check verify notebooks clean

demo: $(STAMP)
	$(BIN)/python scripts/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests

check: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# Long checks: each prints a page, kept only if the check holds.
verify: $(STAMP)
	mkdir -p docs/verified
	for script in scripts/verify/[!_]*.py; do \
		page=docs/verified/$$(basename $$script .py).md; \
		$(BIN)/python $$script > $$page.part && mv $$page.part $$page || exit 1; \
	done

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
