# SPDX-License-Identifier: GPL-2.0
# Where the instructions of one TCP stream go, by perf. Sourced, not run.
# shellcheck shell=bash

# perf says of a module's function no more than that it is the kernel's
own_functions() {
	awk '$4 ~ /^\[(weft|wireguard|ovpn|macsec|xfrm_interface|esp4|vxlan)\]$/ { print $3 }' /proc/kallsyms |
		sort -u
}

# measure_profile ROW UNDERLAY: /out/profile.ROW.UNDERLAY has a line "percent, program, function" for
# each function, /out/own the functions of the tunnels' modules
measure_profile() {
	perf record -q -e cpu-clock -F 5000 -a -o "$WORK/perf.data" -- \
		ip netns exec left iperf3 -c "$FAR" -t 1 >"$WORK/output" 2>&1 || {
		tail -n 3 "$WORK/output"
		record "$1" "$2" profile "failed: perf record"
		return
	}
	perf report -i "$WORK/perf.data" --stdio -F overhead,dso,sym -t ';' --percent-limit 0 2>/dev/null |
		grep -v '^#' | sed '/^$/d' >"$WORK/profile"
	cp "$WORK/profile" "/out/profile.$1.$2"
	# modules stay loaded, so the last list has all of them
	own_functions >"$WORK/own"
	cp "$WORK/own" /out/own
}
