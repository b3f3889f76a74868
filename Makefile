# make app | test | quick | notebooks | docs | web | weights | readme | dist | lock | clean. The first run sets up .venv; later ones reuse it.
.DELETE_ON_ERROR:
.PHONY: app test quick setup notebooks docs weights readme dist lock clean

VENV ?= .venv
PY := $(VENV)/bin/python
# What is installed there: the page's packages (requirements.txt), or everything (requirements.lock)
PAGE := $(VENV)/.page
READY := $(VENV)/.installed
export ORT_DISABLE_TELEMETRY := 1
# Packages are installed without bytecode. What is imported keeps its own, even where the shell says not to: hundreds of
# processes would each compile torch.
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

in_range = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, $(1)))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do $$p -c '$(call in_range,15)' 2>/dev/null && echo $$p && break; done)
# uv takes a third of pip's time for all of it. It looks where pip is told to look; hashes say that it is the same file.
uv_at = UV_INDEX="$$($(PY) -m pip config get global.extra-index-url 2>/dev/null)" UV_INDEX_STRATEGY=unsafe-best-match uv
pip := $(PY) -m pip install --no-compile

# Installs 620 MB the first time
app: $(if $(wildcard $(READY)),$(READY),$(PAGE))
	$(PY) -m streamlit run streamlit_app.py --server.address=127.0.0.1

test: $(READY)
	$(PY) .ci/check
	OMP_NUM_THREADS=1 $(PY) tools/notebooks.py --test
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The inner loop: what a change in the rooms that serve is likely to break
quick: $(READY)
	$(PY) .ci/check
	OMP_NUM_THREADS=1 $(PY) tools/notebooks.py --test 00 03 06 20 21 23
	$(PY) -m pytest -n 2 --dist loadfile -m 'not slow' $(QUICK:%=tests/test_%.py)
QUICK := base deploy notebooks package quiet serving

setup: $(READY)

$(PY):
	@$(or $(PYTHON),false) -c '$(call in_range,15)' 2>/dev/null || { \
	  echo "fer_nb needs Python 3.11 to 3.14. Install one of them, or name it: make app PYTHON=path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(PAGE): requirements.txt settings.ini setup.py pyproject.toml | $(PY)
	$(pip) --require-hashes -r requirements.txt
	$(pip) --no-deps -e .
	@touch $@

$(READY): requirements.lock settings.ini setup.py pyproject.toml | $(PY)
	@$(PY) -c '$(call in_range,13)' || { \
	  echo "Tests and training need Python 3.11 or 3.12 (mediapipe has no wheel for a later one). Delete $(VENV), then: make $(or $(MAKECMDGOALS),setup) PYTHON=path/to/python3.12" >&2; exit 1; }
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt && $(pip) --require-hashes -r $(VENV)/uv.txt
	$(uv_at) pip install --python $(PY) --require-hashes -r requirements.lock || $(pip) --require-hashes -r requirements.lock
	$(pip) --no-deps --no-build-isolation -e .
	@touch $@

# Runs every notebook from top to bottom and stores what it shows. One of them: make notebooks NB=05_faces.
# Those that are older than what they were made from: make notebooks STALE=--stale
notebooks: $(READY)
	nbdev_export
	$(PY) tools/notebooks.py $(STALE) $(NB)
	nbdev_clean
	$(PY) tools/readme.py

# The documentation site in _docs/, without the network; _docs/live, which `make web` writes, stays. To read it:
# make docs SERVE=--serve
docs: $(READY)
	$(PY) tools/docs.py $(SERVE)

# The shipped network from nothing: its weights, its figures, and the pages that show them. FER2013_HOME must be set.
# Hours on two cores; stopped, it goes on where it was. Before the last stage it says how to make it on an accelerator.
weights: $(READY)
	fer_nb train --config shipped --publish
	$(MAKE) notebooks

readme: $(READY)
	$(PY) tools/readme.py

# The wheel and the sdist, in dist/
dist: $(READY)
	rm -rf dist
	$(PY) -m build --no-isolation

# Keeps the versions already locked where it can; make lock UPGRADE=--upgrade takes the newest that fit. requirements.lock
# is for developers, on the systems and versions of pyproject.toml; requirements.txt is for the page, on all that fer_nb
# runs on, at the same versions but for what only training holds back. The sed drops the marker "on every system we solve for".
LOCK := uv pip compile setup.py --universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command "make lock" $(UPGRADE)
lock: | $(PY)
	@uv --version >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(LOCK) --extra all --output-file requirements.lock
	sed -E -e "s/ and \(\(platform_machine[^\\]*\)\)( \\\\)?$$/\1/" -e "s/ ; python_full_version < '3.13'( \\\\)?$$/\1/" \
	  -e "s/python_full_version < '3.13' and //" -e "s/ and python_full_version < '3.13'//" requirements.lock > requirements.tmp
	mv requirements.tmp requirements.lock
	grep -E '^[a-z]' requirements.lock | grep -vE '^(numpy|pillow|protobuf)==' | tr -d '\\' > requirements.tmp
	$(subst uv pip,uv --no-config pip,$(LOCK)) --extra app --extra api --constraint requirements.tmp --no-annotate --output-file requirements.txt
	rm requirements.tmp

# What building and testing leave behind. The virtual environment stays: delete .venv for a fresh one.
clean:
	rm -rf build dist *.egg-info _docs _proc .pytest_cache .ruff_cache
	find fer_nb nbs tests tools -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# The page without a server, in _docs/live/. The only target that needs npm.
.PHONY: web
web: $(READY)
	npm ci --prefix web --ignore-scripts
	$(PY) tools/web.py
