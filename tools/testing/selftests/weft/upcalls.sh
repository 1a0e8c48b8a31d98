#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Peers on demand: what the kernel asks for, holds meanwhile, and lets go of.
# a is asked about others; it knows b from the beginning, and c only when a test adds it.
. "$(dirname "$0")/lib.sh"

need ethtool nft ping python3

new_keys a b c

# As kmod/upcall.h has them.
HOLD_MS=3000 MAX_ADDRESSES=512 MAX_INITIATIONS=128 PER_ADDRESS=16
# What is held is held for longer than machines are slow, except in tests of just that.
PATIENT_MS=60000

set_up() {
	new_ns a b c
	wire a b 1
	wire a c 2
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	new_device c w0 c 3000 3
	pair 4
	c weft set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128 \
		endpoint 10.0.2.1:1000
}

start_again() {
	delete_namespaces
	set_up
}

# begin [UPCALLS [MILLISECONDS]]: a knows b only, somebody listens, c has no session, and nothing is
# held; from now on a asks for that, and what it holds, it holds for so long.
begin() {
	rm -f "$TMP/ping" "$TMP/tcp" "$TMP/udp"
	stop_listening
	a weft set w0 upcalls off peer "${PUBLIC[c]}" remove
	soon 20 nothing_held
	fresh c
	hold_for "${2:-$PATIENT_MS}"
	listen
	a weft set w0 upcalls "${1:-off}"
}

hold_for() { # hold_for MILLISECONDS
	echo "$1" >"$PARAMETERS/debug_upcall_hold_ms"
}

# The program's end, however it comes.
end() {
	hold_for "$HOLD_MS"
	cleanup
}

listen() {
	a events "$TMP/events" >"$TMP/listener"
}

stop_listening() {
	local pid
	[ -e "$TMP/listener" ] || return 0
	pid=$(<"$TMP/listener")
	rm "$TMP/listener"
	kill "$pid" || return 0
	soon 5 gone "$pid"
}

gone() {
	[ ! -e "/proc/$1" ]
}

ifindex() { ip_in "$1" -j link show w0 | sed -n 's/.*"ifindex":\([0-9]*\).*/\1/p'; }

told() {
	grep -qF "$1" "$TMP/events"
}

# times EVENT: how often
times() {
	grep -cF "$1" "$TMP/events" || true
}

# add_c [ENDPOINT]
add_c() {
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,fd77::3/128 \
		${1:+endpoint "$1"}
}

# Counters of a's device, all at once.
declare -A COUNTERS=()
read_counters() {
	local - name value
	set +x
	while IFS=': ' read -r name value; do
		[ -z "$value" ] || COUNTERS[$name]=$value
	done < <(a ethtool -S w0)
}

# holds PACKETS INITIATIONS: what has been held and not been let go
holds() {
	read_counters
	echo "held: $((PACKETS)) packets, $((INITIATIONS)) initiations"
	[ $((PACKETS)) = "$1" ] && [ $((INITIATIONS)) = "$2" ]
}

PACKETS='COUNTERS[upcall_packets_held] - COUNTERS[upcall_packets_flushed]
	- COUNTERS[upcall_packets_timed_out] - COUNTERS[tx_drop_held_full]'
INITIATIONS='COUNTERS[upcall_initiations_held] - COUNTERS[upcall_initiations_flushed]
	- COUNTERS[upcall_initiations_timed_out]'

nothing_held() {
	holds 0 0
}

# in_background NAME COMMAND...: its output and its status in $TMP/NAME, to be waited for
in_background() {
	local rc=0
	("${@:2}" >"$TMP/$1" 2>&1 || rc=$?; echo "status $rc" >>"$TMP/$1") &
}

# --- nobody asks ---

unreachable_at_once() {
	a ping -n -c 1 -W 2 192.168.77.3 >"$TMP/ping" 2>&1 || true
	cat "$TMP/ping"
	grep -F "Destination Host Unreachable" "$TMP/ping"
	refused_by_socket
}

# What send() says. Nobody who is told that has had to wait.
refused_by_socket() {
	a python3 - <<-'END'
		import errno, socket
		try:
		    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.168.77.3", 9))
		except OSError as e:
		    assert e.errno == errno.ENOKEY, e
		else:
		    raise SystemExit("sent")
	END
}

