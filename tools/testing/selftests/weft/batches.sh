#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Large packets go through a tunnel as a batch: what a peer sees is the same with every combination
# of offloads, and each datagram on the wire is one message.
#
#   a ---- b ---- c      wires: a-b is number 1, b-c number 3; w0 in a and b
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"
need nft ethtool tc tcpdump python3

new_keys a b

set_up() {
	new_ns a b c
	wire a b 1
	wire b c 3
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	pair 4
}

start_again() {
	delete_namespaces
	set_up
}

both_ways() {
	carries a b 192.168.77.2
	carries b a fd77::1
}

with_wire() { # with_wire FEATURE STATE...
	wire_whole
	features "$@"
	both_ways
	wire_whole
}

with_device() { # with_device FEATURE STATE...: of w0
	wire_whole
	a ethtool -K w0 "$@"
	b ethtool -K w0 "$@"
	both_ways
	wire_cut
	both_ways
	a ethtool -K w0 tso on gso on gro on tx on sg on tx-udp-segmentation on
	b ethtool -K w0 tso on gso on gro on tx on sg on tx-udp-segmentation on
	wire_whole
}

test_whole() {
	watch_packets b "prerouting priority -400" train 'udp dport 2000 meta length > 2800'
	wire_whole
	pair "$1"
	fresh a b
	carries a b 192.168.77.2
	hit b train
	unwatch b train
}

# As with a socket that gets datagrams of different kinds as one packet.
test_input_sees_whole() {
	watch_packets b "input priority 0" input 'udp dport 2000 meta length > 2800'
	carries a b 192.168.77.2
	hit b input
	unwatch b input
}

# All datagrams of the capture to port 2000: one message each, of a length that there is, no nonce
# twice, and none left out.
check_capture() {
	local suite=0
	[ "$SUITE" != aes256gcm ] || suite=1
	python3 - "$1" "$suite" <<-'END'
		import struct, sys
		data = open(sys.argv[1], 'rb').read()
		word = bytes([4, int(sys.argv[2]), 0, 0])
		at, nonces, full = 24, [], 0
		while at < len(data):
		    caught, length = struct.unpack_from('<II', data, at + 8)
		    frame = data[at + 16:at + 16 + caught]
		    at += 16 + caught
		    assert caught == length <= 1514, length
		    header = 40 if frame[14] >> 4 == 6 else (frame[14] & 15) * 4
		    udp = frame[14 + header:]
		    port, size = struct.unpack_from('>2xHH', udp)
		    message = udp[8:size]
		    if port != 2000 or message[:4] != word:
		        continue
		    assert len(message) >= 32 and len(message) <= 1452, len(message)
		    assert len(message) % 16 == 0 or len(message) == 1452, len(message)
		    full += len(message) == 1452
		    nonces.append(struct.unpack_from('<Q', message, 8)[0])
		assert full > 100, full
		assert nonces == sorted(set(nonces)), "order"
		assert nonces[-1] - nonces[0] + 1 == len(nonces), "gap"
	END
}

larger_than() { # larger_than BYTES FILE
	[ "$(stat -c %s "$2")" -gt "$1" ]
}

test_on_the_wire() {
	wire_cut
	fresh a b
	pings a 192.168.77.2
	rm -f "$TMP/pcap"
	# where they leave: nothing has been lost or has changed places
	background a tcpdump -B 16384 -U -i tob -s 2000 -w "$TMP/pcap" --immediate-mode \
		udp dst port 2000
	soon 60 test -s "$TMP/pcap"
	carries a b 192.168.77.2
	# all that was carried, but what is just being written
	soon 60 larger_than 350000 "$TMP/pcap"
	stop_background
	check_capture "$TMP/pcap"
	wire_whole
}

