# SPDX-License-Identifier: GPL-2.0
# Entry points for people. The module's own build description is Kbuild.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr
DESTDIR ?=
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
# Without kernel headers as well: what kbuild leaves behind has known names.
rm_products = find $(1) -type f \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' \) -delete
DKMS_TREE = $(DESTDIR)/usr/src/weft-$(VERSION)

help:
	@echo 'Build (needs the headers of the kernel; tools/setup build installs the rest):'
	@echo '  all            the kernel module and the tools'
	@echo '  modules        the module, for KVER= or KDIR= (default: the running kernel)'
	@echo '  tools          library, command line tool'
	@echo '  install        both, below DESTDIR and PREFIX'
	@echo '  dkms-install   the module by DKMS: rebuilt by itself for each new kernel'
	@echo '  dkms-uninstall'
	@echo '  clean'
	@echo 'See it work:'
	@echo '  demo           machines talking through weft, in a guest (2 minutes)'
	@echo 'Test (all of it in guests; needs no kernel headers, no reboot):'
	@echo '  check-quick    static checks, unit tests, a few tests on one kernel'
	@echo '  check          static checks, unit tests, all tests on 6.1 and the newest'
	@echo '  check-kernels  build, smoke and DKMS tests on every supported kernel'
	@echo '  check-mesh     rendezvous by OpenDHT and etcd; networks of ten to thirty daemons, one of a thousand; daemons with sanitizers'
	@echo '  check-debug    all tests on a kernel with KASAN, lockdep, kmemleak ...'
	@echo '  fuzz           the daemon'\''s decoders, 10 minutes each'
	@echo '  bench          speed, latency and scale next to WireGuard and others, in guests;'
	@echo '                 ARGS=--quick, ARGS=--profile, ARGS=--help'
	@echo '  bench-sim      simulated networks of 10 to 10,000 members: how fast news get around,'
	@echo '                 traffic, memory (no guest; some minutes); ARGS="--sizes 10 1000"'

all: modules tools

modules:
	@[ -e $(KDIR)/Makefile ] || { \
		echo "no headers in $(KDIR); install linux-headers-$(KVER), or give KVER= or KDIR=" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools:
	$(MAKE) -C userspace PREFIX=$(PREFIX)

install: all
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	$(MAKE) -C userspace PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install

dkms-install:
	@[ -n "$(DESTDIR)" ] || command -v dkms >/dev/null || { echo "dkms is not installed; run: apt-get install dkms" >&2; exit 1; }
	rm -rf $(DKMS_TREE)
	mkdir -p $(DKMS_TREE)
	cp -r Kbuild dkms.conf LICENSES kmod $(DKMS_TREE)
	$(call rm_products,$(DKMS_TREE))
	@# A package (DESTDIR) leaves the rest to the machine it is installed on. By force, so that what
	@# is installed stays until this one is built.
	$(if $(DESTDIR),,dkms build weft/$(VERSION) -k $(KVER) --force)
	$(if $(DESTDIR),,dkms install weft/$(VERSION) -k $(KVER) --force)

dkms-uninstall:
	dkms remove weft/$(VERSION) --all
	rm -rf $(DKMS_TREE)

demo:
	@tools/setup build test
	@tools/testing/demo/run

check check-quick check-kernels:
	@tools/setup build test
	@tools/testing/run-checks $@

check-mesh:
	@tools/setup build test mesh
	@tools/testing/run-checks $@

check-debug:
	@tools/setup build test debug
	@tools/testing/run-checks $@

fuzz:
	@tools/setup build test
	@tools/testing/fuzz/run --seconds 600

bench:
	@tools/setup build test
	@tools/testing/bench/run $(ARGS)

bench-sim:
	@tools/setup build test
	@tools/testing/sim/bench $(ARGS)

clean:
	$(MAKE) -C userspace clean
	$(MAKE) -C tools/testing/selftests/weft clean
	$(MAKE) -C tools/testing/bench clean
	$(call rm_products,kmod tools)
	rm -rf Module.symvers modules.order .module-common.* .modules.order.cmd .Module.symvers.cmd out

.PHONY: help all modules tools install dkms-install dkms-uninstall demo check \
	check-quick check-kernels check-mesh check-debug fuzz bench bench-sim clean