test_defaults() {
	same "$(<"$PARAMETERS/debug_upcall_hold_ms")" "$HOLD_MS"
	same "$(a weft show w0 upcalls)" off
}

test_off() {
	begin off
	unreachable_at_once
	rises a w0 rx_drop_handshake_invalid silent c 192.168.77.1
	same "$(times unknown)" 0
	same "$(count a w0 upcall_packets_held)" 0
	same "$(count a w0 upcall_initiations_held)" 0
}

test_no_listener() {
	local before
	begin on
	stop_listening
	before=$(count a w0 upcall_packets_held)
	unreachable_at_once
	rises a w0 rx_drop_handshake_invalid silent c 192.168.77.1
	same "$(count a w0 upcall_packets_held)" "$before"
	nothing_held
}

test_only_what_is_wanted() {
	begin unknown-peer
	unreachable_at_once
	same "$(times "unknown destination")" 0
	begin unknown-destination
	rises a w0 rx_drop_handshake_invalid silent c 192.168.77.1
	same "$(times "unknown peer")" 0
}

# --- unknown destination ---

test_destination() { # test_destination FAMILY
	begin on
	in_background ping a ping -n -c 1 -W 60 "$(overlay "$1" 3)"
	soon 20 told "unknown destination w0 $(ifindex a) $(overlay "$1" 3) -"
	add_c 10.0.2.2:3000
	soon 30 grep -F "status 0" "$TMP/ping"
	grep -F "1 received" "$TMP/ping"
	nothing_held
}

test_order() {
	begin on
	c transfer udp-receive 192.168.77.3 5001 "$TMP/udp"
	a transfer udp-send 192.168.77.3 5001 10 1000 1000
	soon 20 told "unknown destination"
	# and three that say that it was the last one
	holds 13 0
	add_c 10.0.2.2:3000
	soon 30 test -e "$TMP/udp"
	same "$(cat "$TMP/udp")" "received 10 late 0 twice 0"
	same "$(times "unknown destination")" 1
	nothing_held
}

test_tcp() {
	begin on
	c transfer tcp-receive 192.168.77.3 5000 "$TMP/tcp"
	in_background send a transfer tcp-send 192.168.77.3 5000 300000
	soon 20 told "unknown destination"
	add_c 10.0.2.2:3000
	soon 30 test -e "$TMP/tcp"
	same "$(cat "$TMP/tcp")" "received 300000 wrong 0"
}

test_allowed_ip_moves_in() {
	begin on
	ip_b address add 192.168.77.40/24 dev w0
	in_background ping a ping -n -c 1 -W 60 192.168.77.40
	soon 20 told "unknown destination w0 $(ifindex a) 192.168.77.40 -"
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32,192.168.77.40/32,fd77::2/128
	soon 30 grep -F "1 received" "$TMP/ping"
	ip_b address del 192.168.77.40/24 dev w0
	pair 4
}

test_other_peer_changes_nothing() {
	begin on
	in_background ping a ping -n -c 1 -W 1 192.168.77.50
	soon 20 told "192.168.77.50"
	add_c 10.0.2.2:3000
	sleep 0.5
	holds 1 0
}

test_timeout() { # test_timeout ADDRESS TEXT
	local before after
	begin on "$HOLD_MS"
	before=$(date +%s%N)
	rises a w0 upcall_packets_timed_out \
		a sh -c "ping -n -c 1 -W 60 $1 >$TMP/ping 2>&1 || true"
	after=$(date +%s%N)
	cat "$TMP/ping"
	grep -F "$2" "$TMP/ping"
	# the kernel counts in ticks, which begin before the first
	[ $(((after - before) / 1000000)) -ge $((HOLD_MS - 100)) ]
	same "$(times "unknown destination")" 1
	nothing_held
	# and with the next packet it begins anew
	a ping -n -c 1 -W 0.1 "$1" || true
	soon 20 second_event
}

test_per_address() {
	begin on
	c transfer udp-receive 192.168.77.3 5001 "$TMP/udp"
	rises a w0 tx_drop_held_full a transfer udp-send 192.168.77.3 5001 25 1000
	holds "$PER_ADDRESS" 0
	add_c 10.0.2.2:3000
	soon 30 test -e "$TMP/udp"
	# the last ones, of which three say that it was the end
	same "$(cat "$TMP/udp")" "received $((PER_ADDRESS - 3)) late 0 twice 0"
	nothing_held
	same "$(times "unknown destination")" 1
}