# Segments that nobody merges again are whole packets, each with the checksums it says. Who decrypted
# them does not look at these; a network behind it may.
test_segments() {
	wire_whole
	b ethtool -K w0 gro off
	rm -f "$TMP/pcap"
	background b tcpdump -B 16384 -U -i w0 -Q in -w "$TMP/pcap" --immediate-mode
	soon 60 test -s "$TMP/pcap"
	carries a b 192.168.77.2
	carries a b fd77::2
	large a b 192.168.77.2 1000 20
	large a b fd77::2 1000 20
	soon 60 larger_than 1000000 "$TMP/pcap"
	stop_background
	b ethtool -K w0 gro on
	tcpdump -nn -vv -r "$TMP/pcap" >"$TMP/told"
	grep -E 'cksum .* \(correct\)|udp sum ok' "$TMP/told" >"$TMP/right"
	[ "$(wc -l <"$TMP/right")" -gt 600 ]
	# its words for TCP, UDP and IPv4
	refused grep -E 'incorrect|bad (udp )?cksum' "$TMP/told"
}

# Cut again on its way by a machine in between, or by the interface that it leaves through.
test_forwarded() {
	wire_whole
	b sysctl -qw net.ipv4.ip_forward=1
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32,fd77::2/128,10.0.3.0/24
	ip_a route add 10.0.3.0/24 dev w0
	ip_c route add 192.168.77.0/24 via 10.0.3.1
	carries a c 10.0.3.2
	b ethtool -K toc tso off gso off
	carries a c 10.0.3.2
	b ethtool -K toc tx off
	carries a c 10.0.3.2
	b ethtool -K toc tso on gso on tx on
	ip_a route del 10.0.3.0/24
	pair 4
}

# large FROM TO ADDRESS SIZE SEGMENTS
large() {
	local udp=$TMP/large
	rm -f "$udp"
	in_ns "$2" transfer udp-receive "$3" 5002 "$udp"
	in_ns "$1" transfer udp-send-large "$3" 5002 10 "$4" "$5"
	soon 20 test -e "$udp"
	same "$(cat "$udp")" "received $(($5 * 10)) late 0 twice 0"
}

test_udp_segments() {
	local size
	wire_whole
	for size in 16 100 512 1000 1300 1372; do
		large a b 192.168.77.2 "$size" 20
		large a b fd77::2 "$size" 2
	done
	# more than a batch has
	large a b 192.168.77.2 64 100
	large a b fd77::2 600 64
	wire_cut
	large a b 192.168.77.2 1372 40
	large b a fd77::1 333 40
	wire_whole
}

tcp_carries() { # tcp_carries FROM TO ADDRESS BYTES
	local result=$TMP/tcp
	rm -f "$result"
	in_ns "$2" transfer tcp-receive "$3" 5000 "$result"
	in_ns "$1" transfer tcp-send "$3" 5000 "$4"
	soon 60 test -e "$result"
	same "$(cat "$result")" "received $4 wrong 0"
}

# More than one train holds, and one packet for who receives it.
test_both_trains() {
	wire_whole
	# packets of 64 KiB, however long the round trip takes
	a sysctl -qw net.ipv4.tcp_tso_rtt_log=20
	watch_packets b "prerouting priority -400" both 'iifname w0 meta length > 61500'
	tcp_carries a b 192.168.77.2 4000000
	hit b both
	unwatch b both
}

test_mtu() { # test_mtu MTU...: inner, one after another
	local mtu
	wire_whole
	for mtu; do
		ip_a link set w0 mtu "$mtu"
		ip_b link set w0 mtu "$mtu"
		both_ways
	done
	ip_a link set w0 mtu 1420
	ip_b link set w0 mtu 1420
}

# The underlay carries less than a message: outer fragments, as for single packets.
test_pmtu() { # test_pmtu UNDERLAY
	wire_whole
	pair "$1"
	ip_a link set tob mtu 1400
	ip_b link set toa mtu 1400
	fresh a b
	both_ways
	ip_a link set tob mtu 1500
	ip_b link set toa mtu 1500
	pair 4
	fresh a b
}

