#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Small datagrams that follow one another closely wait for one another, and leave as one packet: what
# the other end sees is the same as without, none is stuck, and each datagram on the wire is one
# message.
#
#   a ---- b      wire 1; w0 in both
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"
need nft ethtool tcpdump python3 taskset
[ -e "$PARAMETERS/debug_hold_us" ] || skip_all "the module holds nothing"

new_keys a b

set_up() {
	new_ns a b
	wire a b 1
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	pair 4
	# so that nothing waits for a session, of which there is not room for much
	pings a 192.168.77.2
	# here a datagram takes longer than the 100 us for which one waits
	hold_for 20000
}

start_again() {
	delete_namespaces
	set_up
}

# send_burst FROM TO ADDRESS COUNT SIZE: what arrived is in $TMP/burst then. From one CPU: a veth pair
# has a queue for each.
send_burst() {
	local udp=$TMP/burst
	rm -f "$udp"
	in_ns "$2" transfer udp-receive "$3" 5003 "$udp"
	in_ns "$1" taskset -c 0 transfer "${BURST:-udp-send}" "$3" 5003 "$4" "$5"
	soon 60 test -e "$udp"
	cat "$udp"
}

# burst FROM TO ADDRESS COUNT SIZE: all arrive, in order
burst() {
	send_burst "$@"
	grep -qx "received $4 late 0 twice 0" "$TMP/burst"
}

# Where two CPUs send, in order, a veth pair's queues change that; and a queue may be full.
most_of_burst() {
	send_burst "$@"
	awk -v sent="$4" '{ exit $2 < sent / 2 || $2 > sent || $6 > 0 }' "$TMP/burst"
}

test_bursts() {
	local size
	for size in 16 64 100 484; do
		burst a b 192.168.77.2 500 "$size"
		burst b a fd77::1 500 "$size"
	done
	# not held, and on the edge
	burst a b 192.168.77.2 200 485
	burst a b fd77::2 200 465
	burst a b 192.168.77.2 200 1372
}

test_mixed() {
	BURST=udp-send-mixed burst a b 192.168.77.2 1000 480
	# some of them wait, some do not
	BURST=udp-send-mixed burst b a fd77::1 1000 1300
}

with_wire() { # with_wire FUNCTION STATE...
	wire_whole
	[ $# = 1 ] || features "${@:2}"
	"$1"
	wire_whole
}

# Fewer packets than messages, where a packet may be large; what is counted are messages.
test_trains() {
	local sent packets
	wire_whole
	pings a 192.168.77.2
	watch_packets b "prerouting priority -400" outer 'udp dport 2000'
	sent=$(tx_packets a)
	burst a b 192.168.77.2 600 64
	packets=$(hits b outer)
	sent=$(($(tx_packets a) - sent))
	unwatch b outer
	[ "$sent" -ge 603 ]
	[ "$sent" -le 620 ]
	[ "$packets" -ge 20 ]
	[ "$packets" -le 300 ]
}

tx_packets() {
	ip_in "$1" -s -j link show w0 | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["stats64"]["tx"]["packets"])'
}

# Whoever waits for an answer does not wait for us, though one that is held waits for a minute.
test_not_held() {
	hold_for 60000000
	background b python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.168.77.2", 5005))
while True: s.sendto(*s.recvfrom(100))'
	a timeout 100 python3 -c '
import socket, time
def connected(seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("192.168.77.2", 5005))
    s.settimeout(seconds)
    return s
# refused at once, until the other one listens
for tries in range(60):
    try:
        s = connected(1)
        s.send(b"ready?")
        s.recv(100)
        break
    except OSError:
        time.sleep(0.5)
# no error of an attempt before is for this one
s = connected(40)
for i in range(50):
    s.send(b"%d" % i)
    assert s.recv(100) == b"%d" % i'
	hold_for 20000
}

# Nothing comes behind the last one.
test_last() {
	local i
	for i in 1 2 3 4 5 31 34 35 36 66 67 68; do
		burst a b 192.168.77.2 "$i" 32
	done
}

test_among_tcp() {
	local tcp=$TMP/tcp
	rm -f "$tcp"
	b transfer tcp-receive 192.168.77.2 5000 "$tcp"
	background a transfer tcp-send 192.168.77.2 5000 3000000
	most_of_burst a b 192.168.77.2 1000 64
	BURST=udp-send-mixed most_of_burst a b fd77::2 500 480
	soon 60 test -e "$tcp"
	same "$(cat "$tcp")" "received 3000000 wrong 0"
}

larger_than() { # larger_than BYTES FILE
	[ "$(stat -c %s "$2")" -gt "$1" ]
}

# All datagrams of the capture to port 2000: one message each, in the order of their nonces, none
# left out.
check_capture() {
	python3 - "$1" <<-'END'
		import struct, sys
		data = open(sys.argv[1], 'rb').read()
		at, nonces = 24, []
		while at < len(data):
		    caught, length = struct.unpack_from('<II', data, at + 8)
		    frame = data[at + 16:at + 16 + caught]
		    at += 16 + caught
		    assert caught == length <= 1514, length
		    header = (frame[14] & 15) * 4
		    port, size = struct.unpack_from('>2xHH', frame, 14 + header)
		    message = frame[14 + header + 8:14 + header + size]
		    if port != 2000 or message[0] != 4:
		        continue
		    # 28 bytes of headers, padded, and what goes around it
		    assert len(message) % 16 == 0 and len(message) <= 32 + 512, len(message)
		    nonces.append(struct.unpack_from('<Q', message, 8)[0])
		assert len(nonces) > 500, len(nonces)
		assert nonces == sorted(set(nonces)), "order"
		assert nonces[-1] - nonces[0] + 1 == len(nonces), "gap"
	END
}

