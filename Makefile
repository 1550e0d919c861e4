# The front door. Needs Python 3.11 or newer and make; everything else goes into .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Rebuilt only when what is to be installed changes; made last, so that a broken install repeats.
INSTALLED := .venv/installed
JOBS ?= 2
SECONDS ?= 60

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Empty, as if unset: many processes are started here, and bytecode halves the time of a start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo run test robustness fuzz bench bench-full clean

help:
	@echo "make demo    tell the whole story once; results in var/demo"
	@echo "make run     start the service at http://127.0.0.1:8000 (another port: MUNIMENT_PORT)"
	@echo "make test    check format, style and types, and run the tests"
	@echo "make robustness  run the tests that take minutes"
	@echo "make fuzz    look for inputs that break a reader; SECONDS=60 for each, TARGET=note for one"
	@echo "make bench   run the benchmarks, one JSON object a line"
	@echo "make bench-full  the same, and those over a million leaves"
	@echo "make clean   remove .venv and all that demo, run and test left in var"

demo: $(INSTALLED)
	@$(BIN)/python -m config.demo

run: $(INSTALLED)
	@exec $(BIN)/python -m config.supervise --story

test: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadscope --no-loadscope-reorder

robustness: $(INSTALLED)
	$(BIN)/pytest -m robustness

fuzz: $(INSTALLED)
	@$(BIN)/python -m fuzz $(TARGET) --seconds $(SECONDS)

bench: $(INSTALLED)
	@$(BIN)/python -m bench

bench-full: $(INSTALLED)
	@$(BIN)/python -m bench --full

clean:
	rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python found: install 3.11 or newer, or say make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is older than 3.11: say make PYTHON=<a newer one>" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	# Python compiles what it imports; compiling all that is installed takes minutes more.
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[archive,demo,diffusers,fuzz,s3,test]'
	@touch $@
