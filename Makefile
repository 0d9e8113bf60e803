# make report   the demo engagement's version, from nothing but Python >= 3.11
# make test     every test, from nothing but Python >= 3.11
# make fuzz     10,000 random params files and client files; about a quarter of an hour
# make lab      JupyterLab on the notebooks
# make notebooks, bench, lock   for those who change the workbook

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: report test fuzz bench notebooks lock lab clean

report: $(READY)
	@$(BIN)/crm run params/demo_bank.yml

test: $(READY)
	@sh tests/browser/ensure_chromium.sh
	@$(BIN)/python -m pytest

fuzz: $(READY)
	@CRM_FUZZ=10000 $(BIN)/python -m pytest -n0 --hypothesis-show-statistics tests/corpus/test_fuzz.py

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks

notebooks: $(READY)
	@$(BIN)/python -m crmlib.book.committed

lab: $(READY)
	@$(BIN)/jupyter lab notebooks

lock: $(READY)
	@test -x .venv/lock/bin/uv || ($(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv)
	@.venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --group dev --upgrade pyproject.toml -o requirements.lock
	@$(BIN)/python .ci/environment.py > environment.yml

# uv where it is there, pip otherwise; the project itself is installed behind its lock.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; set PYTHON=..." >&2; exit 2; }
	@echo "Installing into .venv (once; about a minute)"
	@rm -rf .venv
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --python "$(PYTHON)" .venv && \
		uv pip install --quiet --python $(BIN)/python -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		"$(PYTHON)" -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(READY)

clean:
	rm -rf .venv .pytest_cache .hypothesis .ruff_cache
