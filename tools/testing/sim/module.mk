# SPDX-License-Identifier: GPL-2.0-or-later
# The simulator: for the daemon's unit tests, and as a program. Part of userspace/Makefile.
SIM_DIR := ../tools/testing/sim
SIM_OBJS := $(B)/sim/sim.o $(B)/sim/sim_kernel.o

$(B)/sim/%.o: CPPFLAGS += -Iweftd/core -Iweftd/tests -Itests $(call pkg_cflags,$(CORE_PKGS) $(TEST_PKGS))
$(B)/sim/%.o: $(SIM_DIR)/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
