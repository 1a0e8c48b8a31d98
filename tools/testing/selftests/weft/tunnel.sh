#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One weft machine talks to another: what a tunnel must do, and what it must not.
#
#   c ---- a ---- b     wires: a-b is number 1, a-c number 2; w0 in each
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"
need nft ethtool tc ss

new_keys a b c d

set_up() {
	new_ns a b c
	wire a b 1
	wire a c 2
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	new_device c w0 c 3000 3
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,fd77::3/128 \
		endpoint 10.0.2.2:3000
	c weft set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128 \
		endpoint 10.0.2.1:1000
	pair 4
}

start_again() {
	delete_namespaces
	set_up
}

# --- data ---

reaches() { # reaches OVERLAY UNDERLAY
	pair "$2"
	fresh a b
	pings a "$(overlay "$1" 2)"
	endpoint_is b w0 a "$(underlay "$2" 1 1 1000)"
	carries a b "$(overlay "$1" 2)"
}

reached_by_link_local() {
	a weft set w0 peer "${PUBLIC[b]}" endpoint "$1" && fresh a b && pings a 192.168.77.2 &&
		[[ $(endpoint b w0 a) == \[fe80:*%toa\]:1000 && $(endpoint a w0 b) == \[fe80:*%tob\]:2000 ]]
}

test_link_local() {
	local mac addr
	mac=$(b cat /proc/net/if_inet6 | awk '$6 == "toa" && $4 == "20" { print $1 }')
	addr=$(sed 's/\(....\)/\1:/g; s/:$//' <<<"$mac")
	# who does not ask for the scope's wire gets the other one
	ip_a -6 route add fe80::/64 dev toc metric 1
	# again, should b have something to say just then, to where a was before
	soon 60 reached_by_link_local "[$addr%tob]:2000"
	ip_a -6 route del fe80::/64 dev toc metric 1
}

test_gso() {
	# what leaves the stack for w0 is longer than the device's MTU
	# On a slow machine TCP makes them of no more than two segments.
	watch_packets a "postrouting priority 0" gso 'oifname "w0" meta length > 1500'
	carries a b 192.168.77.2
	a nft list table inet watch_gso
	hit a gso
	unwatch a gso
}

test_gro() {
	watch_packets b "prerouting priority 0" gro 'iifname "w0" meta length > 2000'
	carries a b 192.168.77.2
	b nft list table inet watch_gro
	hit b gro
	unwatch b gro
}

nested() { # w1 in w0
	ip_a link add w1 type weft
	ip_b link add w1 type weft
	ip_a addr add 192.168.78.1/24 dev w1
	ip_b addr add 192.168.78.2/24 dev w1
	a weft set w1 private-key <(echo "${PRIVATE[c]}") listen-port 1001 \
		peer "${PUBLIC[d]}" allowed-ips 192.168.78.2/32 endpoint 192.168.77.2:2001
	b weft set w1 private-key <(echo "${PRIVATE[d]}") listen-port 2001 \
		peer "${PUBLIC[c]}" allowed-ips 192.168.78.1/32 endpoint 192.168.77.1:1001
	ip_a link set w1 mtu 1340 up
	ip_b link set w1 mtu 1340 up
}

test_nested() {
	nested
	pings a 192.168.78.2
	carries a b 192.168.78.2
}

# Numbered datagrams through w1: what has gone through a device already, w0 leaves to the workers of
# all processors.
test_order() { # test_order one|each
	local before
	if ! ip_a link show w1; then nested; fi
	# a veth with GRO, towards one without TSO, has one queue; else one for each processor that
	# sends, as many network cards have
	case $1 in
	one) a ethtool -K tob tso off; b ethtool -K toa gro on ;;
	each) a ethtool -K tob tso on; b ethtool -K toa gro off ;;
	esac
	pings a 192.168.78.2
	before=$(count a w0 crypt_worker_batches)
	rm -f "$TMP/order"
	b transfer udp-receive 192.168.78.2 5001 "$TMP/order"
	a transfer udp-send 192.168.78.2 5001 4000 1000
	soon 30 test -e "$TMP/order"
	cat "$TMP/order"
	[[ $(cat "$TMP/order") =~ ^received\ ([0-9]+)\ late\ 0\ twice\ 0$ ]]
	[ "${BASH_REMATCH[1]}" -gt 100 ]
	more_than $((before + 100)) a w0 crypt_worker_batches
}

