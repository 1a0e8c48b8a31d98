#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Those who wish weft no good: on the wire, at the port, at the netlink socket, and those who take
# things away while they are in use.
#
#   c ---- a ---- b     wires: a-b is number 1, a-c number 2; w0 in a and b
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"
need nft ethtool tc

new_keys a b d

set_up() {
	new_ns a b c
	wire a b 1
	wire a c 2
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	pair 4
	# seen inside at b
	watch_packets b "prerouting priority 0" inner 'iifname "w0" icmp type echo-request'
}

start_again() {
	delete_namespaces
	set_up
}

# --- at the port ---

test_garbage() { # test_garbage FAMILY: thrown at a by c
	local thrown before
	pings a 192.168.77.2
	before=$(count a w0 rx_drop_malformed)
	case $1 in
	4) thrown=$(c garbage 10.0.2.1 1000) ;;
	6) thrown=$(c garbage fd00:2::1 1000) ;;
	esac
	# each of them; a veth has no queue in which a sender could lose some
	soon 5 more_than $((before + thrown - 1)) a w0 rx_drop_malformed
	same "$(count a w0 rx_drop_malformed)" $((before + thrown))
	pings a 192.168.77.2
}

test_random_handshakes() {
	rises a w0 rx_drop_handshake_invalid c initiations "${PUBLIC[a]}" 10.0.2.1 1000 200
	pings a 192.168.77.2
}

# --- on the wire ---

# on_broken_wire COMMAND...: what it sends from a to b is lost
on_broken_wire() {
	b nft -f - <<-END
		table inet broken_wire {
			chain in {
				type filter hook prerouting priority -400;
				udp dport 2000 drop
			}
		}
	END
	"$@"
	b nft delete table inet broken_wire
}

record_ten_pings() {
	rm -f "$TMP/frames"
	a frames record tob 2000 "$TMP/frames" 10
	a ping -n -q -c 10 -i 0.02 -W 1 192.168.77.2 || true
	soon 15 test -e "$TMP/frames"
}

# Ten pings of a which b never gets, in $TMP/frames.
record_undelivered() {
	pings a 192.168.77.2
	on_broken_wire record_ten_pings
}

# send_frames HOW: what got in (pings seen inside b), once b has let in or dropped each of them
send_frames() {
	local before known sent
	before=$(hits b inner)
	known=$(seen_at_b)
	sent=$(a frames send tob "$TMP/frames" "$1")
	if ! soon 20 all_seen_at_b $((known + sent)) >&2; then
		echo "not all accounted for"
		return 1
	fi
	echo $(($(hits b inner) - before))
}

seen_at_b() { # packets let in or dropped
	echo $(($(hits b inner) + $(drops)))
}

all_seen_at_b() { # all_seen_at_b COUNT
	[ "$(seen_at_b)" -ge "$1" ]
}

drops() { # all drops of received packets at b
	b ethtool -S w0 | awk '/rx_drop/ { sum += $2 } END { print sum }'
}

test_changed() { # test_changed HOW: nothing of it gets in, and all of it is counted
	local before
	record_undelivered
	before=$(drops)
	same "$(send_frames "$1")" 0
	same $(($(drops) - before)) 10
	# it was only the change that kept them out
	same "$(send_frames same)" 10
}

test_bit_flips_fail_authentication() {
	local before
	record_undelivered
	before=$(count b w0 rx_drop_auth)
	same "$(send_frames flipped)" 0
	more_than "$before" b w0 rx_drop_auth
}

test_damaged_from_elsewhere() {
	record_undelivered
	rises b w0 rx_drop_auth send_frames moved
	endpoint_is b w0 a 10.0.1.1:1000
	pings b 192.168.77.1
}

test_replayed() {
	local before
	# without a session they would be dropped for that
	fresh a b
	record_undelivered
	same "$(send_frames same)" 10
	before=$(count b w0 rx_drop_replay)
	same "$(send_frames same)" 0
	same "$(send_frames shuffled)" 0
	same $(($(count b w0 rx_drop_replay) - before)) 20
}

