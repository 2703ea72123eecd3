# Two commands for a newcomer: `make run` and `make test`. Python >= 3.11 and make are all they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test check bench campaign lock docs clean

run: $(VENV)/runtime.stamp
	@$(BIN)/pilot demo --serve

test: $(VENV)/dev.stamp
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n auto --dist worksteal
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report | tail -n 3

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pilot check
	$(BIN)/python -m api.documentation --check

docs: $(VENV)/dev.stamp
	$(BIN)/python -m api.documentation

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks

campaign: $(VENV)/dev.stamp
	$(BIN)/pytest -m campaign --override-ini addopts=-q --campaign

# The locks hold hashes and no addresses.
lock: $(VENV)/dev.stamp
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links -q pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links -q --extra dev pyproject.toml -o requirements-dev.lock

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/runtime.stamp

clean:
	rm -rf $(VENV) build dist *.egg-info
