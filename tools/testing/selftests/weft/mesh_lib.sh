# SPDX-License-Identifier: GPL-2.0
# What the tests of the mesh share: machines, each a network namespace with a host name, state and name
# service of its own; a switch; daemons. Sourced, not run.
# shellcheck shell=bash
#
# shellcheck source=tools/testing/selftests/weft/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BUILD=$(cd "$HERE/../../../../userspace/build" 2>/dev/null && pwd -P)
need ip ss nsenter unshare jq getent ping ethtool nft
[ -x "$BUILD/weftd" ] || skip_all "needs a tree in which 'make -C userspace all' has run"
export LD_LIBRARY_PATH=$BUILD
# Another build of the daemon: with sanitizers, say.
WEFTD=${WEFT_TEST_WEFTD:-$BUILD/weftd}

# --- machines ---

SWITCH=$(ns switch)

# new_switch BRIDGE [SECOND]: two bridges are one local network, until `part`, and again after `heal`
new_switch() {
	local bridge
	ip netns add "$SWITCH"
	for bridge; do
		ip -n "$SWITCH" link add "$bridge" type bridge
		ip -n "$SWITCH" link set "$bridge" up
	done
	if [ $# = 2 ]; then
		ip -n "$SWITCH" link add trunk type veth peer name trunk1
		ip -n "$SWITCH" link set trunk master "$1" up
		ip -n "$SWITCH" link set trunk1 master "$2" up
	fi
}

part() { ip -n "$SWITCH" link set trunk down; }
heal() { ip -n "$SWITCH" link set trunk up; }

# on NAME COMMAND...: on that machine
on() {
	{ local -; set +x; } 2>/dev/null
	nsenter -t "$(<"$TMP/$1/holder")" --mount --uts --net "${@:2}"
}

# hold NAME: keeps the machine's mounts and host name. Its own /run and /var/lib, as far as weft
# knows them, and a name service that asks weft.
hold() {
	local dir=$TMP/$1
	mkdir -p "$dir/run" "$dir/state" /run/weft /var/lib/weft
	printf 'hosts: files weft\n' >"$dir/nsswitch.conf"
	# shellcheck disable=SC2016 # expanded there
	nsenter --net="/run/netns/$(ns "$1")" \
		unshare --mount --uts --propagation private -- bash -c '
		mount --bind "$1/run" /run/weft && mount --bind "$1/state" /var/lib/weft &&
		mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && hostname "$2" &&
		touch "$1/held" && exec sleep 100000' - "$dir" "$1" >"$dir/hold" 2>&1 </dev/null &
	# a file, for what a test starts is there after it, and its variables are not
	echo $! >"$dir/holder"
}

# machine NAME NUMBER [BRIDGE]
machine() {
	new_ns "$1"
	ip -n "$(ns "$1")" link add eth0 type veth peer name "to$2" netns "$SWITCH"
	ip -n "$SWITCH" link set "to$2" master "${3:-br0}" up
	ip_in "$1" addr add "10.0.0.$2/24" dev eth0
	ip_in "$1" addr add "fd00::$2/64" dev eth0 nodad
	ip_in "$1" link set eth0 up
	hold "$1"
}

held() {
	test -e "$TMP/$1/held"
}

machines() {
	local name n=0
	for name; do machine "$name" $((n += 1)); done
	for name; do soon 30 held "$name" || bail "machine $name does not come up: $(<"$TMP/$name/hold")"; done
}

# unplug NUMBER, plug NUMBER: the cable
unplug() { ip -n "$SWITCH" link set "to$1" down; }
plug() { ip -n "$SWITCH" link set "to$1" up; }

# --- daemons ---

# daemon NAME [VARIABLE=VALUE...]: with that in its environment
daemon() {
	local dir=$TMP/$1
	rm -f "$dir/run/control"
	nsenter -t "$(<"$dir/holder")" --mount --uts --net env "${@:2}" "$WEFTD" --verbose \
		>>"$dir/log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	soon 10 test -S "$dir/run/control"
}

is_dead() {
	! kill -0 "$1" 2>/dev/null
}

# stop NAME SIGNAL
stop() {
	local pid
	pid=$(<"$TMP/$1/pid")
	kill "-$2" "$pid"
	soon 10 is_dead "$pid"
}

# Where a test's own output does not go: that is kept for when it fails.
exec 3>&1

logs() {
	local name log
	for log in "$TMP"/*/log; do
		name=$(basename "$(dirname "$log")")
		if [ -e "$TMP/$name/holder" ]; then
			echo "--- $name"
			tail -n 15 "$TMP/$name/log"
			on "$name" weft status
			on "$name" weft show
		fi
	done 2>&1 | sed 's/^/#  | /' >&3
}

# --- what is asked ---

# names ADDRESS-OF: by the C library
resolves() { # resolves ON NAME 4|6
	on "$1" getent "ahostsv$3" "$2" | grep -q STREAM
}

# reaches FROM NAME: by name, IPv6 and IPv4
reaches() {
	soon 30 on "$1" ping -6 -n -c 1 -W 1 "$2"
	soon 30 on "$1" ping -4 -n -c 1 -W 1 "$2"
}

all_reach_all() {
	local from to
	for from; do
		for to; do
			[ "$from" = "$to" ] || reaches "$from" "$to"
		done
	done
}

status() { # status NAME FILTER: of the first network
	on "$1" weft status --json | jq -r ".[0] | $2"
}

members() { # members NAME: their names, sorted
	status "$1" '[.members[] | select(.state == "member") | .name] | sort | join(" ")'
}

members_are() { # members_are NAME "A B C"
	same "$(members "$1")" "$2"
}

token_of() { # token_of NAME ARGUMENT...
	on "$1" weft invite --json "${@:2}" | jq -r .token
}

# fails STATUS TEXT COMMAND...: the exit status, and what the message says
fails() {
	local wanted=$1 text=$2 rc=0 output
	shift 2
	output=$("$@" 2>&1) || rc=$?
	echo "$output"
	same "$rc" "$wanted" && [[ $output = *"$text"* ]]
}

has_peer() { # has_peer NAME PUBLIC-KEY
	on "$1" weft show all peers | grep -qF "$2"
}

public_key() { # public_key NAME: of its first network
	status "$1" '.members[] | select(.self) | .public_key'
}

is_excluded() {
	same "$(status "$1" .state)" excluded
}

# nothing_left NAME: neither state nor interface of a network
nothing_left() {
	same "$(ls -A "$TMP/$1/state")" ""
	same "$(on "$1" ip -o link show type weft)" ""
}

modprobe weft
ip link add w0 type weft
ethtool -S w0 2>/dev/null | grep -q upcall_unknown_peer ||
	{ ip link del w0; skip_all "this kernel module makes no upcalls"; }
ip link del w0
