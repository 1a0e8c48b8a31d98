# SPDX-License-Identifier: GPL-2.0-or-later
UNIT_TESTS := test_key test_parse test_config test_netlink $(CORE_TESTS) $(SHELL_TESTS) $(NSS_TESTS)
UNIT_PROGRAMS := $(UNIT_TESTS:%=$(B)/tests/%)
FAKE_WEFT := $(B)/tests/weft-fake
# Needs the kernel module; kernel.sh is for the tool what it is for the library.
KERNEL_API := $(B)/tests/kernel_api

TEST_PKGS := cmocka
TEST_LIBS = $(call pkg_libs,$(LIBWEFT_PKGS) $(WEFT_PKGS) $(TEST_PKGS))

# The library with a socket that a test controls, and the tool without its main().
FAKE_LIB_OBJS := $(filter-out %/socket.o,$(LIBWEFT_OBJS)) $(B)/tests/fake_socket.o
TOOL_PART_OBJS := $(filter-out %/main.o,$(WEFT_OBJS))

$(B)/tests/test_parse: LDFLAGS += -Wl,--wrap=getaddrinfo,--wrap=clock_nanosleep
$(B)/tests/test_key $(B)/tests/test_parse $(B)/tests/test_config $(KERNEL_API): \
$(B)/tests/%: $(B)/tests/%.o $(TOOL_PART_OBJS) $(LIBWEFT_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(B)/tests/test_netlink: $(B)/tests/test_netlink.o $(FAKE_LIB_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(FAKE_WEFT): $(B)/tests/fake_kernel.o $(FAKE_LIB_OBJS) $(WEFT_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(B)/tests/%.o: CPPFLAGS += $(call pkg_cflags,$(LIBWEFT_PKGS) $(TEST_PKGS))
$(B)/tests/%.o: tests/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

test-programs: $(UNIT_PROGRAMS) $(FAKE_WEFT) $(KERNEL_API) $(FILL_ROSTER) $(WEFT)

.PHONY: test-programs check-quick check-kernel
.SECONDARY:

# Those that take long: plainly once, and what they are long about is no memory error.
SLOW_TESTS := test_large

# run_args(variant, build directory, prefix of unit tests, tests)
run_args = $(foreach t,$(4),"$(1)$t" "$(3) $(2)/tests/$t") \
	"$(1)cli" "bash tests/cli.sh $(2)/weft $(2)/tests/weft-fake" \
	"$(1)mesh" "bash tests/mesh.sh $(2)/weft"

SANITIZED := build/sanitized
VALGRIND := $(shell command -v valgrind 2>/dev/null)
VALGRIND_RUN := valgrind -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite,indirect,possible

export ASAN_OPTIONS = detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS = print_stacktrace=1:halt_on_error=1

check: all test-programs sim
	$(Q)$(MAKE) --no-print-directory B=$(SANITIZED) SANITIZE=address,undefined test-programs
	$(Q)tests/run $(call run_args,,$(B),,$(UNIT_TESTS)) "install" "bash tests/install.sh $(B)" \
		"helpers" "bash tests/helpers.sh $(B)" \
		"sim" "bash $(SIM_DIR)/test.sh $(WEFT_SIM)" \
		"coverage" "$(MAKE) -s --no-print-directory coverage-test" \
		$(call run_args,sanitized: ,$(SANITIZED),,$(filter-out $(SLOW_TESTS),$(UNIT_TESTS))) \
		$(if $(VALGRIND),$(foreach t,$(filter-out test_bounds test_network test_helper $(SLOW_TESTS),$(UNIT_TESTS)),"valgrind: $t" \
			"$(VALGRIND_RUN) $(B)/tests/$t"))

# The same tests once, and as they are.
check-quick: all test-programs
	$(Q)tests/run $(call run_args,,$(B),,$(filter-out $(SLOW_TESTS),$(UNIT_TESTS))) "install" "bash tests/install.sh $(B)" \
		"helpers" "bash tests/helpers.sh $(B)"

# Where the module is, as root: what "check" cannot show.
check-kernel: all test-programs
	$(Q)tests/run "kernel: libweft" $(KERNEL_API) "kernel: weft" "bash tests/kernel.sh $(WEFT)"
