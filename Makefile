# SPDX-License-Identifier: GPL-2.0
# percore: per-core TCP, from the listening socket to the NIC's queue.
#
# KDIR=DIR     kernel headers or build tree for the modules (default: those of
#              the running kernel, else the newest of Debian's 6.12)
# KERNEL=NAME  for a VM's kernel instead: debian-6.12, debug, or kcsan, which finds
#              data races
# CPUS=N       processors of the VM in check and demo, where a choice is theirs
# ARGS="..."   options for bench, bench-host (tools/bench/bench-host --help) and
#              check-kernel
# V=1          show commands
SHELL := /bin/bash

running := /lib/modules/$(shell uname -r)/build
debian := $(shell ls -d /usr/src/linux-headers-6.12*-amd64 2>/dev/null | \
	sort -V | tail -n 1)
KDIR ?= $(if $(wildcard $(running)/Makefile),$(running),$(debian))

vmbox := tools/vmbox/vmbox
lib := . tools/vmbox/lib.sh

# Every directory with programs in C has a Makefile of its own.
program_dirs := $(patsubst %/,%,$(dir $(wildcard tools/*/Makefile \
	selftests/*/Makefile selftests/*/*/Makefile selftests/*/*/*/Makefile \
	selftests/*/*/*/*/Makefile)))

# No warning of gcc (W=1) or of sparse is let pass.
kbuild_flags := W=1e C=1 CF=-Wsparse-error $(if $(V),V=$(V))
quiet := $(if $(V),,@)

export CPUS KERNEL

.PHONY: all modules tools setup check check-all check-kernel soak demo bench bench-host \
	deb install uninstall clean help

all: modules tools ## build the modules and the tools

# The lock: a tree may be built by two hands, but not at once.
ifeq ($(KERNEL),)
modules: ## build both modules against KDIR or for KERNEL
	$(quiet)[ -e "$(KDIR)/Makefile" ] || { \
		echo "no kernel headers (KDIR=$(KDIR)): $(vmbox) --setup installs Debian's 6.12" >&2; exit 2; }
	$(quiet)flock Kbuild $(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR) $(kbuild_flags) modules
else ifeq ($(KERNEL),debian-6.12)
modules:
	$(quiet)$(MAKE) --no-print-directory modules KERNEL= KDIR=$(debian)
else
# Built in a copy, so that this tree stays as the Debian kernel's build left it.
copy = $(shell $(lib); module_dir $(KERNEL))
built_kernel = $(shell $(lib); kernel_dir $(KERNEL))

modules:
	$(quiet)[ -e $(built_kernel)/release ] || { \
		echo "kernel $(KERNEL) is not built: $(vmbox) --setup --kernel $(KERNEL)" >&2; exit 2; }
	$(quiet)mkdir -p $(copy)
	$(quiet)flock $(copy) bash -c 'rsync -a --delete --exclude-from=.gitignore \
		Kbuild include net drivers $(copy)/ && \
		$(MAKE) --no-print-directory -C $(built_kernel)/build M=$(copy) \
			$(kbuild_flags) modules'
endif

tools: ## build percorectl and the programs of the tests
	$(quiet)set -e; for dir in $(program_dirs); do \
		$(MAKE) --no-print-directory -C $$dir; done

setup: ## install what building and testing need, prepare the VM's kernel
	$(quiet)$(vmbox) --setup --kernel $(or $(KERNEL),debian-6.12)

# The VM's kernel decides what the modules are built for, not the running one.
check: ## install, build, run tests in VMs; KERNEL=debug or kcsan: sanitizers
	$(quiet)$(MAKE) --no-print-directory setup
	$(quiet)$(MAKE) --no-print-directory modules tools KERNEL=$(or $(KERNEL),debian-6.12)
	$(quiet)selftests/run --kernel $(or $(KERNEL),debian-6.12)

check-all: export LONG = 1
check-all: ## all tests, on the Debian kernel, then on the debug kernel, for hours
	$(quiet)$(MAKE) --no-print-directory check KERNEL=debian-6.12
	$(quiet)$(MAKE) --no-print-directory check-kernel KERNEL=debian-6.12
	$(quiet)$(MAKE) --no-print-directory check KERNEL=debug

soak: ## mixed load and changes at random for an hour, on the debug kernel
	$(quiet)$(MAKE) --no-print-directory setup KERNEL=debug
	$(quiet)$(MAKE) --no-print-directory modules tools KERNEL=debug
	$(quiet)LONG=1 selftests/run --kernel debug soak/

check-kernel: ## the kernel's own selftests, on stock and on ours, case by case
	$(quiet)$(MAKE) --no-print-directory setup
	$(quiet)$(MAKE) --no-print-directory modules KERNEL=$(or $(KERNEL),debian-6.12)
	$(quiet)tools/check-kernel/check-kernel --kernel $(or $(KERNEL),debian-6.12) $(ARGS)

ifneq ($(wildcard tools/bench/demo),)
demo: ## install, build, compare stock and percore side by side in a VM
	$(quiet)$(MAKE) --no-print-directory setup
	$(quiet)$(MAKE) --no-print-directory modules tools KERNEL=$(or $(KERNEL),debian-6.12)
	$(quiet)tools/bench/demo
endif

ifneq ($(wildcard tools/bench/bench),)
bench: ## cost per operation against the unmodified kernel, in a VM
	$(quiet)$(MAKE) --no-print-directory setup KERNEL=debian-6.12
	$(quiet)$(MAKE) --no-print-directory modules tools KERNEL=debian-6.12
	$(quiet)tools/bench/bench $(ARGS)

# Of the running kernel, and no packages: this may be anybody's machine.
bench-host: modules ## speed of this machine on stock and on ours, over a wire; ARGS
	$(quiet)$(MAKE) --no-print-directory -C tools/percorectl
	$(quiet)tools/bench/bench-host $(ARGS)
endif

# Built in a copy: dpkg-buildpackage writes beside the tree, and cleans it.
deb: ## build the Debian packages percore-dkms and percore-tools in build/deb
	$(quiet)rm -rf build/deb && mkdir -p build/deb/percore
	$(quiet)rsync -a --exclude-from=.gitignore --exclude=.git ./ build/deb/percore/
	$(quiet)cd build/deb/percore && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc -b
	$(quiet)rm -rf build/deb/percore
	@ls build/deb/*.deb

# Debian's packages where there are such; else by hand. Into DESTDIR by hand, too.
dpkg := $(if $(DESTDIR),,$(wildcard /etc/debian_version))
by_hand := $(MAKE) --no-print-directory -C tools/install
dkms_name = percore/$$($(by_hand) -s version)

install: ## install modules (by DKMS) and tools; on Debian as packages
ifneq ($(dpkg),)
	$(quiet)$(MAKE) --no-print-directory deb
	$(quiet)apt-get install -y --reinstall $(CURDIR)/build/deb/*.deb
else
	$(quiet)$(by_hand) install-tools install-dkms
	$(quiet)[ -n "$(DESTDIR)" ] || dkms install $(dkms_name)
endif

uninstall: ## remove all that install has installed
ifneq ($(dpkg),)
	$(quiet)apt-get purge -y percore-dkms percore-tools
else
	$(quiet)[ -n "$(DESTDIR)" ] || dkms remove $(dkms_name) --all
	$(quiet)$(by_hand) uninstall
endif

clean: ## remove what was built
	$(quiet)[ ! -e "$(KDIR)/Makefile" ] || \
		$(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR) clean
	$(quiet)set -e; for dir in $(program_dirs); do \
		$(MAKE) --no-print-directory -C $$dir clean; done
	$(quiet)rm -rf $$($(lib); module_dir debug) $$($(lib); module_dir kcsan)

help: ## this list
	@awk -v demo=$(wildcard tools/bench/demo) -v bench=$(wildcard tools/bench/bench) \
		-F ':.*## ' '/^[a-z-]+:.*## / { \
		if (($$1 == "demo" && !demo) || ($$1 == "bench" && !bench)) next; \
		printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo; sed -n 's/^# \([A-Z]*=\)/  \1/p; s/^#  \{9\}/  /p' $(firstword $(MAKEFILE_LIST))
