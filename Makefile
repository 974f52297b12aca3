# Everything that the course needs is a line here; `make` alone lists the targets.
# NB=notebooks/04_activations.ipynb restricts a target that runs notebooks to that one.
# SAMPLE=40 and SEED=0 say how many mutants are drawn, and which.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
NB ?= $(sort $(wildcard notebooks/*.ipynb))
WORKERS ?= 2
NBVAL := $(RUN) pytest --nbval -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q -p no:cacheprovider

.DEFAULT_GOAL := help
.PHONY: help lab test unit notebooks lint format student smoke colab offline headroom update mutants bench \
	lock address environment clean

help:  ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

environment: $(READY)  ## Make .venv with the pinned packages

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found."; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check $(shell grep '^uv==' requirements.txt)
	$(RUN) uv pip install --quiet --python $(VENV)/bin/python -r requirements.txt || \
		$(RUN) pip install --quiet -r requirements.txt
	$(RUN) uv pip install --quiet --python $(VENV)/bin/python --no-deps --editable . || \
		$(RUN) pip install --quiet --no-deps --editable .
	@touch $@

lab: $(READY)  ## Open the course in JupyterLab
	$(RUN) jupyterlab notebooks/00_start_here.ipynb

test: lint unit notebooks student  ## Check everything: style, helpers, every stored output, a student copy

lint: $(READY)  ## Style of code and notebooks
	$(RUN) ruff check .
	$(RUN) ruff format --check .

format: $(READY)  ## Bring code and notebooks into style
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

unit: $(READY)  ## Tests of the helpers, the plugin, the tools and the notebooks' form
	$(RUN) pytest tests -q -n $(WORKERS) --dist loadfile -p no:cacheprovider

notebooks: $(READY)  ## Run the notebooks and compare every stored output
	@mkdir -p build
	$(NBVAL) --junit-xml=build/notebooks.xml $(NB)

student: $(READY)  ## Write copies without solutions to build/student and try one
	$(RUN) tools.student $(NB)
	$(RUN) tools.student --check notebooks/04_activations.ipynb

smoke: $(READY)  ## Take every notebook's full path on truncated data
	COURSE_PROFILE=smoke $(NBVAL) $(NB)

colab: $(READY)  ## Run the notebooks in an environment like Colab's
	$(RUN) tools.colab $(NB)

offline: $(READY)  ## Run the notebooks without a network
	$(RUN) tools.offline $(NB)

headroom: $(READY)  ## Run the notebooks under perturbations and report the share of tolerance used
	$(RUN) tools.headroom $(NB)

update: $(READY)  ## Run notebooks and store what changed (NB=…)
	$(RUN) tests.regression.update $(NB)

mutants: $(READY)  ## Sample faults and count how many are noticed (NB=…)
	$(RUN) tools.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) \
		$(if $(filter command%,$(origin NB)),$(NB))

BENCH := build/bench-venv
bench: $(READY)  ## Measure the helpers' speed beside peers
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@{ $(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" && \
		$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check "numpy<2.5" tqdm && \
		$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
			"loss-landscapes==3.0.6" "Landscaper==1.3.1"; } 2>/dev/null || \
		echo "A peer cannot be installed here: the benchmarks go on without it."
	$(RUN) benchmarks

lock: $(READY)  ## Compile requirements.txt from pyproject.toml
	$(RUN) tools.lock

address: $(READY)  ## Write the repository's address into badges and set-up cells (URL=… changes it)
	$(RUN) tools.address $(if $(URL),--set $(URL))

clean:  ## Remove what the targets made, the environment included
	rm -rf build $(VENV)
