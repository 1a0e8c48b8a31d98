#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two machines that share no local network lose each other: both are down while both get other
# addresses. They find each other again through a store: two nodes of OpenDHT, then an etcd. What the
# stores and the wire get to see tells nothing.
#
#   anna ── router ── berta      10.1.0.1 and 10.2.0.1; later 10.3, 10.4, ...
#            │  │  └─ dht1       10.9.1.1
#            │  └──── dht2       10.9.2.1
#            └─────── etcd       10.9.3.1
#
# shellcheck source=tools/testing/selftests/weft/lib.sh
. "$(dirname "$0")/lib.sh"

BUILD=$(cd "$HERE/../../../../userspace/build" 2>/dev/null && pwd -P)
need ip nsenter unshare jq getent ping tcpdump curl base64 dhtnode etcd
for helper in opendht etcd; do
	[ -x "$BUILD/weft-rendezvous-$helper" ] ||
		skip_all "needs a tree in which 'make -C userspace all' has built weft-rendezvous-$helper"
done
export LD_LIBRARY_PATH=$BUILD
BY_DHT="$BUILD/weft-rendezvous-opendht --bootstrap 10.9.1.1"
BY_ETCD="$BUILD/weft-rendezvous-etcd --endpoint http://10.9.3.1:2379"

declare -A HOLDER=()

on() {
	{ local -; set +x; } 2>/dev/null
	nsenter -t "${HOLDER[$1]}" --mount --uts --net "${@:2}"
}

# hold NAME: its own host name, state and name service
hold() {
	local dir=$TMP/$1
	mkdir -p "$dir/run" "$dir/state" /run/weft /var/lib/weft
	printf 'hosts: files weft\n' >"$dir/nsswitch.conf"
	# shellcheck disable=SC2016 # expanded there
	nsenter --net="/run/netns/$(ns "$1")" \
		unshare --mount --uts --propagation private -- bash -c '
		mount --bind "$1/run" /run/weft && mount --bind "$1/state" /var/lib/weft &&
		mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && hostname "$2" &&
		touch "$1/held" && exec sleep 100000' - "$dir" "$1" >/dev/null 2>&1 </dev/null &
	HOLDER[$1]=$!
}

# behind NAME NETWORK: one more namespace at the router
behind() {
	new_ns "$1"
	ip_in "$1" link add eth0 type veth peer name "to$1" netns "$(ns router)"
	ip_in router link set "to$1" up
	ip_in "$1" link set eth0 up
	is_at "$1" "$2"
}

# is_at NAME NETWORK: that is where it is now
is_at() {
	ip_in "$1" addr flush dev eth0 scope global
	ip_in router addr flush dev "to$1" scope global
	ip_in router addr add "$2.254/24" dev "to$1"
	ip_in "$1" addr add "$2.1/24" dev eth0
	ip_in "$1" route add default via "$2.254"
}

daemon() {
	local dir=$TMP/$1
	rm -f "$dir/run/control"
	nsenter -t "${HOLDER[$1]}" --mount --uts --net "$BUILD/weftd" --verbose \
		>>"$dir/log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	soon 120 test -S "$dir/run/control"
}

is_dead() {
	! kill -0 "$1" 2>/dev/null
}

# power_off NAME: neither daemon nor device is left
power_off() {
	local pid
	pid=$(<"$TMP/$1/pid")
	kill -KILL "$pid"
	soon 10 is_dead "$pid"
	on "$1" ip link del weft0
}

logs() {
	local name
	for name in anna berta; do
		echo "--- $name"
		tail -n 30 "$TMP/$name/log"
		on "$name" weft status
		on "$name" weft show
	done 2>&1 | sed 's/^/#  | /'
}

helper() { # helper NAME FILTER
	on "$1" weft status --json | jq -r ".[0].rendezvous | $2"
}

helper_is() { # helper_is NAME FILTER VALUE
	same "$(helper "$1" "$2")" "$3"
}

sees() { # sees FROM NAME
	on "$1" ping -6 -n -c 1 -W 2 "$2"
}

capture() { # capture FILE: all that is between members and stores
	ip netns exec "$(ns router)" tcpdump -i any -w "$1" -U \
		'net 10.9.0.0/16' >/dev/null 2>"$1.log" &
	echo $! >"$TMP/tcpdump"
	soon 20 grep -q 'listening on' "$1.log"
}

end_capture() {
	kill "$(<"$TMP/tcpdump")"
	soon 10 is_dead "$(<"$TMP/tcpdump")"
}

