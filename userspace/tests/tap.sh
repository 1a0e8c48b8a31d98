# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# TAP for shell tests: each test is a function whose name, with _ for blanks,
# says what it shows; it fails if any of its commands does.

tap_count=0
tap_failed=0
tap_dir=$(mktemp -d) || exit 1
trap 'rm -rf "$tap_dir"' EXIT

# fail MESSAGE: end the test at hand.
fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# skip REASON: end the test at hand without a verdict.
skip() {
	printf '%s\n' "$*" >"$tap_dir/skip"
	exit 77
}

# same EXPECTED GOT
same() {
	[ "$1" = "$2" ] || fail "$(printf 'expected: %s\ngot:      %s' "$1" "$2")"
}

# contains TEXT PART
contains() {
	case "$1" in
	*"$2"*) ;;
	*) fail "$(printf '%s\ndoes not contain: %s' "$1" "$2")" ;;
	esac
}

# exits STATUS COMMAND...: what the command prints, both streams, goes to $output.
# shellcheck disable=SC2034
exits() {
	local wanted=$1 status=0

	shift
	output=$("$@" 2>&1 </dev/null) || status=$?
	[ "$status" = "$wanted" ] ||
		fail "$(printf '%s\nexited with %s instead of %s; output:\n%s' \
			"$*" "$status" "$wanted" "$output")"
}

run_test() {
	local name=$1 status

	tap_count=$((tap_count + 1))
	( set -e; "$name" ) >"$tap_dir/output" 2>&1
	status=$?
	if [ "$status" = 77 ]; then
		printf 'ok %d - %s # SKIP %s\n' "$tap_count" "${name//_/ }" "$(cat "$tap_dir/skip")"
	elif [ "$status" = 0 ]; then
		printf 'ok %d - %s\n' "$tap_count" "${name//_/ }"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_count" "${name//_/ }"
		sed 's/^/# /' "$tap_dir/output"
	fi
}

# run_tests NAME...: all of them, and the exit status for the script.
run_tests() {
	local name

	printf 'TAP version 13\n1..%d\n' $#
	for name; do
		run_test "$name"
	done
	[ "$tap_failed" = 0 ]
}