test_nobodys_address() {
	begin on
	a python3 - <<-'END'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"w0")
		s6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		index = socket.if_nametoindex("w0")
		for to in "224.0.0.251", "255.255.255.255", "192.168.77.255":
		    try:
		        s.sendto(b"x", (to, 9))
		    except OSError as e:
		        print(to, e)
		for to in "ff02::fb", "ff05::1", "fe80::5":
		    try:
		        s6.sendto(b"x", (to, 9, 0, index))
		    except OSError as e:
		        print(to, e)
	END
	sleep 0.3
	same "$(times unknown)" 0
	nothing_held
}

# --- unknown peer ---

# No more initiations of c's arrive: what is answered is what is held.
only_what_is_held() {
	watch_packets c "output priority 0" later 'udp dport 1000 udp length 156' drop
}

test_peer() { # test_peer UNDERLAY-FAMILY
	c weft set w0 peer "${PUBLIC[a]}" endpoint "$(underlay "$1" 2 1 1000)"
	begin on
	in_background ping c ping -n -c 1 -W 60 192.168.77.1
	soon 20 told "unknown peer w0 $(ifindex a) ${PUBLIC[c]} $(underlay "$1" 2 2 3000)"
	only_what_is_held
	# its address is not known otherwise
	add_c
	soon 30 grep -F "1 received" "$TMP/ping"
	unwatch c later
	same "$(times "unknown peer")" 1
	endpoint_is a w0 c "$(underlay "$1" 2 2 3000)"
	nothing_held
	c weft set w0 peer "${PUBLIC[a]}" endpoint 10.0.2.1:1000
}

# An answer to an earlier one is none: c has begun anew.
test_newest_initiation() {
	local before
	begin on
	before=$(count c w0 tx_handshake_initiations)
	in_background ping c ping -n -c 1 -W 60 192.168.77.1
	soon 20 told "unknown peer"
	soon 30 more_than $((before + 1)) c w0 tx_handshake_initiations
	only_what_is_held
	holds 0 1
	add_c
	soon 30 grep -F "1 received" "$TMP/ping"
	unwatch c later
	same "$(times "unknown peer")" 1
	nothing_held
}

test_known_peer() {
	begin on
	fresh b
	pings b 192.168.77.1
	same "$(times unknown)" 0
	nothing_held
}

test_peer_timeout() {
	begin on "$HOLD_MS"
	rises a w0 upcall_initiations_timed_out c sh -c "ping -n -c 1 -W 5 192.168.77.1 || true"
	told "unknown peer"
	# the next one, five seconds after the first, is told of as well
	soon 30 second_event
}

second_event() {
	[ "$(times unknown)" -ge 2 ]
}

test_other_preshared_key() {
	# A peer that is added with another preshared key has no session, and no harm is done.
	begin on
	in_background ping c ping -n -c 1 -W 3 192.168.77.1
	soon 20 told "unknown peer"
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32 \
		preshared-key <(weft genpsk)
	soon 30 grep -F "status 1" "$TMP/ping"
	nothing_held
	pings a 192.168.77.2
}

test_garbage() {
	# right macs, but nobody's
	begin on
	rises a w0 rx_drop_handshake_invalid c initiations "${PUBLIC[a]}" 10.0.2.1 1000 300
	same "$(times unknown)" 0
	nothing_held
	soon 5 in_ns a ping -n -c 1 -W 1 192.168.77.2
}

# --- floods ---

note_most_held() {
	read_counters
	[ $((PACKETS)) -le "$MOST_PACKETS" ] || MOST_PACKETS=$((PACKETS))
	[ $((INITIATIONS)) -le "$MOST_INITIATIONS" ] || MOST_INITIATIONS=$((INITIATIONS))
}

# watch_flood PID: until that process ends; who is known has nothing to do with it
watch_flood() {
	local - start=$SECONDS
	set +x
	MOST_PACKETS=0 MOST_INITIATIONS=0
	while kill -0 "$1" 2>/dev/null; do
		note_most_held
		pings a 192.168.77.2
	done
	wait "$1"
	note_most_held
	LASTED=$((SECONDS - start + 1))
	echo "most held: $MOST_PACKETS packets, $MOST_INITIATIONS initiations, in $LASTED s"
}