# Key, identity and name of a member, and an address of it as it is sealed, in no order: none is in there.
tells_nothing() { # tells_nothing FILE NAME NETWORK
	local key id
	key=$(on "$2" weft status --json | jq -r '.[0].members[] | select(.self) | .public_key' |
		base64 -d | xxd_plain)
	id=$(on "$2" weft status --json | jq -r '.[0].members[] | select(.self) | .id')
	[ "${#key}" = 64 ]
	[ "${#id}" = 64 ]
	xxd_plain <"$1" >"$1.hex"
	refused grep -q "$key" "$1.hex"
	refused grep -q "$id" "$1.hex"
	refused grep -q "$(printf '%s' "$2" | xxd_plain)" "$1.hex"
	refused grep -q "$(on "$2" weft status --json | jq -r '.[0].id')" "$1.hex"
}

# decoded FILE: all that is in it in base64, as keys and values are that go to an etcd
decoded() {
	local word
	# JSON may have a backslash before a slash
	LC_ALL=C sed 's,\\,,g' "$1" | grep -aoE '[A-Za-z0-9+/]{24,}={0,2}' >"$1.words"
	while read -r word; do
		base64 -d <<<"$word" 2>/dev/null || true
	done <"$1.words"
}

xxd_plain() { od -An -v -tx1 | tr -d ' \n'; }

# --- tests ---

a_network() {
	on anna weft init home --name anna --json >"$TMP/init"
	on berta weft join --name berta "$(jq -r .token "$TMP/init")"
	soon 60 sees anna berta
	helper_is anna . null
}

# lost NETWORK NETWORK: both move while both are down, and then do not find each other
lost() {
	power_off anna
	power_off berta
	is_at anna "$1"
	is_at berta "$2"
	daemon anna
	daemon berta
	soon 20 on anna weft status
	sleep 15
	refused sees anna berta
	refused sees berta anna
}

# found BY: with a helper on both
found() {
	local start=$SECONDS name
	for name in anna berta; do on "$name" weft up --rendezvous "$1"; done
	for name in anna berta; do
		soon 180 helper_is "$name" .state ready
		soon 180 helper_has_published "$name"
	done
	soon 200 sees anna berta
	soon 60 sees berta anna
	echo "# found after $((SECONDS - start)) s"
	on anna weft status | tee /dev/stderr | grep -q "rendezvous: .*: ready, published"
	helper_is anna .trouble null
}

helper_has_published() {
	helper "$1" .published_s | grep -q '^[0-9]'
}

through_the_dht() {
	lost 10.3.0 10.4.0
	capture "$TMP/dht.pcap"
	found "$BY_DHT"
	end_capture
}

the_dht_learns_nothing() {
	[ "$(stat -c %s "$TMP/dht.pcap")" -gt 2000 ]
	tells_nothing "$TMP/dht.pcap" anna
	tells_nothing "$TMP/dht.pcap" berta
}

through_etcd() {
	local name
	for name in anna berta; do on "$name" weft up --rendezvous off; done
	helper_is anna . null
	lost 10.5.0 10.6.0
	capture "$TMP/etcd.pcap"
	found "$BY_ETCD"
	end_capture
}

# all that is in the etcd: lines of key, in text, and value
stored() {
	in_ns etcd curl -s http://10.9.3.1:2379/v3/kv/range -d '{"key":"AA==","range_end":"AA=="}' |
		jq -r '.kvs[] | "\(.key | @base64d) \(.value)"'
}

etcd_learns_nothing() {
	local key value name
	stored | tee "$TMP/stored"
	same "$(wc -l <"$TMP/stored")" 2
	# one key, which is nobody's, and values that are not told apart by their size
	same "$(cut -d / -f 2 "$TMP/stored" | sort -u | wc -l)" 1
	while read -r key value; do
		[[ $key =~ ^weft/[0-9a-f]{64}/[0-9a-f]{16}$ ]]
		same "$(base64 -d <<<"$value" | wc -c)" 512
		base64 -d <<<"$value" >>"$TMP/values"
	done <"$TMP/stored"
	tells_nothing "$TMP/values" anna
	tells_nothing "$TMP/values" berta
	# on the wire as well: as it is there, and what that is in base64
	decoded "$TMP/etcd.pcap" >"$TMP/etcd.decoded"
	grep -aq "weft/$(cut -d / -f 2 "$TMP/stored" | head -n 1)/" "$TMP/etcd.decoded"
	for name in anna berta; do
		tells_nothing "$TMP/etcd.pcap" "$name"
		tells_nothing "$TMP/etcd.decoded" "$name"
	done
}