# --- keys ---

psk() { # psk KEY-AT-A KEY-AT-B
	a weft set w0 peer "${PUBLIC[b]}" preshared-key <(echo "$1")
	b weft set w0 peer "${PUBLIC[a]}" preshared-key <(echo "$2")
	fresh a b
}

test_psk() {
	local key
	key=$(weft genpsk)
	psk "$key" "$key"
	pings a 192.168.77.2
}

test_wrong_psk() {
	local before
	before=$(handshake a w0 b)
	psk "$(weft genpsk)" "$(weft genpsk)"
	silent a 192.168.77.2
	silent b 192.168.77.1
	same "$(handshake a w0 b)" "$before"
	# the next test, whichever it is, starts without
	test_no_psk
}

test_one_psk() {
	a weft set w0 peer "${PUBLIC[b]}" preshared-key <(weft genpsk)
	b weft set w0 peer "${PUBLIC[a]}" preshared-key /dev/null
	fresh a b
	silent a 192.168.77.2
}

test_no_psk() {
	a weft set w0 peer "${PUBLIC[b]}" preshared-key /dev/null
	b weft set w0 peer "${PUBLIC[a]}" preshared-key /dev/null
	fresh a b
	pings a 192.168.77.2
}

test_new_private_key() {
	pings b 192.168.77.1
	a weft set w0 private-key <(echo "${PRIVATE[d]}")
	# b knows nobody with that key
	silent a 192.168.77.2
	b weft set w0 peer "${PUBLIC[d]}" allowed-ips 192.168.77.1/32,fd77::1/128
	pings a 192.168.77.2
	b weft set w0 peer "${PUBLIC[d]}" remove
	a weft set w0 private-key <(echo "${PRIVATE[a]}")
	pair 4
	fresh a b
	pings a 192.168.77.2
}

test_own_key_is_no_peer() {
	local peers
	a weft set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.9/32
	peers=$(a weft show w0 peers)
	grep -F "${PUBLIC[b]}" <<<"$peers"
	refused grep -F "${PUBLIC[a]}" <<<"$peers"
}

test_removal() {
	local wrong
	pings a 192.168.77.2
	b weft set w0 peer "${PUBLIC[a]}" remove
	silent a 192.168.77.2
	wrong=$(b weft show w0 peers)
	same "$wrong" ""
	pair 4
	fresh a b
	pings a 192.168.77.2
}

# --- allowed IPs ---

test_source_filter() {
	ip_b addr add 192.168.99.9/32 dev w0
	ip_a route add 192.168.99.9/32 dev w0
	pings b 192.168.77.1
	watch_packets a "prerouting priority -300" stranger 'iifname "w0" ip saddr 192.168.99.9'
	rises a w0 rx_drop_not_allowed silent b -I 192.168.99.9 192.168.77.1
	same "$(hits a stranger)" 0
	# the same packets get in when the address is allowed
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips \
		192.168.77.2/32,fd77::2/128,192.168.99.9/32
	pings b -I 192.168.99.9 192.168.77.1
	hit a stranger
	unwatch a stranger
	ip_b addr del 192.168.99.9/32 dev w0
	pair 4
}

test_source_filter6() {
	ip_b addr add fd99::9/128 dev w0 nodad
	pings b fd77::1
	watch_packets a "prerouting priority -300" stranger 'iifname "w0" ip6 saddr fd99::9'
	rises a w0 rx_drop_not_allowed silent b -I fd99::9 fd77::1
	same "$(hits a stranger)" 0
	unwatch a stranger
	ip_b addr del fd99::9/128 dev w0
}

