# SPDX-License-Identifier: GPL-2.0
# The rows of the bench: how each interface is set up between the namespaces left and right.
# Sourced, not run. `row_up NAME` sets FAR, the address of right's end, `row_down` takes it away.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the scripts that source this file

# name, and what it is
ROWS='none                no tunnel
vxlan               VXLAN, no encryption
wireguard           WireGuard, the kernel driver
ovpn-aes            OpenVPN, the kernel driver, AES-256-GCM
ovpn-chacha         OpenVPN, the kernel driver, ChaCha20-Poly1305
esp-aes             IPsec ESP tunnel by an xfrm interface, AES-256-GCM
macsec-aes          MACsec, GCM-AES-256
weft-chacha         weft, suite 0 (ChaCha20-Poly1305)
weft-aes            weft, suite 1 (AES-256-GCM)
weft-to-wireguard   weft sends to WireGuard
wireguard-to-weft   WireGuard sends to weft
wireguard-ipv6      WireGuard, IPv6 inside and outside
weft-chacha-ipv6    weft, suite 0, IPv6 inside and outside
weft-aes-ipv6       weft, suite 1, IPv6 inside and outside'

row_names() { cut -d ' ' -f 1 <<<"$ROWS"; }

# row_module NAME: what the kernel must have for it
row_module() {
	case $1 in
	vxlan) echo vxlan ;;
	wireguard* | weft-to-wireguard) echo wireguard ;;
	ovpn-*) echo ovpn ;;
	esp-*) echo xfrm_interface ;;
	macsec-*) echo macsec ;;
	esac
}

# row_lacks NAME: why it cannot be measured here; nothing if it can
row_lacks() {
	local module
	module=$(row_module "$1")
	[ -z "$module" ] || modprobe -q "$module" || echo "the kernel has no module $module"
}

HOLDERS=() # processes that an interface lives on

addresses() {
	ip -n left addr add 10.0.0.1/24 dev tunnel
	ip -n right addr add 10.0.0.2/24 dev tunnel
	ip -n left addr add fd00::1/64 dev tunnel nodad
	ip -n right addr add fd00::2/64 dev tunnel nodad
}

tool_of() {
	case $1 in
	wireguard) echo wg ;;
	*) echo weft ;;
	esac
}

# end_set SIDE KIND FAR SUITE: the far end as SIDE's peer; a suite is only weft's to choose
end_set() {
	local side=$1 kind=$2 far=$3 suite=$4 other=right number=2
	[ "$side" = left ] || { other=left; number=1; }
	local setting=(listen-port 51820 private-key "$WORK/$side" peer "$(<"$WORK/$other.pub")"
		allowed-ips "10.0.0.$number/32,fd00::$number/128" endpoint "$far")
	[ "$kind" = wireguard ] || setting+=(suite "$suite")
	ip netns exec "$side" "$(tool_of "$kind")" set tunnel "${setting[@]}"
}

# keyed_up LEFT-KIND RIGHT-KIND SUITE [ipv6]: WireGuard and weft
keyed_up() {
	local left=192.0.2.1:51820 right=192.0.2.2:51820 side
	if [ "${4:-}" = ipv6 ]; then
		left='[2001:db8::1]:51820' right='[2001:db8::2]:51820' FAR=fd00::2
	fi
	for side in left right; do
		(umask 077; wg genkey >"$WORK/$side")
		wg pubkey <"$WORK/$side" >"$WORK/$side.pub"
	done
	ip -n left link add tunnel type "$1"
	ip -n right link add tunnel type "$2"
	end_set left "$1" "$right" "$3"
	end_set right "$2" "$left" "$3"
	addresses
}

vxlan_up() {
	local set=(type vxlan id 1 dstport 4789)
	ip -n left link add tunnel "${set[@]}" local 192.0.2.1 remote 192.0.2.2 dev eth0
	ip -n right link add tunnel "${set[@]}" local 192.0.2.2 remote 192.0.2.1 dev eth0
	addresses
}

hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

