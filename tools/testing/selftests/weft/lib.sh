# SPDX-License-Identifier: GPL-2.0
# What the test programs share: TAP, namespaces, tunnels. Sourced, not run.
# shellcheck shell=bash
#
# A program says   t "what is expected" FUNCTION ARGUMENT...   for each test and `finish` at its end.
# In the function each command must succeed; its trace is shown if one does not. What has to fail is
# said with `refused`, what takes a while with `soon`. State that outlives a test (namespaces,
# devices) is in the kernel; shell variables set in a test are gone after it.
set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
PATH=$HERE:$PATH:/usr/sbin:/sbin
if [ -x "$HERE/../../../../userspace/build/weft" ]; then
	PATH=$(cd "$HERE/../../../../userspace/build" && pwd -P):$PATH
fi
export LC_ALL=C WG_HIDE_KEYS=never

PROGRAM=${0##*/}
TMP=$(mktemp -d)
# Only tests whose names match this expression: for work on one of them.
ONLY=${WEFT_TESTS:-}
TESTS=0 FAILED=0 SKIPPED=0
# What makes everything as it was, after a test that failed and left things half done.
RECOVER=:
PARAMETERS=/sys/module/weft/parameters

# --- TAP ---

diagnose() { sed 's/^/#  | /'; }

# t NAME COMMAND...: one test
t() {
	local name=$1 rc start=$SECONDS
	shift
	[[ -z $ONLY || $name =~ $ONLY ]] || return 0
	TESTS=$((TESTS + 1))
	(
		set -ex
		"$@"
	) >"$TMP/log" 2>&1 </dev/null
	rc=$?
	stop_background
	case $rc in
	0) echo "ok $TESTS - $name" ;;
	4)
		SKIPPED=$((SKIPPED + 1))
		echo "ok $TESTS - $name # SKIP $(sed -n 's/^SKIP: //p' "$TMP/log" | tail -n 1)" ;;
	*)
		FAILED=$((FAILED + 1))
		echo "not ok $TESTS - $name"
		{ tail -n 40 "$TMP/log"; echo "status $rc"; } | diagnose
		# so that the next test does not suffer for it
		"$RECOVER" >/dev/null 2>&1 ;;
	esac
	[ $((SECONDS - start)) -lt 15 ] || echo "#  | that took $((SECONDS - start)) s"
}

# long NAME COMMAND...: a test that, where all is slow and time is short (run_all --short), is left
# out for what others say as well: the other family, other lengths, what depends on no kernel.
long() {
	[ -n "${WEFT_TEST_SHORT:-}" ] || t "$@"
}

# In a test: there is something missing to do it with.
skip() {
	echo "SKIP: $*"
	exit 4
}

# For the whole program.
skip_all() {
	echo "1..0 # SKIP $*"
	rm -rf "$TMP"
	exit 4
}

bail() {
	echo "Bail out! $PROGRAM: $*"
	exit 1
}

finish() {
	echo "1..$TESTS"
	[ "$FAILED" = 0 ] || exit 1
	[ "$TESTS" = 0 ] || [ "$SKIPPED" != "$TESTS" ] || exit 4
	exit 0
}

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip_all "$tool is not installed"
	done
}

# --- assertions ---

refused() {
	if "$@"; then return 1; fi
}

# soon SECONDS COMMAND...: it succeeds at some time before that; what it says is not kept. Where the
# machine stood still meanwhile, it has more than one chance all the same.
soon() {
	local - end=$((SECONDS + $1)) tries=0
	set +x
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ "$SECONDS" -ge "$end" ] && [ "$tries" -ge 5 ]; then
			echo "not in time: $*"
			"$@" || true
			return 1
		fi
		sleep 0.1
	done
}

same() {
	[ "$1" = "$2" ]
}

# --- namespaces ---

# Names of namespaces are those of this run; the last letter tells them apart.
ns() { echo "weft-$$-$1"; }

# in_ns X COMMAND...: without the mounts of `ip netns exec`, which cost more than most commands
in_ns() {
	{ local -; set +x; } 2>/dev/null
	enter "/run/netns/weft-$$-$1" "${@:2}"
}

ip_in() {
	{ local -; set +x; } 2>/dev/null
	ip -n "weft-$$-$1" "${@:2}"
}

# Each letter is a command: `a ping ...` runs ping in namespace a.
a() { in_ns a "$@"; }
b() { in_ns b "$@"; }
c() { in_ns c "$@"; }
ip_a() { ip_in a "$@"; }
ip_b() { ip_in b "$@"; }
ip_c() { ip_in c "$@"; }

