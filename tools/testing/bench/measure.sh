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

# doze SECONDS: without the instructions of a program
doze() { read -rt "$1" _ <>"$WORK/silence" || :; }

# idle_share: per cent of the second half of a second that begins now. Under a clock of
# instructions, a rate says nothing if much of the time passed waiting.
idle_share() {
	local before after
	doze 0.4
	read -r _ _ _ _ before _ </proc/stat
	doze 0.5
	read -r _ _ _ _ after _ </proc/stat
	# in hundredths of a second
	echo $(((after - before) * 2))
}

# stream ROW UNDERLAY FIGURE STREAMS
stream() {
	local sampler
	if [ -n "$QUICK" ]; then
		attempt "$1" "$2" "$3" tcp "$4" 1
		return
	fi
	idle_share >"$WORK/idle" &
	sampler=$!
	attempt "$1" "$2" "$3" tcp "$4" 1
	wait "$sampler"
	record "$1" "$2" "idle_$3" "$(<"$WORK/idle")"
}

# tcp STREAMS SECONDS: Mbit/s; of 16 MB if it has to be quick
tcp() {
	local length=(-t "$2")
	[ -z "$QUICK" ] || length=(-n 16M)
	# after the run: whatever runs beside it costs it instructions
	ip netns exec left iperf3 -J -c "$FAR" -P "$1" "${length[@]}" >"$WORK/iperf" || {
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
	local row=$1 where=$2 pinger
	echo_times -i 0.02 -w 1 >"$WORK/loaded" &
	pinger=$!
	stream "$row" "$where" tcp8 8
	wait "$pinger"
	attempt "$row" "$where" ping_loaded cut -d ' ' -f 1 "$WORK/loaded"
	attempt "$row" "$where" ping_loaded_max cut -d ' ' -f 2 "$WORK/loaded"
}

# measure_row ROW UNDERLAY
measure_row() {
	local row=$1 where=$2
	stream "$row" "$where" tcp1 1
	attempt "$row" "$where" udp64 traffic udp 64 2000
	attempt "$row" "$where" rr traffic rr 1000
	[ -z "$QUICK" ] || return 0
	attempt "$row" "$where" udp1372 traffic udp 1372 2000
	loaded "$row" "$where"
}

# middle NUMBER...: the median
middle() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

# Eleven handshakes: the first ping through a peer that has just been added, less one without. The
# median, because a ping whose program has to come from the disk takes longer.
handshake() {
	local far time cold=() warm=()
	far=$(<"$WORK/right.pub")
	while [ ${#warm[@]} -lt 11 ]; do
		ip netns exec left "$2" set tunnel peer "$far" remove
		end_set left "$1" 192.0.2.2:51820 "$3"
		# initiations that come faster are taken for a flood
		sleep 0.1
		read -r time _ < <(echo_times -c 1) || return
		cold+=("$time")
		read -r time _ < <(echo_times -c 1) || return
		warm+=("$time")
	done
	echo $((($(middle "${cold[@]}") - $(middle "${warm[@]}")) * 1000))
}

# measure_handshake ROW
measure_handshake() {
	case $1 in
	wireguard) attempt "$1" offload handshake handshake wireguard wg '' ;;
	weft-chacha) attempt "$1" offload handshake handshake weft weft chacha20poly1305 ;;
	weft-aes) attempt "$1" offload handshake handshake weft weft aes256gcm ;;
	esac
}
