# Two commands for people: `make demo`, `make test`. Without make, see the README.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test fast verify lock

demo:
	@$(PYTHON) bootstrap.py
	@$(BIN)/dualbrain demo

test:
	@$(PYTHON) bootstrap.py --dev
	@$(BIN)/python check.py

fast:
	@$(PYTHON) bootstrap.py --dev
	@$(BIN)/python check.py --fast

verify:
	@$(PYTHON) bootstrap.py --dev
	@$(BIN)/python check.py --verify

lock:
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build -o locks/core.txt
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build --extra dev -o locks/dev.txt