test_flood_destinations() {
	local before count=20000
	# more than the rate for ten seconds, where a packet costs milliseconds too
	[ -z "${WEFT_TEST_SHORT:-}" ] || count=4000
	begin on "$HOLD_MS"
	pings a 192.168.77.2
	read_counters
	before=${COUNTERS[upcall_unknown_destination]}
	ip_a route add 172.16.0.0/12 dev w0
	a transfer udp-scatter 172.16.0.1 9 "$count" 1000 &
	watch_flood $!
	[ "$MOST_PACKETS" -gt 0 ]
	# counters are not read at one moment
	[ "$MOST_PACKETS" -le $((MAX_ADDRESSES + 64)) ]
	[ $((COUNTERS[upcall_unknown_destination] - before)) -le $((128 + 128 * LASTED)) ]
	[ "${COUNTERS[upcall_suppressed]}" -gt 0 ]
	[ "${COUNTERS[tx_drop_no_peer]}" -gt $((count / 20)) ]
	soon 20 nothing_held
	ip_a route del 172.16.0.0/12 dev w0
}

test_flood_keys() {
	local before
	begin on "$HOLD_MS"
	pings a 192.168.77.2
	ip_c link add w9 type weft
	ip_c link set w9 up
	read_counters
	before=${COUNTERS[upcall_unknown_peer]}
	c strangers w9 "${PUBLIC[a]}" 10.0.2.1 1000 300 &
	watch_flood $!
	[ "$MOST_INITIATIONS" -gt 0 ]
	[ "$MOST_INITIATIONS" -le $((MAX_INITIATIONS + 16)) ]
	[ $((COUNTERS[upcall_unknown_peer] - before)) -gt 30 ]
	[ $((COUNTERS[upcall_unknown_peer] - before)) -le $((32 + 32 * LASTED)) ]
	ip_c link del w9
	soon 20 nothing_held
	# and then there is room again
	hold_for "$PATIENT_MS"
	in_background ping c ping -n -c 1 -W 60 192.168.77.1
	soon 20 told "unknown peer w0 $(ifindex a) ${PUBLIC[c]}"
	add_c
	soon 30 grep -F "1 received" "$TMP/ping"
}

# --- things go while others are held ---

# Packets and an initiation, held.
hold_some() {
	begin on
	# three more each, to say that it was the last one
	a transfer udp-send 192.168.77.60 5001 5 1000
	a transfer udp-send fd77::61 5001 5 1000
	in_background ping c ping -n -c 1 -W 1 192.168.77.1
	soon 20 told "unknown peer"
	holds 16 1
}

test_switched_off() {
	hold_some
	rises a w0 upcall_packets_timed_out a weft set w0 upcalls off
	soon 20 nothing_held
}

test_link_down() {
	hold_some
	ip_a link set w0 down
	nothing_held
	ip_a link set w0 up
	pings a 192.168.77.2
}

test_replaced_peers() {
	hold_some
	# b, a stranger by this, would ask for a session as soon as it misses answers
	ip_b link set w0 down
	a weft setconf w0 <(cat <<-END
		[Interface]
		PrivateKey = ${PRIVATE[a]}
		ListenPort = 1000
		Upcalls = on
		[Peer]
		PublicKey = ${PUBLIC[c]}
		AllowedIPs = 192.168.77.60/32, 192.168.77.3/32, fd77::61/128
	END
	)
	soon 20 nothing_held
	soon 20 has_session_with_c
	same "$(times unknown)" 3
	ip_b link set w0 up
	a weft set w0 peer "${PUBLIC[c]}" remove
	pair 4
	pings a 192.168.77.2
}

has_session_with_c() {
	[ "$(handshake a w0 c)" -gt 0 ]
}

test_new_identity() {
	hold_some
	a weft set w0 private-key <(weft genkey)
	add_c 10.0.2.2:3000
	# the initiation was for another; whose an address is has nothing to do with the key
	soon 20 holds 16 0
	same "$(handshake a w0 c)" 0
	a weft set w0 upcalls off
	soon 20 nothing_held
	a weft set w0 private-key <(echo "${PRIVATE[a]}")
	pings a 192.168.77.2
}

test_device_deleted() {
	hold_some
	ip_a link del w0
	start_again
}

test_namespace_deleted() {
	hold_some
	start_again
}

