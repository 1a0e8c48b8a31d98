# SPDX-License-Identifier: GPL-2.0
# Many peers: what they cost to add, to keep, to list and to delete. Sourced, not run.
# shellcheck shell=bash

# peers COUNT: a configuration of so many peers with keys that nobody has
peers() {
	# 33 bytes are 44 characters; a key's are 43, the last of them with two bits unused, and =
	head -c "$((33 * $1))" /dev/urandom | base64 -w 44 | awk '{
		n = NR + 255
		printf "[Peer]\nPublicKey = %sA=\nAllowedIPs = 10.%d.%d.%d/32\n",
			substr($0, 1, 42), n / 65536, n / 256 % 256, n % 256
	}'
}

# kernel_memory: kB that the kernel has allocated, the stacks of its threads among VmallocUsed. What
# is free would say less: it changes with the pages of files and of programs.
kernel_memory() {
	awk '/^(Slab|VmallocUsed|PageTables|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# memory_at_rest: the same, as soon as it has not changed for some seconds: what was deleted before
# may be freed late, by workers and after grace periods.
memory_at_rest() {
	local now last=0 quiet=0
	for _ in {1..100}; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		sleep 1
		now=$(kernel_memory)
		quiet=$((now - last <= 64 && last - now <= 64 ? quiet + 1 : 0))
		last=$now
		[ "$quiet" -lt 5 ] || {
			echo "$now"
			return
		}
	done
	echo "the kernel's memory does not come to rest" >&2
	return 1
}

# elapsed COMMAND...: microseconds
elapsed() {
	local start=${EPOCHREALTIME/./}
	"$@" >"$WORK/output" || return
	echo $((${EPOCHREALTIME/./} - start))
}

# quickest COMMAND...: of three, the first of which may have to read the program from disk
quickest() {
	for _ in 1 2 3; do elapsed "$@"; done | sort -n | head -n 1
}

# each COUNT COMMAND...: nanoseconds for one of COUNT that a command deals with
each() {
	local count=$1 time
	shift
	time=$(elapsed "$@") && echo $((time * 1000 / count))
}

# memory COUNT BEFORE: bytes a peer; none if there was no rest before
memory() {
	local now
	now=$(memory_at_rest) && [ -n "$2" ] && echo $(((now - $2) * 1024 / $1))
}

# many_peers ROW TOOL COUNT: the interface of a row that is up
many_peers() {
	local row=$1 tool=(ip netns exec left "$2") count=$3 before
	peers "$count" >"$WORK/peers"
	"${tool[@]}" show tunnel >/dev/null
	attempt "$row" one tcp1 tcp 1 1
	attempt "$row" one udp64 traffic udp 64 2000
	before=$(memory_at_rest) || before=''
	record "$row" many peers "$count"
	attempt "$row" many add each "$count" "${tool[@]}" addconf tunnel "$WORK/peers"
	attempt "$row" many memory memory "$count" "$before"
	attempt "$row" many tcp1 tcp 1 1
	attempt "$row" many udp64 traffic udp 64 2000
	attempt "$row" many dump quickest "${tool[@]}" show tunnel dump
	attempt "$row" many delete elapsed ip -n left link del tunnel
}

# measure_scale ROW COUNT
measure_scale() {
	local lacks
	lacks=$(row_lacks "$1")
	if [ -n "$lacks" ]; then
		unable "scale-$1" "$lacks"
		return
	fi
	if row_up "$1"; then
		many_peers "scale-$1" "$(tool_of "${1%%-*}")" "$2"
	else
		unable "scale-$1" "failed: the far end did not answer"
	fi
	row_down
}

# measure_deletion ROW COUNT: only that, for where it has to wait for another processor
measure_deletion() {
	local tool
	tool=$(tool_of "${1%%-*}")
	row_up "$1"
	peers "$2" >"$WORK/peers"
	ip netns exec left "$tool" addconf tunnel "$WORK/peers"
	record "scale-$1" cpus peers "$2"
	attempt "scale-$1" cpus delete elapsed ip -n left link del tunnel
	row_down
}
