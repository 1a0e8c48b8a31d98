#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# weft and WireGuard: the wireguard module of the same kernel, and wireguard-go.
#
#   c ---- a ---- b ---- c      a is weft, b is WireGuard; wires: a-b 1, a-c 2, b-c 3
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"
need wg ethtool python3
modprobe wireguard 2>/dev/null || [ -e /sys/module/wireguard ] || skip_all "no module wireguard"

new_keys a b 0 1 2

set_up() {
	new_ns a b c
	wire a b 1
	wire a c 2
	wire b c 3
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2 wireguard
}

start_again() {
	set_limits 120000 180000
	delete_namespaces
	set_up
}

# Who sends first knows where the other one is, who does not learns it: none of the two has met
# the other before.
connect() { # connect INITIATOR FAMILY
	a weft set w0 peer "${PUBLIC[b]}" remove
	b wg set w0 peer "${PUBLIC[a]}" remove
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips 192.168.77.2/32,fd77::2/128
	b wg set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128
	case $1 in
	a) a weft set w0 peer "${PUBLIC[b]}" endpoint "$(underlay "$2" 1 2 2000)" ;;
	b) b wg set w0 peer "${PUBLIC[a]}" endpoint "$(underlay "$2" 1 1 1000)" ;;
	esac
}

pings_other() { # pings_other INITIATOR FAMILY: the first packet is the initiator's
	case $1 in
	a) pings a "$(overlay "$2" 2)" ;;
	b) pings b "$(overlay "$2" 1)" ;;
	esac
}

wg_endpoint() {
	b wg show w0 endpoints | awk -v peer="${PUBLIC[a]}" '$1 == peer { print $2 }'
}

wg_received() {
	b wg show w0 transfer | awk -v peer="${PUBLIC[a]}" '$1 == peer { print $2 }'
}

test_data() { # test_data INITIATOR UNDERLAY
	local counter
	case $1 in
	a) counter=rx_handshake_responses ;;
	b) counter=rx_handshake_initiations ;;
	esac
	connect "$1" "$2"
	rises a w0 "$counter" pings_other "$1" 4
	pings a fd77::2
	pings b fd77::1
	[ "$(handshake a w0 b)" -gt 0 ]
	same "$(endpoint a w0 b)" "$(underlay "$2" 1 2 2000)"
	same "$(wg_endpoint)" "$(underlay "$2" 1 1 1000)"
	carries a b 192.168.77.2
	carries b a fd77::1
}

test_psk() { # test_psk INITIATOR
	local key
	key=$(weft genpsk)
	connect "$1" 4
	a weft set w0 peer "${PUBLIC[b]}" preshared-key <(echo "$key")
	b wg set w0 peer "${PUBLIC[a]}" preshared-key <(echo "$key")
	pings_other "$1" 4
	# with another one at the other end, nothing
	connect "$1" 4
	a weft set w0 peer "${PUBLIC[b]}" preshared-key <(echo "$key")
	b wg set w0 peer "${PUBLIC[a]}" preshared-key <(weft genpsk)
	case $1 in
	a) silent a 192.168.77.2 ;;
	b) silent b 192.168.77.1 ;;
	esac
	same "$(handshake a w0 b)" 0
}

test_weft_roams() {
	connect a "$1"
	pings a 192.168.77.2
	a weft set w0 listen-port 1111
	pings a 192.168.77.2
	same "$(wg_endpoint)" "$(underlay "$1" 1 1 1111)"
	pings b 192.168.77.1
	a weft set w0 listen-port 1000
}

test_stock_roams() {
	connect a "$1"
	pings a 192.168.77.2
	b wg set w0 listen-port 2222
	pings b 192.168.77.1
	soon 5 endpoint_is a w0 b "$(underlay "$1" 1 2 2222)"
	pings a 192.168.77.2
	b wg set w0 listen-port 2000
}

test_stock_changes_family() {
	connect a 4
	pings a 192.168.77.2
	b wg set w0 peer "${PUBLIC[a]}" endpoint "[fd00:1::1]:1000"
	pings b 192.168.77.1
	endpoint_is a w0 b "[fd00:1::2]:2000"
	pings a 192.168.77.2
}

