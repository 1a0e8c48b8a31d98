# SPDX-License-Identifier: GPL-2.0-or-later
# Members' names for the C library. It is loaded into every program: it needs nothing but that.
NSS_SRCS := names_file.c nss_weft.c
NSS_OBJS := $(NSS_SRCS:%.c=$(B)/nss/%.o)
NSS_SO := $(B)/libnss_weft.so.2

NSS_TESTS := test_nss

$(NSS_OBJS): CFLAGS += -fPIC
$(B)/nss/%.o: nss/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(NSS_SO): $(NSS_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(notdir $@) -Wl,-z,defs -o $@ $(NSS_OBJS)

# The module itself, reading another file.
$(B)/tests/test_nss.o: CPPFLAGS += -Inss -Itests
$(B)/tests/test_nss.o: nss/tests/test_nss.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/test_nss: LDFLAGS += -Wl,--wrap=open
$(NSS_TESTS:%=$(B)/tests/%): $(B)/tests/%: $(B)/tests/%.o $(NSS_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,$(TEST_PKGS))