test_other_peers_address() {
	# c takes b's address, which at a is b's alone
	ip_c addr add 192.168.77.2/32 dev w0
	rises a w0 rx_drop_not_allowed silent c -I 192.168.77.2 192.168.77.1
	ip_c addr del 192.168.77.2/32 dev w0
}

test_longest_prefix() {
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32,fd77::2/128,192.168.88.0/24
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips \
		192.168.77.3/32,fd77::3/128,192.168.88.128/25
	ip_a route replace 192.168.88.0/24 dev w0
	ip_b addr add 192.168.88.1/32 dev lo
	ip_c addr add 192.168.88.129/32 dev lo
	pings a 192.168.88.1
	pings a 192.168.88.129
	# not by chance: without the longer prefix it goes to b, who does not have it
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,fd77::3/128
	silent a 192.168.88.129
}

allowed_ips() { # allowed_ips X DEVICE PEER
	in_ns "$1" weft show "$2" allowed-ips |
		awk -v peer="${PUBLIC[$3]}" '$1 == peer { print; found = 1 } END { exit !found }'
}

test_prefix_moves() {
	local prefixes
	pair 4
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips +192.168.88.0/24
	ip_a route replace 192.168.88.0/24 dev w0
	ip_c addr add 192.168.88.7/32 dev lo
	silent a 192.168.88.7
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,fd77::3/128,192.168.88.0/24
	pings a 192.168.88.7
	prefixes=$(allowed_ips a w0 b)
	refused grep -F 192.168.88.0/24 <<<"$prefixes"
	prefixes=$(allowed_ips a w0 c)
	grep -F 192.168.88.0/24 <<<"$prefixes"
}

test_default_routes() {
	# each family's leads to another peer, so that none is the other's
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips 0.0.0.0/0
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,::/0
	ip_b addr add 198.18.5.5/32 dev lo
	ip_c addr add 2001:db8::5/128 dev lo nodad
	ip_a route add 198.18.0.0/15 dev w0
	ip_a route add 2001:db8::/32 dev w0
	pings a 198.18.5.5
	pings a 2001:db8::5
	# c's prefix is longer
	pings a 192.168.77.3
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,fd77::3/128
	pair 4
}

# --- endpoints ---

roam_port() { # roam_port FAMILY WHO OTHER PORT: WHO moves to another port, OTHER notices
	pair "$1"
	fresh a b
	pings "$2" "$5"
	in_ns "$2" weft set w0 listen-port "$4"
	pings "$2" "$5"
	[[ $(endpoint "$3" w0 "$2") == *":$4" ]]
	pings "$3" "$6"
	in_ns "$2" weft set w0 listen-port "$7"
	pings "$2" "$5"
}

test_roam_port() {
	roam_port 4 a b 1111 192.168.77.2 192.168.77.1 1000
	roam_port 4 b a 2222 192.168.77.1 192.168.77.2 2000
}

test_roam_address() {
	pair 4
	fresh a b
	pings b 192.168.77.1
	ip_b addr add 10.0.1.77/24 dev toa
	ip_b addr del 10.0.1.2/24 dev toa
	ip_b addr replace 10.0.1.77/24 dev toa
	soon 30 b ping -c 1 -W 1 192.168.77.1
	soon 5 endpoint_is a w0 b 10.0.1.77:2000
	pings a 192.168.77.2
	ip_b addr add 10.0.1.2/24 dev toa
	ip_b addr del 10.0.1.77/24 dev toa
	ip_b addr replace 10.0.1.2/24 dev toa
	pings b 192.168.77.1
	endpoint_is a w0 b 10.0.1.2:2000
}

test_roam_family() {
	pair 4
	fresh a b
	pings b 192.168.77.1
	endpoint_is a w0 b 10.0.1.2:2000
	b weft set w0 peer "${PUBLIC[a]}" endpoint "[fd00:1::1]:1000"
	pings b 192.168.77.1
	endpoint_is a w0 b "[fd00:1::2]:2000"
	pings a 192.168.77.2
}

