# Python >= 3.11 and make are all that is needed; everything else is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := zoho zoho_sandbox creator_source marketinghub_sink rules files sql
PACKAGES := -e . $(PLUGINS:%=-e ./plugins/%)
SOURCES := core plugins tests docs bench
SECONDS ?= 60
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test lint types unit schema reference mutants soak soak-serve bench-serve clean

## make demo: the main job on the embedded sandbox, with nothing but this checkout
demo: export SYNCLINE_LEDGER = sqlite:///$(CURDIR)/.syncline/ledger.db
demo: $(VENV)/.installed
	@$(BIN)/syncline run configs/webinar-signups.yaml
	@$(BIN)/syncline history webinar-signups
	@printf '%s\n' '' \
	  'Try next (the ledger of this demo is .syncline/ledger.db, the default in this folder):' \
	  '  $(BIN)/syncline leads last --outcome ignored       who was ignored, and why' \
	  '  $(BIN)/syncline preview configs/webinar-signups.yaml   what a run would do now' \
	  '  make demo                                          again: all are unchanged, nothing is sent' \
	  'To use a real account: take the real `zoho` block in configs/connections.yaml in place of the sandbox, delete .syncline,' \
	  'export its three variables, and run `$(BIN)/syncline check configs/webinar-signups.yaml` (docs/tutorial.md).'

## make test: lint, types, import floors and every test
test: lint types unit

lint: $(VENV)/.tools
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.tools
	$(BIN)/mypy core/syncline $(PLUGINS:%=plugins/%/src)

unit: $(VENV)/.tools
	$(BIN)/python -m pytest -n 2 --dist worksteal

## make check: the lints, and the audit of the dependencies, which asks for advisories (OFFLINE=1 leaves that out, and says so)
.PHONY: check audit fuzz
check: lint audit

audit: $(VENV)/.checking
	$(BIN)/python tests/audit.py $(if $(OFFLINE),--offline)

## make fuzz SECONDS=60: inputs that mean harm, led by the branches they reach; what breaks something fails the tests after it
fuzz: $(VENV)/.tools $(VENV)/.checking
	$(BIN)/python tests/fuzz.py --seconds $(SECONDS)

## make mutants: breaks the program on purpose, one bug at a time; the tests of that fault must notice each
mutants: $(VENV)/.tools
	$(BIN)/python tests/mutants/run.py

## make soak ROUNDS=500 SEED=1 LEDGER=sqlite|postgresql TROUBLE=kill|restart|full: kills runs at any instant (or restarts
## the database server, or fills the disk) and compares what came of it with runs without trouble
SEED ?= $(shell date +%s)
LEDGER ?= sqlite
TROUBLE ?= kill
JOBS ?= 2
soak: ROUNDS ?= 500
soak: $(VENV)/.tools
	$(BIN)/python tests/soak.py --rounds $(ROUNDS) --seed $(SEED) --ledger $(LEDGER) --trouble $(TROUBLE) --jobs $(JOBS)

## make soak-serve ROUNDS=200: kills serving processes at random moments; no firing may be doubled or dropped
soak-serve: ROUNDS ?= 200
soak-serve: $(VENV)/.tools
	$(BIN)/python tests/soak_serve.py --rounds $(ROUNDS)

## make bench-serve: what a serving process with 10,000 specs costs, and how late its firings start
bench-serve: $(VENV)/.tools
	$(BIN)/python bench/serve.py

## make bench-ceiling LEADS=20000: how close runs come to the documented limit of MarketingHub, by a clock that leaps
.PHONY: bench-ceiling
LEADS ?= 20000
bench-ceiling: $(VENV)/.tools
	$(BIN)/python bench/ceiling.py --leads $(LEADS)

## make bench-start: what a start of the command line costs, beside the imports that it cannot do without
.PHONY: bench-start
bench-start: $(VENV)/.tools
	$(BIN)/python bench/start.py

## make bench-ledger RUNS=100: what the ledger costs in a run, and how fast it answers when it holds many
.PHONY: bench-ledger
RUNS ?= 100
bench-ledger: $(VENV)/.tools
	$(BIN)/python bench/ledger.py --runs $(RUNS)

## make bench-http: a paged HTTP source into an HTTP sink, beside the limit by arithmetic and a pipeline written by hand
.PHONY: bench-http
bench-http: $(VENV)/.tools
	$(BIN)/python bench/http_pipeline.py

## make bench: Syncline beside hand-written references and the peers that are installed; make bench-quick: in three minutes
.PHONY: bench bench-quick
bench: $(VENV)/.tools
	$(BIN)/python bench/run.py

bench-quick: $(VENV)/.tools
	$(BIN)/python bench/run.py --quick

## make bench-peers: installs other tools, each into an environment of its own, for make bench to compare with
.PHONY: bench-peers
PEERS := dlt bytewax
bench-peers: $(PEERS:%=bench-work/peers/%/.installed)
bench-work/peers/%/.installed: bench/peers/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check -q install -r $<
	@touch $@

## make schema reference: what is generated from the plugins
schema: $(VENV)/.tools
	$(BIN)/syncline schema --output configs/sync.schema.json

reference: $(VENV)/.tools
	$(BIN)/python docs/generate.py

$(VENV)/.installed: constraints.txt pyproject.toml $(PLUGINS:%=plugins/%/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Syncline needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt hatchling editables
	$(PIP) install -c constraints.txt --no-build-isolation $(PACKAGES)
	@touch $@

$(VENV)/.tools: $(VENV)/.installed requirements-dev.txt
	$(PIP) install -c constraints.txt -r requirements-dev.txt
	@touch $@

$(VENV)/.checking: $(VENV)/.installed requirements-check.txt
	$(PIP) install -c constraints.txt -r requirements-check.txt
	@touch $@

clean:
	rm -rf $(VENV) .syncline build dist