# Several tunnels, because one renews its keys no more than once in five seconds.
test_rekey() {
	local i sum=0 pids=()
	connect a 4
	for i in 0 1 2; do
		new_device a "r$i" "$i" "110$i" "10$i"
		a weft set "r$i" peer "${PUBLIC[b]}" allowed-ips "10.7.$i.2/32" endpoint 10.0.1.2:2000
		ip_a addr add "10.7.$i.1/24" dev "r$i"
		ip_b addr add "10.7.$i.2/24" dev w0
		b wg set w0 peer "${PUBLIC[$i]}" allowed-ips "10.7.$i.1/32"
		pings a "10.7.$i.2"
	done
	set_limits 1000 180000
	for i in 0 1 2; do
		in_ns a ping -n -q -i 0.05 -c 230 "10.7.$i.2" >"$TMP/rekey$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	set_limits 120000 180000
	cat "$TMP"/rekey?
	for i in 0 1 2; do
		sum=$((sum + $(count a "r$i" rx_handshake_responses)))
		grep -F " 0% packet loss" "$TMP/rekey$i"
		ip_a link del "r$i"
		b wg set w0 peer "${PUBLIC[$i]}" remove
		ip_b addr del "10.7.$i.2/24" dev w0
	done
	# the first handshakes, and two more of each
	[ "$sum" -ge 9 ]
}

test_reject() {
	connect a 4
	set_limits 120000 1500
	pings a 192.168.77.2
	# type 4 in the first byte behind the UDP header is data; a new session is not to be had
	watch_packets a "output priority 0" data 'udp dport 2000 @th,64,8 4'
	watch_packets a "output priority 0" asked 'udp dport 2000 @th,64,8 1' drop
	sleep 2
	silent a 192.168.77.2
	same "$(hits a data)" 0
	set_limits 120000 180000
	unwatch a asked
	pings a 192.168.77.2
	hit a data
	unwatch a data
}

test_stock_keepalive() {
	connect b 4
	pings b 192.168.77.1
	b wg set w0 peer "${PUBLIC[a]}" persistent-keepalive 1
	soon 8 more_than "$(($(count a w0 rx_keepalives) + 2))" a w0 rx_keepalives
}

received_more() { [ "$(wg_received)" -ge "$1" ]; }

test_weft_keepalive() {
	local before
	connect a 4
	pings a 192.168.77.2
	a weft set w0 peer "${PUBLIC[b]}" persistent-keepalive 1
	before=$(wg_received)
	soon 8 received_more $((before + 96))
}

# c floods a port until the end of the test, and is asked for cookies by now.
flood() { # flood KEY ADDRESS PORT
	rm -f "$TMP/cookies"
	# the queue of either module holds 4096
	background c initiations "$@" 1000 "$TMP/cookies"
	soon 60 test -e "$TMP/cookies"
}

# gets_cookie BEFORE: load may have paused as the handshake came, then there is another one
gets_cookie() {
	if a ping -n -c 1 -W 1 192.168.77.2 && ! more_than "$1" a w0 rx_handshake_cookies; then
		fresh a
	fi
	more_than "$1" a w0 rx_handshake_cookies
}

test_cookie_of_weft() {
	connect b 4
	flood "${PUBLIC[a]}" 10.0.2.1 1000
	[ "$(count a w0 tx_handshake_cookies)" -gt 0 ]
	# a handshake of somebody who gives the cookie back is worked on even so
	soon 120 b ping -n -c 1 -W 1 192.168.77.1
	[ "$(handshake a w0 b)" -gt 0 ]
}

test_cookie_of_stock() {
	local before
	connect a 4
	before=$(count a w0 rx_handshake_cookies)
	flood "${PUBLIC[b]}" 10.0.3.1 2000
	soon 120 gets_cookie "$before"
	soon 120 a ping -n -c 1 -W 1 192.168.77.2
	[ "$(handshake a w0 b)" -gt 0 ]
}

test_wrong_mac1() {
	# not worth a cookie, nor anything else
	local before
	before=$(count a w0 tx_handshake_cookies)
	rises a w0 rx_drop_handshake_mac c initiations "${PUBLIC[b]}" 10.0.2.1 1000 500
	same "$(count a w0 tx_handshake_cookies)" "$before"
}

