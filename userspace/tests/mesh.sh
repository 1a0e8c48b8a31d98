#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands for networks, against a daemon that says what it is told to: what they ask, what they
# make of the answer, and their exit codes.
#
#   mesh.sh WEFT
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tap.sh
. ./tap.sh

weft=$(realpath "$OLDPWD/$1" 2>/dev/null || realpath "$1")
export LC_ALL=C TZ=UTC
unset WG_COLOR_MODE WEFT_COLOR_MODE NO_COLOR
for tool in python3 jq; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP $tool is not installed"; exit 4; }
done
mkdir "$tap_dir/daemon"
export WEFT_SOCKET=$tap_dir/daemon/control
./fake_daemon.py "$tap_dir/daemon" &
fake_pid=$!
trap 'kill $fake_pid; rm -rf "$tap_dir"' EXIT
while [ ! -S "$WEFT_SOCKET" ]; do sleep 0.05; done

# answers LINE...: what the daemon is to say next
answers() {
	printf '%s\n' "$@" >"$tap_dir/daemon/answer"
}

result() {
	answers "{\"id\":1,\"result\":$1}"
}

error() {
	answers "{\"id\":1,\"error\":{\"code\":\"$1\",\"message\":\"that is wrong\",\"hint\":$2}}"
}

# asked FILTER: of the last request
asked() {
	jq -c "$1" "$tap_dir/daemon/asked"
}

networks='{"networks":[{"name":"home","state":"member","interface":"weft0","port":51820,
"trouble":null,"unsaved":null,"members":[
{"name":"anna","state":"member","address":"fd00::1","ipv4":"10.0.0.1","self":true,"static":false,
"admin":true,"expires":null,"groups":["a","b"],"routes":["192.0.2.0/24"]},
{"name":"berta","state":"member","address":"fd00::2","ipv4":null,"self":false,"static":false,
"admin":false,"expires":1700000000,"groups":[],"routes":[],"path":"lan","endpoint":"10.0.0.2:5",
"why":null,"via":null,"rtt_ms":3,"rx_bytes":2048,"tx_bytes":1},
{"name":"phone","state":"member","address":"fd00::3","ipv4":null,"self":false,"static":true,
"admin":false,"expires":null,"groups":[],"routes":[],"path":null,"endpoint":null,
"why":"anna routes for it","via":"anna","rtt_ms":null,"rx_bytes":0,"tx_bytes":0},
{"name":"","state":"revoked","address":"fd00::4","ipv4":null,"self":false,"static":false,
"admin":false,"expires":null}]},
{"name":"work","state":"down","interface":"weft1","port":51821,"trouble":null,"unsaved":null}]}'
networks=$(tr -d '\n' <<<"$networks")

without_a_daemon_it_says_how_to_start_it() {
	exits 3 env WEFT_SOCKET="$tap_dir/nobody" "$weft" status
	contains "$output" "systemctl enable --now weftd"
	exits 3 env WEFT_SOCKET="/$(printf '%0200d' 0)" "$weft" status
}

errors_are_told_with_the_next_step_and_have_their_exit_code() {
	error failed '"do this"'
	exits 1 "$weft" up
	same $'weft: that is wrong\n  do this' "$output"
	error usage null
	exits 2 "$weft" up
	contains "$output" "Usage: weft up"
	error not-connected null
	exits 3 "$weft" up
	same "weft: that is wrong" "$output"
}

an_answer_that_makes_no_sense_is_no_success() {
	local answer

	for answer in "" "{" "[]" '{"id":1}' '{"id":1,"result":null}' '{"id":1,"error":5}'; do
		printf '%s' "$answer" >"$tap_dir/daemon/answer"
		"$weft" up >/dev/null 2>&1 && fail "success: $answer"
		printf '%s\n' "$answer" >"$tap_dir/daemon/answer"
		"$weft" up >/dev/null 2>&1 && fail "success: $answer"
	done
	return 0
}