# The other day the same members publish: nothing tells that they are.
another_day_is_another_key() {
	local name today
	stored | tee "$TMP/stored"
	today=$(cut -d / -f 2 "$TMP/stored" | sort -u)
	same "$(wc -l <<<"$today")" 1
	date -s "@$(($(date +%s) + 86400))"
	# whatever comes of this test, those after it have their own day
	trap 'date -s "@$(($(date +%s) - 86400))"' EXIT
	for name in anna berta; do
		on "$name" weft up --rendezvous off
		on "$name" weft up --rendezvous "$BY_ETCD"
	done
	soon 60 two_are_not_under "$today"
	stored | tee "$TMP/stored"
	# another one, but one
	same "$(cut -d / -f 2 "$TMP/stored" | sort -u | wc -l)" 2
	# Values tell nothing of whose they are, or that they are of the same as those of the day before.
	# A helper that was started again may have left its own twice.
	grep -F "weft/$today/" "$TMP/stored" | cut -d ' ' -f 2 | sort -u >"$TMP/before"
	grep -vF "weft/$today/" "$TMP/stored" | cut -d ' ' -f 2 | sort -u >"$TMP/after"
	same "$(wc -l <"$TMP/after")" 2
	same "$(comm -12 "$TMP/before" "$TMP/after")" ""
}

two_are_not_under() {
	same "$(stored | grep -cv "^weft/$1/")" 2
}

the_helper_may_nothing() {
	local pid
	soon 30 helper_is anna .state ready
	pid=$(helper anna .pid)
	grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' "/proc/$pid/status"
	same "$(sed -n 's/^CapEff:\t//p' "/proc/$pid/status")" 0000000000000000
	same "$(sed -n 's/^CapPrm:\t//p' "/proc/$pid/status")" 0000000000000000
	same "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")" 1
	same "$(sed -n 's/^Uid:\t//p' "/proc/$pid/status" | cut -f 1)" "$(id -u nobody)"
	same "$(awk '/^Max open files/ { print $4 }' "/proc/$pid/limits")" 256
	# of weftd's descriptors it has none
	refused grep -E 'netlink|/var/lib/weft|generic' <<<"$(ls -l "/proc/$pid/fd")"
}

a_killed_helper_comes_again() {
	local pid
	pid=$(helper anna .pid)
	kill -KILL "$pid"
	soon 30 other_helper "$pid"
	soon 30 helper_has_published anna
	sees anna berta
}

other_helper() {
	helper anna 'select(.state == "ready") | .pid' | grep -q . &&
		[ "$(helper anna .pid)" != "$1" ]
}

without_a_store_the_network_goes_on() {
	on anna weft up --rendezvous "$BUILD/weft-rendezvous-etcd --endpoint http://10.9.3.1:2380"
	soon 60 in_trouble anna
	on anna weft status | grep 'trouble: rendezvous: http://10.9.3.1'
	sees anna berta
	on anna weft up --rendezvous /nowhere/helper
	soon 30 in_trouble anna
	on anna weft status | tee /dev/stderr | grep -q 'there is no such program'
	sees anna berta
	on anna weft up --rendezvous off
	helper_is anna . null
	sees anna berta
}

in_trouble() {
	[ "$(helper "$1" .trouble)" != null ]
}

no_helper_is_left() {
	local name pid
	for name in anna berta; do
		pid=$(<"$TMP/$name/pid")
		kill -TERM "$pid"
		soon 10 is_dead "$pid"
	done
	soon 10 refused pgrep -u nobody -f weft
}

modprobe weft
new_ns router
in_ns router sysctl -qw net.ipv4.ip_forward=1
behind anna 10.1.0
behind berta 10.2.0
behind dht1 10.9.1
behind dht2 10.9.2
behind etcd 10.9.3
RECOVER=logs
for name in anna berta; do hold "$name"; done
for name in anna berta; do
	soon 120 test -e "$TMP/$name/held" || bail "machine $name does not come up"
	daemon "$name" || bail "no daemon on $name: $(cat "$TMP/$name/log")"
done
enter "/run/netns/$(ns dht1)" dhtnode -s -p 4222 >"$TMP/dht1.log" 2>&1 </dev/null &
enter "/run/netns/$(ns dht2)" dhtnode -s -p 4222 -b 10.9.1.1:4222 >"$TMP/dht2.log" 2>&1 </dev/null &
enter "/run/netns/$(ns etcd)" etcd --data-dir "$TMP/etcd" --log-level error \
	--listen-client-urls http://10.9.3.1:2379 --advertise-client-urls http://10.9.3.1:2379 \
	--listen-peer-urls http://127.0.0.1:2380 >"$TMP/etcd.log" 2>&1 </dev/null &

t "a network without rendezvous" a_network
[ "$FAILED" = 0 ] || { logs; bail "nothing to go on with"; }
t "two that moved find each other through OpenDHT" through_the_dht
t "what goes to the DHT tells nothing" the_dht_learns_nothing
t "two that moved find each other through etcd" through_etcd
t "what is in etcd tells nothing" etcd_learns_nothing
t "a helper has no privilege" the_helper_may_nothing
t "a killed helper comes again" a_killed_helper_comes_again
t "another day is another key" another_day_is_another_key
t "without a store the network goes on" without_a_store_the_network_goes_on
t "with the daemon its helper ends" no_helper_is_left
finish
