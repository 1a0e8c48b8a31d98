# SPDX-License-Identifier: GPL-2.0
# TAP for shell scripts; sourced.
# shellcheck shell=bash

TAP_COUNT=0 TAP_FAILED=0

echo "TAP version 13"

# tap_run NAME COMMAND...: one test; what the command said is shown if it fails
tap_run() {
	local name=$1 output rc=0
	shift
	TAP_COUNT=$((TAP_COUNT + 1))
	output=$("$@" 2>&1) || rc=$?
	if [ "$rc" = 0 ]; then
		echo "ok $TAP_COUNT $name"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		echo "not ok $TAP_COUNT $name"
		# a space more than "# ", or nested results would be taken for ours
		printf '%s\n' "${output:-status $rc}" | sed 's/^/#  | /'
	fi
}

tap_skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT $1 # SKIP $2"
}

tap_done() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" = 0 ]
}
