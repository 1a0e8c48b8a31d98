# SPDX-License-Identifier: GPL-2.0-or-later
LIBWEFT_SRCS := decode.c describe.c device.c encode.c error.c key.c request.c socket.c weft.c
LIBWEFT_OBJS := $(LIBWEFT_SRCS:%.c=$(B)/libweft/%.o)
LIBWEFT_PKGS := libnl-3.0 libnl-genl-3.0 libsodium

LIBWEFT_SO := $(B)/libweft.so.$(LIBWEFT_SOVERSION)
LIBWEFT_A := $(B)/libweft.a

$(LIBWEFT_OBJS): CPPFLAGS += $(call pkg_cflags,$(LIBWEFT_PKGS))
$(LIBWEFT_OBJS): CFLAGS += -fPIC

$(LIBWEFT_SO): $(LIBWEFT_OBJS) libweft/libweft.map
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(notdir $@) \
		-Wl,--version-script=libweft/libweft.map -Wl,-z,defs -o $@ $(LIBWEFT_OBJS) \
		$(call pkg_libs,$(LIBWEFT_PKGS))

$(LIBWEFT_A): $(LIBWEFT_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# Always, because nothing tells when a directory was set otherwise.
$(B)/libweft.pc: libweft/libweft.pc.in FORCE
	$(call say,GEN,$@)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' $< >$@