init_asks_for_a_network_and_tells_how_others_join() {
	result '{"network":"home","interface":"weft0","port":1,"name":"anna","address":"fd00::1","ipv4":"10.0.0.1","token":"weft1abc","expires":1700000000,"uses":10}'
	exits 0 "$weft" init home --name anna --ipv4 none --port 5 --endpoint 192.0.2.1:5 \
		--endpoint 192.0.2.1:6 --group a --group b --route 10.0.0.0/8 --expires 2d --no-beacons
	contains "$output" "weft join weft1abc"
	contains "$output" "2023-11-14 22:13"
	same '["init","home","anna","none",5,10,172800,false]' "$(asked '[.command, .network, .name,
		.ipv4, .port, .uses, .expires_in, .beacons]')"
	same '[["192.0.2.1:5","192.0.2.1:6"],["a","b"],["10.0.0.0/8"]]' \
		"$(asked '[.endpoints, .groups, .routes]')"
	exits 0 "$weft" init --json
	same '"weft1abc"' "$(jq .token <<<"$output")"
	[ "$(asked .name)" != '""' ]
}

invite_prints_the_token_alone() {
	result '{"network":"home","token":"weft1abc","expires":1700000000,"uses":3}'
	same weft1abc "$("$weft" invite --uses 3 --expires 90m --relay --no-secret 2>/dev/null)"
	same '["invite",3,5400,true,false]' \
		"$(asked '[.command, .uses, .expires_in, .relay, .with_secret]')"
}

times_are_numbers_with_a_letter() {
	local good bad

	result '{"network":"home","token":"x","expires":1,"uses":1}'
	for good in 5=5 5s=5 2m=120 3h=10800 1d=86400 2w=1209600; do
		exits 0 "$weft" invite --expires "${good%=*}"
		same "${good#*=}" "$(asked .expires_in)"
	done
	for bad in '' 0 -1 x 5x 5mm 1.5h 99999999999999999999 999999999d; do
		exits 2 "$weft" invite --expires "$bad"
	done
}

join_takes_the_token_from_standard_input() {
	result '{"network":"home","interface":"weft0","name":"b","address":"fd00::2","ipv4":null}'
	same "Joined network home. This machine is b: fd00::2, interface weft0." \
		"$(printf ' \n' | cat <(echo "weft1abc") - | "$weft" join - --network other)"
	same '["join","weft1abc","other"]' "$(asked '[.command, .token, .network]')"
	exits 2 "$weft" join -
	contains "$output" "no token on standard input"
	exits 2 "$weft" join
	exits 2 "$weft" join a b
}

join_tells_how_it_goes_meanwhile() {
	answers '{"id":1,"progress":{"event":"no-answer"}}' \
		'{"id":1,"progress":{"event":"refused","member":"anna","reason":"full"}}' \
		'{"id":1,"error":{"code":"failed","message":"not let in","hint":"ask"}}'
	exits 1 "$weft" join weft1abc
	contains "$output" "none of the members"
	contains "$output" "anna does not let this machine in: full"
	contains "$output" "not let in"
}

status_is_a_table_with_reasons() {
	result "$networks"
	exits 0 "$weft" status
	contains "$output" "network home: member, interface weft0, port 51820"
	contains "$output" "this machine"
	grep -qE '^berta +fd00::2 +lan 10\.0\.0\.2:5 +3 ms +2\.0 KiB +1 B' <<<"$output"
	grep -qE '^phone +fd00::3 +by anna +- .* anna routes for it$' <<<"$output"
	contains "$output" "bring it up: weft up work"
	if grep -q fd00::4 <<<"$output"; then fail "a revoked member is in it"; fi
	exits 0 "$weft" status --json
	same '["home","work"]' "$(jq -c '[.[].name]' <<<"$output")"
}

up_and_join_take_a_rendezvous_helper() {
	result '{"network":"home"}'
	exits 0 "$weft" up --rendezvous 'helper --with arguments' home
	same '["up","home","helper --with arguments"]' "$(asked '[.command, .network, .rendezvous]')"
	exits 0 "$weft" up --rendezvous off
	same '"off"' "$(asked .rendezvous)"
	exits 0 "$weft" up
	same null "$(asked .rendezvous)"
	exits 0 "$weft" join --rendezvous helper weft1abc
	same '["join","helper"]' "$(asked '[.command, .rendezvous]')"
	exits 2 "$weft" down --rendezvous off
}

