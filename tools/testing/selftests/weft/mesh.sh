#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Real daemons, each on a machine of its own: a network namespace with its own host name, state and
# name service, all on one switch. They make networks, join, find each other by name, lose each other.
#
#   anna ──┐
#   berta ─┤ switch   10.0.0.N and fd00::N; overlays from weft
#   ...   ─┘
#
# shellcheck source=tools/testing/selftests/weft/mesh_lib.sh
. "$(dirname "$0")/mesh_lib.sh"

one_command_makes_a_network() {
	on anna weft init home --ipv4 10.77.0.0/16 --json >"$TMP/init"
	same "$(jq -r .network "$TMP/init")" home
	same "$(jq -r .name "$TMP/init")" anna
	[[ $(jq -r .token "$TMP/init") = weft1* ]]
	jq -r .token "$TMP/init" >"$TMP/token"
	members_are anna anna
	resolves anna anna 6
	resolves anna anna 4
}

one_command_joins_it() {
	on berta weft join "$(<"$TMP/token")"
	on carl weft join - <"$TMP/token"
	soon 20 members_are anna "anna berta carl"
	soon 20 members_are berta "anna berta carl"
	soon 20 members_are carl "anna berta carl"
}

everyone_reaches_everyone_by_name() {
	all_reach_all anna berta carl
	same "$(on anna getent hosts berta.home.weft | awk '{ print $2 }')" berta
}

status_and_ping_tell_the_way() {
	on anna weft status | tee /dev/stderr | grep -q 'berta.*lan'
	on anna weft ping -c 1 berta | tee /dev/stderr | grep -q 'berta (fd.*ms, lan'
	on anna weft ping -c 1 -4 --json berta | jq -e '.received == 1 and .member.path == "lan"'
	fails 1 'no member "nobody"' on anna weft ping nobody
}

the_founder_may_die() {
	token_of anna --uses 1 >"$TMP/later"
	stop anna KILL
	ip_in anna link set eth0 down
	on dora weft join "$(<"$TMP/later")"
	soon 30 members_are berta "anna berta carl dora"
	all_reach_all berta carl dora
}

the_founder_comes_back() {
	ip_in anna link set eth0 up
	daemon anna
	soon 40 members_are anna "anna berta carl dora"
	all_reach_all anna dora
}

kill_and_restart_drop_nothing() {
	local pings
	reaches carl berta
	on carl ping -6 -n -i 0.05 -c 160 -W 2 berta >"$TMP/pings" &
	pings=$!
	sleep 1
	stop carl KILL
	sleep 1
	daemon carl
	wait "$pings"
	tail -n 3 "$TMP/pings"
	grep -q ' 0% packet loss' "$TMP/pings"
	soon 20 members_are carl "anna berta carl dora"
}

a_revoked_member_is_out_everywhere() {
	local key name
	key=$(public_key dora)
	reaches carl dora
	has_peer carl "$key"
	on anna weft revoke dora
	for name in anna berta carl; do
		soon 20 members_are "$name" "anna berta carl"
		soon 20 refused has_peer "$name" "$key"
		refused resolves "$name" dora 6
	done
	silent_to dora
}

the_revoked_is_told() {
	soon 20 is_excluded dora
	status dora .excluded | tee /dev/stderr | jq -e '.why == "revoked" and .by == "anna" and .by_root'
	fails 3 "revoked by anna on $(date +%Y-)" on dora weft status
	fails 3 "weft leave home" on dora weft status
	fails 1 "no member of home any more" on dora weft invite
	refused resolves dora carl 6
	# it has given up: no peer is left to try
	same "$(on dora weft show all peers)" ""
}

# nobody answers it any more
silent_to() {
	local address
	address=$(on anna getent ahostsv6 carl | awk '{ print $1; exit }')
	refused on "$1" ping -6 -n -c 2 -i 0.3 -W 1 "$address"
}

the_revoked_may_not_come_back() {
	stop dora KILL
	daemon dora
	sleep 3
	silent_to dora
	soon 10 is_excluded dora
	members_are anna "anna berta carl"
	on dora weft leave
	nothing_left dora
	# with whom it let in, the invitation is gone
	fails 1 "the invitation was revoked" on dora weft join "$(<"$TMP/later")"
	nothing_left dora
}

