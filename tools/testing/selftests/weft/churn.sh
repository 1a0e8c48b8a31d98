#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A thousand devices made, used and destroyed while traffic flows: what is left of them?
#
#   a ---- b      b has one device with ten peers; a's ten devices come and go
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"

ROUNDS=${WEFT_CHURN_ROUNDS:-100}
BATCH=10
# kmalloc caches are everybody's: so much may change by chance. A peer, a session or a path that is
# left behind by each cycle is a multiple of it.
TOLERANCE=$((600 * 1024))

names=$(seq 0 $((BATCH - 1)))
# shellcheck disable=SC2086 # words
new_keys a b $names

set_up() {
	local i
	new_ns a b
	wire a b 1
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	pair 4
	{
		for i in $names; do
			echo "[Peer]"
			echo "PublicKey = ${PUBLIC[$i]}"
			echo "AllowedIPs = 10.5.0.$i/32"
		done
	} >"$TMP/hub"
	b weft addconf w0 "$TMP/hub"
	ip_b addr add 10.5.1.1/32 dev w0
	ip_b route add 10.5.0.0/24 dev w0 src 10.5.1.1
}

# devices ROUNDS: d0 to d9, which begin handshakes with b by themselves
devices() {
	local i keys=()
	for i in $names; do keys+=("${PRIVATE[$i]}"); done
	a churn "$1" "${PUBLIC[b]}" 10.0.1.2 2000 "${keys[@]}"
}

test_cycles() {
	local target
	for target in 0 3; do
		background b ping -q -i 0.01 "10.5.0.$target"
	done
	background a ping -q -i 0.02 192.168.77.2
	devices "$ROUNDS"
	a ping -c 1 -W 5 192.168.77.2
}

test_sessions() {
	# or the cycles above were about devices that did nothing
	devices 0
	ip_a addr add 10.5.0.7/32 dev d7
	for i in $names; do
		soon 15 has_session "d$i"
	done
	ip_a route add 10.5.1.1/32 dev d7 src 10.5.0.7
	b ping -c 1 -W 5 10.5.0.7
	ip_a link del group 5
}

has_session() {
	[ "$(count a "$1" rx_handshake_responses)" -gt 0 ]
}

settled() { # settled CACHES LIMIT: no more than that is in use
	[ "$(live "$1")" -le "$2" ]
}

test_memory() {
	local before
	before=$(<"$TMP/before")
	delete_namespaces
	soon 15 no_objects
	echo "kmalloc before $before, after $(live 'kmalloc-[0-9k]*')"
	soon 15 settled 'kmalloc-[0-9k]*' $((before + TOLERANCE))
	echo "kmalloc before $before, after $(live 'kmalloc-[0-9k]*')" >"$TMP/memory"
}

# Each device waits for several grace periods on its way out: a thousand of them would take minutes.
expedited=$(cat /sys/kernel/rcu_expedited)
echo 1 >/sys/kernel/rcu_expedited
trap 'echo "$expedited" >/sys/kernel/rcu_expedited; cleanup' EXIT

set_up || bail "the namespaces could not be set up"
t "devices that come and go have sessions" test_sessions
# the first ones fill caches that stay
devices 3
live 'kmalloc-[0-9k]*' >"$TMP/before"
t "$((ROUNDS * BATCH)) devices made and destroyed under traffic" test_cycles
t "memory is back to where it was" test_memory
[ ! -e "$TMP/memory" ] || diagnose <"$TMP/memory"
finish