test_sockets_namespace_deleted() {
	# The device is here, its sockets, and what came in by them and is held, elsewhere, in a
	# namespace with connection tracking, which waits for all packets that it knows.
	begin off
	new_ns d e
	watch_packets d "prerouting priority 0" tracked 'ct state new,established'
	wire d c 4
	wire e c 5
	ip_in d link add w1 type weft
	ip_in d link set w1 netns "$(ns a)"
	a weft set w1 private-key <(echo "${PRIVATE[a]}") listen-port 1000
	a weft set w1 upcalls on
	ip_a link set w1 up
	c weft set w0 peer "${PUBLIC[a]}" endpoint 10.0.4.1:1000
	in_background ping c ping -n -c 1 -W 1 192.168.77.1
	soon 20 told "unknown peer w1"
	hit d tracked
	del_ns d
	soon 30 no_link c tod
	# Namespaces end one after the other, so if that one waits, this one does.
	del_ns e
	soon 30 no_link c toe
	a weft set w1 peer "${PUBLIC[c]}" allowed-ips 192.168.90.3/32
	ip_a link del w1
	c weft set w0 peer "${PUBLIC[a]}" endpoint 10.0.2.1:1000
}

no_link() { # no_link X DEVICE
	refused ip_in "$1" link show "$2"
}

# A peer that comes and goes all the time, as fast as it can, with traffic from both ends.
test_come_and_go() {
	local rounds=60 interval=0.01
	# where a packet costs milliseconds, pings would leave nothing for the rest
	[ -z "${WEFT_TEST_SHORT:-}" ] || rounds=15 interval=0.1
	begin on
	background a ping -n -i "$interval" -W 1 192.168.77.3
	background a ping -n -i "$interval" -W 1 fd77::3
	background c ping -n -i "$interval" -W 1 192.168.77.1
	for _ in $(seq "$rounds"); do
		add_c 10.0.2.2:3000
		a weft set w0 peer "${PUBLIC[c]}" remove
	done
	stop_background
	add_c 10.0.2.2:3000
	soon 20 nothing_held
	fresh a c
	pings a 192.168.77.3
	pings a 192.168.77.2
}

trap end EXIT
set_up || bail "the namespaces could not be set up"
RECOVER=start_again

t "nothing is asked for unless told to, and three seconds are the time to answer" test_defaults
t "not asked for: ICMP and ENOKEY, initiations dropped, no event, nothing held" test_off
long "no listener: the same" test_no_listener
long "each kind can be asked for alone" test_only_what_is_wanted
t "unknown destination: told, and the first packet arrives (IPv4)" test_destination 4
long "unknown destination: told, and the first packet arrives (IPv6)" test_destination 6
t "unknown destination: packets arrive in order, told once" test_order
long "unknown destination: a TCP connection" test_tcp
t "unknown destination: a peer there was gets the address" test_allowed_ip_moves_in
long "unknown destination: another peer is of no use" test_other_peer_changes_nothing
t "unknown destination: after three seconds ICMP, and told again (IPv4)" \
	test_timeout 192.168.77.9 "Destination Host Unreachable"
long "unknown destination: after three seconds ICMP, and told again (IPv6)" \
	test_timeout fd77::9 "Address unreachable"
t "unknown destination: only so many packets for an address, the last ones" test_per_address
long "broadcast, multicast and link-local addresses are nobody's" test_nobodys_address
t "unknown peer: told, and its first initiation is answered (IPv4)" test_peer 4
long "unknown peer: told, and its first initiation is answered (IPv6)" test_peer 6
t "unknown peer: the newest of its initiations is answered" test_newest_initiation
long "a peer's own initiations make no event" test_known_peer
long "unknown peer: let go after three seconds, and told again" test_peer_timeout
long "unknown peer: added with another preshared key" test_other_preshared_key
t "initiations with nobody's key make no event" test_garbage
t "flood of destinations: bounded, and who is known is reached" test_flood_destinations
t "flood of keys: bounded, and who is known is reached" test_flood_keys
t "switched off while something is held" test_switched_off
t "link down while something is held" test_link_down
t "all peers replaced while something is held" test_replaced_peers
t "another private key while something is held" test_new_identity
t "device deleted while something is held" test_device_deleted
t "namespace deleted while something is held" test_namespace_deleted
t "the sockets' namespace deleted while an initiation is held" test_sockets_namespace_deleted
t "a peer that comes and goes all the time" test_come_and_go
finish