test_reordered() {
	record_undelivered
	same "$(send_frames reversed)" 10
	record_undelivered
	same "$(send_frames shuffled)" 10
}

test_replayed_later() {
	# Beyond a window of 8,192 packets, old ones are old even if they never came; not with the
	# window of a session that has been renewed meanwhile. Those 8,192 later never came either:
	# that they were seen is not what keeps the old ones out.
	fresh a b
	record_undelivered
	a transfer udp-send 192.168.77.2 9 7000 8
	on_broken_wire a transfer udp-send 192.168.77.2 9 2000 8
	a transfer udp-send 192.168.77.2 9 100 8
	rises b w0 rx_drop_replay send_frames same
	same "$(send_frames same)" 0
	pings a 192.168.77.2
}

test_handshake_replayed() {
	# all that a sends for a new session, twice
	local before invalid
	fresh a b
	rm -f "$TMP/frames"
	a frames record tob 2000 "$TMP/frames" 3
	pings a 192.168.77.2
	a ping -n -q -c 3 -i 0.1 192.168.77.2
	soon 15 test -e "$TMP/frames"
	before=$(handshake b w0 a)
	invalid=$(count b w0 rx_drop_handshake_invalid)
	same "$(send_frames same)" 0
	soon 5 more_than "$invalid" b w0 rx_drop_handshake_invalid
	same "$(handshake b w0 a)" "$before"
	# from elsewhere neither: a is not where somebody replays it from
	endpoint_is b w0 a 10.0.1.1:1000
	pings b 192.168.77.1
}

test_responses_replayed() {
	local invalid
	fresh a b
	rm -f "$TMP/frames"
	b frames record toa 1000 "$TMP/frames" 1
	pings a 192.168.77.2
	soon 15 test -e "$TMP/frames"
	invalid=$(count a w0 rx_drop_handshake_invalid)
	b frames send toa "$TMP/frames" same
	b frames send toa "$TMP/frames" flipped
	soon 5 more_than "$invalid" a w0 rx_drop_handshake_invalid
	pings a 192.168.77.2
}

test_bad_wire() {
	# delayed, reordered, duplicated: the receiver sees each once, and what is damaged not at all
	local result=$TMP/udp
	rm -f "$result"
	modprobe sch_netem || skip "no sch_netem"
	pings a 192.168.77.2
	# some overtake, however slowly they are sent: the others wait much longer than a pause
	a tc qdisc add dev tob root netem delay 200ms reorder 25% duplicate 30% corrupt 5%
	b transfer udp-receive 192.168.77.2 5001 "$result"
	a transfer udp-send 192.168.77.2 5001 400 300 1000
	soon 20 test -e "$result"
	a tc qdisc del dev tob root
	cat "$result"
	[[ $(cat "$result") =~ ^received\ ([0-9]+)\ late\ ([0-9]+)\ twice\ 0$ ]]
	[ "${BASH_REMATCH[1]}" -gt 200 ]
	# or the wire was not bad
	[ "${BASH_REMATCH[2]}" -gt 0 ]
	pings a 192.168.77.2
}

test_flood_bounds_memory() {
	# packets without a session wait, but not without end
	local dropped
	a weft set w0 peer "${PUBLIC[d]}" allowed-ips 192.168.77.66/32 endpoint 10.0.2.2:9
	dropped=$(count a w0 tx_drop_staged_full)
	a transfer udp-send 192.168.77.66 9 2000 1000
	[ $(($(count a w0 tx_drop_staged_full) - dropped)) -ge 1872 ]
	pings a 192.168.77.2
	a weft set w0 peer "${PUBLIC[d]}" remove
}

# --- at the netlink socket ---

test_netlink_abuse() { # test_netlink_abuse COMMAND
	ip_c link add w0 type weft
	ip_c link set w0 up
	c netlink_abuse w0 "$1" "${WEFT_TEST_ROUNDS:-2500}"
	# and everybody else has not noticed
	pings a 192.168.77.2
	ip_c link del w0
}

# --- what is taken away while in use ---

