# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon's core: no clock, socket, file or thread in it.
CORE_SRCS := address.c cbor.c fields.c identity.c invitation.c reason.c record.c revoke.c roster.c \
	state.c token.c view.c
CORE_OBJS := $(CORE_SRCS:%.c=$(B)/core/%.o)
CORE_PKGS := libsodium
CORE_A := $(B)/libweftcore.a

CORE_TESTS := test_cbor test_identity test_address test_record test_roster test_invitation \
	test_token test_state test_revoke test_merge test_memory test_bounds \
	test_vectors

$(CORE_OBJS): CPPFLAGS += $(call pkg_cflags,$(CORE_PKGS))
$(B)/core/%.o: weftd/core/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(CORE_A): $(CORE_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(CORE_TESTS:%=$(B)/tests/%.o): CPPFLAGS += -Iweftd/core -Itests $(call pkg_cflags,$(CORE_PKGS))
$(CORE_TESTS:%=$(B)/tests/%.o): $(B)/tests/%.o: weftd/tests/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/test_memory: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(CORE_TESTS:%=$(B)/tests/%): $(B)/tests/%: $(B)/tests/%.o $(CORE_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,$(CORE_PKGS) $(TEST_PKGS))

# What of the core its tests execute: lines, and branches taken either way.
coverage:
	$(Q)rm -rf build/coverage
	$(Q)$(MAKE) --no-print-directory B=build/coverage CFLAGS=--coverage OPTIMIZE=-O0 \
		HARDENING= $(CORE_TESTS:%=build/coverage/tests/%) >/dev/null
	$(Q)tests/run $(foreach t,$(CORE_TESTS),"$t" build/coverage/tests/$t) | tail -n 1
	$(Q)tests/coverage build/coverage/core $(CORE_SRCS:%=weftd/core/%)

.PHONY: coverage
