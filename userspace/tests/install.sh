#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What "make install" leaves behind, used as others would use it.
#
#   install.sh BUILD_DIRECTORY
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tap.sh
. tests/tap.sh

build=$1
root=$tap_dir/root
make --no-print-directory -s B="$build" DESTDIR="$root" PREFIX=/usr LIBDIR=/usr/lib install \
	>"$tap_dir/install.log" 2>&1 || { cat "$tap_dir/install.log" >&2; exit 1; }
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig
# The root is elsewhere, so its /usr/lib is not where the linker looks anyway.
export PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
read -ra flags <<<"$(pkg-config --cflags --libs libweft)"

# The example of the manual page.
example() {
	sed -n '/^#include <stdio.h>/,/^\.EE/p' ../Documentation/man/libweft.3 |
		sed '/^\.EE/d; s/\\e/\\/g'
}

# Those whose libraries are there, and their manuals.
helpers() {
	env -u PKG_CONFIG_LIBDIR pkg-config --exists opendht-c &&
		echo libexec/weft/weft-rendezvous-opendht share/man/man8/weft-rendezvous-opendht.8
	env -u PKG_CONFIG_LIBDIR pkg-config --exists libcurl &&
		echo libexec/weft/weft-rendezvous-etcd share/man/man8/weft-rendezvous-etcd.8
	return 0
}

all_parts_are_installed() {
	local file

	for file in bin/weft lib/libweft.so lib/libweft.so.0 lib/libweft.a \
			lib/pkgconfig/libweft.pc include/libweft/weft/weft.h \
			include/libweft/linux/weft.h share/man/man8/weft.8 \
			share/man/man3/libweft.3 share/man/man8/weftd.8 sbin/weftd \
			lib/libnss_weft.so.2 lib/systemd/system/weftd.service share/bash-completion/completions/weft \
			$(helpers); do
		[ -s "$root/usr/$file" ] || fail "no $file"
	done
}

the_installed_tool_runs() {
	contains "$("$root/usr/bin/weft" --version)" "weft "
	contains "$("$root/usr/sbin/weftd" --version)" "weftd "
}

the_installed_helpers_run() {
	local helper

	for helper in "$root"/usr/libexec/weft/*; do
		contains "$("$helper" --help)" "weft up --rendezvous"
		same 2 "$("$helper" >/dev/null 2>&1; echo $?)"
	done
	contains "$(strings -a "$root/usr/sbin/weftd" | grep libexec)" /usr/libexec/weft
}

the_library_exports_what_the_header_declares_and_no_more() {
	local declared exported

	declared=$(sed -n '/^struct weft;/,$p; /^struct weft_device \*weft_device_new/,/^struct weft;/p' \
		libweft/include/weft/weft.h | grep -E '^[a-z].*weft_[a-z0-9_]+\(' |
		grep -oE 'weft_[a-z0-9_]+\(' | tr -d '(' | sort -u)
	exported=$(nm -D --defined-only "$root/usr/lib/libweft.so" | awk '$2 == "T" { print $3 }' |
		sed 's/@.*//' | sort -u)
	same "$declared" "$exported"
}

the_soname_is_versioned() {
	contains "$(objdump -p "$root/usr/lib/libweft.so")" "SONAME               libweft.so.0"
}

the_manuals_example_builds_with_pkg_config_and_runs() {
	example >"$tap_dir/example.c"
	cc -Wall -Wextra -Werror -o "$tap_dir/example" "$tap_dir/example.c" "${flags[@]}"
	output=$(LD_LIBRARY_PATH=$root/usr/lib "$tap_dir/example" 2>&1) && return
	contains "$output" "weft0: "
}

the_header_is_usable_from_cpp() {
	command -v c++ >/dev/null || skip "no C++ compiler"
	echo '#include <weft/weft.h>
int main() { struct weft_key key; weft_key_generate(&key); return weft_key_is_zero(&key); }' \
		>"$tap_dir/example.cc"
	c++ -Wall -Wextra -Werror -o "$tap_dir/example" "$tap_dir/example.cc" "${flags[@]}"
	LD_LIBRARY_PATH=$root/usr/lib "$tap_dir/example"
}

the_static_library_is_enough() {
	local static

	read -ra static <<<"$(pkg-config --static --cflags --libs libweft)"
	example >"$tap_dir/example.c"
	cc -o "$tap_dir/example" "$tap_dir/example.c" "${static[@]/-lweft/-l:libweft.a}"
	case "$(objdump -p "$tap_dir/example")" in *libweft.so*) fail "it is not static" ;; esac
}