busy() { # traffic both ways, handshakes of strangers
	background a ping -i 0.01 -q 192.168.77.2
	background b ping -i 0.01 -q 192.168.77.1
	# shellcheck disable=SC2016 # expanded by that shell
	background c bash -c 'while initiations "$0" 10.0.2.1 1000 20; do sleep 0.1; done' \
		"${PUBLIC[a]}"
}

test_peers_removed() {
	local i
	busy
	for i in $(seq 15); do
		a weft set w0 peer "${PUBLIC[b]}" remove
		a weft set w0 peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32,fd77::2/128 \
			endpoint 10.0.1.2:2000 suite "$SUITE"
		[ $((i % 5)) != 0 ] || pings a 192.168.77.2
	done
	pings a 192.168.77.2
}

test_replaced() {
	# the whole configuration, again and again
	local i
	a weft showconf w0 >"$TMP/conf"
	busy
	for i in $(seq 10); do
		a weft setconf w0 "$TMP/conf"
		[ $((i % 5)) != 0 ] || pings a 192.168.77.2
	done
	pings a 192.168.77.2
}

test_keys_changed() {
	busy
	for _ in $(seq 5); do
		a weft set w0 private-key <(echo "${PRIVATE[d]}")
		a weft set w0 private-key <(echo "${PRIVATE[a]}")
	done
	pings a 192.168.77.2
}

test_link_flaps() {
	busy
	for _ in $(seq 12); do
		ip_a link set w0 down
		ip_a link set w0 up
	done
	pings a 192.168.77.2
}

test_ports_changed() {
	local port
	busy
	for port in $(seq 1001 1012); do
		a weft set w0 listen-port "$port"
	done
	a weft set w0 listen-port 1000
	pings a 192.168.77.2
}

test_devices_deleted() {
	for _ in $(seq 5); do
		busy
		sleep 0.1
		ip_a link del w0
		new_device a w0 a 1000 1
		pair 4
		pings a 192.168.77.2
		stop_background
	done
}

test_namespaces_deleted() {
	for _ in $(seq 3); do
		busy
		sleep 0.1
		stop_background
		delete_namespaces
		set_up
		pings a 192.168.77.2
	done
}

test_module_removed() {
	for _ in 1 2 3; do
		busy
		sleep 0.2
		soon 20 modprobe -r weft
		refused ip_a link show w0
		stop_background
		modprobe weft
		new_device a w0 a 1000 1
		new_device b w0 b 2000 2
		pair 4
		pings a 192.168.77.2
	done
}

set_up || bail "the namespaces could not be set up"
RECOVER=start_again

t "malformed datagrams are dropped and counted (IPv4)" test_garbage 4
long "malformed datagrams are dropped and counted (IPv6)" test_garbage 6
t "initiations of nobody are dropped and counted" test_random_handshakes
t "packets with a flipped bit do not get in" test_changed flipped
long "packets cut short do not get in" test_changed cut
long "packets with something appended do not get in" test_changed extended
t "packets with another type, index or counter do not get in" test_changed readdressed
t "packets with a flipped bit fail authentication" test_bit_flips_fail_authentication
long "packets that fail authentication move no endpoint" test_damaged_from_elsewhere
t "replayed packets do not get in" test_replayed
long "reordered packets do" test_reordered
t "packets older than the replay window do not get in" test_replayed_later
t "replayed initiations change nothing" test_handshake_replayed
long "replayed and damaged responses change nothing" test_responses_replayed
t "delay, reordering, duplicates and damage on the wire" test_bad_wire
t "packets that wait for a session are bounded" test_flood_bounds_memory
for command in device-get device-set peer-new peer-set peer-get peer-del; do
	t "malformed netlink requests $command" test_netlink_abuse $command
done
t "netlink requests that are no command" test_netlink_abuse any
t "peers removed and added under traffic" test_peers_removed
t "configuration replaced under traffic" test_replaced
t "private key changed under traffic" test_keys_changed
t "link down and up under traffic" test_link_flaps
t "listen port changed under traffic" test_ports_changed
t "devices deleted under traffic and handshakes" test_devices_deleted
t "namespaces deleted under traffic and handshakes" test_namespaces_deleted
t "module removed under traffic and handshakes" test_module_removed
finish
