# SPDX-License-Identifier: GPL-2.0
# Where the instructions go of one TCP stream, and of datagrams of 64 bytes, by perf. Sourced, not run.
# shellcheck shell=bash

# perf says of a module's function no more than that it is the kernel's
own_functions() {
	awk '$4 ~ /^\[(weft|wireguard|ovpn|macsec|xfrm_interface|esp4|vxlan)\]$/ { print $3 }' /proc/kallsyms |
		sort -u
}

# profile_of KIND ROW UNDERLAY COMMAND...: /out/profile.ROW.UNDERLAY.KIND has a line "percent, program,
# function" for each function, /out/own the functions of the tunnels' modules
profile_of() {
	local kind=$1 row=$2 where=$3
	shift 3
	perf record -q -e cpu-clock -F 5000 -a -o "$WORK/perf.data" -- "$@" >"$WORK/output" 2>&1 || {
		tail -n 3 "$WORK/output"
		record "$row" "$where" "profile_$kind" "failed: perf record"
		return
	}
	perf report -i "$WORK/perf.data" --stdio -F overhead,dso,sym -t ';' --percent-limit 0 2>/dev/null |
		grep -v '^#' | sed '/^$/d' >"$WORK/profile"
	cp "$WORK/profile" "/out/profile.$row.$where.$kind"
}

# measure_profile ROW UNDERLAY
measure_profile() {
	profile_of stream "$1" "$2" ip netns exec left iperf3 -c "$FAR" -t 1
	# packets that are not cut are the same on both underlays
	if [ "$2" = offload ]; then
		profile_of datagrams "$1" "$2" "$BENCH/traffic" udp left right "$FAR" 64 40000
	fi
	# modules stay loaded, so the last list has all of them
	own_functions >"$WORK/own"
	cp "$WORK/own" /out/own
}