test_forged_source() {
	pair 4
	fresh a b
	pings a 192.168.77.2
	c transfer udp-send 10.0.2.1 1000 20 200
	c initiations "${PUBLIC[a]}" 10.0.2.1 1000 20
	endpoint_is a w0 b 10.0.1.2:2000
	pings a 192.168.77.2
}

test_keepalive() {
	local before
	# a new session: an old one may be renewed by the ping, and the end of that handshake is a
	# keepalive
	fresh a b
	pings a 192.168.77.2
	# what both ends say of themselves would be in the place of the passive one
	sleep 1
	pings a 192.168.77.2
	# the passive one, 10 seconds after the answer that a had nothing to say to
	before=$(count b w0 rx_keepalives)
	soon 30 more_than "$before" b w0 rx_keepalives
	before=$(count b w0 rx_keepalives)
	sleep 2.5
	# none without having been asked for, so that those below mean something
	same "$(count b w0 rx_keepalives)" "$before"
	a weft set w0 peer "${PUBLIC[b]}" persistent-keepalive 1
	soon 30 more_than $((before + 2)) b w0 rx_keepalives
	a weft set w0 peer "${PUBLIC[b]}" persistent-keepalive off
}

test_listen_port() {
	a weft set w0 listen-port 1234
	a ss -ulnH "sport = 1234" | grep -F ":1234"
	gone a "sport = 1000"
	pings a 192.168.77.2
	a weft set w0 listen-port 1000
}

test_listen_port_taken() {
	ip_a link add w9 type weft
	ip_a link set w9 up
	refused a weft set w9 listen-port 1000
	[ "$(a weft show w9 listen-port)" != 1000 ]
	# the socket that was open is open still
	a ss -ulnH "sport = $(a weft show w9 listen-port)" | grep .
	ip_a link del w9
	pings a 192.168.77.2
}

test_fwmark() {
	watch_packets a "output priority 0" marked "udp dport 2000 meta mark 0x1234"
	fresh a b
	pings a 192.168.77.2
	same "$(hits a marked)" 0
	a weft set w0 fwmark 0x1234
	pings a 192.168.77.2
	hit a marked
	unwatch a marked
	a weft set w0 fwmark 0
}

test_fwmark_routes() {
	pings a 192.168.77.2
	a weft set w0 fwmark 0x1234
	ip_a rule add fwmark 0x1234 table 99 pref 10
	ip_a route add unreachable default table 99
	rises a w0 tx_drop_no_route silent a 192.168.77.2
	a weft set w0 fwmark 0
	pings a 192.168.77.2
	ip_a rule del pref 10
	ip_a route flush table 99
}

# --- sizes ---

full_size() { # full_size UNDERLAY
	pair "$1"
	fresh a b
	pings a -M do -s $((1420 - 28)) 192.168.77.2
	pings a -M do -s $((1420 - 48)) fd77::2
	# one byte more does not fit
	refused a ping -c 1 -W 1 -M do -s $((1420 - 27)) 192.168.77.2
}

test_all_sizes() {
	# around the padding, and one of which the outer packet has to be in fragments
	local size
	ip_a link set w0 mtu 3000
	ip_b link set w0 mtu 3000
	for size in 0 1 4; do
		# too small for a time stamp: ping does not wait for an answer to the last one
		a ping -n -c 3 -i 0.2 -W 1 -s "$size" 192.168.77.2
	done
	for size in 16 20 36 1391 1392 1393 1500 2000 2972; do
		pings a -M do -s "$size" 192.168.77.2
	done
	ip_a link set w0 mtu 1420
	ip_b link set w0 mtu 1420
}

test_outer_mtu() {
	# what fills the MTU is as long outside as it may be, and not padded beyond
	watch_packets b "prerouting priority -400" full 'udp dport 2000 meta length 1480'
	watch_packets b "prerouting priority -400" longer 'udp dport 2000 meta length > 1480'
	pair 4
	pings a -M do -s $((1420 - 28)) 192.168.77.2
	hit b full
	same "$(hits b longer)" 0
	unwatch b full
	unwatch b longer
}

