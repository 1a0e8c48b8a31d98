# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon's core: no clock, socket, file or thread in it.
CORE_SRCS := address.c cbor.c fields.c identity.c index.c invitation.c reason.c record.c revoke.c roster.c \
	state.c token.c view.c
# The node: what the daemon decides.
CORE_SRCS += announce.c beacon.c command.c contact.c door.c gossip.c input.c join.c known.c link.c \
	node.c output.c parting.c peer.c random.c rendezvous.c review.c route.c schedule.c secret.c spread.c \
	status.c sync.c
CORE_OBJS := $(CORE_SRCS:%.c=$(B)/core/%.o)
CORE_PKGS := libsodium
CORE_A := $(B)/libweftcore.a

CORE_TESTS := test_cbor test_identity test_address test_record test_roster test_invitation \
	test_token test_state test_revoke test_merge test_memory test_bounds \
	test_vectors test_message_vectors test_gossip test_node test_network test_large \
	test_index test_share test_unusual test_introduction
# Those that simulate a network.
SIM_TESTS := test_node test_network test_large test_share test_unusual test_introduction

$(CORE_OBJS): CPPFLAGS += $(call pkg_cflags,$(CORE_PKGS))
$(B)/core/%.o: weftd/core/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(CORE_A): $(CORE_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# The daemon around it.
WEFTD_SRCS := commands.c config.c control.c daemon.c export.c helper.c helper_lines.c sockets.c json.c \
	keeper.c kernel.c links.c log.c main.c names.c network.c notify.c privilege.c report.c store.c
WEFTD_OBJS := $(WEFTD_SRCS:%.c=$(B)/daemon/%.o)
WEFTD_PKGS := libuv json-c libnl-3.0 libnl-route-3.0
WEFTD := $(B)/weftd

# What is compiled in of the directories; written anew when it is another one.
$(B)/helperdir: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(HELPERDIR)' | cmp -s - $@ || echo '$(HELPERDIR)' >$@
$(B)/daemon/keeper.o: $(B)/helperdir

$(WEFTD_OBJS): CPPFLAGS += -Iweftd/core $(call pkg_cflags,$(WEFTD_PKGS) $(CORE_PKGS)) \
	-DWEFT_VERSION='"$(VERSION)"' -DWEFT_HELPER_DIR='"$(HELPERDIR)"'
$(B)/daemon/%.o: weftd/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(WEFTD): $(WEFTD_OBJS) $(CORE_A) $(LIBWEFT_A)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ \
		$(call pkg_libs,$(LIBWEFT_PKGS) $(WEFTD_PKGS) $(CORE_PKGS))

$(CORE_TESTS:%=$(B)/tests/%.o): CPPFLAGS += -Iweftd/core -Iweftd/tests -Itests -I$(SIM_DIR) \
	$(call pkg_cflags,$(CORE_PKGS))
$(CORE_TESTS:%=$(B)/tests/%.o): $(B)/tests/%.o: weftd/tests/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(SIM_TESTS:%=$(B)/tests/%): $(SIM_OBJS)

$(B)/tests/test_memory: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(B)/tests/test_unusual: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=weft_node_datagram,--wrap=weft_node_output,--wrap=weft_node_unknown_peer
$(B)/tests/test_large $(B)/tests/test_share: LDFLAGS += $(SIM_LDFLAGS)
$(B)/tests/test_large $(B)/tests/test_share: $(SIM_SHARED)
$(CORE_TESTS:%=$(B)/tests/%): $(B)/tests/%: $(B)/tests/%.o $(CORE_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(call pkg_libs,$(CORE_PKGS) $(TEST_PKGS))

# No test, but what one makes a large network with.
FILL_ROSTER := $(B)/tests/fill_roster
$(FILL_ROSTER).o: CPPFLAGS += -Iweftd/core $(call pkg_cflags,$(CORE_PKGS))
$(FILL_ROSTER).o: weftd/tests/fill_roster.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(FILL_ROSTER): $(FILL_ROSTER).o $(CORE_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,$(CORE_PKGS))

# Always, because nothing tells when a directory was set otherwise.
$(B)/weftd.service: weftd/weftd.service.in FORCE
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|' $< >$@

# Of the shell, what can be had without a kernel.
SHELL_TESTS := test_store test_settings test_notify test_helper test_helper_lines test_interface
SHELL_PART_OBJS := $(filter-out %/main.o %/commands.o %/control.o %/daemon.o %/network.o %/names.o \
	%/report.o %/export.o,$(WEFTD_OBJS))

$(SHELL_TESTS:%=$(B)/tests/%.o): CPPFLAGS += -Iweftd -Iweftd/core -Itests \
	$(call pkg_cflags,$(WEFTD_PKGS) $(CORE_PKGS))
$(SHELL_TESTS:%=$(B)/tests/%.o): $(B)/tests/%.o: weftd/tests/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Networks, with interfaces that are only said to be there.
$(B)/tests/test_interface: $(filter-out $(SHELL_PART_OBJS) %/main.o,$(WEFTD_OBJS))
$(B)/tests/test_interface: LDFLAGS += -Wl,--wrap=link_make,--wrap=link_delete,--wrap=daemon_open_weft
$(B)/tests/test_store: LDFLAGS += -Wl,--wrap=write,--wrap=fsync,--wrap=renameat
$(SHELL_TESTS:%=$(B)/tests/%): $(B)/tests/%: $(B)/tests/%.o $(SHELL_PART_OBJS) $(CORE_A) $(LIBWEFT_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(call pkg_libs,$(LIBWEFT_PKGS) $(WEFTD_PKGS) $(CORE_PKGS) $(TEST_PKGS))

# What of the core its tests execute: lines, and branches taken either way. Without the tests that
# show that the work is bounded, and how large networks behave: they take most of the time.
COVERAGE_TESTS := $(filter-out test_bounds test_large,$(CORE_TESTS))
LEAST_BRANCHES := 90

coverage:
	$(Q)rm -rf build/coverage
	$(Q)$(MAKE) --no-print-directory B=build/coverage CFLAGS=--coverage OPTIMIZE=-O0 \
		HARDENING= $(COVERAGE_TESTS:%=build/coverage/tests/%) >/dev/null
	$(Q)tests/run $(foreach t,$(COVERAGE_TESTS),"$t" build/coverage/tests/$t) | tail -n 1
	$(Q)tests/coverage $(LEAST_BRANCHES) build/coverage/core $(CORE_SRCS:%=weftd/core/%)

# The same as a test, named by the figure.
coverage-test:
	$(Q)echo 1..1; result="not ok"; \
	table=$$($(MAKE) -s --no-print-directory coverage) && result=ok; \
	echo "$$result 1 - $$(echo "$$table" | tail -n 1)"

.PHONY: coverage coverage-test
