# make app | test | notebooks | docs | weights | readme | lock | clean. The first run sets up .venv; later ones reuse it.
.DELETE_ON_ERROR:
.PHONY: app test setup notebooks docs weights readme lock clean

VENV ?= .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.installed
FIRST := runs/reference/best.safetensors
SECOND := runs/polished/best.safetensors
# Seeds of the last runs: those before the recipe had JPEG, and those since
PLAIN := 5 6 7
PACKED := 8 9
LAST := $(addprefix runs/robust-,$(PLAIN) $(PACKED))
ROBUST = fer_nb train --config robust --begin $(SECOND) --teachers $(SECOND) --out runs/robust-
export ORT_DISABLE_TELEMETRY := 1
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do $$p -c '$(IN_RANGE)' 2>/dev/null && echo $$p && break; done)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
INSTALL := $(if $(UV),uv pip install --python $(PY),$(PY) -m pip install)

app: $(READY)
	$(PY) -m streamlit run streamlit_app.py

test: $(READY)
	$(PY) .ci/check
	OMP_NUM_THREADS=1 nbdev_test --n_workers 2 --timing
	$(PY) -m pytest -n 2 --dist loadfile

setup: $(READY)

$(PY):
	@$(or $(PYTHON),false) -c '$(IN_RANGE)' 2>/dev/null || { \
	  echo "fer_nb needs Python 3.11 or 3.12 (mediapipe has no wheel for a later one). Install one of them, or name it: make app PYTHON=path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(READY): requirements.lock settings.ini setup.py pyproject.toml | $(PY)
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# Runs every notebook from top to bottom and stores what it shows. One of them: make notebooks NB=05_faces.
# Those that are older than what they were made from: make notebooks STALE=--stale
notebooks: $(READY)
	nbdev_export
	$(PY) tools/notebooks.py $(STALE) $(NB)
	nbdev_clean
	$(PY) tools/readme.py

# The documentation site in _docs/, without Quarto and without the network. To read it: make docs SERVE=--serve
docs: $(READY)
	$(PY) tools/docs.py $(SERVE)

# The shipped network from nothing: its weights, its figures, and the pages that show them.
# FER2013_HOME must be set. About six hours on two cores; stopped, it goes on where it was. How much of the last
# runs goes into it is what nbs/study/mix.json says; tools/mix.py tells how to ask that anew.
weights: $(READY)
	fer_nb train --config reference
	fer_nb train --config polished --begin $(FIRST) --teachers $(FIRST)
	for seed in $(PLAIN); do $(ROBUST)$$seed --set seed=$$seed augment.jpeg=0 || exit; done
	for seed in $(PACKED); do $(ROBUST)$$seed --set seed=$$seed || exit; done
	$(PY) tools/mix.py $(SECOND) $(LAST) --publish fer_nb/weights
	for run in runs/reference runs/polished $(LAST); do $(PY) tools/study.py --keep $$run || exit; done
	$(PY) tools/study.py --views
	$(MAKE) notebooks

readme: $(READY)
	$(PY) tools/readme.py

# Keeps the versions already locked where it can; make lock UPGRADE=--upgrade takes the newest that fit.
# The last lines drop the marker that says "on every system we solve for": elsewhere pip then says which wheel is missing.
lock:
	$(if $(UV),,$(error make lock needs uv: pip install uv))
	uv pip compile setup.py --extra all --universal --python-version 3.11 $(UPGRADE) \
	  --custom-compile-command "make lock" --quiet --output-file requirements.lock
	sed -e "s/ and ((platform_machine.*'))$$//" -e "s/ ; python_full_version < '3.13'$$//" \
	  -e "s/python_full_version < '3.13' and //" -e "s/ and python_full_version < '3.13'//" \
	  requirements.lock > requirements.tmp
	mv requirements.tmp requirements.lock

# What building and testing leave behind. The virtual environment stays: delete .venv for a fresh one.
clean:
	rm -rf build dist *.egg-info _docs _proc .pytest_cache
	find fer_nb nbs tests tools -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
