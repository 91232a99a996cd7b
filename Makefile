# Offhook: make sim, make setup, make test; each does all its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: deb lock deb-test image boot-test raspios-test
.PHONY: setup sim test test-quick lint bench pictures test-setup peers clean

# Debian splits ensurepip out of python3: fetch it where we may, else say what to type.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "offhook needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/apt-install python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/.installed
	@sh .ci/apt-install gcc libc6-dev python3-dev libasound2-dev  # pyalsaaudio has no wheel
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/.installed-bench: pyproject.toml $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

setup: $(VENV)/.installed

# LISTEN=127.0.0.1:9000 when something else has the port.
sim: setup
	$(BIN)/offhook sim $(if $(LISTEN),--listen $(LISTEN))

# The peers that the interop tests call, the browser of the page's test, the sound server of the sound driver's.
peers:
	@sh .ci/apt-install sip-tester baresip-core kamailio chromium pulseaudio libasound2-plugins systemd iproute2 device-tree-compiler

test-setup: $(VENV)/.installed-test peers

test: test-setup lint
	$(BIN)/pytest -q

# Without peers and browser: the pure rooms only.
test-quick: $(VENV)/.installed-test
	$(BIN)/pytest -q --ignore=tests/interop --ignore=tests/system

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-bench peers
	$(BIN)/python -m benchmarks

# The README's picture of the panels, from the screens as they are now.
pictures: $(VENV)/.installed-test
	$(BIN)/python -m tests.support.gallery

# --- for the Raspberry Pi: the package, the card's image, their tests (image-build/README.md) ---
ARCH ?= arm64

deb: $(BIN)/pip
	PIP=$(CURDIR)/$(BIN)/pip image-build/deb/build build

# Of the wheels in the package; of the Debian packages in the image, from the last one built.
lock: $(BIN)/pip
	PIP=$(CURDIR)/$(BIN)/pip image-build/deb/lock
	@for a in amd64 arm64; do [ ! -f build/$$a/packages ] || grep -v "^offhook " build/$$a/packages >image-build/packages.$$a.lock; done

deb-test: deb
	@sh .ci/apt-install mmdebstrap strace
	PIP=$(CURDIR)/$(BIN)/pip image-build/test-deb build

# BASE=raspios.img.xz: the package laid over that image of Raspberry Pi OS Lite, instead of an image of our own.
image: deb
	@sh .ci/apt-install mmdebstrap mtools dosfstools fdisk squashfs-tools e2fsprogs zstd xz-utils bmap-tools systemd udev \
	  $(if $(filter amd64,$(if $(BASE),arm64,$(ARCH))),syslinux syslinux-common,qemu-user-static binfmt-support device-tree-compiler)
	$(if $(BASE),image-build/raspios/lay $(BASE) build,image-build/image $(ARCH) build)

# TEST=boot_time measures the time to the dial tone, set_up and worn_out try a new card and a damaged one; MACHINE=raspi3b is QEMU's Raspberry Pi 3 (arm64).
TEST ?= telephone
boot-test: $(VENV)/.installed-test
	@sh .ci/apt-install mmdebstrap mtools e2fsprogs iproute2 $(if $(filter amd64,$(ARCH)),qemu-system-x86,qemu-system-arm device-tree-compiler)
	image-build/boot-test/boot-test $(ARCH) build $(or $(MACHINE),$(TEST))

# An image that looks like Raspberry Pi OS Lite, the package laid over it, and that booted in QEMU (arm64): about three quarters of an hour.
raspios-test: deb $(VENV)/.installed-test
	@sh .ci/apt-install mmdebstrap mtools dosfstools fdisk e2fsprogs zstd xz-utils bmap-tools iproute2 qemu-user-static binfmt-support qemu-system-arm
	image-build/raspios/test build

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
