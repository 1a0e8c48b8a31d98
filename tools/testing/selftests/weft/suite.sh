#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which cipher two machines use, and how they come to it.
#
#   c ---- a ---- b     wires: a-b is number 1, a-c number 2
#
# a and b are weft; c is WireGuard, in the tests that say so.
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"
need nft ethtool tc jq
grep -qw aes /proc/cpuinfo || skip_all "the CPU has no AES instructions"
# What pair() begins with; each test says what it wants.
# shellcheck disable=SC2034
SUITE=auto

AES=aes256gcm
CHACHA=chacha20poly1305
MODPROBE=/run/modprobe.d/weft-test.conf

new_keys a b c

set_up() {
	new_ns a b c
	wire a b 1
	wire a c 2
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
}

start_again() {
	rm -f "$MODPROBE"
	modprobe weft
	set_limits 120000 180000
	delete_namespaces
	set_up
}

# between SUITE-AT-A SUITE-AT-B: two that have never met
between() {
	a weft set w0 peer "${PUBLIC[b]}" remove
	b weft set w0 peer "${PUBLIC[a]}" remove
	pair 4
	a weft set w0 peer "${PUBLIC[b]}" suite "$1"
	b weft set w0 peer "${PUBLIC[a]}" suite "$2"
}

session_suite() { # session_suite X PEER: empty without a session
	in_ns "$1" weft show w0 --json |
		jq -r --arg key "${PUBLIC[$2]}" \
			'.[].peers[] | select(.public_key == $key) | .session_suite // ""'
}

suite_is() {
	same "$(session_suite "$1" "$2")" "$3"
}

both_use() { # both_use SUITE
	soon 5 suite_is a b "$1"
	soon 5 suite_is b a "$1"
}

# count_words X: messages on the way out of X, by type word, as the wire has it: little-endian
count_words() {
	in_ns "$1" nft -f - <<-END
		table inet words {
			counter total { }
			counter initiation0 { }
			counter initiation1 { }
			counter response0 { }
			counter response1 { }
			counter data0 { }
			counter data1 { }
			chain watching {
				type filter hook output priority 0; policy accept;
				meta l4proto != udp return
				udp sport != { 1000, 2000 } return
				counter name total
				@th,64,32 0x01000000 counter name initiation0
				@th,64,32 0x01010000 counter name initiation1
				@th,64,32 0x02000000 counter name response0
				@th,64,32 0x02010000 counter name response1
				@th,64,32 0x04000000 counter name data0
				@th,64,32 0x04010000 counter name data1
			}
		}
	END
}