# What c sends is put into a's w0 by a traffic filter: nothing looks at its size.
around_the_stack() {
	ip_c link set w0 down
	ip_c route add 192.168.77.2/32 via 10.0.2.1
	ip_c route add fd77::2/128 via fd00:2::1
	in_ns a tc qdisc add dev toc clsact
	in_ns a tc filter add dev toc ingress protocol "$1" matchall action mirred egress redirect dev w0
}

back_to_the_stack() {
	in_ns a tc qdisc del dev toc clsact
	ip_c route del 192.168.77.2/32
	ip_c route del fd77::2/128
	ip_c link set w0 up
}

test_too_big() {
	pings a 192.168.77.2
	around_the_stack ip
	rises a w0 tx_drop_too_big silent c -M do -s 1450 192.168.77.2
	back_to_the_stack
}

test_too_big_icmp6() {
	pings a fd77::2
	ip_a route add fd00:2::2/128 dev toc
	# neighbours must be known: their messages would go around as well
	c ping -c 1 -W 2 fd00:2::1
	around_the_stack ipv6
	c ping -c 2 -i 0.2 -W 2 -M do -s 1440 fd77::2 >"$TMP/ping" 2>&1 || true
	back_to_the_stack
	ip_a route del fd00:2::2/128 dev toc
	cat "$TMP/ping"
	grep -E 'Packet too big: mtu=1420|mtu = 1420' "$TMP/ping"
}

# --- traffic class ---

outer_ecn() { # outer_ecn TOS NFT-NAMES: one of those outside, and no other
	watch_packets a "output priority 0" ecn "udp dport 2000 ip ecn $2 ip length > 120"
	watch_packets a "output priority 0" other "udp dport 2000 ip ecn != $2 ip length > 120"
	pings a -Q "$1" 192.168.77.2
	hit a ecn
	same "$(hits a other)" 0
	unwatch a ecn
	unwatch a other
}

test_ecn_copied() {
	pair 4
	fresh a b
	pings a 192.168.77.2
	outer_ecn 0 not-ect
	outer_ecn 1 ect1
	outer_ecn 2 ect0
	# RFC 6040, where RFC 3168 has ECT(0)
	outer_ecn 3 ce
}

test_ecn_copied6() {
	pair 6
	fresh a b
	pings a fd77::2
	watch_packets a "output priority 0" ecn6 "udp dport 2000 ip6 ecn ect0 ip6 length > 100"
	pings a -Q 0 fd77::2
	same "$(hits a ecn6)" 0
	pings a -Q 2 fd77::2
	hit a ecn6
	unwatch a ecn6
	pair 4
	fresh a b
	pings a 192.168.77.2
}

# A congested router between a and b.
congested() {
	a nft -f - <<-END
		table ip congested {
			chain out {
				type filter hook output priority 0;
				udp dport 2000 ip ecn set ce
			}
		}
	END
}

test_ecn_marked() {
	congested
	watch_packets b "prerouting priority 0" ce 'iifname "w0" ip ecn ce'
	watch_packets b "prerouting priority 0" ce6 'iifname "w0" ip6 ecn ce'
	pings a -Q 2 192.168.77.2
	pings a -Q 2 fd77::2
	hit b ce
	hit b ce6
	unwatch b ce
	unwatch b ce6
	a nft delete table ip congested
}

test_ecn_dropped() {
	pings a -Q 0 192.168.77.2
	congested
	watch_packets b "prerouting priority 0" inner 'iifname "w0" icmp type echo-request'
	rises b w0 rx_drop_ecn silent a -Q 0 192.168.77.2
	same "$(hits b inner)" 0
	unwatch b inner
	a nft delete table ip congested
	pings a -Q 0 192.168.77.2
}

test_dscp() {
	watch_packets a "output priority 0" dscp "udp dport 2000 ip dscp != cs0"
	pings a -Q 0xb8 192.168.77.2
	same "$(hits a dscp)" 0
	# inside it arrives as it was sent
	watch_packets b "prerouting priority 0" inner 'iifname "w0" ip dscp ef'
	pings a -Q 0xb8 192.168.77.2
	hit b inner
	unwatch a dscp
	unwatch b inner
}