test_netem() { # test_netem ARGUMENT...
	if ! a tc qdisc add dev tob root netem "$@"; then skip "no netem"; fi
	b tc qdisc add dev toa root netem "$@"
	wire_whole
	tcp_carries a b 192.168.77.2 500000
	tcp_carries b a fd77::1 500000
	wire_cut
	tcp_carries a b 192.168.77.2 500000
	tcp_carries b a fd77::1 500000
	a tc qdisc del dev tob root
	b tc qdisc del dev toa root
	wire_whole
}

test_flows() {
	# segments of several flows one among the other, and acknowledgements between them
	local i
	wire_cut
	for i in 1 2 3; do
		rm -f "$TMP/flow$i"
		b transfer tcp-receive 192.168.77.2 "500$i" "$TMP/flow$i"
	done
	for i in 1 2 3; do
		background a transfer tcp-send 192.168.77.2 "500$i" 1000000
	done
	for i in 1 2 3; do
		soon 40 test -e "$TMP/flow$i"
		same "$(cat "$TMP/flow$i")" "received 1000000 wrong 0"
	done
	wire_whole
}

# What one socket sends is one flow there, though a large packet makes two on the wire; each flow has
# its own clock, so what is taken for another one overtakes.
# one_backlog NS INTERFACE: packets do not change places behind a queue, in the backlogs of several
# processors
one_backlog() {
	# shellcheck disable=SC2016 # a sysfs of that namespace
	in_ns "$1" unshare --mount sh -ec 'mount -t sysfs sysfs /sys
		for queue in /sys/class/net/"$0"/queues/rx-*; do echo 1 >"$queue/rps_cpus"; done' "$2"
}

test_fair_queue() {
	if ! a tc qdisc add dev tob root fq maxrate 50mbit flow_limit 2000; then skip "no fq"; fi
	wire_whole
	pings a 192.168.77.2
	one_backlog b toa
	large a b 192.168.77.2 1000 64
	ip_a link set tob mtu 1400
	large a b 192.168.77.2 1372 40
	ip_a link set tob mtu 1500
	wire_cut
	large a b fd77::2 1000 64
	a tc qdisc del dev tob root
	wire_whole
}

test_no_memory_of_trains() {
	# counters count packets, not trains
	local before after
	pings a 192.168.77.2
	before=$(ip_b -s -j link show w0 | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["stats64"]["rx"]["packets"])')
	large a b 192.168.77.2 1000 40
	after=$(ip_b -s -j link show w0 | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["stats64"]["rx"]["packets"])')
	[ $((after - before)) -ge 400 ]
	[ $((after - before)) -le 420 ]
}

counts() { # counts NAME: at a, and at b
	echo "$(count a w0 "$1") $(count b w0 "$1")"
}

hellos_arrived() { # hellos_arrived SENT-BEFORE RECEIVED-BEFORE, each at a and at b
	local sent received
	read -ra sent <<<"$(counts tx_hellos) $1"
	read -ra received <<<"$(counts rx_hellos) $2"
	same "$((sent[0] - sent[2])) $((sent[1] - sent[3]))" \
		"$((received[1] - received[3])) $((received[0] - received[2]))"
	[ $((sent[0] - sent[2])) -ge 3 ]
	[ $((sent[1] - sent[3])) -ge 3 ]
}

# What comes in bursts is opened together: the frames that a session begins with, and data.
test_control_among_data() {
	local sent received foreign
	if ! a tc qdisc add dev tob root netem slot 40ms 40ms; then skip "no netem"; fi
	b tc qdisc add dev toa root netem slot 40ms 40ms
	wire_cut
	sent=$(counts tx_hellos)
	received=$(counts rx_hellos)
	foreign=$(counts rx_drop_not_ip)
	for _ in 1 2 3; do
		fresh a b
		tcp_carries a b 192.168.77.2 200000
		tcp_carries b a fd77::1 200000
	done
	soon 5 hellos_arrived "$sent" "$received"
	same "$(counts rx_drop_not_ip)" "$foreign"
	same "$(counts rx_drop_control_malformed) $(counts rx_drop_control_unknown)" "0 0 0 0"
	a tc qdisc del dev tob root
	b tc qdisc del dev toa root
	wire_whole
}

