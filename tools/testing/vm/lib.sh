# SPDX-License-Identifier: GPL-2.0
# Shared by the scripts of this folder; sourced, not run.
# shellcheck shell=bash

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck disable=SC2034
REPO=$(cd "$VM_DIR/../../.." && pwd -P)
CACHE=${WEFT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weft}
# shellcheck disable=SC2034 # used by the scripts that source this file
KERNELS=$CACHE/kernels
# sbin is not in an ordinary user's PATH, but modprobe, depmod and chroot are there
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "error: $*"; exit 125; }

# set -e ends a script without a word; say where. 125 is die's, which has said it.
set -E
trap 'rc=$?; [ $rc = 125 ] || say "status $rc at ${BASH_SOURCE[0]##*/}:$LINENO: ${BASH_COMMAND%%$'"'\\n'"'*}"' ERR

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null ||
			die "'$tool' is not installed; run: tools/setup ${SETUP_GROUP:-test}"
	done
}

# lock NAME: two runs that fill the same part of the cache wait for one another
lock() {
	local fd
	mkdir -p "$CACHE/lock"
	exec {fd}>"$CACHE/lock/$1"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $CACHE/lock/$1"
		flock "$fd"
	fi
	LOCK_FD=$fd
}

unlock() { exec {LOCK_FD}>&-; }

# quietly LOG CMD...: a long command's output goes to LOG, and to the user if it fails
quietly() {
	local log=$1 rc=0
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 || rc=$?
	[ "$rc" = 0 ] && return
	tail -n 40 "$log" >&2
	say "'$1' failed with status $rc; the whole output is in $log"
	return "$rc"
}
