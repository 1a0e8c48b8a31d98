#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# More machines than in mesh.sh, and worse luck: they come, go, crash and move in any order; ten fall
# apart into two halves for long; one is revoked while it talks; a date is wrong; files are damaged;
# thirty; a thousand.
#
#   m1 to m5, some more ── br0 ── trunk ── br1 ── m6 to m10, some more
#
# Times are printed, and judged only against bounds that a slow machine keeps too.
#
# shellcheck source=tools/testing/selftests/weft/mesh_lib.sh
. "$(dirname "$0")/mesh_lib.sh"

FILL=$BUILD/tests/fill_roster
[ -x "$FILL" ] || skip_all "needs a tree in which 'make -C userspace test-programs' has run"
need mesh_clock
SEED=${WEFT_TEST_SEED:-1}
STEPS=${WEFT_MESH_STEPS:-24}
# What the mesh owes: halves that meet again are one within so many seconds.
HEALED=30
# An emulated machine with all of them on one or two processors is not what that is promised for.
# It is told when it takes longer, and it is a failure when it takes so long:
HEALED_AT_LAST=120
# How much faster time passes in a daemon while the network is split, and for how many true seconds:
# together more than the ten minutes after which members look for lost ones most rarely.
PACE=6 SPLIT=110

# --- machines ---

series() { # series FIRST LAST: their names
	seq -f 'm%g' "$1" "$2"
}

sorted() { # sorted NAME...: as members() tells them
	tr ' ' '\n' <<<"$*" | sort | paste -sd ' '
}

# start NAME NUMBER BRIDGE; the number is that of its addresses
start() {
	machine "$1" "$2" "$3"
	soon 60 held "$1" || bail "machine $1 does not come up: $(cat "$TMP/$1/hold" 2>&1)"
	mesh_clock 1 0 "$TMP/$1/clock"
	clocked "$1"
}

# clocked NAME: its daemon, with a clock that tests can set
clocked() {
	daemon "$1" "LD_PRELOAD=$HERE/mesh_clock_preload.so" "MESH_CLOCK=$TMP/$1/clock"
}

# reboot NAME NUMBER BRIDGE: all of it is gone but its state, and it is somewhere else
reboot() {
	stop "$1" KILL
	kill "$(<"$TMP/$1/holder")"
	ip netns del "$(ns "$1")"
	rm -f "$TMP/$1/held" "$TMP/$1/run/"*
	start "$@"
}

now_ms() { date +%s%3N; }

# note TEXT: a figure, told at once, whatever comes of the test
note() { echo "# $*" >&3; }

# --- what is asked ---

# The members as the name service has them: without asking the daemon, which has enough to do.
known() {
	sed -n 's/ home .*//p' "$TMP/$1/run/names" | sort | paste -sd ' '
}

# knows NAME "MEMBERS": just those. It is asked often, and starts no process.
knows() {
	local name network count=0 wanted
	while read -r name network _; do
		[ "$network" = home ] || continue
		[[ " $2 " = *" $name "* ]] || return
		count=$((count + 1))
	done <"$TMP/$1/run/names"
	read -ra wanted <<<"$2"
	[ "$count" = "${#wanted[@]}" ]
}

# agree "MEMBERS" NAME...: all of these know just those
agree() {
	local name
	for name in "${@:2}"; do knows "$name" "$1" || return; done
}

# disagreeing "MEMBERS" NAME...: who has others, for a person to read
disagreeing() {
	local name
	echo "to be known: $1"
	for name in "${@:2}"; do
		[ "$(known "$name")" = "$1" ] || echo "$name knows: $(known "$name")"
	done
}

# soon_agree SECONDS "MEMBERS" NAME...
soon_agree() {
	soon "$1" agree "${@:2}" && return
	disagreeing "${@:2}"
	return 1
}

# as status has it, too
all_members_are() { # all_members_are "MEMBERS" NAME...
	local name
	for name in "${@:2}"; do soon 60 members_are "$name" "$1"; done
}

# joins NAME TOKEN: the tool gives up sooner than a machine that does ten machines' work is ready
joins() {
	on "$1" weft join --wait 180 "$2"
}

can_ping() {
	on "$1" ping -6 -n -c 1 -W 1 "$2"
}

has_no_peer() {
	same "$(on "$1" weft show all peers)" ""
}

