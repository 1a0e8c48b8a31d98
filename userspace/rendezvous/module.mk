# SPDX-License-Identifier: GPL-2.0-or-later
# Programs for rendezvous. Each needs a library of its own; a distribution that lacks one gets the rest.
OPENDHT_PKGS := opendht-c
ETCD_PKGS := libcurl json-c

have_pkgs = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo yes)

HELPER_NAMES :=
HELPERS_MISSING :=
ifeq ($(call have_pkgs,$(OPENDHT_PKGS)),yes)
HELPER_NAMES += opendht
else
HELPERS_MISSING += weft-rendezvous-opendht (libopendht-c-dev)
endif
ifeq ($(call have_pkgs,$(ETCD_PKGS)),yes)
HELPER_NAMES += etcd
else
HELPERS_MISSING += weft-rendezvous-etcd (libcurl4-openssl-dev, libjson-c-dev)
endif
HELPERS := $(HELPER_NAMES:%=$(B)/weft-rendezvous-%)

$(B)/rendezvous/opendht.o: CPPFLAGS += $(call pkg_cflags,$(OPENDHT_PKGS))
$(B)/rendezvous/etcd.o: CPPFLAGS += $(call pkg_cflags,$(ETCD_PKGS))
$(B)/rendezvous/%.o: rendezvous/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/weft-rendezvous-opendht: HELPER_LIBS = $(call pkg_libs,$(OPENDHT_PKGS)) -pthread
$(B)/weft-rendezvous-etcd: HELPER_LIBS = $(call pkg_libs,$(ETCD_PKGS))
$(HELPERS): $(B)/weft-rendezvous-%: $(B)/rendezvous/%.o $(B)/rendezvous/helper_io.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(HELPER_LIBS)

HELPERS_NOTE := @:
ifneq ($(HELPERS_MISSING),)
HELPERS_NOTE := @echo 'not built, for want of a library: $(HELPERS_MISSING)'
endif

helpers: $(HELPERS)
	$(HELPERS_NOTE)

.PHONY: helpers