status_tells_of_a_rendezvous_helper() {
	local network='{"name":"home","state":"member","interface":"weft0","port":1,"members":[],"rendezvous":'

	result "{\"networks\":[$network{\"command\":\"helper -a\",\"state\":\"ready\",\"trouble\":null,\"published_s\":7}}]}"
	exits 0 "$weft" status
	contains "$output" "rendezvous: helper -a: ready, published 7 s ago"
	result "{\"networks\":[$network{\"command\":\"helper\",\"state\":\"waiting\",\"trouble\":\"it broke\",\"published_s\":null}}]}"
	exits 0 "$weft" status
	contains "$output" "rendezvous: helper: waiting"
	contains "$output" "trouble: rendezvous: it broke"
	same "" "$(grep published <<<"$output" || true)"
	result "{\"networks\":[${network}null}]}"
	exits 0 "$weft" status
	same "" "$(grep rendezvous <<<"$output" || true)"
}

status_exits_with_3_when_nothing_is_connected() {
	result '{"networks":[]}'
	exits 3 "$weft" status
	contains "$output" "weft init"
	result '{"networks":[{"name":"a","state":"joining","interface":"w","port":1,"trouble":null,"unsaved":"No space left"}]}'
	exits 3 "$weft" status
	contains "$output" "no member has answered yet"
	contains "$output" "not all is saved (No space left)"
	exits 3 "$weft" status --json
	same a "$(jq -r '.[0].name' <<<"$output")"
}

peers_shows_who_is_what() {
	result "$networks"
	exits 0 "$weft" peers
	grep -qE '^anna +fd00::1 +10\.0\.0\.1 +member, admin +never +a,b +192\.0\.2\.0/24$' \
		<<<"$output"
	grep -qE '^phone .*stock WireGuard' <<<"$output"
	grep -qE 'revoked' <<<"$output"
	exits 0 "$weft" peers list --json
	same 4 "$(jq '.[0].members | length' <<<"$output")"
}

add_static_makes_a_key_or_takes_one() {
	local private

	result '{"network":"home","member":"phone","id":"00"}'
	exits 0 "$weft" peers add-static phone --via berta --route 10.0.0.0/8 --expires 1d
	contains "$output" "weft export phone"
	same '["add-static","phone","berta",["10.0.0.0/8"],86400]' \
		"$(asked '[.command, .name, .via, .routes, .expires_in]')"
	private=$(asked .private_key | tr -d '"')
	same "$("$weft" pubkey <<<"$private")" "$(asked .public_key | tr -d '"')"
	exits 0 "$weft" peers add-static phone uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=
	same '[true,null]' "$(asked '[(.public_key | startswith("uFmW")), .private_key]')"
	exits 2 "$weft" peers add-static phone nonsense
	exits 2 "$weft" peers add-static
	exits 2 "$weft" peers nonsense
}

admins_are_made_and_unmade() {
	result '{"network":"home"}'
	exits 0 "$weft" peers add-admin berta
	same '["admin","berta",true]' "$(asked '[.command, .member, .admin]')"
	exits 0 "$weft" peers del-admin berta
	same 'false' "$(asked .admin)"
}

revoke_tells_who_goes_too() {
	result '{"network":"home","member":"berta","id":"00","lost":[{"name":"carl","id":"01","reason":"full"}]}'
	exits 0 "$weft" revoke berta --compromised
	contains "$output" "Revoked berta"
	contains "$output" "carl (full)"
	same '["revoke","berta",true]' "$(asked '[.command, .member, .compromised]')"
	exits 2 "$weft" revoke
}