# ovpn_end SIDE CIPHER LOCAL REMOTE SEND RECEIVE
ovpn_end() {
	ip -n "$1" link add tunnel type ovpn
	ip netns exec "$1" "$BENCH/ovpn" tunnel "${@:2}" >"$WORK/ovpn" &
	HOLDERS+=("$!")
	until grep -q ready "$WORK/ovpn"; do
		kill -0 "$!" || return
		sleep 0.1
	done
}

ovpn_up() {
	local there back
	there=$(hex 32) back=$(hex 32)
	ovpn_end left "$1" 192.0.2.1 192.0.2.2 "$there" "$back"
	ovpn_end right "$1" 192.0.2.2 192.0.2.1 "$back" "$there"
	addresses
}

# esp_flow DIRECTION NAMESPACE: state and policy of what goes from $3 to $4 under SPI $5, key $6
esp_flow() {
	ip -n "$2" xfrm state add src "$3" dst "$4" proto esp spi "$5" mode tunnel if_id 42 \
		replay-window 32 aead 'rfc4106(gcm(aes))' "0x$6" 128
	ip -n "$2" xfrm policy add dir "$1" if_id 42 \
		tmpl src "$3" dst "$4" proto esp mode tunnel
}

esp_up() {
	local there back side
	# the key and four bytes of salt
	there=$(hex 36) back=$(hex 36)
	esp_flow out left 192.0.2.1 192.0.2.2 0x100 "$there"
	esp_flow in right 192.0.2.1 192.0.2.2 0x100 "$there"
	esp_flow in left 192.0.2.2 192.0.2.1 0x200 "$back"
	esp_flow out right 192.0.2.2 192.0.2.1 0x200 "$back"
	for side in left right; do
		ip -n "$side" link add tunnel mtu 1438 type xfrm dev eth0 if_id 42
	done
	addresses
}

macsec_up() {
	local side other key
	declare -A key=([left]=$(hex 32) [right]=$(hex 32))
	for side in left right; do
		other=right
		[ "$side" = left ] || other=left
		ip -n "$side" link add tunnel link eth0 type macsec port 1 cipher gcm-aes-256 encrypt on
		# as a daemon of MACsec would have it
		ip -n "$side" macsec add tunnel tx sa 0 pn 1 on key 00 "${key[$side]}"
		set -- port 1 address "$(ip netns exec "$other" cat /sys/class/net/eth0/address)"
		ip -n "$side" macsec add tunnel rx "$@"
		ip -n "$side" macsec add tunnel rx "$@" sa 0 pn 1 on key 01 "${key[$other]}"
	done
	addresses
}

row_set_up() {
	case $1 in
	none) FAR=192.0.2.2 ;;
	vxlan) vxlan_up ;;
	ovpn-*) ovpn_up "${1#ovpn-}" ;;
	esp-aes) esp_up ;;
	macsec-aes) macsec_up ;;
	wireguard) keyed_up wireguard wireguard '' ;;
	wireguard-ipv6) keyed_up wireguard wireguard '' ipv6 ;;
	weft-chacha) keyed_up weft weft chacha20poly1305 ;;
	weft-chacha-ipv6) keyed_up weft weft chacha20poly1305 ipv6 ;;
	weft-aes) keyed_up weft weft aes256gcm ;;
	weft-aes-ipv6) keyed_up weft weft aes256gcm ipv6 ;;
	weft-to-wireguard) keyed_up weft wireguard chacha20poly1305 ;;
	wireguard-to-weft) keyed_up wireguard weft chacha20poly1305 ;;
	esac
}

# row_up NAME: and a few packets, so that what is measured is not the beginning
row_up() {
	local side
	FAR=10.0.0.2
	row_set_up "$1"
	[ "$1" = none ] || for side in left right; do ip -n "$side" link set tunnel up; done
	ip netns exec left ping -q -c 5 -i 0.2 "$FAR" >"$WORK/ping" || {
		cat "$WORK/ping"
		return 1
	}
}

row_down() {
	local side holder
	for holder in "${HOLDERS[@]}"; do
		kill "$holder" 2>/dev/null || :
		wait "$holder" 2>/dev/null || :
	done
	HOLDERS=()
	for side in left right; do
		ip -n "$side" link del tunnel 2>/dev/null || :
		ip -n "$side" xfrm policy flush
		ip -n "$side" xfrm state flush
	done
}
