#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The simulator as a program: the same options give the same output. TAP.
#
#   test.sh WEFT-SIM
set -u
sim=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
# shellcheck source=../../../userspace/tests/tap.sh
. ../../../userspace/tests/tap.sh

options=(--members 60 --loss 2 --churn 6 --partition 60 --time 60 --joins 2 --burst 3)

the_same_seed_twice_gives_the_same_output() {
	exits 0 "$sim" "${options[@]}" --seed 3
	first=$output
	exits 0 "$sim" "${options[@]}" --seed 3
	same "$first" "$output"
}

another_seed_gives_another() {
	exits 0 "$sim" "${options[@]}" --seed 3 --json
	first=${output/\"seed\": 3/\"seed\": 4}
	exits 0 "$sim" "${options[@]}" --seed 4 --json
	[ "$first" != "$output" ] || fail "seed 3 and seed 4 give the same"
}

sharing_changes_nothing() {
	exits 0 "$sim" "${options[@]}"
	first=$output
	exits 0 "$sim" "${options[@]}" --unshared
	same "$first" "$output"
}

what_is_no_number_or_out_of_bounds_is_refused() {
	exits 2 "$sim" --members 9
	contains "$output" "--members"
	exits 2 "$sim" --members 10001
	exits 2 "$sim" --seed x
	exits 2 "$sim" --loss -1
	exits 2 "$sim" --joins 0
	exits 2 "$sim" --burst 101
	exits 2 "$sim" --what
	exits 2 "$sim" word
}

who_never_joined_is_told() {
	exits 0 "$sim" --members 10 --joins 2 --time 10 --json
	contains "$output" '"not_joined": 0'
	exits 0 "$sim" --members 10 --joins 2 --time 10 --json --loss 75
	contains "$output" '"not_joined": 2'
	exits 0 "$sim" --members 10 --joins 2 --time 10 --loss 75
	contains "$output" "2 never are"
}

run_tests the_same_seed_twice_gives_the_same_output another_seed_gives_another \
	sharing_changes_nothing what_is_no_number_or_out_of_bounds_is_refused who_never_joined_is_told