new_ns() {
	local name
	for name; do
		ip netns add "$(ns "$name")"
		ip_in "$name" link set lo up
		# replies to pings of a test in a hurry, and no surprise from the sender's address
		# and IPv6 addresses stay when a link goes down, as IPv4 addresses do
		in_ns "$name" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
			net.ipv6.conf.all.keep_addr_on_down=1
	done
}

del_ns() {
	local name
	for name; do
		if [ -e "/run/netns/$(ns "$name")" ]; then
			ip netns del "$(ns "$name")"
		fi
	done
}

# wire X Y NUMBER: veth X's "toY" - Y's "toX"; underlay 10.0.N.1-2 and fd00:N::1-2
wire() {
	ip_in "$1" link add "to$2" type veth peer name "to$1" netns "$(ns "$2")"
	ip_in "$1" addr add "10.0.$3.1/24" dev "to$2"
	ip_in "$2" addr add "10.0.$3.2/24" dev "to$1"
	ip_in "$1" addr add "fd00:$3::1/64" dev "to$2" nodad
	ip_in "$2" addr add "fd00:$3::2/64" dev "to$1" nodad
	ip_in "$1" link set "to$2" up
	ip_in "$2" link set "to$1" up
}

# features FEATURE STATE...: of the wire between a and b, at both ends
features() {
	a ethtool -K tob "$@"
	b ethtool -K toa "$@"
}

# As veth is made: large packets cross it whole, and nothing is merged.
wire_whole() {
	features tso on gso on tx-udp-segmentation on gro off tx on sg on rx-gro-list off \
		rx-udp-gro-forwarding off
}

# As a network interface without offloads: only what fits the MTU crosses.
wire_cut() {
	features tso off gso off tx-udp-segmentation off gro off
}

underlay() { # underlay FAMILY WIRE END PORT: an endpoint
	case $1 in
	4) echo "10.0.$2.$3:$4" ;;
	6) echo "[fd00:$2::$3]:$4" ;;
	esac
}

# --- keys ---

declare -A PRIVATE=() PUBLIC=()
new_keys() {
	local name
	for name; do
		PRIVATE[$name]=$(weft genkey)
		PUBLIC[$name]=$(weft pubkey <<<"${PRIVATE[$name]}")
	done
}

# new_device X NAME KEY PORT OVERLAY [TYPE]: up, with 192.168.77.OVERLAY and fd77::OVERLAY
new_device() {
	local type=${6:-weft} tool=weft
	[ "$type" = weft ] || tool=wg
	ip_in "$1" link add "$2" type "$type"
	in_ns "$1" "$tool" set "$2" private-key <(echo "${PRIVATE[$3]}") listen-port "$4"
	ip_in "$1" addr add "192.168.77.$5/24" dev "$2"
	ip_in "$1" addr add "fd77::$5/64" dev "$2"
	ip_in "$1" link set "$2" up
}

overlay() { # overlay FAMILY NUMBER
	case $1 in
	4) echo "192.168.77.$2" ;;
	6) echo "fd77::$2" ;;
	esac
}

# The suite of pair(): a set one, so that no session is renewed for a better one in the middle of a
# test that counts packets. suite.sh is about that; interop.sh uses chacha20poly1305.
SUITE=${WEFT_TEST_SUITE:-chacha20poly1305}
if [ -z "${WEFT_TEST_SUITE:-}" ] && grep -qw aes /proc/cpuinfo; then
	SUITE=aes256gcm
fi

# Two machines, a and b, with a tunnel over wire 1; end $1 (4 or 6) of the underlay.
pair() {
	local family=${1:-4}
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32,fd77::2/128 \
		endpoint "$(underlay "$family" 1 2 2000)" suite "$SUITE"
	b weft set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128 \
		endpoint "$(underlay "$family" 1 1 1000)" suite "$SUITE"
}

# Keys are forgotten, and the next packet begins a handshake at once.
fresh() {
	local name
	for name; do
		ip_in "$name" link set w0 down
		ip_in "$name" link set w0 up
	done
}

# --- traffic ---

# pings X ADDRESS: an answer, soon
pings() {
	local name=$1
	shift
	soon 30 in_ns "$name" ping -n -c 1 -W 1 "$@"
}

# silent X ADDRESS: no answer to three
silent() {
	local name=$1
	shift
	refused in_ns "$name" ping -n -c 3 -i 0.2 -W 1 "$@"
}

# Data both ways over TCP and one way over UDP, checked byte for byte.
carries() { # carries FROM TO ADDRESS-OF-TO
	local result=$TMP/tcp udp=$TMP/udp
	rm -f "$result" "$udp"
	in_ns "$2" transfer tcp-receive "$3" 5000 "$result"
	in_ns "$1" transfer tcp-send "$3" 5000 300000
	soon 20 test -e "$result"
	same "$(cat "$result")" "received 300000 wrong 0"
	in_ns "$2" transfer udp-receive "$3" 5001 "$udp"
	in_ns "$1" transfer udp-send "$3" 5001 50 1200 1000
	soon 20 test -e "$udp"
	same "$(cat "$udp")" "received 50 late 0 twice 0"
}