# --- errors ---

test_no_peer() {
	ip_a route add 192.168.200.0/24 dev w0
	a ping -c 2 -i 0.3 -W 1 192.168.200.1 >"$TMP/ping" 2>&1 || true
	cat "$TMP/ping"
	grep -F "Destination Host Unreachable" "$TMP/ping"
	rises a w0 tx_drop_no_peer silent a 192.168.200.1
}

test_no_peer6() {
	ip_a route add fd20::/64 dev w0
	a ping -c 2 -i 0.3 -W 1 fd20::1 >"$TMP/ping" 2>&1 || true
	cat "$TMP/ping"
	grep -E "Destination unreachable: Address unreachable|Address unreachable" "$TMP/ping"
}

test_no_endpoint() {
	a weft set w0 peer "${PUBLIC[d]}" allowed-ips 192.168.200.1/32
	a ping -c 2 -i 0.3 -W 1 192.168.200.1 >"$TMP/ping" 2>&1 || true
	cat "$TMP/ping"
	grep -F "Destination Host Unreachable" "$TMP/ping"
	rises a w0 tx_drop_no_endpoint silent a 192.168.200.1
	a weft set w0 peer "${PUBLIC[d]}" remove
}

test_loop() {
	# b is said to be behind the tunnel to b
	pings a 192.168.77.2
	a weft set w0 peer "${PUBLIC[b]}" endpoint 192.168.77.2:2000
	rises a w0 tx_drop_loop silent a 192.168.77.2
	pair 4
	pings a 192.168.77.2
}

test_not_ip() {
	rises a w0 tx_drop_not_ip a python3 -c '
import errno, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
for protocol in 0x0806, 0x0800, 0x86dd:
    try:
        s.sendto(b"\x00" * 64, ("w0", protocol))
        sys.exit("no error for protocol %#x" % protocol)
    except OSError as error:
        if error.errno != errno.EPROTONOSUPPORT:
            raise
'
}

# --- the interface ---

test_ethtool() {
	a ethtool -i w0 | grep -x "driver: weft"
	count a w0 rx_drop_replay
	count a w0 tx_drop_loop
	rises a w0 tx_handshake_initiations try_anew
}

try_anew() {
	fresh a
	pings a 192.168.77.2
}

counted() { # counted X: "rx-packets rx-bytes tx-packets tx-bytes" of w0
	ip_in "$1" -s -j link show w0 | python3 -c '
import json, sys
s = json.load(sys.stdin)[0]["stats64"]
print(s["rx"]["packets"], s["rx"]["bytes"], s["tx"]["packets"], s["tx"]["bytes"])'
}

test_link_stats() {
	local before after
	# a new session, or the packets of a handshake might be counted as well
	fresh a b
	pings a 192.168.77.2
	# nor what both ends say of themselves
	sleep 1
	before=$(counted a)
	a ping -c 5 -i 0.1 -W 2 -s 56 192.168.77.2
	after=$(counted a)
	# 84 bytes padded to 96, header and tag: 128
	same "$(paste <(tr ' ' '\n' <<<"$before") <(tr ' ' '\n' <<<"$after") |
		awk '{ printf "%d ", $2 - $1 }')" "5 640 5 640 "
}

test_peer_stats() {
	local before after
	fresh a b
	pings a 192.168.77.2
	# nor what both ends say of themselves
	sleep 1
	before=$(a weft show w0 transfer | awk -v peer="${PUBLIC[b]}" '$1 == peer { print $2 + $3 }')
	a ping -c 5 -i 0.1 -W 2 -s 56 192.168.77.2
	after=$(a weft show w0 transfer | awk -v peer="${PUBLIC[b]}" '$1 == peer { print $2 + $3 }')
	same $((after - before)) 1280
}