is_admin() {
	status "$1" '.members[] | select(.self) | .admin' | grep -qx true
}

# --- ten come ---

ten_join() {
	local start name
	on m1 weft init home --ipv4 10.77.0.0/16 --json >/dev/null
	token_of m1 --uses 1000 >"$TMP/token"
	start=$(now_ms)
	# at the same time
	for name in $(series 2 10); do joins "$name" "$(<"$TMP/token")" >/dev/null & done
	wait
	# shellcheck disable=SC2046 # words
	soon_agree 120 "$(sorted $(series 1 10))" $(series 1 10)
	note "ten members agree $(($(now_ms) - start)) ms after the first began to join"
	# shellcheck disable=SC2046
	all_members_are "$(sorted $(series 1 10))" $(series 1 10)
	reaches m3 m8
	reaches m9 m2
}

# --- in any order ---

# pick NAME...: one of them. In PICKED: in a subshell the sequence would begin anew.
pick() {
	[ $# -gt 0 ] || return
	local n=$((RANDOM % $# + 1))
	PICKED=${!n}
}

# What they are: member (its daemon runs), crashed (it does not), out
in_state() {
	local name
	for name in $(series 1 10); do
		if [ "${IS[$name]}" = "$1" ]; then echo "$name"; fi
	done
}

# Not m1, which is the only admin: what it said has to be somebody's word.
may_leave() {
	in_state member | grep -vx m1
}

step() {
	local what=$((RANDOM % 6)) members crashed out
	mapfile -t members < <(in_state member)
	mapfile -t crashed < <(in_state crashed)
	mapfile -t out < <(in_state out)
	case $what in
	0 | 1)
		if [ ${#out[@]} -gt 0 ]; then
			pick "${out[@]}"
			note "$PICKED joins"
			joins "$PICKED" "$(<"$TMP/token")"
			IS[$PICKED]=member
		fi ;;
	2)
		mapfile -t members < <(may_leave)
		if [ ${#members[@]} -gt 3 ]; then
			pick "${members[@]}"
			note "$PICKED leaves"
			on "$PICKED" weft leave
			IS[$PICKED]=out
		fi ;;
	3)
		if [ ${#members[@]} -gt 4 ]; then
			pick "${members[@]}"
			note "$PICKED crashes"
			stop "$PICKED" KILL
			IS[$PICKED]=crashed
		fi ;;
	4)
		if [ ${#crashed[@]} -gt 0 ]; then
			pick "${crashed[@]}"
			note "$PICKED starts again"
			clocked "$PICKED"
			IS[$PICKED]=member
		fi ;;
	5)
		pick "${members[@]}"
		NEXT_NUMBER=$((NEXT_NUMBER + 1))
		note "$PICKED reboots, as 10.0.0.$NEXT_NUMBER"
		reboot "$PICKED" "$NEXT_NUMBER" "br$((${PICKED#m} > 5))" ;;
	esac
}

settled() {
	local running all
	running=$(in_state member)
	all=$({ in_state member; in_state crashed; } | sort | paste -sd ' ')
	# shellcheck disable=SC2086 # words
	soon_agree 180 "$all" $running
}

# one of them reaches another
somebody_reaches_somebody() {
	local members from to
	mapfile -t members < <(in_state member)
	pick "${members[@]}"
	from=$PICKED
	pick "${members[@]}"
	to=$PICKED
	[ "$from" = "$to" ] || soon 90 can_ping "$from" "$to"
}

any_order() {
	local -A IS=()
	local name n start NEXT_NUMBER=100 PICKED
	for name in $(series 1 10); do IS[$name]=member; done
	RANDOM=$SEED
	note "seed $SEED, $STEPS steps; WEFT_TEST_SEED and WEFT_MESH_STEPS change that"
	for ((n = 0; n < STEPS; n++)); do
		step
		# not each time: some things are to happen before others have come to their end
		if [ $((RANDOM % 2)) = 0 ]; then
			start=$(now_ms)
			settled
			note "all agree after $(($(now_ms) - start)) ms"
			somebody_reaches_somebody
		fi
	done
	for name in $(in_state crashed); do clocked "$name"; done
	for name in $(in_state out); do joins "$name" "$(<"$TMP/token")"; done
	# shellcheck disable=SC2046 # words
	soon_agree 180 "$(sorted $(series 1 10))" $(series 1 10)
	# shellcheck disable=SC2046
	all_members_are "$(sorted $(series 1 10))" $(series 1 10)
	for name in $(series 2 10); do soon 90 can_ping "$name" m1; done
}

# --- two halves ---

# In both halves somebody is admitted and somebody revoked, and one token for one machine is used by two.
two_halves() {
	local once left right name left_half right_half
	on m1 weft peers add-admin m6
	soon 60 is_admin m6
	for name in m11:11:br0 m12:12:br1 m13:13:br0 m14:14:br1; do
		IFS=: read -ra name <<<"$name"
		start "${name[@]}"
	done
	once=$(token_of m1 --uses 1)
	left=$(token_of m1 --uses 1)
	right=$(token_of m6 --uses 1)
	part
	joins m11 "$left"
	joins m12 "$right"
	joins m13 "$once"
	joins m14 "$once"
	on m1 weft revoke m2
	on m6 weft revoke m7
	left_half="m1 $(series 3 5) m11 m13"
	right_half="m6 $(series 8 10) m12 m14"
	# shellcheck disable=SC2046,SC2086 # words
	soon_agree 120 "$(sorted m1 $(series 3 11) m13)" $left_half
	# shellcheck disable=SC2046,SC2086
	soon_agree 120 "$(sorted $(series 1 6) $(series 8 10) m12 m14)" $right_half
	soon 60 is_excluded m2
	soon 60 is_excluded m7
	has_no_peer m2
	has_no_peer m7
	refused can_ping m3 m8
	# sessions, too, come to their end as they would in that time
	set_limits $((120000 / PACE)) $((180000 / PACE))
	mesh_clock "$PACE" 0 "$TMP"/*/clock
	sleep "$SPLIT"
	mesh_clock 1 0 "$TMP"/*/clock
	set_limits 120000 180000
	refused can_ping m8 m3
	# shellcheck disable=SC2046,SC2086
	agree "$(sorted m1 $(series 3 11) m13)" $left_half
	# shellcheck disable=SC2046,SC2086
	agree "$(sorted $(series 1 6) $(series 8 10) m12 m14)" $right_half
	note "split for $((PACE * SPLIT)) s as the daemons see it"
}

# The same members for all of both halves, and of the two that used one place, one.
whole() {
	# shellcheck disable=SC2086 # words
	agree "$1 m13" $1 || agree "$1 m14" $1
}

halves_heal() {
	local start ms all stays goes
	# shellcheck disable=SC2046 # words
	all=$(sorted m1 $(series 3 6) $(series 8 12))
	start=$(now_ms)
	heal
	soon "$HEALED_AT_LAST" whole "$all" || {
		# shellcheck disable=SC2046
		disagreeing "$all and m13 or m14" m1 $(series 3 6) $(series 8 12)
		return 1
	}
	ms=$(($(now_ms) - start))
	note "healed $ms ms after they could reach each other"
	[ "$ms" -le $((HEALED * 1000)) ] || note "which is more than $HEALED s; this machine is slow"
	stays=m13 goes=m14
	if known m1 | grep -qw m14; then stays=m14 goes=m13; fi
	note "of the two that used one place, $stays stays"
	soon 60 is_excluded "$goes"
	note "and $goes is told after $(($(now_ms) - start)) ms"
	same "$(status "$goes" .excluded.why)" used-up
	fails 3 "used" on "$goes" weft status
	all_members_are "$(known m1)" "$stays" m1 m10
	soon 60 can_ping m3 m8
	soon 60 can_ping m12 m11
	soon 60 can_ping m9 "$stays"
	refused can_ping m3 "$goes"
	# those of the other half did not know yet that they were revoked, and called
	has_no_peer m2
	has_no_peer m7
}

# --- revoked while it talks ---

out_under_traffic() {
	local name key address start pinger last all
	key=$(public_key m4)
	address=$(on m9 getent ahostsv6 m4 | awk '{ print $1; exit }')
	all=$(sorted "$(known m1 | tr ' ' '\n' | grep -vx m4)")
	soon 60 can_ping m9 m4
	# by count: with a deadline it ends when it is told that there is no way to m4
	enter "/run/netns/$(ns m9)" ping -6 -n -i 0.05 -c 6000 -D "$address" >"$TMP/traffic" &
	pinger=$!
	echo "$pinger" >>"$TMP/background"
	soon 20 grep -q 'bytes from' "$TMP/traffic"
	start=$(now_ms)
	on m1 weft revoke m4
	for name in $all; do
		soon 60 refused grep -q '^m4 ' "$TMP/$name/run/names"
		soon 60 refused has_peer "$name" "$key"
		note "m4 was out of the kernel of $name after at most $(($(now_ms) - start)) ms"
	done
	soon 60 is_excluded m4
	note "and m4 knew it after at most $(($(now_ms) - start)) ms"
	kill "$pinger"
	wait "$pinger" || true
	last=$(sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\).*bytes from.*/\1\2/p' "$TMP/traffic" | tail -n 1)
	note "its last answer to a ping came $((last - start)) ms after the command began"
	tail -n 2 "$TMP/traffic"
	refused can_ping m9 m4
	# nobody brings it back
	sleep 5
	for name in $all; do refused has_peer "$name" "$key"; done
	on m4 weft leave
}

# --- a wrong date ---

# What the daemon of an admin takes for now: an invitation's end, but for how long it lasts.
date_of() {
	local expires
	expires=$(on "$1" weft invite --expires 1h --json | jq .expires)
	echo $((expires - 3600))
}

wrong_date() {
	local offset wrong all
	all=$(known m1)
	for offset in 86400 -86400; do
		# an admin: what it signs is of that day, and has to be good
		mesh_clock 1 "$offset" "$TMP/m6/clock"
		sleep 6
		wrong=$(($(date_of m6) - $(date +%s)))
		note "m6's date is wrong by $wrong s"
		[ "${wrong#-}" -gt 80000 ]
		soon 60 can_ping m3 m6
		# it takes in whom others invite, and the other way round; it revokes
		joins m4 "$(token_of m1)"
		# shellcheck disable=SC2086 # words
		soon_agree 60 "$(sorted "$all" m4)" $all m4
		soon 60 can_ping m6 m4
		on m6 weft revoke m4
		# shellcheck disable=SC2086
		soon_agree 60 "$all" $all
		soon 60 is_excluded m4
		on m4 weft leave
		joins m4 "$(token_of m6 --expires 3d)"
		# shellcheck disable=SC2086
		soon_agree 60 "$(sorted "$all" m4)" $all m4
		# an announcement of that day, and one of today after it
		soon 60 can_ping m10 m6
		on m4 weft leave
		# shellcheck disable=SC2086
		soon_agree 60 "$all" $all
	done
	mesh_clock 1 0 "$TMP/m6/clock"
	# restarted with the right date, after announcing with one that was not
	stop m6 KILL
	clocked m6
	soon 60 can_ping m6 m1
	soon 60 can_ping m10 m6
}

# --- damage ---

# spoil FILE: in its middle
spoil() {
	local size
	size=$(stat -c %s "$1")
	head -c 16 /dev/urandom | dd of="$1" bs=1 seek=$((size / 2)) conv=notrunc status=none
}

damaged_files() {
	local dir name all
	all=$(known m1)
	dir=$(echo "$TMP"/m5/state/*)
	# what can be had again from others, or is only a help
	for name in roster endpoints config.json; do
		stop m5 KILL
		spoil "$dir/$name"
		clocked m5
		# also without the file that says so
		soon 60 is_home_on_weft0 m5
		soon_agree 120 "$all" m5
		soon 60 can_ping m5 m9
	done
	ls "$dir"
	# what cannot: told, not guessed, and nothing is done in its place
	stop m5 KILL
	cp "$dir/secrets" "$TMP/secrets"
	spoil "$dir/secrets"
	clocked m5
	soon 30 has_trouble m5
	on m5 weft status >"$TMP/told" 2>&1 || true
	cat "$TMP/told"
	grep -q 'its secrets cannot be read' "$TMP/told"
	kill -0 "$(<"$TMP/m5/pid")"
	# brought back by a person
	cp -p "$TMP/secrets" "$dir/secrets"
	on m5 weft up
	soon_agree 120 "$all" m5
	soon 60 can_ping m5 m9
	soon 60 can_ping m9 m5
}

is_home_on_weft0() {
	same "$(status "$1" '"\(.name) \(.interface)"')" "home weft0"
}

has_trouble() {
	status "$1" '.trouble != null' | grep -qx true
}

# --- thirty, a thousand ---

thirty_members() {
	local name all token start n=15
	token=$(token_of m1 --uses 40)
	all=$(known m1)
	start=$(now_ms)
	while [ "$(wc -w <<<"$all")" -lt 30 ]; do
		name=m$n
		start "$name" "$n" "br$((n % 2))"
		joins "$name" "$token"
		all=$(sorted "$all" "$name")
		n=$((n + 1))
	done
	# shellcheck disable=SC2086 # words
	soon_agree 180 "$all" $all
	note "thirty members, the last of them known to all $(($(now_ms) - start)) ms after the first began"
	# shellcheck disable=SC2086
	all_members_are "$all" $all
	soon 60 can_ping m3 "$name"
	soon 60 can_ping "$name" m10
}

# real: those that run
real() { known m1 | tr ' ' '\n' | grep -v '^absent'; }

know_all() { # know_all COUNT NAME...: below a line that says what the file is
	local name
	for name in "${@:2}"; do
		same "$(wc -l <"$TMP/$name/run/names")" $(($1 + 1)) || return
	done
}

peers_of() { on "$1" weft show all peers | wc -l; }

# cpu_ms PID: that it has used
cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ printf "%d", ($14 + $15) * 1000 / hz }' "/proc/$1/stat"
}

rss_of() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(<"$TMP/$1/pid")/status"
}

# spread NUMBER...: the least, the middle and the most
spread() {
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 }
		END { printf "%d to %d, half of them below %d", v[1], v[NR], v[int((NR + 1) / 2)] }'
}

a_thousand() {
	local name start all thirty key n before=() cpu=() peers=() rss=()
	thirty=$(real)
	# shellcheck disable=SC2086 # words
	set -- $thirty
	stop m1 TERM
	"$FILL" "$(echo "$TMP"/m1/state/*)" $((1000 - $#))
	clocked m1
	start=$(now_ms)
	soon 1200 know_all 1000 "$@"
	note "$# real members know all 1000 after at most $(($(now_ms) - start)) ms, beginning with one"
	same "$(status m9 '[.members[] | select(.state == "member")] | length')" 1000
	# one more comes into it
	start m50 50 br0
	joins m50 "$(token_of m1)"
	start=$(now_ms)
	soon 300 know_all 1001 "$@" m50
	note "one more knew them, and was known, after at most $(($(now_ms) - start)) ms"
	key=$(public_key m50)
	soon 90 can_ping m9 m50
	soon 10 has_peer m9 "$key"
	# what was only looked at is to be let go
	sleep 60
	for name; do before+=("$(cpu_ms "$(<"$TMP/$name/pid")")"); done
	start=$(now_ms)
	sleep 60
	all=$(($(now_ms) - start))
	n=0
	for name; do
		cpu+=($(($(cpu_ms "$(<"$TMP/$name/pid")") - before[n])))
		rss+=("$(rss_of "$name")")
		n=$((n + 1))
	done
	for name; do peers+=("$(peers_of "$name")"); done
	note "memory of a daemon that knows 1001 members, kB: $(spread "${rss[@]}")"
	note "its processor time in $((all / 1000)) s, ms: $(spread "${cpu[@]}")"
	note "peers in its kernel: $(spread "${peers[@]}")"
	# neighbours, links, conversations; not a thousand, nor even all thirty and those looked at
	for n in "${peers[@]}"; do
		[ "$n" -ge 1 ]
		[ "$n" -lt 100 ]
	done
	# any two of them still reach each other
	soon 90 can_ping m3 m10
	soon 90 can_ping m50 m5
}

new_switch br0 br1
RECOVER=logs
for n in {1..5}; do start "m$n" "$n" br0 || bail "no daemon on m$n: $(cat "$TMP/m$n/log")"; done
for n in {6..10}; do start "m$n" "$n" br1 || bail "no daemon on m$n: $(cat "$TMP/m$n/log")"; done

t "ten machines join at once" ten_join
[ "$FAILED" = 0 ] || { logs; bail "nothing to go on with"; }
t "they join, leave, crash, start and move in any order" any_order
t "a network in two halves goes on in both, for long" two_halves
t "halves that meet are one, and one place is one member's" halves_heal
t "a revoked member is out, while it talks" out_under_traffic
t "a date that is wrong by a day" wrong_date
t "damaged files: told, and no crash" damaged_files
t "thirty members" thirty_members
t "a thousand members, thirty of them here" a_thousand
finish
