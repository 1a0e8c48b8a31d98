#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# More machines, and a network that falls apart: ten in two halves, with what each half does meanwhile;
# who is revoked under traffic; a clock that is wrong by a day; thirty.
#
#   m1 to m5, m11, m13 ── br0 ── trunk ── br1 ── m6 to m10, m12, m14
#
# Times are printed, not judged: the waits have bounds, and that is all.
#
# shellcheck source=tools/testing/selftests/weft/mesh_lib.sh
. "$(dirname "$0")/mesh_lib.sh"

# --- machines ---

number_of() { echo "${1#m}"; }

# start NAME BRIDGE
start() {
	machine "$1" "$(number_of "$1")" "$2"
	soon 60 held "$1"
	daemon "$1"
}

# series FIRST LAST: their names
series() {
	seq -f 'm%g' "$1" "$2"
}

# all_agree "MEMBERS" NAME...: they have just these members
all_agree() {
	local name
	for name in "${@:2}"; do members_are "$name" "$1" || return; done
}

sorted() { tr ' ' '\n' <<<"$*" | sort | paste -sd ' '; }

note() { echo "#  | $*" >>"$TMP/notes"; }

# What was measured, after the test it was measured in.
tell_notes() {
	if [ -e "$TMP/notes" ]; then
		cat "$TMP/notes"
		rm "$TMP/notes"
	fi
}

# milliseconds SINCE
now_ms() { date +%s%3N; }

# --- tests ---

ten_join() {
	local name
	on m1 weft init home --ipv4 10.77.0.0/16 --uses 20 --json | jq -r .token >"$TMP/token"
	for name in $(series 2 10); do on "$name" weft join "$(<"$TMP/token")"; done
	# shellcheck disable=SC2046 # words
	soon 60 all_agree "$(sorted $(series 1 10))" $(series 1 10)
	reaches m3 m8
}

# In both halves somebody is admitted and somebody revoked, and one token for one machine is used by two.
a_split_network_goes_on() {
	local once left right
	on m1 weft peers add-admin m6
	soon 30 is_admin m6
	once=$(token_of m1 --uses 1)
	left=$(token_of m1 --uses 1)
	right=$(token_of m6 --uses 1)
	# to whom the tokens' machines are known
	soon 30 same_records m1 m6
	part
	on m11 weft join "$left"
	on m12 weft join "$right"
	on m13 weft join "$once"
	on m14 weft join "$once"
	on m1 weft revoke m2
	on m6 weft revoke m7
	# shellcheck disable=SC2046 # words
	soon 60 all_agree "$(sorted $(series 1 1) $(series 3 11) m13)" m1 $(series 3 5) m11 m13
	# shellcheck disable=SC2046
	soon 60 all_agree "$(sorted $(series 1 6) $(series 8 10) m12 m14)" m6 $(series 8 10) m12 m14
	refused on m3 ping -6 -n -c 1 -W 1 m8
}

is_admin() {
	on "$1" weft status --json | jq -e '.[0].members[] | select(.self) | .admin'
}

# as many records as the other, by what gossip tells: the same members and admins
same_records() {
	same "$(status "$1" '[.members[] | [.name, .state, .admin]] | sort')" \
		"$(status "$2" '[.members[] | [.name, .state, .admin]] | sort')"
}

# whole "MEMBERS WITHOUT THE TWO": all have the same members, and one of m13 and m14
whole() {
	local name first
	first=$(members m1)
	[ "$first" = "$(sorted "$1" m13)" ] || [ "$first" = "$(sorted "$1" m14)" ] || return
	for name in m3 m4 m5 m6 m8 m9 m10 m11 m12; do members_are "$name" "$first" || return; done
}

halves_that_meet_agree() {
	local start loser
	start=$(now_ms)
	heal
	# shellcheck disable=SC2046 # words
	soon 30 whole "$(sorted m1 $(series 3 6) $(series 8 12))"
	note "agreed $(($(now_ms) - start)) ms after they could reach each other"
	loser=m13
	if members m1 | grep -qw m13; then loser=m14; fi
	note "the invitation for one machine: $loser is out again"
	reaches m3 m8
	reaches m11 m12
	# it has the records of who stays, and finds that its own use is one too many
	soon 120 is_out "$loser"
	refused reaches_now m3 "$loser"
}

is_out() {
	same "$(status "$1" .state)" excluded
}

reaches_now() {
	on "$1" ping -6 -n -c 1 -W 1 "$2"
}

