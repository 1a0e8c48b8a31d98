# SPDX-License-Identifier: GPL-2.0-or-later
# The simulator: for the daemon's unit tests, and as a program. Part of userspace/Makefile.
SIM_DIR := ../tools/testing/sim
SIM_OBJS := $(B)/sim/sim.o $(B)/sim/sim_kernel.o

$(B)/sim/%.o: CPPFLAGS += -Iweftd/core -Iweftd/tests -Itests $(call pkg_cflags,$(CORE_PKGS) $(TEST_PKGS))
$(B)/sim/%.o: $(SIM_DIR)/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# With what nodes have in common kept once: for large networks.
SIM_SHARED := $(B)/sim/share.o $(B)/sim/crowd.o
SIM_WRAPPED := malloc calloc realloc free weft_record_parse weft_record_sign weft_record_sign_agreed \
	weft_roster_clone weft_roster_free weft_roster_swap weft_roster_add weft_roster_evaluate \
	weft_roster_digest weft_roster_index
SIM_LDFLAGS := $(SIM_WRAPPED:%=-Wl,--wrap=%)
WEFT_SIM := $(B)/weft-sim

$(WEFT_SIM): LDFLAGS += $(SIM_LDFLAGS)
$(WEFT_SIM): $(B)/sim/main.o $(SIM_OBJS) $(SIM_SHARED) $(B)/libweftcore.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,$(CORE_PKGS) $(TEST_PKGS))

sim: $(WEFT_SIM)

.PHONY: sim