words() { # words X COUNTER
	in_ns "$1" nft list counter inet words "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

# nothing_else X COUNTER...: all messages were counted by these. At once, since a keepalive may come
# at any time.
nothing_else() {
	in_ns "$1" nft -j list counters table inet words |
		jq -e --args '[.nftables[].counter | select(.)] |
			(map(select(.name == "total").packets) | add) ==
			(map(select(.name | IN($ARGS.positional[])).packets) | add)' "${@:2}"
}

forget_words() {
	local name
	for name; do
		in_ns "$name" nft delete table inet words
	done
}

# --- forced ---

test_forced() {
	between "$1" "$1"
	count_words a
	count_words b
	pings a 192.168.77.2
	both_use "$1"
	carries a b 192.168.77.2
	carries b a fd77::1
	contains "$(a weft show w0)" "suite: $1"
	same "$(words a "initiation$2")" 1
	same "$(words b "response$2")" 1
	[ "$(words a "data$2")" -gt 50 ]
	[ "$(words b "data$2")" -gt 50 ]
	# and nothing else
	nothing_else a "initiation$2" "data$2"
	nothing_else b "response$2" "data$2"
	forget_words a b
}

contains() {
	grep -qF -- "$2" <<<"$1"
}

test_mismatch() { # test_mismatch SUITE-AT-A SUITE-AT-B
	between "$1" "$2"
	rises b w0 rx_drop_handshake_invalid silent a 192.168.77.2
	rises a w0 rx_drop_handshake_invalid force_initiation_of_b
	suite_is a b ""
	suite_is b a ""
}

force_initiation_of_b() { silent b 192.168.77.1; }

test_auto_answers() { # test_auto_answers SUITE: b answers in what a begins with
	between "$1" auto
	count_words b
	pings a 192.168.77.2
	both_use "$1"
	same "$(words b initiation0)" 0
	same "$(words b initiation1)" 0
	forget_words b
}

test_psk() {
	local key
	key=$(weft genpsk)
	between "$AES" "$AES"
	a weft set w0 peer "${PUBLIC[b]}" preshared-key <(echo "$key")
	b weft set w0 peer "${PUBLIC[a]}" preshared-key <(weft genpsk)
	silent a 192.168.77.2
	b weft set w0 peer "${PUBLIC[a]}" preshared-key <(echo "$key")
	pings a 192.168.77.2
	both_use "$AES"
}

test_sizes() {
	local size
	between "$AES" "$AES"
	pings a 192.168.77.2
	# every length of the last block, with and without padding at the MTU
	for size in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 63 64 65 500 1371 \
		1385 1386 1387 1388 1389 1390 1391 1392; do
		a ping -n -q -c 1 -W 2 -s "$size" 192.168.77.2
	done
}

# --- negotiation ---

upgrade() { # traffic, until both ends use the better suite
	soon 30 used_better
}

used_better() {
	a ping -n -q -c 1 -W 1 192.168.77.2
	same "$(session_suite a b)" "$AES"
	same "$(session_suite b a)" "$AES"
}

test_upgrade() { # test_upgrade INITIATOR: and no packet is lost
	between auto auto
	count_words a
	count_words b
	case $1 in
	a) a ping -n -q -i 0.02 -c 150 192.168.77.2 >"$TMP/ping" ;;
	b) b ping -n -q -i 0.02 -c 150 192.168.77.1 >"$TMP/ping" ;;
	esac
	cat "$TMP/ping"
	grep -F " 0% packet loss" "$TMP/ping"
	both_use "$AES"
	# one handshake in each suite, both begun by the same end
	same "$(words "$1" initiation0)" 1
	same "$(words "$1" initiation1)" 1
	[ "$(words "$1" data0)" -gt 0 ]
	[ "$(words "$1" data1)" -gt 100 ]
	case $1 in
	a) same "$(words b initiation0)$(words b initiation1)" 00 ;;
	b) same "$(words a initiation0)$(words a initiation1)" 00 ;;
	esac
	forget_words a b
	contains "$(a weft show w0)" "suite: auto, this session $AES"
	carries a b 192.168.77.2
}

test_remembers() {
	local before
	between auto auto
	pings a 192.168.77.2
	upgrade
	# the next sessions begin in it, whoever begins
	count_words a
	count_words b
	fresh a b
	pings a 192.168.77.2
	fresh a b
	pings b 192.168.77.1
	both_use "$AES"
	same "$(words a initiation0)$(words b initiation0)" 00
	same "$(words a initiation1)$(words b initiation1)" 11
	forget_words a b
}

# lose_hellos X PORT COUNT: the first COUNT control frames of X, which sends from PORT. They are as
# long as a packet of up to 16 bytes, which no ping here is.
lose_hellos() {
	in_ns "$1" nft -f - <<-END
		table inet lossy {
			counter lost { }
			chain losing {
				type filter hook output priority 0; policy accept;
				udp sport $2 udp length 56 limit rate 1/day burst $3 packets \
					counter name lost drop
			}
		}
	END
}

