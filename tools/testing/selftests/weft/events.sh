#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Netlink events: sessions that begin and end, paths that change.
#
# shellcheck source-path=SCRIPTDIR disable=SC2317 # tests are called by t()
. "$(dirname "$0")/lib.sh"

new_keys a b

set_up() {
	new_ns a b c
	wire a b 1
	wire a c 2
	new_device a w0 a 1000 1
	new_device b w0 b 2000 2
	pair 4
}

start_again() {
	set_limits 120000 180000
	delete_namespaces
	set_up
}

# listen X: events of that namespace from now on, in $TMP/events-X
listen() {
	in_ns "$1" events "$TMP/events-$1"
}

# told X EVENT: there is such a line
told() {
	grep -qF "$2" "$TMP/events-$1"
}

ifindex() { ip_in "$1" -j link show w0 | sed -n 's/.*"ifindex":\([0-9]*\).*/\1/p'; }

test_session_new() {
	listen a
	listen b
	refused told a "session new"
	pings a 192.168.77.2
	soon 5 told a "session new w0 $(ifindex a) ${PUBLIC[b]} 10.0.1.2:2000"
	soon 5 told b "session new w0 $(ifindex b) ${PUBLIC[a]} 10.0.1.1:1000"
	# one session, one event
	same "$(grep -c "session new" "$TMP/events-a")" 1
}

test_session_renewed() {
	pings a 192.168.77.2
	listen a
	fresh a
	pings a 192.168.77.2
	soon 5 told a "session new w0 "
}

test_session_expired() {
	fresh a b
	# three times the reject limit after the last handshake, keys are erased
	set_limits 120000 800
	pings a 192.168.77.2
	listen a
	soon 10 told a "session expired w0 $(ifindex a) ${PUBLIC[b]}"
	set_limits 120000 180000
	# the first packet asks for a new one
	pings a 192.168.77.2
	soon 5 told a "session new w0 "
}

test_path_changed() {
	pings a 192.168.77.2
	listen a
	pings a 192.168.77.2
	refused told a "path changed"
	b weft set w0 listen-port 2222
	pings b 192.168.77.1
	soon 5 told a "path changed w0 $(ifindex a) ${PUBLIC[b]} 10.0.1.2:2222"
	b weft set w0 listen-port 2000
	pings b 192.168.77.1
	soon 5 told a "path changed w0 $(ifindex a) ${PUBLIC[b]} 10.0.1.2:2000"
}

test_path_changed_family() {
	pings a 192.168.77.2
	listen a
	b weft set w0 peer "${PUBLIC[a]}" endpoint "[fd00:1::1]:1000"
	pings b 192.168.77.1
	soon 5 told a "path changed w0 $(ifindex a) ${PUBLIC[b]} [fd00:1::2]:2000"
	pair 4
}

test_other_namespace() {
	listen c
	listen a
	fresh a b
	pings a 192.168.77.2
	soon 5 told a "session new"
	same "$(cat "$TMP/events-c")" ""
}

twelve() { # or more: both ends may ask for a session at the same time
	grep -c "session new" "$TMP/events-a"
	[ "$(grep -c "session new" "$TMP/events-a")" -ge 12 ]
}

test_many_sessions() {
	listen a
	for _ in $(seq 12); do
		fresh a
		pings a 192.168.77.2
	done
	soon 5 twelve
}

set_up || bail "the namespaces could not be set up"
RECOVER=start_again

t "session new: at both ends, once, with device, peer and endpoint" test_session_new
t "session new: when a session takes another one's place" test_session_renewed
t "session expired: when the keys are erased" test_session_expired
t "path changed: to another port and back, and not without a change" test_path_changed
t "path changed: to the other family" test_path_changed_family
t "events stay in the device's namespace" test_other_namespace
t "each of many sessions has its event" test_many_sessions
finish