the_manual_pages_have_no_errors() {
	command -v mandoc >/dev/null || skip "mandoc is not installed"
	same "" "$(mandoc -T lint -W warning ../Documentation/man/weft.8 \
		../Documentation/man/weftd.8 ../Documentation/man/libweft.3 \
		../Documentation/man/weft-rendezvous-opendht.8 ../Documentation/man/weft-rendezvous-etcd.8)"
}

the_unit_is_one_that_systemd_takes() {
	command -v systemd-analyze >/dev/null || skip "systemd is not installed"
	sed "s|^ExecStart=.*|ExecStart=/bin/true|; /^Documentation=/d" \
		"$root/usr/lib/systemd/system/weftd.service" >"$tap_dir/weftd.service"
	same "" "$(systemd-analyze verify "$tap_dir/weftd.service" 2>&1)"
	contains "$(cat "$root/usr/lib/systemd/system/weftd.service")" "ExecStart=/usr/sbin/weftd"
}

the_name_service_needs_only_the_c_library() {
	same "libc.so.6" "$(objdump -p "$root/usr/lib/libnss_weft.so.2" |
		sed -n 's/.*NEEDED *//p')"
	same "" "$(nm -D --defined-only "$root/usr/lib/libnss_weft.so.2" |
		grep -v ' T _nss_weft_' || true)"
}

# complete WORD...: what completion offers for the last one.
complete_words() {
	# shellcheck source=/dev/null
	. weft/completion/weft.bash
	# Called by the completion.
	# shellcheck disable=SC2317
	weft() {
		case "$*" in
		"show interfaces") echo weft0 weft1 ;;
		"show weft0 peers") echo KEY= ;;
		"peers --json") cat <<-END
			[{"name": "home", "state": "member", "members": [{"name": "anna"}, {"name": "berta"}]},
			 {"name": "work", "state": "down"}]
			END
			;;
		esac
	}
	COMP_WORDS=(weft "$@")
	COMP_CWORD=$#
	_weft 2>/dev/null
	echo "${COMPREPLY[*]}"
}

completion_knows_commands_interfaces_fields_and_key_words() {
	same "show showconf" "$(complete_words sho)"
	same "weft0 weft1" "$(complete_words show we)"
	same "latest-handshakes" "$(complete_words show weft0 la)"
	same "weft0 weft1" "$(complete_words set '')"
	same "listen-port fwmark private-key upcalls peer" "$(complete_words set weft0 '')"
	same "fwmark private-key upcalls peer" "$(complete_words set weft0 listen-port 5 '')"
	same "unknown-peer unknown-destination" "$(complete_words set weft0 upcalls u)"
	same "upcalls" "$(complete_words show weft0 u)"
	same "KEY=" "$(complete_words set weft0 peer '')"
	same "preshared-key persistent-keepalive peer" "$(complete_words set weft0 peer KEY= p)"
	same "aes256gcm" "$(complete_words set weft0 peer KEY= suite ae)"
}

completion_knows_networks_members_and_options() {
	same "home work" "$(complete_words up '')"
	same "home" "$(complete_words status --network h)"
	same "anna berta" "$(complete_words ping '')"
	same "berta" "$(complete_words revoke --network home b)"
	same "--uses" "$(complete_words invite --us)"
	same "add-admin add-static" "$(complete_words peers add-)"
	same "anna" "$(complete_words peers add-admin a)"
	same "add del list" "$(complete_words route '')"
}

completion_knows_every_command() {
	local name

	for name in $("$root/usr/bin/weft" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		contains " $(complete_words '') " " $name "
	done
}

uninstall_takes_all_of_it_away() {
	make --no-print-directory -s B="$build" DESTDIR="$root" PREFIX=/usr LIBDIR=/usr/lib uninstall
	same "" "$(find "$root" ! -type d)"
}

run_tests \
	all_parts_are_installed \
	the_installed_tool_runs \
	the_installed_helpers_run \
	the_library_exports_what_the_header_declares_and_no_more \
	the_soname_is_versioned \
	the_manuals_example_builds_with_pkg_config_and_runs \
	the_header_is_usable_from_cpp \
	the_static_library_is_enough \
	the_manual_pages_have_no_errors \
	the_unit_is_one_that_systemd_takes \
	the_name_service_needs_only_the_c_library \
	completion_knows_commands_interfaces_fields_and_key_words \
	completion_knows_networks_members_and_options \
	completion_knows_every_command \
	uninstall_takes_all_of_it_away
