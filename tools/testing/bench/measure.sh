# SPDX-License-Identifier: GPL-2.0
# What is measured of an interface that is up, to the address FAR. Sourced, not run.
# shellcheck shell=bash

# record ROW UNDERLAY FIGURE VALUE
record() {
	local IFS=$'\t'
	echo "$*" >>"$RESULTS"
}

# unable ROW WHY
unable() { record "$1" - missing "$2"; }

# attempt ROW UNDERLAY FIGURE COMMAND...: what it prints is the figure, or why there is none
attempt() {
	local row=$1 where=$2 figure=$3 value
	shift 3
	if value=$("$@" 2>"$WORK/error") && [ -n "$value" ]; then
		record "$row" "$where" "$figure" "$value"
	else
		value=$(tail -n 1 "$WORK/error")
		echo "# $row, $where: no $figure: ${value:-it failed}"
		record "$row" "$where" "$figure" "failed: ${value:-$figure}"
	fi
}

# /proc/stat counts in hundredths of a second
idle_ticks() { awk '/^cpu / { print $5 + $6; exit }' /proc/stat; }

# How much of the time passed waiting: under a clock of instructions a rate says nothing if there
# was more than a little.
check_idle() {
	local share=$(($(idle_ticks) - $2))
	[ "$share" -lt 3 ] || echo "# the processor was idle for $share of the $1's 100 hundredths"
	record "$row" "$where" "idle_$1" "$share"
}

# tcp STREAMS SECONDS: Mbit/s
tcp() {
	# after the run: whatever runs beside it costs it instructions
	ip netns exec left iperf3 -J -c "$FAR" -P "$1" -t "$2" >"$WORK/iperf" || {
		jq -r .error "$WORK/iperf" >&2
		return 1
	}
	jq -r '.end.sum_received.bits_per_second / 1e6' "$WORK/iperf"
}

# traffic KIND ARGUMENT...: instructions
traffic() {
	local kind=$1
	shift
	"$BENCH/traffic" "$kind" left right "$FAR" "$@"
}

# echo_times OPTION...: microseconds of the round trip, mean and largest
echo_times() {
	ip netns exec left ping -q "$@" "$FAR" >"$WORK/ping" || :
	sed -n 's|^rtt [^=]*= [^/]*/\([^/]*\)/\([^/]*\)/.*|\1 \2|p' "$WORK/ping" |
		awk '{ printf "%.0f %.0f\n", $1 * 1000, $2 * 1000 }'
}

# Eight streams, and how long a ping takes while they run.
loaded() {
	local row=$1 where=$2 pinger before
	before=$(idle_ticks)
	echo_times -i 0.02 -w 1 >"$WORK/loaded" &
	pinger=$!
	attempt "$row" "$where" tcp8 tcp 8 1
	wait "$pinger"
	check_idle tcp8 "$before"
	attempt "$row" "$where" ping_loaded cut -d ' ' -f 1 "$WORK/loaded"
	attempt "$row" "$where" ping_loaded_max cut -d ' ' -f 2 "$WORK/loaded"
}

# measure_row ROW UNDERLAY
measure_row() {
	local row=$1 where=$2 before
	before=$(idle_ticks)
	attempt "$row" "$where" tcp1 tcp 1 1
	check_idle tcp1 "$before"
	attempt "$row" "$where" udp64 traffic udp 64 2000
	attempt "$row" "$where" rr traffic rr 1000
	[ -z "$QUICK" ] || return 0
	attempt "$row" "$where" udp1372 traffic udp 1372 2000
	loaded "$row" "$where"
}

# Ten handshakes: the first ping through a peer that has just been added, less one without.
handshake() {
	local i far cold=0 warm=0 time
	far=$(<"$WORK/right.pub")
	for i in {1..10}; do
		ip netns exec left "$2" set tunnel peer "$far" remove
		end_set left "$1" 192.0.2.2:51820 "$3"
		# initiations that come faster are taken for a flood
		sleep 0.1
		read -r time _ < <(echo_times -c 1) || return
		cold=$((cold + time))
		read -r time _ < <(echo_times -c 1) || return
		warm=$((warm + time))
	done
	echo $(((cold - warm) * 1000 / i))
}

# measure_handshake ROW
measure_handshake() {
	case $1 in
	wireguard) attempt "$1" offload handshake handshake wireguard wg '' ;;
	weft-chacha) attempt "$1" offload handshake handshake weft weft chacha20poly1305 ;;
	weft-aes) attempt "$1" offload handshake handshake weft weft aes256gcm ;;
	esac
}
