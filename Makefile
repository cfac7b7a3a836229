# The commands of the project. Each sets up all that it needs by itself (setup.sh) and builds with
# PlatformIO; nothing leaves this folder. `make` lists them.

python = .venv/bin/python
build = echo "Building $(1)"; $(python) -m platformio run --silent $(addprefix -e ,$(1)) >/dev/null

# PlatformIO keeps its state here and not in the home folder, reports to nobody, seeks no upgrade.
export PLATFORMIO_CORE_DIR = $(CURDIR)/.pio/core
export PLATFORMIO_SETTING_ENABLE_TELEMETRY = no
export PLATFORMIO_DISABLE_UPGRADE_CHECK = true

programs = sim sim_sanitize sim_reference digits digits_sanitize emulator engine bench
images = ch32h417 ch32v003 ch32v003_hwtest \
	digits_v003 digits_v003_large digits_v003_dense digits_v002 digits_v002_large
cores = measure_rv32ec measure_rv32ec_zmmul measure_rv32imac

.PHONY: help demo test soak size bench release lint setup train-setup clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile | awk -F': ' '{printf "make %-12s %s\n", $$1, $$2}'

# The files for a card: card/cat8.whim and cat4.whim, from the trained integers, and phrases.bank.
cards = card/cat4.whim
$(cards): data/cat.npz data/cat4.npz data/phrases.bank $(wildcard host/whim/*.py)
	@echo "Packing the models for a card"; $(python) host/pack.py >/dev/null

demo: ## roll the die, make cats and hear them on the simulated device
	@./setup.sh demo
	@$(MAKE) --no-print-directory $(cards)
	@$(call build,sim)
	@$(python) host/sim.py demo

test: setup $(cards) ## build the simulator, with and without sanitizers, and the images; test everything
	@$(call build,$(programs) $(cores) $(images))
	@$(python) -m pytest $(PYTEST)

soak: setup $(cards) ## the same, with all of every long series: a quarter of an hour
	@$(call build,$(programs) $(cores) $(images))
	@WHIM_SOAK=1 $(python) -m pytest $(PYTEST)

size: setup ## how much flash and RAM each image takes, and the engine in it
	@$(call build,emulator $(images))
	@$(python) host/size.py

bench: setup $(cards) ## what a cat takes: instructions, cycles, bytes from the card; docs/BENCH.md
	@$(call build,emulator bench)
	@$(python) host/bench.py

release: setup $(cards) ## firmware for both boards and the card's files, into release/
	@$(call build,ch32h417 ch32v003)
	@$(python) host/release.py

lint: setup ## look for mistakes in the Python code
	@$(python) -m ruff check host tests platforms

setup: ## only set up: compilers, and the Python tools in .venv
	@./setup.sh test

train-setup: ## set up PyTorch and the plots too, for training and for comparing against PyTorch
	@./setup.sh train

clean: ## delete all that was built or set up
	rm -rf .pio .venv whim.egg-info