test_on_the_wire() {
	wire_cut
	fresh a b
	pings a 192.168.77.2
	rm -f "$TMP/pcap"
	background a tcpdump -B 16384 -U -i tob -s 2000 -w "$TMP/pcap" --immediate-mode \
		udp dst port 2000
	soon 60 test -s "$TMP/pcap"
	BURST=udp-send-mixed burst a b 192.168.77.2 800 480
	soon 60 larger_than 130000 "$TMP/pcap"
	stop_background
	check_capture "$TMP/pcap"
	wire_whole
}

# What waits for the session goes in trains too, whatever is among it, and however long it is.
test_before_session() {
	local udp=$TMP/burst
	hold_for 100
	ip_a link set w0 mtu 60000
	ip_b link set w0 mtu 60000
	for sizes in "64 64 64 64" "40000 20000 64 64 1000" "1372 1372 64 1372"; do
		rm -f "$udp"
		fresh a b
		b transfer udp-receive 192.168.77.2 5003 "$udp"
		a ping -n -c 1 -W 1 192.168.77.2 &
		# shellcheck disable=SC2086 # words
		a python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("192.168.77.2", 5003))
sizes = [int(a) for a in sys.argv[1:]] * 20
for i, size in enumerate(sizes):
    s.send(struct.pack("=I", i) + bytes(size - 4))' $sizes
		wait
		soon 30 test -e "$udp"
		cat "$udp"
		grep -qx "received [0-9]* late 0 twice 0" "$udp"
		[ "$(tr -dc '0-9 ' <"$udp" | awk '{ print $1 }')" -ge 40 ]
	done
	ip_a link set w0 mtu 1420
	ip_b link set w0 mtu 1420
	hold_for 20000
}

# Rekeying under a burst: what is held goes with the session that it was held for.
test_sessions_change() {
	set_limits 1000 20000
	# no more at once than a queue holds
	for _ in {1..8}; do
		pings a 192.168.77.2
		send_burst a b 192.168.77.2 1000 64
		# a worker that handles handshakes sends too, from its CPU
		grep -qx "received 1000 late [0-9]* twice 0" "$TMP/burst"
	done
	set_limits 120000 180000
}

# A socket with little room waits for what is held to leave, no longer.
test_small_buffer() {
	local udp=$TMP/burst
	rm -f "$udp"
	b transfer udp-receive 192.168.77.2 5003 "$udp"
	a taskset -c 0 timeout 60 python3 -c '
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
s.connect(("192.168.77.2", 5003))
for i in range(300):
    s.send(struct.pack("=I60x", i))
for i in range(3):
    time.sleep(0.1)
    s.send(struct.pack("=I60x", 0xffffffff))'
	soon 60 test -e "$udp"
	same "$(cat "$udp")" "received 300 late 0 twice 0"
}

# In the background, for a while; somebody takes them, or errors would come back.
flood() {
	b transfer udp-receive 192.168.77.2 5004 "$TMP/flood"
	background a transfer udp-send 192.168.77.2 5004 400000 64
	sleep 0.3
}

test_link_down() {
	hold_for 1000000
	for _ in 1 2 3; do
		flood
		ip_a link set w0 down
		sleep 0.1
		ip_a link set w0 up
		stop_background
	done
	hold_for 20000
	both
}

both() {
	soon 10 a ping -q -c 1 -W 1 192.168.77.2
	burst a b 192.168.77.2 100 64
	burst b a fd77::1 100 64
}

test_peer_removed() {
	hold_for 1000000
	for _ in 1 2 3; do
		flood
		a weft set w0 peer "${PUBLIC[b]}" remove
		pair 4
		sleep 0.1
		stop_background
	done
	hold_for 20000
	both
}

test_device_deleted() {
	hold_for 1000000
	for _ in 1 2 3; do
		flood
		ip_a link del w0
		stop_background
		new_device a w0 a 1000 1
		pair 4
		soon 10 a ping -q -c 1 -W 1 192.168.77.2
	done
	hold_for 20000
	both
}

test_namespace_ends() {
	hold_for 1000000
	for _ in 1 2; do
		flood
		stop_background
		start_again
		hold_for 1000000
		soon 10 a ping -q -c 1 -W 1 192.168.77.2
	done
	hold_for 20000
	both
}

RECOVER=start_again
set_up

t "bursts of small datagrams arrive complete and in order" with_wire test_bursts
t "bursts cross a wire that takes no large packets" \
	with_wire test_bursts tso off gso off tx-udp-segmentation off
t "sizes are mixed" with_wire test_mixed
t "sizes are mixed on a wire without checksums, scatter and gather" \
	with_wire test_mixed tx off sg off
t "small datagrams of a burst leave together, and are counted one by one" test_trains
t "what is no burst is never held" test_not_held
t "the last one of a burst is not stuck" test_last
t "bursts among large packets" test_among_tcp
t "each datagram on the wire is one message, none is missing" test_on_the_wire
t "what waits for a session leaves together" test_before_session
t "sessions are renewed meanwhile" test_sessions_change
t "a socket with a small buffer gets on" test_small_buffer
t "the link goes down meanwhile" test_link_down
t "the peer is removed meanwhile" test_peer_removed
t "the device is deleted meanwhile" test_device_deleted
t "the namespace ends meanwhile" test_namespace_ends
finish