test_full_size() {
	connect a "$1"
	pings a -M do -s $((1420 - 28)) 192.168.77.2
	pings b -M do -s $((1420 - 28)) 192.168.77.1
	pings a -M do -s $((1420 - 48)) fd77::2
	pings b -M do -s $((1420 - 48)) fd77::1
}

test_allowed_ips() {
	local list
	connect a 4
	list=$(python3 -c 'print(",".join(f"10.{i // 250}.{i % 250}.0/{24 + i % 9}"
		for i in range(500)) + "," + ",".join(f"2001:db8:{i:x}::/64" for i in range(500)))')
	a weft set w0 peer "${PUBLIC[b]}" allowed-ips "192.168.77.2/32,fd77::2/128,$list"
	b wg set w0 peer "${PUBLIC[a]}" allowed-ips "192.168.77.1/32,fd77::1/128,$list"
	# both list the same
	same "$(a weft show w0 allowed-ips | cut -f 2 | tr ' ' '\n' | grep -vE '^192|^fd77' | sort)" \
		"$(b wg show w0 allowed-ips | cut -f 2 | tr ' ' '\n' | grep -vE '^192|^fd77' | sort)"
	same "$(a weft show w0 allowed-ips | cut -f 2 | wc -w)" 1002
	ip_b addr add 10.1.47.0/32 dev lo
	ip_b addr add 2001:db8:1f3::7/128 dev lo nodad
	ip_a route add 10.1.47.0/32 dev w0
	ip_a route add 2001:db8:1f3::/64 dev w0
	pings a 10.1.47.0
	pings a 2001:db8:1f3::7
}

# 1,000 peers of which three are real: the first, one in the middle, the last.
many_peers() {
	python3 - "$@" <<-'END'
		import base64, os, sys
		real = dict(zip((0, 500, 999), sys.argv[1:]))
		for i in range(1000):
		    key = real.get(i, base64.b64encode(os.urandom(32)).decode())
		    print(f"[Peer]\nPublicKey = {key}\nAllowedIPs = 10.8.{i // 250}.{i % 250}/32")
	END
}

# reach_three HUB HUB-KEY PORT SPOKE TYPE: devices for the three, each with a handshake of its own
reach_three() {
	local i addresses=(10.8.0.0 10.8.2.0 10.8.3.249) tool=weft
	[ "$5" = weft ] || tool=wg
	for i in 0 1 2; do
		ip_in "$4" link add "p$i" type "$5"
		in_ns "$4" "$tool" set "p$i" private-key <(echo "${PRIVATE[$i]}") \
			peer "${PUBLIC[$2]}" allowed-ips 10.9.9.9/32 endpoint "$3"
		ip_in "$4" addr add "${addresses[i]}/32" dev "p$i"
		ip_in "$4" link set "p$i" up
		ip_in "$4" route add 10.9.9.9/32 dev "p$i" src "${addresses[i]}"
		pings "$4" 10.9.9.9
		pings "$1" -I 10.9.9.9 "${addresses[i]}"
		ip_in "$4" link del "p$i"
	done
}

test_thousand_peers_weft() {
	many_peers "${PUBLIC[0]}" "${PUBLIC[1]}" "${PUBLIC[2]}" >"$TMP/many"
	ip_a link add many type weft
	a weft set many private-key <(echo "${PRIVATE[a]}") listen-port 1700
	a weft addconf many "$TMP/many"
	ip_a addr add 10.9.9.9/32 dev many
	ip_a link set many up
	ip_a route add 10.8.0.0/16 dev many
	same "$(a weft show many peers | sort -u | wc -l)" 1000
	reach_three a a 10.0.1.1:1700 b wireguard
	ip_a link del many
}

test_thousand_peers_stock() {
	many_peers "${PUBLIC[0]}" "${PUBLIC[1]}" "${PUBLIC[2]}" >"$TMP/many"
	ip_b link add many type wireguard
	b wg set many private-key <(echo "${PRIVATE[b]}") listen-port 2700
	b wg addconf many "$TMP/many"
	ip_b addr add 10.9.9.9/32 dev many
	ip_b link set many up
	ip_b route add 10.8.0.0/16 dev many
	reach_three b b 10.0.1.2:2700 a weft
	ip_b link del many
}

