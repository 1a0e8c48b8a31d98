#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rendezvous helpers, told what weftd tells them: with whom they speak, what they take, and what
# they make of a store that answers strangely.
#
#   helpers.sh BUILD-DIRECTORY
set -u
build=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
# shellcheck source=tap.sh
. ./tap.sh

command -v python3 >/dev/null || { echo "1..0 # SKIP python3 is not installed"; exit 4; }
etcd=$build/weft-rendezvous-etcd
opendht=$build/weft-rendezvous-opendht
mkdir "$tap_dir/etcd"
./fake_etcd.py "$tap_dir/etcd" &
fake_pid=$!
trap 'kill $fake_pid; rm -rf "$tap_dir"' EXIT
while [ ! -e "$tap_dir/etcd/port" ]; do sleep 0.05; done
url=http://127.0.0.1:$(<"$tap_dir/etcd/port")

key=$(printf %064d 7)
value=$(printf %01024d 8)

built() {
	[ -x "$1" ] || skip "$(basename "$1") was not built"
}

# told STATUS PROGRAM LINE...: what it says to these lines goes to $output
told() {
	local wanted=$1 program=$2 status=0 at

	shift 2
	case $program in
	*etcd) at=(--endpoint "$url") ;;
	*) at=(--bootstrap 127.0.0.1:9) ;;
	esac
	rm -f "$tap_dir/etcd/asked"
	touch "$tap_dir/etcd/asked"
	output=$(printf '%s\n' "$@" | "$program" "${at[@]}" 2>&1) || status=$?
	[ "$status" = "$wanted" ] || fail "it ended with $status; output: $output"
}

answers() {
	printf '%s' "$1" >"$tap_dir/etcd/answer"
}

both_say_that_they_are_ready() {
	local program

	for program in "$etcd" "$opendht"; do
		built "$program"
		told 0 "$program" "weft-rendezvous 1"
		same "weft-rendezvous 1" "$output"
	done
}

neither_serves_another_version() {
	local program first

	for program in "$etcd" "$opendht"; do
		built "$program"
		for first in "weft-rendezvous 2" "weft-rendezvous 1 " "lookup 1 $key"; do
			told 1 "$program" "$first" "lookup 1 $key"
			same "trouble weftd speaks another version of the helpers' protocol" "$output"
		done
	done
}

what_is_published_is_in_the_store() {
	built "$etcd"
	answers '{"ID":"77"}'
	told 0 "$etcd" "weft-rendezvous 1" "publish $key 1800 $value"
	contains "$output" "published $key"
	same $'/v3/lease/grant\n/v3/kv/put' "$(<"$tap_dir/etcd/asked")"
}

lines_with_more_words_are_passed_over() {
	built "$etcd"
	answers '{"ID":"77"}'
	told 0 "$etcd" "weft-rendezvous 1" "publish $key 1800 $value more" "lookup 1 $key more"
	same "weft-rendezvous 1" "$output"
	same "" "$(<"$tap_dir/etcd/asked")"
}

a_lease_that_is_none_is_told() {
	local answer

	built "$etcd"
	for answer in '{}' '{"ID":null}' '{"ID":77}' '{"ID":""}' '{"ID":"0"}' '{"ID":["77"]}'; do
		answers "$answer"
		told 0 "$etcd" "weft-rendezvous 1" "publish $key 1800 $value"
		contains "$output" "trouble $url: it grants no lease"
		same /v3/lease/grant "$(<"$tap_dir/etcd/asked")"
	done
}

run_tests both_say_that_they_are_ready neither_serves_another_version \
	what_is_published_is_in_the_store lines_with_more_words_are_passed_over \
	a_lease_that_is_none_is_told