lost() { in_ns "$1" nft list counter inet lossy lost | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

test_lost_hello() { # test_lost_hello X PORT: the first one that X sends
	between auto auto
	lose_hellos "$1" "$2" 1
	pings a 192.168.77.2
	upgrade
	same "$(lost "$1")" 1
	in_ns "$1" nft delete table inet lossy
	carries a b 192.168.77.2
}

test_all_hellos_lost() {
	between auto auto
	lose_hellos a 1000 100
	lose_hellos b 2000 100
	pings a 192.168.77.2
	sleep 1
	a ping -n -q -i 0.02 -c 50 192.168.77.2
	both_use "$CHACHA"
	[ "$(lost a)" -gt 0 ]
	[ "$(lost b)" -gt 0 ]
	a nft delete table inet lossy
	b nft delete table inet lossy
	# the next session tries again
	fresh a b
	pings a 192.168.77.2
	upgrade
}

test_rekey() { # test_rekey SETTING SUITE: new sessions under traffic
	local before
	between "$1" "$1"
	set_limits 1000 180000
	before=$(count a w0 rx_handshake_responses)
	a ping -n -q -i 0.02 -c 600 192.168.77.2 >"$TMP/ping"
	set_limits 120000 180000
	cat "$TMP/ping"
	grep -F " 0% packet loss" "$TMP/ping"
	[ $(($(count a w0 rx_handshake_responses) - before)) -ge 3 ]
	both_use "$2"
}

test_change() { # a session that the new setting does not allow is not used to send
	between auto auto
	pings a 192.168.77.2
	upgrade
	a weft set w0 peer "${PUBLIC[b]}" suite "$CHACHA"
	count_words a
	pings a 192.168.77.2
	both_use "$CHACHA"
	same "$(words a data1)" 0
	# b has been told: it does not come back with the other one
	fresh b
	pings b 192.168.77.1
	both_use "$CHACHA"
	a weft set w0 peer "${PUBLIC[b]}" suite auto
	upgrade
	forget_words a
}

test_forgets() {
	# a once took suite 1, and now does not, without having said so: it costs b one unanswered
	# initiation
	between auto auto
	pings a 192.168.77.2
	upgrade
	ip_a link set w0 down
	a weft set w0 peer "${PUBLIC[b]}" suite "$CHACHA"
	ip_a link set w0 up
	fresh b
	rises a w0 rx_drop_handshake_invalid pings b 192.168.77.1
	both_use "$CHACHA"
}

test_idle_is_silent() {
	local before
	between auto auto
	pings a 192.168.77.2
	upgrade
	# the answer to the last ping is data that deserves a word, once
	sleep 11
	count_words a
	count_words b
	sleep 12
	same "$(words a total)" 0
	same "$(words b total)" 0
	forget_words a b
}

# --- control frames that are not as they should be ---

test_two_hellos_a_session() {
	local sent
	between auto auto
	sent=$(count a w0 tx_hellos)
	fresh a b
	pings a 192.168.77.2
	upgrade
	sleep 1
	a ping -n -q -i 0.02 -c 50 192.168.77.2
	# two sessions, in each one unasked and one answer
	[ $(($(count a w0 tx_hellos) - sent)) -le 4 ]
}

# --- stock peers ---

stock() {
	modprobe wireguard 2>/dev/null || [ -e /sys/module/wireguard ] || skip "no module wireguard"
	command -v wg >/dev/null || skip "wg is not installed"
	ip_c link show w0 || new_device c w0 c 3000 3 wireguard
	a weft set w0 peer "${PUBLIC[c]}" remove
	c wg set w0 peer "${PUBLIC[a]}" remove
	a weft set w0 peer "${PUBLIC[c]}" allowed-ips 192.168.77.3/32,fd77::3/128 suite "$1" \
		endpoint 10.0.2.2:3000
	c wg set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128 \
		endpoint 10.0.2.1:1000
}

test_stock() { # test_stock INITIATOR
	stock auto
	case $1 in
	a) a ping -n -q -i 0.02 -c 100 192.168.77.3 >"$TMP/ping" ;;
	c) c ping -n -q -i 0.02 -c 100 192.168.77.1 >"$TMP/ping" ;;
	esac
	cat "$TMP/ping"
	grep -F " 0% packet loss" "$TMP/ping"
	carries a c 192.168.77.3
	carries c a fd77::1
	suite_is a c "$CHACHA"
}

frame_errors() { ip_c -s -s -j link show w0 | jq '.[0].stats64.rx.frame_errors'; }

test_stock_is_left_alone() {
	# one HELLO in a session, in three sessions
	local before sent
	stock auto
	sent=$(count a w0 tx_hellos)
	before=$(frame_errors)
	for _ in 1 2 3 4 5; do
		fresh a c
		pings a 192.168.77.3
		a ping -n -q -i 0.02 -c 20 192.168.77.3
	done
	same $(($(count a w0 tx_hellos) - sent)) 3
	same "$(frame_errors)" $((before + 3))
	suite_is a c "$CHACHA"
	carries a c 192.168.77.3
}