test_down_up() {
	pings a 192.168.77.2
	ip_a link set w0 down
	refused a ping -c 1 -W 1 192.168.77.2
	gone a "sport = 1000"
	ip_a link set w0 up
	pings a 192.168.77.2
}

test_down_forgets_keys() {
	# the other end's packets of the old session are not let in
	pings b 192.168.77.1
	ip_a link set w0 down
	ip_a link set w0 up
	rises a w0 rx_drop_no_session silent b 192.168.77.1
	pings a 192.168.77.2
}

# A device of its own for each test that breaks it: a's w5, in namespace e, and b's peer d.
roaming_device() {
	new_ns e
	ip_a link add w5 type weft
	ip_a link set w5 netns "$(ns e)"
	in_ns e weft set w5 private-key <(echo "${PRIVATE[d]}") listen-port 1500 \
		peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32 endpoint 10.0.1.2:2000
	ip_in e addr add 192.168.77.5/24 dev w5
	ip_in e link set w5 up
	b weft set w0 peer "${PUBLIC[d]}" allowed-ips 192.168.77.5/32
}

test_moved() {
	roaming_device
	pings e 192.168.77.2
	# the socket is where the device was made; e has not even a wire
	a ss -ulnH "sport = 1500" | grep .
	gone e "sport > 0"
	del_ns e
	soon 5 gone a "sport = 1500"
}

gone() { # gone X FILTER: no such socket
	local sockets
	# by itself: ss that fails has not shown that there is none
	sockets=$(in_ns "$1" ss -ulnH "$2") || return
	[ -z "$sockets" ]
}

test_birth_ns_deleted() {
	new_ns f
	wire f b 9
	new_ns e
	ip_in f link add w5 type weft
	ip_in f link set w5 netns "$(ns e)"
	in_ns e weft set w5 private-key <(echo "${PRIVATE[d]}") \
		peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32 endpoint 10.0.9.2:2000
	ip_in e addr add 192.168.77.5/24 dev w5
	ip_in e link set w5 up
	b weft set w0 peer "${PUBLIC[d]}" allowed-ips 192.168.77.5/32
	pings e 192.168.77.2
	del_ns f
	soon 10 no_carrier e
	silent e 192.168.77.2
	# it can be read, changed and deleted, but has nowhere to listen
	in_ns e weft show w5
	ip_in e link set w5 down
	refused ip_in e link set w5 up
	ip_in e link del w5
	del_ns e
}

no_carrier() {
	ip_in "$1" link show w5 | grep -F NO-CARRIER
}

test_both_ns_deleted() {
	# in each order, and crosswise, so that each namespace holds what the other one made
	local first second
	for first in e f; do
		second=$([ "$first" = e ] && echo f || echo e)
		new_ns e f
		ip_in e link add w5 type weft
		ip_in f link add w6 type weft
		ip_in e link set w5 netns "$(ns f)"
		ip_in f link set w6 netns "$(ns e)"
		ip_in f link set w5 up
		ip_in e link set w6 up
		del_ns "$first"
		del_ns "$second"
	done
}

test_ns_deleted_under_traffic() {
	roaming_device
	pings e 192.168.77.2
	background e ping -f -q 192.168.77.2
	background b ping -f -q 192.168.77.5
	sleep 0.3
	del_ns e
	pings a 192.168.77.2
}

test_deleted_under_traffic() {
	for _ in 1 2 3; do
		ip_a link add w5 type weft
		a weft set w5 private-key <(echo "${PRIVATE[d]}") listen-port 1500 \
			peer "${PUBLIC[b]}" allowed-ips 192.168.79.2/32 endpoint 10.0.1.2:2000
		ip_a addr add 192.168.79.5/24 dev w5
		ip_a link set w5 up
		b weft set w0 peer "${PUBLIC[d]}" allowed-ips 192.168.79.5/32
		ip_b addr replace 192.168.79.2/32 dev w0
		ip_b route replace 192.168.79.5/32 dev w0
		pings a -I 192.168.79.5 192.168.79.2
		background a ping -f -q -I 192.168.79.5 192.168.79.2
		background b ping -f -q -I 192.168.79.2 192.168.79.5
		sleep 0.2
		ip_a link del w5
	done
	pings a 192.168.77.2
}