bad_tokens_are_refused_with_the_reason() {
	local token expired
	token=$(token_of anna --uses 5)
	expired=$(token_of anna --expires 1)
	fails 1 "is no token of weft" on emil weft join nonsense
	fails 1 "is cut short" on emil weft join weft1
	fails 1 "the token is" on emil weft join "${token:0:-20}"
	fails 1 "the token is" on emil weft join "${token:0:60}x${token:61}"
	sleep 2
	fails 1 "has expired" on emil weft join "$expired"
	nothing_left emil
}

a_token_is_used_as_often_as_was_said() {
	local token
	token=$(token_of anna --uses 1)
	on emil weft join "$token"
	soon 20 members_are anna "anna berta carl emil"
	fails 1 "was used as often as was granted" on dora weft join "$token"
	nothing_left dora
}

a_member_that_leaves_is_gone() {
	on emil weft leave
	nothing_left emil
	soon 20 members_are anna "anna berta carl"
	soon 20 members_are berta "anna berta carl"
	fails 3 "in no network" on emil weft status
}

# A network of its own, with dora and emil as its routers, and a host in it; they translate addresses,
# as a router of an office does whose hosts know nothing of weft.
office() {
	local name n=1
	new_ns office
	ip_in office link add br0 type bridge
	ip_in office addr add 10.99.0.1/24 dev br0
	ip_in office addr add fd99::1/64 dev br0 nodad
	ip_in office link set br0 up
	for name in dora emil; do
		n=$((n + 1))
		ip_in "$name" link add eth1 type veth peer name "to$n" netns "$(ns office)"
		ip_in office link set "to$n" master br0 up
		ip_in "$name" addr add "10.99.0.$n/24" dev eth1
		ip_in "$name" addr add "fd99::$n/64" dev eth1 nodad
		ip_in "$name" link set eth1 up
		in_ns "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
		in_ns "$name" nft -f - <<-END
			table inet office {
				chain out {
					type nat hook postrouting priority 100
					oifname "eth1" masquerade
				}
			}
		END
	done
}

# goes_through NAME: berta has the routes there
goes_through() {
	on berta weft route --json | tee /dev/stderr |
		jq -e --arg name "$1" '[.routes[] | select(.used) | .member] == [$name, $name]'
}

wrong_routes_are_refused_with_the_reason() {
	fails 2 '"10.99.0.1/24" is no route' on anna weft route add 10.99.0.1/24
	fails 2 "nothing but zeros after the length" on anna weft route add 10.99.0.1/24
	fails 2 '"10.99.0.0/33" is no route' on anna weft route add 10.99.0.0/33
	fails 2 '"office" is no route' on anna weft route add office
	fails 1 "may not route for that" on berta weft route add 10.99.0.0/24
	fails 1 "weft invite --route CIDR" on berta weft route add 10.99.0.0/24
	fails 2 '"10.99.0.1/24" is no route' on anna weft invite --route 10.99.0.1/24
}

an_admin_may_route_for_anything() {
	on anna weft route add 10.98.0.0/24
	soon 20 on berta ip route get 10.98.0.1
	on berta ip -o route show 10.98.0.0/24 | tee /dev/stderr | grep -q weft
	on berta weft status --json | jq -ce '.[0].members[] | select(.name == "anna").granted' |
		tee /dev/stderr | grep -qF '["10.98.0.0/24"]'
	on anna weft route del 10.98.0.0/24
	soon 20 refused has_route berta 10.98.0.0/24
}

has_route() {
	on "$1" ip -o route show "$2" | grep -q .
}

a_member_routes_for_a_network() {
	local name token
	office
	token=$(token_of anna --uses 2 --route 10.99.0.0/24 --route fd99::/64)
	for name in dora emil; do on "$name" weft join "$token"; done
	on dora weft route add 10.99.0.0/24 fd99::/64
	soon 20 goes_through dora
	soon 30 on berta ping -n -c 1 -W 1 10.99.0.1
	soon 30 on berta ping -n -c 1 -W 1 fd99::1
	# another one that could changes nothing
	on emil weft route add 10.99.0.0/24 fd99::/64
	soon 20 both_announce berta
	goes_through dora
	on berta weft route | tee /dev/stderr | grep -Eq '10.99.0.0/24 +dora +used'
}

both_announce() {
	on "$1" weft route --json | jq -e '.routes | length == 4'
}

