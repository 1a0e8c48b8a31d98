#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own test of WireGuard, on weft: its script, with the tool and the link type replaced.
#
#	netns_stock.sh [SCRIPT]
#
# SCRIPT (or WEFT_STOCK_SCRIPT) is tools/testing/selftests/wireguard/netns.sh of a kernel's source;
# in a kernel tree it is found. Nothing of it is changed but words, the length of iperf3 runs, and the
# bytes of the first session, in which each end says HELLO and answers one, in 48 bytes each. Its
# peers use WireGuard's suite: with their own they would change sessions while it counts.
# With WEFT_STOCK_TYPE=wireguard it runs as it is, to tell weft's faults from the machine's.
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"

script=${1:-${WEFT_STOCK_SCRIPT:-$HERE/../wireguard/netns.sh}}
type=${WEFT_STOCK_TYPE:-weft}
DEBUG=/sys/kernel/debug/dynamic_debug/control
seconds=${WEFT_STOCK_SECONDS:-1}

[ -e "$script" ] || skip_all "no netns.sh of a kernel's source: set WEFT_STOCK_SCRIPT"
need iperf3 iptables ncat ss ping

# The word wg where it is a command, so that neither wg0 nor WG_HIDE_KEYS are touched.
translate() {
	sed -E -e "s/(iperf3 .*)-t 3\\b/\\1-t $seconds/" "$1" |
		if [ "$type" = weft ]; then
			sed -E -e 's/\btype wireguard\b/type weft/' \
				-e "/bytes == /{s/\\b1372\\b/$((1372 + 96))/; s/\\b1428\\b/$((1428 + 96))/}" \
				-e "/bytes == /s/\\b1460\\b/$((1460 + 96))/" \
				-e ':again; s/(^|[ ;|&(!"])wg( |$)/\1weft\2/; t again'
		else
			cat
		fi
}

# tool FILE: weft, where each peer that is set gets the suite
tool() {
	cat >"$1" <<-END
		#!/bin/bash
		arguments=()
		while [ \$# -gt 0 ]; do
			arguments+=("\$1")
			if [ "\$1" = peer ] && [ "\${arguments[0]}" = set ]; then
				arguments+=("\$2")
				[ "\${3:-}" = remove ] || arguments+=(suite chacha20poly1305)
				shift
			fi
			shift
		done
		exec "$(command -v weft)" "\${arguments[@]}"
	END
	chmod +x "$1"
}

# It must be the whole script that runs: each step that is gone is a test less.
test_translated() {
	[ "$(wc -l <"$TMP/netns.sh")" = "$(wc -l <"$script")" ]
	[ "$type" != weft ] || refused grep -nE '(^|[ ;|&(!"])wg( |$)|type wireguard' "$TMP/netns.sh"
	grep -q "type $type" "$TMP/netns.sh"
}

test_script() {
	local rc=0
	[ ! -w "$DEBUG" ] || echo "module weft +p" >"$DEBUG"
	echo "weft netns_stock $$" >/dev/kmsg
	# its colours say nothing here, and each step is on its standard output
	PATH=$TMP/bin:$PATH bash "$TMP/netns.sh" >"$TMP/steps" 2>&1 || rc=$?
	sed -i 's/\x1b\[[0-9;]*m//g' "$TMP/steps"
	set +x
	[ -z "${WEFT_STOCK_OUTPUT:-}" ] || cp "$TMP/steps" "$WEFT_STOCK_OUTPUT"
	tail -n 30 "$TMP/steps"
	return "$rc"
}

test_routing_loop() {
	grep -F "Try to set up a routing loop" "$TMP/netns.sh"
	grep -F "ping -W 1 -c 10 -f 192.168.241.2" "$TMP/steps"
	refused grep -F "does not do the right thing" "$TMP/steps"
}

# objects WORD: numbers of the peers of which the log says so
objects() {
	dmesg | sed "1,/weft netns_stock $$/d" | sed -n "s/.*peer \([0-9]*\) $1\$/\1/p" | sort
}

test_objects() {
	if [ ! -w "$DEBUG" ] || [ "$type" != weft ]; then skip "no debug messages"; fi
	echo "module weft -p" >"$DEBUG"
	[ "$(objects created | wc -l)" -gt 50 ]
	same "$(objects created)" "$(objects destroyed)"
}

translate "$script" >"$TMP/netns.sh"
mkdir "$TMP/bin"
tool "$TMP/bin/weft"
t "the words are replaced and nothing is left out" test_translated
t "the script runs to its end" test_script
t "it has seen no routing loop" test_routing_loop
t "each peer that it made was destroyed" test_objects
finish
