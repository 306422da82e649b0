# `make play` plays the instrument, `make test` proves it. Each sets up what it needs, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRA := $(shell nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
# In a terminal pip shows its own progress bars; elsewhere its lines, one per package.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt

# Debian and Ubuntu packages. Elsewhere the wheels bring PortAudio, or the message says what to install.
PLAY_PACKAGES := libportaudio2
TEST_PACKAGES := libportaudio2 jackd2 fluidsynth libfluidsynth3 fluidr3mono-gm-soundfont chromium strace

.PHONY: play plugin test fuzz soak test-daw test-plugin lint docs bench setup clean help

play: $(VENV)/play.stamp  ## play the instrument (ARGS="--preset NAME" and so on)
	@$(BIN)/latentkeys play $(ARGS) || [ $$? -eq 130 ]  # Ctrl-C is how one stops playing

# Real-time tests run alone, whatever runs side by side (tests/helpers/turns.py).
test: $(VENV)/test.stamp  ## run the tests, real audio server included (ARGS="-k name", "-m 'not slow'")
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder --durations 20 $(ARGS)

fuzz: $(VENV)/test.stamp  ## 100,000 damaged and hostile inputs at every entrance (minutes; ARGS="--seed 7")
	@$(BIN)/python -m tests.fuzz $(ARGS)

soak: $(VENV)/test.stamp  ## a day of virtual nonsense (half an hour; ARGS="--real-minutes 60": a real session)
	@$(BIN)/python -m tests.soak $(ARGS)

test-daw: $(VENV)/test.stamp  ## record with a real DAW, Ardour 7, on JACK (apt installs it); writes docs/daw_test.log
	@$(call system_packages,ardour)
	$(BIN)/python -m tests.daw

test-plugin: $(VENV)/test.stamp  ## the plug-in in Ardour 7, Wine and QEMU (apt installs them); writes docs/plugin_test.log
	@$(call system_packages,ardour wine64 wine jackd2 qemu-user libc6-arm64-cross)
	$(BIN)/python -m tests.plugin $(ARGS)

plugin: $(VENV)/test.stamp  ## build the plug-in (CLAP, VST3) for Linux, Windows and macOS (ARGS="linux-x86_64")
	@$(PIP) 'ziglang>=0.14'
	$(BIN)/python -m instrument.plugin.build $(ARGS)

lint: $(VENV)/test.stamp  ## formatting, style and strict types over everything
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@MYPY_NUM_WORKERS=2 $(BIN)/mypy

docs: $(VENV)/test.stamp  ## build the site into build/docs; a dead link or reference fails, and so does a foreign script
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	if grep -rlE '<(script|link|img)[^>]+(src|href)="(https?:)?//[^"]+\.(js|css|woff2?|png|svg)' build/docs; then \
	  echo "These pages need the network."; exit 1; fi
	echo "build/docs/index.html"

bench: $(VENV)/test.stamp  ## measure the engine beside its peers (minutes)
	@$(BIN)/latentkeys bench all $(ARGS)

setup: $(VENV)/test.stamp  ## everything a contributor needs, without running anything

clean:  ## forget the set-up
	rm -rf $(VENV)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | column -t -s '|'

# `set -o errexit` throughout: a stamp is only written after every step has worked.
.ONESHELL:
.SHELLFLAGS := -ec

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "latentkeys needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 13))' \
	  || echo "Python 3.13 and newer have no ready-made python-rtmidi: it is built here, which needs a C++ compiler and the ALSA and JACK headers."
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 2; }

$(VENV)/play.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(call system_packages,$(PLAY_PACKAGES))
	echo "Installing latentkeys[$(EXTRA)] into $(VENV) (once, a minute or two) ..."
	$(PIP) --editable '.[$(EXTRA)]'
	$(PIP) --editable '.[rack]' || echo "There is no pyo for this system: racks are left out, all else plays."
	$(BIN)/python -c 'from instrument.first_start import compile_once; compile_once()'
	$(say_where)
	touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(call system_packages,$(TEST_PACKAGES))
	echo "Installing latentkeys[$(EXTRA),training,export,dev,docs] into $(VENV) (once) ..."
	$(PIP) --editable '.[$(EXTRA),training,export,dev,docs]'
	$(BIN)/python -c 'from instrument.first_start import compile_once; compile_once()'
	touch $@ $(VENV)/play.stamp

# The command, where a shell finds it: a link in ~/.local/bin if that is on the PATH and free.
define say_where
link="$$HOME/.local/bin/latentkeys"
case ":$$PATH:" in
*":$$HOME/.local/bin:"*) if [ ! -e "$$link" ] && [ ! -L "$$link" ]; then ln -s "$(CURDIR)/$(BIN)/latentkeys" "$$link"; fi;;
esac
if [ "$$(command -v latentkeys)" = "$$link" ]; then echo "The command latentkeys is ready in every terminal."
else echo "In other terminals type: $(CURDIR)/$(BIN)/latentkeys"; fi
endef

# $(1): packages. Installs the missing ones through apt as root or with sudo, else says what to type.
define system_packages
missing=""
if command -v dpkg-query >/dev/null; then
  for package in $(1); do
    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"
  done
elif [ "$$(uname)" = Linux ]; then
  echo "Not Debian or Ubuntu: please see that your system has the equivalents of: $(1)"
fi
if [ -n "$$missing" ]; then
  echo "Installing system packages:$$missing"
  if [ "$$(id -u)" = 0 ]; then root=""; elif sudo -n true 2>/dev/null || [ -t 0 ]; then root=sudo; else root=none; fi
  if [ "$$root" = none ]; then
    echo "Please type, then try again: sudo apt-get install$$missing"; exit 2
  fi
  $$root sh -c "if command -v debconf-set-selections >/dev/null; then echo 'jackd2 jackd/tweak_rt_limits boolean false' | debconf-set-selections; fi; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing" >/tmp/latentkeys-apt.log 2>&1 \
    || { tail -n 5 /tmp/latentkeys-apt.log; echo "Please type, then try again: sudo apt-get install$$missing"; exit 2; }
fi
endef