routes_are_shown_and_changed() {
	result '{"network":"home","routes":[{"route":"10.0.0.0/8","member":"anna","self":false,"used":false},{"route":"10.0.0.0/8","member":"b","self":true,"used":true}]}'
	exits 0 "$weft" route
	grep -qE '^10\.0\.0\.0/8 +anna *$' <<<"$output"
	grep -qE '^10\.0\.0\.0/8 +this machine +used$' <<<"$output"
	same '["route","list"]' "$(asked '[.command, .what]')"
	exits 0 "$weft" route add 10.0.0.0/8 192.0.2.0/24
	same '["add",["10.0.0.0/8","192.0.2.0/24"]]' "$(asked '[.what, .routes]')"
	exits 2 "$weft" route add
	exits 2 "$weft" route list x
	exits 2 "$weft" route nonsense
}

export_prints_a_file_or_a_code() {
	result '{"network":"home","member":"phone","configuration":"[Interface]\nPrivateKey = x\n"}'
	exits 0 "$weft" export phone
	same $'[Interface]\nPrivateKey = x' "$output"
	exits 0 "$weft" export --qr phone
	contains "$output" "█"
}

# The picture, as a camera would see it, says what was to be said.
a_qr_code_can_be_read() {
	command -v zbarimg >/dev/null || skip "zbarimg is not installed"
	result '{"network":"home","token":"weft1ThisIsAToken_-0123456789","expires":1,"uses":1}'
	"$weft" invite --qr 2>/dev/null | tail -n +2 >"$tap_dir/qr"
	python3 - "$tap_dir/qr" "$tap_dir/qr.pgm" <<-'END'
		import re, sys
		rows = []
		for line in open(sys.argv[1], encoding="utf-8"):
		    line = re.sub("\x1b[^m]*m", "", line.rstrip("\n"))
		    rows.append([c in "█▀" for c in line])
		    rows.append([c in "█▄" for c in line])
		scale = 8
		with open(sys.argv[2], "w") as out:
		    out.write("P2\n%d %d\n1\n" % (len(rows[0]) * scale, len(rows) * scale))
		    for row in rows:
		        for _ in range(scale):
		            out.write(" ".join(("0" if dark else "1") for dark in row for _ in range(scale)) + "\n")
	END
	same weft1ThisIsAToken_-0123456789 "$(zbarimg -q --raw "$tap_dir/qr.pgm")"
}

monitor_prints_events_until_the_end() {
	answers '{"id":1,"result":{}}' \
		'{"event":"member","time":0,"network":"home","member":"berta","id":"00"}' \
		'{"event":"member-gone","time":0,"network":"home","member":"berta","reason":"revoked"}'
	exits 3 "$weft" monitor
	contains "$output" "00:00:00 home member berta"
	contains "$output" "00:00:00 home member-gone berta: revoked"
	exits 3 "$weft" monitor --json
	contains "$output" '{"event":"member","time":0'
}

options_that_a_command_does_not_take_are_wrong() {
	exits 2 "$weft" status --uses 5
	contains "$output" "status takes no --uses"
	exits 2 "$weft" up --json
	exits 2 "$weft" invite --nonsense
	exits 2 "$weft" invite x
	exits 2 "$weft" init a b
	exits 2 "$weft" ping
	exits 2 "$weft" ping -c 0 x
}

run_tests \
	without_a_daemon_it_says_how_to_start_it \
	errors_are_told_with_the_next_step_and_have_their_exit_code \
	an_answer_that_makes_no_sense_is_no_success \
	init_asks_for_a_network_and_tells_how_others_join \
	invite_prints_the_token_alone \
	times_are_numbers_with_a_letter \
	join_takes_the_token_from_standard_input \
	join_tells_how_it_goes_meanwhile \
	status_is_a_table_with_reasons \
	up_and_join_take_a_rendezvous_helper \
	status_tells_of_a_rendezvous_helper \
	status_exits_with_3_when_nothing_is_connected \
	peers_shows_who_is_what \
	add_static_makes_a_key_or_takes_one \
	admins_are_made_and_unmade \
	revoke_tells_who_goes_too \
	routes_are_shown_and_changed \
	export_prints_a_file_or_a_code \
	a_qr_code_can_be_read \
	monitor_prints_events_until_the_end \
	options_that_a_command_does_not_take_are_wrong