a_revoked_member_is_out_under_traffic() {
	local name key start pinger last
	key=$(public_key m4)
	reaches m9 m4
	on m9 ping -6 -n -i 0.05 -w 60 -D m4 >"$TMP/traffic" &
	pinger=$!
	soon 20 grep -q 'bytes from' "$TMP/traffic"
	start=$(now_ms)
	on m1 weft revoke m4
	for name in m1 m3 m5 m6 m8 m9 m10 m11 m12; do
		soon 30 refused has_peer "$name" "$key"
		note "m4 was out of the kernel of $name after at most $(($(now_ms) - start)) ms"
	done
	soon 20 is_out m4
	note "and knew it after at most $(($(now_ms) - start)) ms"
	kill -INT "$pinger"
	wait "$pinger" || true
	last=$(sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\).*bytes from.*/\1\2/p' "$TMP/traffic" | tail -n 1)
	note "the last answer of it came $((last - start)) ms after the command"
	refused reaches_now m9 m4
}

# fake_clock NAME OFFSET: the daemon's Unix time is wrong; the test sees that it is
fake_clock() {
	stop "$1" TERM
	daemon "$1" "LD_PRELOAD=$FAKETIME" "FAKETIME=$2" DONT_FAKE_MONOTONIC=1
	soon 20 is_member_again "$1"
}

is_member_again() {
	same "$(status "$1" .state)" member
}

# What the daemon of an admin takes for now: an invitation's end, but its length.
clock_of() {
	on "$1" weft invite --expires 1h --json | jq '.expires - 3600'
}

a_clock_that_is_wrong_by_a_day() {
	local offset wrong all
	[ -e "${FAKETIME:=$(find /usr/lib -name 'libfaketime.so.1' | head -n 1)}" ] ||
		skip "libfaketime is not installed"
	all=$(members m1)
	for offset in +1d -1d; do
		# an admin: what it signs has the wrong time, and has to work
		fake_clock m6 "$offset"
		wrong=$(($(clock_of m6) - $(date +%s)))
		note "m6's clock is wrong by $wrong s"
		[ "${wrong#-}" -gt 80000 ]
		soon 30 all_agree "$all" m6 m1 m3
		reaches m3 m6
		reaches m6 m12
		# invites, by others and by itself, and revokes whom it let in
		on m15 weft join "$(token_of m1)"
		soon 30 all_agree "$(sorted "$all" m15)" m1 m3 m6
		reaches m6 m15
		on m6 weft revoke m15
		soon 30 all_agree "$all" m1 m3 m6
		soon 30 is_out m15
		on m15 weft leave
	done
	stop m6 TERM
	daemon m6
	soon 30 all_agree "$all" m6 m1
}

thirty_members() {
	local name all token start used
	token=$(token_of m1 --uses 20)
	all=$(members m1)
	start=$(now_ms)
	for name in $(series 15 35); do
		[ "$(wc -w <<<"$all")" -lt 30 ] || break
		case $name in m15) ;; *) start "$name" br1 ;; esac
		on "$name" weft join "$token"
		all=$(sorted "$all" "$name")
	done
	# shellcheck disable=SC2086 # words
	soon 60 all_agree "$all" $all
	note "$(wc -w <<<"$all") members, the last of them $(($(now_ms) - start)) ms after the first"
	reaches m3 "$name"
	reaches "$name" m12
	used=$(sed -n 's/^VmRSS:[^0-9]*//p' "/proc/$(<"$TMP/m1/pid")/status")
	note "weftd of m1: $used resident; $(awk '{ print $14 + $15 }' "/proc/$(<"$TMP/m1/pid")/stat") ticks"
	note "its kernel has $(on m1 weft show all peers | wc -w) words of peers"
}

new_switch br0 br1
RECOVER=logs
for name in $(series 1 5) m11 m13; do start "$name" br0 || bail "no daemon on $name"; done
for name in $(series 6 10) m12 m14 m15; do start "$name" br1 || bail "no daemon on $name"; done

t "ten machines join" ten_join
[ "$FAILED" = 0 ] || { logs; bail "nothing to go on with"; }
t "a network in two halves goes on in both" a_split_network_goes_on
t "halves that meet agree" halves_that_meet_agree
tell_notes
t "a revoked member is out, under traffic" a_revoked_member_is_out_under_traffic
tell_notes
t "a clock that is wrong by a day" a_clock_that_is_wrong_by_a_day
tell_notes
t "thirty members" thirty_members
tell_notes
finish