set_up || bail "the namespaces could not be set up"
RECOVER=start_again

t "IPv4 in IPv4: ping, TCP and UDP" reaches 4 4
long "IPv6 in IPv4: ping, TCP and UDP" reaches 6 4
long "IPv4 in IPv6: ping, TCP and UDP" reaches 4 6
t "IPv6 in IPv6: ping, TCP and UDP" reaches 6 6
t "endpoint with a link-local address and scope" test_link_local
pair 4
t "same preshared key at both ends: traffic" test_psk
t "different preshared keys: no session" test_wrong_psk
t "preshared key at one end only: no traffic" test_one_psk
t "preshared key taken away at both ends: traffic" test_no_psk
t "replaced private key: unknown until it is configured, then a new session" test_new_private_key
t "the device's own key is not made a peer" test_own_key_is_no_peer
t "removed peer: no traffic until it is added again" test_removal
long "source address that the peer may not use is dropped (IPv4)" test_source_filter
t "source address that the peer may not use is dropped (IPv6)" test_source_filter6
t "source address of another peer is dropped" test_other_peers_address
t "longest prefix chooses the peer" test_longest_prefix
t "prefix moves from one peer to another" test_prefix_moves
t "default routes of both families" test_default_routes
t "peer that changes its port is followed, whichever end it is" test_roam_port
long "peer that changes its address is followed" test_roam_address
t "peer that changes to the other family is followed" test_roam_family
t "strangers move no endpoint" test_forged_source
long "persistent keepalive while idle, and none without it" test_keepalive
t "listen port can be changed" test_listen_port
long "listen port that is taken is refused, the old one stays" test_listen_port_taken
long "fwmark is on encapsulated packets" test_fwmark
t "fwmark chooses the route of encapsulated packets" test_fwmark_routes
long "packets of full size pass (IPv4 underlay)" full_size 4
t "packets of full size pass (IPv6 underlay)" full_size 6
t "all sizes pass, outer fragments included" test_all_sizes
t "padding does not go beyond the MTU" test_outer_mtu
t "packet that is too big and came around the stack is dropped and counted" test_too_big
t "packet that is too big and came around the stack gets ICMPv6 packet-too-big" test_too_big_icmp6
long "ECN: inner bits are copied to the outer header (IPv4)" test_ecn_copied
t "ECN: inner bits are copied to the outer header (IPv6)" test_ecn_copied6
t "ECN: congestion met outside arrives inside" test_ecn_marked
t "ECN: congestion for a packet that knows no ECN drops it, and is counted" test_ecn_dropped
long "DSCP stays inside" test_dscp
t "no peer for an address: ICMP host unreachable, counted" test_no_peer
long "no peer for an address: ICMPv6 address unreachable" test_no_peer6
t "peer without endpoint: ICMP host unreachable, counted" test_no_endpoint
t "endpoint that leads through the device itself: dropped and counted" test_loop
t "what is not IP is dropped and counted" test_not_ip
long "ethtool shows the driver and counters" test_ethtool
long "ip -s link counts packets and encapsulated bytes" test_link_stats
t "transfer of the peer counts encapsulated bytes" test_peer_stats
t "link down closes the socket and stops traffic, link up resumes it" test_down_up
t "link down forgets the keys" test_down_forgets_keys
t "GSO packets of TCP are accepted" test_gso
t "GRO delivers TCP in larger packets" test_gro
t "weft in weft" test_nested
t "order of a flow is kept: several processors work, one queue on the wire" test_order one
long "order of a flow is kept: several processors work, a queue each on the wire" test_order each
t "device moved to another namespace keeps its socket" test_moved
t "device outlives the namespace of its socket" test_birth_ns_deleted
t "namespaces that hold each other's devices go in any order" test_both_ns_deleted
t "namespace deleted under traffic" test_ns_deleted_under_traffic
t "device deleted under traffic" test_deleted_under_traffic
finish