when_it_is_killed_another_takes_over() {
	local start
	stop dora KILL
	ip_in dora link set eth0 down
	start=$SECONDS
	soon 120 on berta ping -n -c 1 -W 1 10.99.0.1
	soon 30 on berta ping -n -c 1 -W 1 fd99::1
	echo "# the other router took over after $((SECONDS - start)) s" >&2
	goes_through emil
	ip_in dora link set eth0 up
	daemon dora
	soon 60 on dora weft ping -c 1 berta
	# make before break: who has it keeps it
	goes_through emil
	on emil weft route del 10.99.0.0/24 fd99::/64
	soon 30 goes_through dora
	soon 60 on berta ping -n -c 1 -W 1 10.99.0.1
	on dora weft leave
	on emil weft leave
	soon 20 refused has_route berta 10.99.0.0/24
}

two_networks_on_one_machine() {
	local token home
	token=$(on emil weft init work --ipv4 10.78.0.0/16 --json | jq -r .token)
	# the interface of one is not taken by another, nor deleted for that
	home=$(on berta weft status home --json | jq -r '.[0].interface')
	fails 1 "choose one with --interface" on berta weft init third --interface "$home"
	fails 1 "choose one with --interface" on berta weft join "$token" --interface "$home"
	reaches berta anna
	on berta weft join "$token"
	reaches berta emil
	reaches emil berta.work
	reaches berta anna
	fails 2 "several networks" on berta weft invite
	on berta weft status work --json | jq -e '.[0].members | length == 2'
	# each name is its own network's; only members of both have both
	resolves berta emil.work.weft 6
	refused resolves berta emil.home.weft 6
	refused resolves anna emil 6
}

down_and_up() {
	on berta weft down work
	on berta weft down work
	refused resolves berta emil 6
	reaches berta anna
	fails 3 "is down" on berta weft ping --network work emil
	on berta weft up work
	on berta weft up work
	reaches berta emil
}

down_stays_down_after_a_restart() {
	on berta weft down work
	stop berta TERM
	daemon berta
	same "$(on berta weft status work --json | jq -r '.[0].state')" down
	reaches berta anna
	on berta weft up work
	reaches berta emil
}

a_damaged_roster_is_set_aside() {
	local file
	stop carl TERM
	file=$(ls "$TMP"/carl/state/*/roster)
	truncate -s -40 "$file"
	daemon carl
	# its socket is there before its networks are
	soon 10 ls "$file.damaged-1"
	soon 10 grep -q 'set aside' "$TMP/carl/log"
	soon 40 members_are carl "anna berta carl"
	reaches carl anna
}

a_full_disk_loses_nothing() {
	mkdir -p "$TMP/small"
	on dora mount -t tmpfs -o size=64k small /var/lib/weft
	on dora sh -c 'head -c 60000 /dev/zero >/var/lib/weft/fill' || true
	stop dora TERM
	daemon dora
	fails 1 "No space left" on dora weft join "$(token_of anna)"
	same "$(on dora ls /var/lib/weft)" fill
	on dora rm /var/lib/weft/fill
	on dora weft join "$(token_of anna)"
	# full again: what comes in is used, told to be unsaved, and saved when there is room
	on dora sh -c 'cat /dev/zero >/var/lib/weft/fill' || true
	on anna weft invite >/dev/null
	soon 30 is_unsaved dora
	reaches dora anna
	on dora weft status | grep -q 'not all is saved'
	on dora rm /var/lib/weft/fill
	soon 20 refused is_unsaved dora
	stop dora KILL
	daemon dora
	soon 20 members_are dora "$(members anna)"
}

is_unsaved() {
	on "$1" weft status --json | jq -e '.[0].unsaved != null'
}

the_daemon_has_one_privilege() {
	local pid
	pid=$(<"$TMP/anna/pid")
	grep -E '^Cap(Prm|Eff|Bnd):' "/proc/$pid/status"
	same "$(sed -n 's/^CapEff:\t//p' "/proc/$pid/status")" 0000000000001000
	same "$(sed -n 's/^CapPrm:\t//p' "/proc/$pid/status")" 0000000000001000
	same "$(sed -n 's/^CapBnd:\t//p' "/proc/$pid/status")" 0000000000001000
	same "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")" 1
}

state_is_for_nobody_else() {
	same "$(stat -c %a "$TMP"/anna/state/*/secrets)" 600
	same "$(stat -c %a "$TMP"/anna/run/control)" 600
	same "$(stat -c %a "$TMP"/anna/run/names)" 644
	fails 3 "try as root" on anna setpriv --reuid 65534 --clear-groups "$BUILD/weft" status
}

only_one_daemon_at_a_time() {
	fails 1 "another weftd" on anna "$BUILD/weftd"
	members_are anna "$(members anna)"
}