# Three at a time, each checked byte for byte.
streams() { # streams FROM TO ADDRESS
	local port
	for port in 5010 5011 5012; do
		rm -f "$TMP/$port"
		in_ns "$2" transfer tcp-receive "$3" "$port" "$TMP/$port"
	done
	for port in 5010 5011 5012; do
		in_ns "$1" transfer tcp-send "$3" "$port" 300000 &
	done
	wait
	for port in 5010 5011 5012; do
		soon 60 test -e "$TMP/$port"
		same "$(cat "$TMP/$port")" "received 300000 wrong 0"
	done
}

test_parallel() {
	connect a 4
	pings a 192.168.77.2
	streams a b 192.168.77.2
	streams b a fd77::1
}

# wireguard-go in namespace b, beside the kernel's: its own port, a name of its own, because its
# control socket is found by that.
go_peer() {
	local name=go$$
	modprobe tun || [ -e /dev/net/tun ]
	nsenter --net="/run/netns/$(ns b)" env LOG_LEVEL=error wireguard-go -f "$name" \
		>"$TMP/go" 2>&1 &
	echo $! >>"$TMP/background"
	soon 20 b wg show "$name"
	b wg set "$name" private-key <(echo "${PRIVATE[0]}") listen-port 2800 \
		peer "${PUBLIC[a]}" allowed-ips 192.168.80.1/32
	ip_b addr add 192.168.80.2/24 dev "$name"
	ip_b link set "$name" mtu 1420 up
	a weft set w0 peer "${PUBLIC[0]}" allowed-ips 192.168.80.2/32
	ip_a addr replace 192.168.80.1/24 dev w0
}

test_go_responds() {
	command -v wireguard-go >/dev/null || skip "no wireguard-go"
	go_peer
	a weft set w0 peer "${PUBLIC[0]}" endpoint 10.0.1.2:2800
	pings a 192.168.80.2
	pings a -M do -s 1392 192.168.80.2
	carries a b 192.168.80.2
	a weft set w0 peer "${PUBLIC[0]}" remove
}

test_go_initiates() {
	command -v wireguard-go >/dev/null || skip "no wireguard-go"
	go_peer
	b wg set "go$$" peer "${PUBLIC[a]}" endpoint "[fd00:1::1]:1000"
	pings b 192.168.80.1
	carries b a 192.168.80.1
	endpoint_is a w0 0 "[fd00:1::2]:2800"
	a weft set w0 peer "${PUBLIC[0]}" remove
}

set_up || bail "the namespaces could not be set up"
RECOVER=start_again

t "weft initiates over IPv4: handshake, data both ways" test_data a 4
long "weft initiates over IPv6: handshake, data both ways" test_data a 6
long "WireGuard initiates over IPv4: handshake, data both ways" test_data b 4
t "WireGuard initiates over IPv6: handshake, data both ways" test_data b 6
t "preshared key, weft initiates: the same one connects, another one does not" test_psk a
long "preshared key, WireGuard initiates: the same one connects, another one does not" test_psk b
t "weft roams over IPv4, WireGuard follows" test_weft_roams 4
long "weft roams over IPv6, WireGuard follows" test_weft_roams 6
long "WireGuard roams over IPv4, weft follows" test_stock_roams 4
t "WireGuard roams over IPv6, weft follows" test_stock_roams 6
t "WireGuard changes to the other family, weft follows" test_stock_changes_family
t "many new sessions under traffic lose no packet" test_rekey
t "session beyond the reject limit is not used" test_reject
t "persistent keepalive of WireGuard arrives" test_stock_keepalive
long "persistent keepalive of weft arrives" test_weft_keepalive
t "weft under load sends cookies, WireGuard gets through with one" test_cookie_of_weft
t "WireGuard under load sends cookies, weft gets through with one" test_cookie_of_stock
t "initiations for another key are dropped and counted" test_wrong_mac1
long "packets of full size pass over IPv4" test_full_size 4
t "packets of full size pass over IPv6" test_full_size 6
long "1,000 allowed IPs at either end" test_allowed_ips
t "1,000 peers on a weft device" test_thousand_peers_weft
long "1,000 peers on a WireGuard device" test_thousand_peers_stock
t "parallel TCP streams in both directions" test_parallel
t "wireguard-go answers weft" test_go_responds
long "wireguard-go initiates to weft" test_go_initiates
finish