test_stock_refuses() {
	stock "$AES"
	silent a 192.168.77.3
	rises a w0 rx_drop_handshake_invalid silent c 192.168.77.1
	suite_is a c ""
	a weft set w0 peer "${PUBLIC[c]}" suite auto
	pings a 192.168.77.3
}

test_becomes_stock() {
	# b is replaced by WireGuard with the same key, and comes back
	between auto auto
	pings a 192.168.77.2
	upgrade
	stock auto
	ip_b link del w0
	new_device b w0 b 2000 2 wireguard
	b wg set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128
	fresh a
	pings a 192.168.77.2
	suite_is a b "$CHACHA"
	carries a b 192.168.77.2
	# enough sessions for a to give it up
	for _ in 1 2 3 4; do
		fresh a b
		pings a 192.168.77.2
	done
	ip_b link del w0
	new_device b w0 b 2000 2
	b weft set w0 peer "${PUBLIC[a]}" allowed-ips 192.168.77.1/32,fd77::1/128 \
		endpoint 10.0.1.1:1000
	fresh a
	pings a 192.168.77.2
	upgrade
}

# --- without AES instructions ---

test_unavailable() {
	local module rc=0
	delete_namespaces
	modprobe -r weft
	module=$(lsmod | awk '$1 ~ /^aesni/ { print $1 }')
	[ -z "$module" ] || modprobe -r "$module" || rc=$?
	if [ -z "$module" ] || [ "$rc" != 0 ]; then
		start_again
		skip "AES instructions cannot be taken away: $(lsmod | grep -i aes | xargs)"
	fi
	# a module of that name cannot be loaded meanwhile
	without "$module"
	modprobe "$module"
	start_again
	between auto auto
	pings a 192.168.77.2
	upgrade
}

without() {
	mkdir -p "${MODPROBE%/*}"
	echo "install $1 /bin/false" >"$MODPROBE"
	modprobe weft
	start_again
	between auto auto
	refused a weft set w0 peer "${PUBLIC[b]}" suite "$AES" 2>"$TMP/error"
	cat "$TMP/error"
	grep -q "not available" "$TMP/error"
	a ping -n -q -i 0.02 -c 50 192.168.77.2
	both_use "$CHACHA"
	delete_namespaces
	modprobe -r weft
	rm -f "$MODPROBE"
}

set_up || bail "the namespaces could not be set up"
RECOVER=start_again

t "both set to aes256gcm: type words of suite 1 alone, data both ways" test_forced "$AES" 1
t "both set to chacha20poly1305: type words of suite 0 alone, data both ways" test_forced "$CHACHA" 0
t "suite 1 against suite 0: refused and counted" test_mismatch "$AES" "$CHACHA"
long "suite 0 against suite 1: refused and counted" test_mismatch "$CHACHA" "$AES"
t "auto answers in suite 1" test_auto_answers "$AES"
long "auto answers in suite 0" test_auto_answers "$CHACHA"
long "suite 1: the preshared key counts" test_psk
t "suite 1: packets of every length" test_sizes
t "auto and auto come to suite 1 without loss" test_upgrade a
long "auto and auto come to suite 1 without loss, the other end begins" test_upgrade b
long "auto remembers that the peer takes suite 1" test_remembers
t "the initiator's first HELLO is lost" test_lost_hello a 1000
long "the responder's first HELLO is lost" test_lost_hello b 2000
t "all HELLOs of a session are lost: the next one tries again" test_all_hellos_lost
long "suite 1: new sessions under traffic lose no packet" test_rekey "$AES" "$AES"
t "auto: new sessions under traffic lose no packet" test_rekey auto "$AES"
t "a change of the setting is followed, both ways" test_change
t "auto falls back when suite 1 is no longer answered" test_forgets
long "idle peers are silent" test_idle_is_silent
long "two HELLOs in a session at most" test_two_hellos_a_session
t "auto to WireGuard stays with chacha20poly1305" test_stock a
long "WireGuard to auto stays with chacha20poly1305" test_stock c
long "WireGuard gets three HELLOs and no more" test_stock_is_left_alone
t "aes256gcm to WireGuard: no session, until it is set to auto" test_stock_refuses
t "a peer turns into WireGuard and back" test_becomes_stock
t "without AES instructions suite 1 is refused, and auto does without" test_unavailable
finish