two_machines_find_each_other_on_the_local_network() {
	# neither has an address of the other that is still true
	stop berta TERM
	stop carl TERM
	ip_in berta addr flush dev eth0 scope global
	ip_in carl addr flush dev eth0 scope global
	ip_in berta addr add 10.5.0.1/24 dev eth0
	ip_in carl addr add 10.5.0.2/24 dev eth0
	unplug 1
	daemon berta
	daemon carl
	# what the kernel knows is believed until it is seen to be wrong
	soon 90 on berta ping -6 -n -c 1 -W 1 carl
	reaches carl berta
	plug 1
}

is_monitored() {
	on "$1" ss -xnH state connected src /run/weft/control | grep -q .
}

monitor_tells_what_happens() {
	# where only some of the tests are run, it is in it yet
	on emil weft leave home || true
	on anna timeout 60 weft monitor --json >"$TMP/events" &
	soon 10 is_monitored anna
	on emil weft join "$(token_of anna)" --network again
	soon 20 grep -q '"event":"member".*"member":"emil' "$TMP/events"
}

stock_member() {
	on anna weft peers add-static phone
	on anna weft export phone | tee "$TMP/phone.conf"
	same "$(stat -c %a "$TMP"/anna/state/*/key-*)" 600
	new_ns stock
	ip -n "$(ns stock)" link add eth0 type veth peer name tostock netns "$SWITCH"
	ip -n "$SWITCH" link set tostock master br0 up
	ip_in stock addr add 10.0.0.99/24 dev eth0
	ip_in stock addr add fd00::99/64 dev eth0 nodad
	ip_in stock link set eth0 up
	ip_in stock link add wg0 type wireguard
	grep -vE '^(Address|DNS)' "$TMP/phone.conf" >"$TMP/phone.wg"
	in_ns stock wg setconf wg0 "$TMP/phone.wg"
	sed -n 's/^Address = //p' "$TMP/phone.conf" | tr ',' '\n' | while read -r address; do
		ip_in stock addr add "$address" dev wg0
	done
	ip_in stock link set wg0 up
	sed -n 's/^AllowedIPs = //p' "$TMP/phone.conf" | tr ',' '\n' | while read -r range; do
		ip_in stock route add "$range" dev wg0
	done
	pings stock "$(on anna getent ahostsv6 anna | awk '{ print $1; exit }')"
	pings stock "$(on anna getent ahostsv4 anna | awk '{ print $1; exit }')"
	on anna ping -n -c 1 -W 2 phone
}

new_switch br0
machines anna berta carl dora emil
RECOVER=logs
for name in anna berta carl dora emil; do
	daemon "$name" || bail "no daemon on $name: $(cat "$TMP/$name/log")"
done

t "one command makes a network" one_command_makes_a_network
t "one command joins it" one_command_joins_it
[ "$FAILED" = 0 ] || { logs; bail "nothing to go on with"; }
t "everyone reaches everyone by name" everyone_reaches_everyone_by_name
long "status and ping tell the way" status_and_ping_tell_the_way
long "the daemon has one privilege" the_daemon_has_one_privilege
long "state is for nobody else" state_is_for_nobody_else
long "only one daemon at a time" only_one_daemon_at_a_time
t "the founder is killed, and another joins" the_founder_may_die
t "the founder comes back" the_founder_comes_back
t "kill -9 and restart drop no packet" kill_and_restart_drop_nothing
t "a revoked member is out everywhere" a_revoked_member_is_out_everywhere
t "a revoked member is told" the_revoked_is_told
t "a revoked member may not come back" the_revoked_may_not_come_back
long "bad tokens are refused with the reason" bad_tokens_are_refused_with_the_reason
long "a token is used as often as was said" a_token_is_used_as_often_as_was_said
long "a member that leaves is gone" a_member_that_leaves_is_gone
long "wrong routes are refused with the reason" wrong_routes_are_refused_with_the_reason
long "an admin may route for anything" an_admin_may_route_for_anything
long "a member routes for a network behind it" a_member_routes_for_a_network
long "when it is killed, another router takes over" when_it_is_killed_another_takes_over
long "two networks on one machine" two_networks_on_one_machine
long "down and up" down_and_up
long "down stays down after a restart" down_stays_down_after_a_restart
long "a damaged roster is set aside" a_damaged_roster_is_set_aside
long "a full disk loses nothing" a_full_disk_loses_nothing
long "monitor tells what happens" monitor_tells_what_happens
long "a stock WireGuard member" stock_member
long "machines find each other on the local network" two_machines_find_each_other_on_the_local_network
finish
