# Each target makes what it needs; PYTHON names the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# BentoML reports its use over the network otherwise.
export BENTOML_DO_NOT_TRACK := True

.PHONY: train test lint audit serve soak clean

train: $(VENV)/trained-with
	$(BIN)/python -m train configs/default.yaml

test: lint
	$(BIN)/python -m pytest

lint: $(VENV)/tested-with
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m labels check

# Known faults of what requirements.txt pins. It asks a service for advisories, so it is no part of `test`; --strict, for
# otherwise packages that the service does not answer for are passed over. The file has all packages: pip adds nothing.
audit: $(VENV)/tested-with
	$(BIN)/pip-audit --strict --requirement requirements.txt --no-deps --disable-pip

serve: $(VENV)/trained-with
	$(BIN)/python -m serve http --host 127.0.0.1 --port 3000

# The long form of what `test` does in short: odd requests, faults again and again, four times too much load for a minute,
# and 100,000 requests on one process, whose memory must stay within a tenth.
MODEL ?= models/stance
soak: $(VENV)/tested-with
	$(BIN)/python -m pytest --hypothesis-profile=soak tests/serve/http/test_any_request.py
	$(BIN)/python -m pytest --count=10 $(addprefix tests/serve/http/test_,connections.py real_server.py stopping.py)
	$(BIN)/python -m serve load --overload --seconds 60 --model $(MODEL)
	$(BIN)/python -m serve load --soak --model $(MODEL)

# The stamps are newer than the requirements that were installed, so a changed pin is installed again.
$(VENV)/trained-with: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/tested-with: requirements.txt requirements-test.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@ $(VENV)/trained-with

clean:
	rm -rf $(VENV) models runs