# count X DEVICE NAME: a counter of `ethtool -S`
count() {
	in_ns "$1" ethtool -S "$2" | awk -v name="$3:" '$1 == name { print $2; found = 1 }
		END { exit !found }'
}

# rises X DEVICE NAME COMMAND...: the command makes that counter rise
rises() {
	local before
	before=$(count "$1" "$2" "$3")
	"${@:4}"
	soon 5 more_than "$before" "$1" "$2" "$3"
}

more_than() {
	[ "$(count "$2" "$3" "$4")" -gt "$1" ]
}

# endpoint X DEVICE PEER: where X thinks that the peer is
endpoint() {
	in_ns "$1" weft show "$2" endpoints | awk -v peer="${PUBLIC[$3]}" '$1 == peer { print $2 }'
}

endpoint_is() {
	same "$(endpoint "$1" "$2" "$3")" "$4"
}

# handshake X DEVICE PEER: when the last one was
handshake() {
	in_ns "$1" weft show "$2" latest-handshakes |
		awk -v peer="${PUBLIC[$3]}" '$1 == peer { print $2 }'
}

# --- packet counters: a table with named counters, rules that add to them ---

# watch X CHAIN-SPEC COUNTER RULE: e.g. watch b "prerouting priority -300" seen 'udp dport 1'
watch_packets() {
	in_ns "$1" nft -f - <<-END
		table inet watch_$3 {
			counter hits {
			}
			chain watching {
				type filter hook $2; policy accept;
				$4 counter name "hits" ${5:-}
			}
		}
	END
}

hits() {
	in_ns "$1" nft list counter inet "watch_$2" hits | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

unwatch() {
	in_ns "$1" nft delete table inet "watch_$2"
}

hit() { # hit X COUNTER: at least one packet
	[ "$(hits "$1" "$2")" -gt 0 ]
}

# --- background ---

# background X COMMAND...: in that namespace; ends with the test
background() {
	# not in_ns: the process must be the command itself, to be ended
	enter "/run/netns/weft-$$-$1" "${@:2}" >/dev/null 2>&1 &
	echo $! >>"$TMP/background"
}

stop_background() {
	local pid
	[ -e "$TMP/background" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null
	done <"$TMP/background"
	rm -f "$TMP/background"
}

# --- memory ---

# live NAME-PATTERN: bytes in objects of those slab caches
live() {
	awk -v pattern="^($1)\$" '$1 ~ pattern { sum += $2 * $4 } END { print sum + 0 }' /proc/slabinfo
}

# Objects in weft's own caches, but for caches that the kernel has merged with others.
own_objects() {
	local cache sum=0
	for cache in /sys/kernel/slab/weft_*; do
		if [ ! -e "$cache/objects" ] || [ "$(<"$cache/aliases")" != 0 ]; then
			continue
		fi
		# "7 N0=7"; what is on a processor's own slab counts as a whole until it is shrunk
		echo 1 >"$cache/shrink"
		sum=$((sum + $(cut -d ' ' -f 1 "$cache/objects")))
	done
	echo "$sum"
}

no_objects() {
	[ "$(own_objects)" = 0 ]
}

set_limits() { # set_limits REKEY-MS REJECT-MS
	echo "$1" >"$PARAMETERS/debug_rekey_after_ms"
	echo "$2" >"$PARAMETERS/debug_reject_after_ms"
}

hold_for() { # hold_for MICROSECONDS: how long small datagrams wait for others
	echo "$1" >"$PARAMETERS/debug_hold_us"
}

delete_namespaces() {
	local name pids
	for name in $(ip netns list | awk -v run="weft-$$-" 'index($1, run) == 1 { print $1 }'); do
		pids=$(ip netns pids "$name")
		# shellcheck disable=SC2086 # words
		[ -z "$pids" ] || kill $pids 2>/dev/null
		ip netns del "$name"
	done
}

cleanup() {
	set +ex
	stop_background
	delete_namespaces
	[ ! -e $PARAMETERS ] || set_limits 120000 180000 2>/dev/null
	[ ! -e $PARAMETERS/debug_hold_us ] || hold_for 25
	rm -rf "$TMP"
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
command -v weft >/dev/null || skip_all "the tool weft is not built or installed"
modprobe weft 2>/dev/null || [ -e /sys/module/weft ] || skip_all "module weft is not available"
trap cleanup EXIT
trap 'exit 130' INT TERM
echo "TAP version 13"
