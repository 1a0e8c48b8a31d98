# SPDX-License-Identifier: GPL-2.0-or-later
WEFT_SRCS := config.c format.c genkey.c keyfile.c main.c parse.c pubkey.c report.c resolve.c \
	set.c setconf.c show.c show_fields.c show_json.c show_pretty.c showconf.c syncconf.c terminal.c
WEFT_MESH_SRCS := ask.c export.c init.c invite.c join.c leave.c monitor.c options.c peers.c ping.c \
	print.c qr.c revoke.c route.c status.c updown.c
WEFT_OBJS := $(WEFT_SRCS:%.c=$(B)/weft-tool/%.o) $(WEFT_MESH_SRCS:%.c=$(B)/weft-mesh/%.o) \
	$(B)/daemon/json.o
WEFT_PKGS := json-c libqrencode

WEFT := $(B)/weft

$(WEFT_OBJS): CPPFLAGS += $(call pkg_cflags,$(WEFT_PKGS)) -DWEFT_VERSION='"$(VERSION)"'

# The tool holds the library, so that it runs from where it was built.
$(WEFT): $(WEFT_OBJS) $(LIBWEFT_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(WEFT_OBJS) $(LIBWEFT_A) \
		$(call pkg_libs,$(LIBWEFT_PKGS) $(WEFT_PKGS))

$(B)/weft-tool/%.o: weft/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/weft-mesh/%.o: weft/mesh/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