stock_peer() {
	modprobe wireguard 2>/dev/null || [ -e /sys/module/wireguard ] || skip "no module wireguard"
	command -v wg >/dev/null || skip "no tool wg"
	a weft set w0 peer "${PUBLIC[b]}" suite auto
	ip_b link del w0
	new_device b w0 b 2000 2 wireguard
	b wg set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128 \
		endpoint 10.0.1.1:1000
	fresh a
}

test_stock() {
	stock_peer
	wire_whole
	both_ways
	large a b 192.168.77.2 1300 30
	features gro on tso off
	both_ways
	wire_cut
	both_ways
	large b a fd77::1 1300 30
	ip_a link set tob mtu 1400
	carries a b 192.168.77.2
	ip_a link set tob mtu 1500
	wire_whole
	ip_b link del w0
	new_device b w0 b 2000 2
	pair 4
}

# The other one of the ciphers that this machine has.
other_cipher() {
	case $SUITE in
	aes256gcm) SUITE=chacha20poly1305 ;;
	*) SUITE=aes256gcm ;;
	esac
	start_again
}

RECOVER=start_again
set_up

long "a large packet crosses a wire that takes it as one (IPv4)" test_whole 4
t "a large packet crosses a wire that takes it as one (IPv6)" test_whole 6
t "a packet that crosses as two is one again" test_both_trains
t "filters see what came as one as one" test_input_sees_whole
t "each segment of a large packet is a packet by itself, checksums and all" test_segments
t "each datagram on a wire that takes no large packets is one message, none is missing" \
	test_on_the_wire
long "wire without TCP segmentation" with_wire tso off
long "wire without UDP segmentation" with_wire tx-udp-segmentation off
t "wire without any segmentation" with_wire tso off gso off tx-udp-segmentation off
long "wire without checksums" with_wire tx off
long "wire without scatter and gather" with_wire sg off
t "wire that merges what it receives" with_wire gro on tso off
t "wire that merges datagrams to lists" with_wire gro on tso off rx-gro-list on
t "wire that merges datagrams to forward them" with_wire gro on tso off rx-udp-gro-forwarding on
long "device without segmentation" with_device tso off gso off tx-udp-segmentation off
long "device without merging" with_device gro off
t "device without checksums, scatter and gather" with_device tx off sg off
t "datagrams that are sent as one, of all sizes" test_udp_segments
long "a queue that is fair to sockets keeps one's datagrams in order" test_fair_queue
long "packets are counted, not batches" test_no_memory_of_trains
long "inner MTUs small and large" test_mtu 1280 1281 1411 3000 8920
long "path MTU below the messages of a batch (IPv4 underlay)" test_pmtu 4
t "path MTU below the messages of a batch (IPv6 underlay)" test_pmtu 6
t "flows that come one among the other" test_flows
t "large packets are forwarded, whole and cut" test_forwarded
long "loss" test_netem loss 2%
long "reordering" test_netem delay 2ms reorder 30% 50%
t "duplicates and damage" test_netem duplicate 5% corrupt 1%
t "frames that are not for the stack come among data" test_control_among_data
t "WireGuard at the other end" test_stock
if grep -qw aes /proc/cpuinfo; then
	other_cipher
	long "$SUITE: a large packet crosses a wire that takes it as one" test_whole 4
	long "$SUITE: each datagram on a wire that takes no large packets is one message" test_on_the_wire
	long "$SUITE: wire that merges what it receives" with_wire gro on tso off
	long "$SUITE: wire that merges datagrams to lists" with_wire gro on tso off rx-gro-list on
	t "$SUITE: wire without checksums, scatter and gather" with_wire tx off sg off
	long "$SUITE: device without merging" with_device gro off
	long "$SUITE: datagrams that are sent as one, of all sizes" test_udp_segments
	long "$SUITE: inner MTUs small and large" test_mtu 1280 1411 8920
	t "$SUITE: damage" test_netem corrupt 1%
fi
finish
