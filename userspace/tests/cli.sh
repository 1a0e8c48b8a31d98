#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line, without a kernel: what needs none, and the rest against the
# fake kernel of fake_kernel.c.
#
#   cli.sh WEFT FAKE_WEFT
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tap.sh
. ./tap.sh

weft=$(realpath "$OLDPWD/$1" 2>/dev/null || realpath "$1")
fake_weft=$(realpath "$OLDPWD/$2" 2>/dev/null || realpath "$2")
here=$PWD
unset WG_HIDE_KEYS WG_COLOR_MODE WEFT_HIDE_KEYS WEFT_COLOR_MODE NO_COLOR
export LC_ALL=C

key_a=uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=
key_b=WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=
private=6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=
psk=GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I=

# The fake kernel has a device full of peers, an empty one, and lo, which is no weft device.
make_devices() {
	local now

	now=$(date +%s)
	mkdir -p "$tap_dir/fake"
	export WEFT_FAKE=$tap_dir/fake
	cat >"$WEFT_FAKE/weft0.get" <<-END
	private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
	listen_port=12912
	fwmark=255
	public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
	preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
	endpoint=[2001:db8::33]:51820
	last_handshake_time_sec=$((now - 3700))
	last_handshake_time_nsec=1
	tx_bytes=38333
	rx_bytes=2224
	persistent_keepalive_interval=0
	allowed_ip=192.168.4.4/32
	allowed_ip=2001:db8:23::/48
	public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376
	endpoint=192.0.2.19:3233
	last_handshake_time_sec=$((now - 65))
	last_handshake_time_nsec=5
	tx_bytes=38333
	rx_bytes=1224000
	persistent_keepalive_interval=111
	allowed_ip=192.168.4.6/32
	public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58
	tx_bytes=0
	rx_bytes=0
	persistent_keepalive_interval=0
	END
	printf 'listen_port=0\nfwmark=0\n' >"$WEFT_FAKE/weft1.get"
}
make_devices

fake() {
	"$fake_weft" "$@"
}

# asked DEVICE: what the last command asked of the kernel, and forget it.
asked() {
	cat "$WEFT_FAKE/$1.set" 2>/dev/null || echo nothing
	rm -f "$WEFT_FAKE/$1.set"
}

# Keys.

genkey_prints_a_clamped_key_that_pubkey_takes() {
	local key

	key=$("$weft" genkey)
	same 44 "${#key}"
	same 0 $((0x$(base64 -d <<<"$key" | od -An -tx1 -N1 | tr -d ' ') & 7))
	same 64 $((0x$(base64 -d <<<"$key" | od -An -tx1 -j31 | tr -d ' ') & 192))
	same 44 "$("$weft" pubkey <<<"$key" | tr -d '\n' | wc -c)"
}

genkey_and_genpsk_differ_from_call_to_call() {
	[ "$("$weft" genkey)" != "$("$weft" genkey)" ]
	[ "$("$weft" genpsk)" != "$("$weft" genpsk)" ]
}

pubkey_prints_the_known_answer() {
	same wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk= "$("$weft" pubkey <<<"$private")"
	same wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk= "$(printf %s "$private" | "$weft" pubkey)"
	same wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk= \
		"$(printf '%s\r\n\n ' "$private" | "$weft" pubkey)"
}

pubkey_agrees_with_wg() {
	local key

	command -v wg >/dev/null || skip "wg is not installed"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		key=$("$weft" genkey)
		same "$(wg pubkey <<<"$key")" "$("$weft" pubkey <<<"$key")"
		# Not clamped.
		key=$(wg genpsk)
		same "$(wg pubkey <<<"$key")" "$("$weft" pubkey <<<"$key")"
	done
}

pubkey_refuses_what_is_no_key_without_repeating_it() {
	local text

	for text in hunter2 "$private x" " $private" "${private}AA" ""; do
		exits 1 "$weft" pubkey
		output=$("$weft" pubkey <<<"$text" 2>&1) && fail "took \"$text\""
		case "$output" in *hunter2*) fail "repeats it: $output" ;; esac
	done
	contains "$output" "expected 44 characters of base64"
}

genkey_warns_of_a_file_that_all_may_read() {
	local text

	text=$(umask 022; "$weft" genkey 2>&1 >"$tap_dir/key")
	contains "$text" "umask 077"
	rm "$tap_dir/key"
	text=$(umask 077; "$weft" genkey 2>&1 >"$tap_dir/key")
	same "" "$text"
	text=$("$weft" genpsk 2>&1 >/dev/null | cat)
	same "" "$text"
}

a_key_that_cannot_be_written_is_a_failure() {
	[ -e /dev/full ] || skip "no /dev/full"
	if output=$("$weft" genkey 2>&1 >/dev/full); then
		fail "success"
	fi
	contains "$output" "No space left"
}

# Usage.

help_lists_every_command() {
	local name

	for name in help --help -h; do
		exits 0 "$weft" $name
		for command in show showconf set setconf addconf syncconf genkey genpsk pubkey; do
			contains "$output" "  $command "
		done
	done
}

every_command_has_help() {
	local name

	for name in show showconf set setconf addconf syncconf genkey genpsk pubkey; do
		exits 0 "$weft" $name --help
		contains "$output" "Usage: weft $name"
		exits 0 "$weft" help $name
		contains "$output" "Usage: weft $name"
	done
}

version_is_printed() {
	exits 0 "$weft" --version
	contains "$output" "weft "
}

wrong_usage_exits_with_2_and_shows_the_syntax() {
	local arguments

	for arguments in "nosuch" "help nosuch" "genkey x" "genpsk x" "pubkey x" "set" "set weft0" \
			 "setconf" "setconf weft0" "setconf weft0 a b" "addconf" "syncconf" \
			 "showconf" "showconf a b" "show weft0 nosuch" "show a peers b" \
			 "show interfaces peers" "show weft0 peers --json" "set weft0 listen-port" \
			 "set weft0 foo bar" "set weft0 peer x" "set weft0 listen-port x" \
			 "setconf a-name-of-16-chr file"; do
		# shellcheck disable=SC2086
		exits 2 "$weft" $arguments
		contains "$output" "Usage: weft"
	done
}

an_absent_module_is_reported_with_the_command_that_loads_it() {
	export WEFT_FAKE_NO_MODULE=1
	for arguments in show "show weft0" "show interfaces" "showconf weft0" \
			 "set weft0 listen-port 5"; do
		# shellcheck disable=SC2086
		exits 1 fake $arguments
		contains "$output" "modprobe weft"
	done
}

# Show.

show_interfaces_prints_names_in_a_line() {
	same "weft0 weft1" "$(fake show interfaces)"
}

# The time of day may change between the two.
ageless() { sed 's/[0-9]* seconds\{0,1\} ago/now/'; }

show_without_arguments_shows_all() {
	contains "$(fake)" "interface: weft1"
	same "$(fake | ageless)" "$(fake show | ageless)"
	same "$(fake | ageless)" "$(fake show all | ageless)"
}

show_is_for_people() {
	local text

	# the handshakes' ages are those of now
	make_devices
	text=$(fake show weft0)
	contains "$text" "interface: weft0
  public key: wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk=
  private key: (hidden)
  listening port: 12912
  fwmark: 0xff

peer: $key_b
  endpoint: 192.0.2.19:3233
  allowed ips: 192.168.4.6/32
  latest handshake: 1 minute, "
	contains "$text" "  transfer: 1.17 MiB received, 37.43 KiB sent
  persistent keepalive: every 1 minute, 51 seconds

peer: $key_a
  preshared key: (hidden)
  endpoint: [2001:db8::33]:51820
  allowed ips: 192.168.4.4/32, 2001:db8:23::/48
  latest handshake: 1 hour, 1 minute, "
	contains "$text" "
peer: Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
  allowed ips: (none)"
}

show_looks_as_wg_does() {
	begin_wg
	same "$(wg show weft0 | ageless)" "$(fake show weft0 | ageless)"
}

keys_are_hidden_unless_asked_for() {
	local text

	text=$(fake show weft0)
	case "$text" in *"$private"* | *"$psk"*) fail "keys in: $text" ;; esac
	text=$(WG_HIDE_KEYS=never fake show weft0)
	contains "$text" "private key: $private"
	contains "$text" "preshared key: $psk"
	text=$(WG_HIDE_KEYS=never WEFT_HIDE_KEYS=always fake show weft0)
	contains "$text" "private key: (hidden)"
}

colours_are_used_on_a_terminal_or_by_order() {
	local escape=$'\e['

	[[ "$(fake show weft0)" != *"$escape"* ]]
	[[ "$(WG_COLOR_MODE=always fake show weft0)" == *"$escape"* ]]
	[[ "$(NO_COLOR=1 WEFT_COLOR_MODE=always fake show weft0)" == *"$escape"* ]]
	[[ "$(WG_COLOR_MODE=always WEFT_COLOR_MODE=never fake show weft0)" != *"$escape"* ]]
	command -v script >/dev/null || skip "script(1) is not installed"
	[[ "$(script -qec "$fake_weft show weft0" /dev/null)" == *"$escape"* ]]
	[[ "$(NO_COLOR=1 script -qec "$fake_weft show weft0" /dev/null)" != *"$escape"* ]]
	[[ "$(WG_COLOR_MODE=never script -qec "$fake_weft show weft0" /dev/null)" != *"$escape"* ]]
}

suite_and_paths_are_shown_where_there_is_something_to_say() {
	local text

	cat >"$WEFT_FAKE/weft2.get" <<-END
	public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
	suite=auto
	session_suite=aes256gcm
	path=192.0.2.1:5
	path=[2001:db8::1]:6
	END
	text=$(fake show weft2)
	rm "$WEFT_FAKE/weft2.get"
	contains "$text" "  suite: auto, this session aes256gcm"
	contains "$text" "  paths:
    192.0.2.1:5 usable
    [2001:db8::1]:6 usable"
	text=$(fake show weft0)
	case "$text" in *suite* | *paths*) fail "nothing to say, and says: $text" ;; esac
}

# Fields, the dump and showconf, the same as wg's, which talks to a server of ours.

fields="public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
	latest-handshakes transfer persistent-keepalive dump"

begin_wg() {
	command -v wg >/dev/null || skip "wg is not installed"
	command -v python3 >/dev/null || skip "python3 is not installed"
	[ "$(id -u)" = 0 ] || skip "only root can give wg a device"
	mkdir -p /var/run/wireguard
	wg_socket=/var/run/wireguard/weft0.sock
	# wg looks nowhere else, and there may be another run of these tests
	exec 9>"$wg_socket.lock"
	flock 9
	[ ! -e "$wg_socket" ] || skip "$wg_socket exists"
	python3 "$here/uapi_server.py" "$wg_socket" "$WEFT_FAKE/weft0.get" "$tap_dir/wg.set" &
	wg_server=$!
	trap 'kill $wg_server || true; wait $wg_server || true' EXIT
	for _ in $(seq 100); do
		[ -S "$wg_socket" ] && return
		sleep 0.05
	done
	fail "no server for wg"
}

fields_and_dump_are_byte_for_byte_those_of_wg() {
	local field

	begin_wg
	for field in $fields; do
		same "$(wg show weft0 "$field"; echo end)" "$(fake show weft0 "$field"; echo end)"
	done
	same "$(wg showconf weft0; echo end)" "$(fake showconf weft0; echo end)"
}

fields_of_an_empty_interface_are_none_off_and_zero() {
	same "(none)" "$(fake show weft1 public-key)"
	same "(none)" "$(fake show weft1 private-key)"
	same 0 "$(fake show weft1 listen-port)"
	same off "$(fake show weft1 fwmark)"
	same off "$(fake show weft1 upcalls)"
	same "" "$(fake show weft1 peers)"
	same "(none)	(none)	0	off" "$(fake show weft1 dump)"
	same "[Interface]" "$(fake showconf weft1)"
}

fields_of_all_interfaces_begin_with_the_name() {
	local field

	for field in $fields upcalls; do
		same "$(fake show weft0 "$field" | sed 's/^/weft0\t/'
			fake show weft1 "$field" | sed 's/^/weft1\t/')" \
			"$(fake show all "$field")"
	done
}

showconf_is_what_setconf_takes() {
	fake showconf weft0 >"$tap_dir/x.conf"
	exits 0 fake setconf weft0 "$tap_dir/x.conf"
	contains "$(asked weft0)" "replace_peers=true"
	exits 0 fake syncconf weft0 "$tap_dir/x.conf"
	same "set=1" "$(asked weft0)"
}

json_is_valid_and_complete() {
	command -v jq >/dev/null || skip "jq is not installed"
	fake show --json >"$tap_dir/json"
	same '["weft0","weft1"]' "$(jq -c '[.[].interface]' "$tap_dir/json")"
	same '["weft0","weft1"]' "$(fake show interfaces --json | jq -c .)"
	same "$(fake show weft0 peers)" "$(jq -r '.[0].peers[].public_key' "$tap_dir/json")"
	same '["192.168.4.4/32","2001:db8:23::/48"]' \
		"$(jq -c '.[0].peers[0].allowed_ips' "$tap_dir/json")"
	same '"[2001:db8::33]:51820"' "$(jq -c '.[0].peers[0].endpoint' "$tap_dir/json")"
	same '[12912,255,true,7]' \
		"$(jq -c '.[0] | [.listen_port, .fwmark, .has_private_key, .ifindex]' "$tap_dir/json")"
	same '[2224,38333,0,true]' "$(jq -c '.[0].peers[0] |
		[.rx_bytes, .tx_bytes, .persistent_keepalive, .has_preshared_key]' "$tap_dir/json")"
	same '[null,null,null]' "$(jq -c '.[0].peers[2] |
		[.endpoint, .latest_handshake, .session_suite]' "$tap_dir/json")"
	same '[null,false,[]]' "$(jq -c '.[1] | [.public_key, .has_private_key, .peers]' \
		"$tap_dir/json")"
	same "$(fake show weft0 --json)" "$(fake show --json weft0)"
}

json_has_keys_only_if_asked_for() {
	case "$(fake show --json)" in *"$private"* | *"$psk"*) fail "keys" ;; esac
	contains "$(WEFT_HIDE_KEYS=never fake show --json)" "\"private_key\": \"$private\""
	contains "$(WEFT_HIDE_KEYS=never fake show --json)" "\"preshared_key\": \"$psk\""
}

# Changes: what is asked of the kernel, the same as wg asks for.

same_request() {
	rm -f "$tap_dir/wg.set"
	wg "$@" 2>/dev/null
	exits 0 fake "$@"
	# wg has no upcalls to switch off when a file replaces all
	same "$(cat "$tap_dir/wg.set")" "$(asked weft0 | sed '/^upcalls=off$/d')"
}

set_asks_for_what_wg_asks_for() {
	begin_wg
	printf '%s\n' "$private" >"$tap_dir/key"
	: >"$tap_dir/empty"
	same_request set weft0 listen-port 5 fwmark 0xff private-key "$tap_dir/key"
	same_request set weft0 fwmark off private-key "$tap_dir/empty" listen-port 0
	same_request set weft0 peer $key_a allowed-ips 10.0.0.0/8,::1 endpoint 192.0.2.4:5 \
		persistent-keepalive off preshared-key "$tap_dir/key" peer $key_b remove
	same_request set weft0 peer $key_a allowed-ips ""
	same_request set weft0 peer $key_a allowed-ips " 10.0.0.0/8 , 192.0.2.4 "
	same_request set weft0 peer $key_a allowed-ips 192.0.2.4/08
	same_request set weft0 peer $key_a endpoint "[::1]:5" peer $key_b endpoint ::1:5
	same_request set weft0 peer $key_a persistent-keepalive 25 peer $key_b
	same_request set weft0 peer $key_a allowed-ips 10.0.0.0/8 allowed-ips 11.0.0.0/8
	same_request set weft0 peer $key_a preshared-key /dev/null
}

setconf_and_addconf_ask_for_what_wg_asks_for() {
	local conf=$tap_dir/x.conf command

	begin_wg
	for command in setconf addconf; do
		: >"$conf"
		same_request $command weft0 "$conf"
		printf '[Interface]\nPrivateKey=%s\nListenPort=5 # hi\n\n' "$private" >"$conf"
		same_request $command weft0 "$conf"
		{
			printf '[Peer]\r\nPublicKey = %s\r\n' $key_a
			printf 'AllowedIPs=10.0.0.0/8, ::/0\r\nallowedips = 192.0.2.4\n'
			printf 'ENDPOINT = 192.0.2.4:5\n[peer]\nPublic Key=%s\n' $key_b
			printf 'PresharedKey=%s\nPersistentKeepalive=off' $psk
		} >>"$conf"
		same_request $command weft0 "$conf"
	done
}

set_has_suites_and_single_allowed_ips_which_wg_has_not() {
	exits 0 fake set weft0 peer $key_a suite aes256gcm allowed-ips +10.0.0.0/8,-192.168.4.4
	same "set=1
public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
suite=aes256gcm
allowed_ip=10.0.0.0/8
allowed_ip=-192.168.4.4/32" "$(asked weft0)"
}

set_and_files_have_upcalls_which_wg_has_not() {
	exits 0 fake set weft0 upcalls on
	same "set=1
upcalls=unknown-peer,unknown-destination" "$(asked weft0)"
	exits 0 fake set weft0 upcalls unknown-peer listen-port 5
	same "set=1
listen_port=5
upcalls=unknown-peer" "$(asked weft0)"
	printf '[Interface]\nUpcalls = off\n' >"$tap_dir/x.conf"
	exits 0 fake addconf weft0 "$tap_dir/x.conf"
	same "set=1
upcalls=off" "$(asked weft0)"
	# what is not in the file is switched off
	exits 0 fake setconf weft0 /dev/null
	contains "$(asked weft0)" "upcalls=off"
}

upcalls_are_shown_where_somebody_chose_them() {
	printf 'listen_port=0\nfwmark=0\nupcalls=unknown-peer,unknown-destination\n' \
		>"$WEFT_FAKE/weft2.get"
	same "unknown-peer,unknown-destination" "$(fake show weft2 upcalls)"
	contains "$(fake show weft2)" "  upcalls: unknown-peer, unknown-destination"
	fake showconf weft2 >"$tap_dir/x.conf"
	contains "$(cat "$tap_dir/x.conf")" "Upcalls = unknown-peer, unknown-destination"
	exits 0 fake syncconf weft2 "$tap_dir/x.conf"
	same "set=1" "$(asked weft2)"
	if command -v jq >/dev/null; then
		same '[[],[],["unknown-peer","unknown-destination"]]' \
			"$(fake show --json | jq -c '[.[].upcalls]')"
	fi
	rm "$WEFT_FAKE/weft2.get"
	same off "$(fake show weft1 upcalls)"
	case "$(fake show weft1; fake showconf weft1)" in *pcalls*) fail "nothing to say" ;; esac
}

syncconf_asks_only_for_what_differs() {
	{
		printf '[Interface]\nPrivateKey=%s\nListenPort=12912\nFwMark=0xff\n' "$private"
		printf '[Peer]\nPublicKey=%s\nPresharedKey=%s\n' $key_a $psk
		printf 'AllowedIPs=2001:db8:23::/48,192.168.4.4\n'
		printf '[Peer]\nPublicKey=%s\nAllowedIPs=192.168.4.6\n' $key_b
		printf 'PersistentKeepalive=112\n'
	} >"$tap_dir/x.conf"
	exits 0 fake syncconf weft0 "$tap_dir/x.conf"
	same "set=1
public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376
persistent_keepalive_interval=112
public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58
remove=true" "$(asked weft0)"
}

host_bits_of_an_allowed_ip_are_warned_of() {
	exits 0 fake set weft0 peer $key_a allowed-ips 10.0.0.1/8
	contains "$output" "warning: allowed IP 10.0.0.1/8"
	contains "$(asked weft0)" "allowed_ip=10.0.0.1/8"
}

nothing_is_asked_for_if_anything_is_wrong() {
	exits 2 fake set weft0 listen-port 5 peer $key_a allowed-ips 10.0.0.0/8,10.0.0.0/33
	same nothing "$(asked weft0)"
	printf '[Interface]\nListenPort = 5\n[Peer]\nPublicKey = x\n' >"$tap_dir/x.conf"
	exits 1 fake setconf weft0 "$tap_dir/x.conf"
	contains "$output" "x.conf:4: PublicKey: bad key \"x\""
	exits 1 fake addconf weft0 "$tap_dir/x.conf"
	exits 1 fake syncconf weft0 "$tap_dir/x.conf"
	exits 1 fake setconf weft0 "$tap_dir/nonexistent"
	exits 1 fake setconf weft0 "$tap_dir"
	same nothing "$(asked weft0)"
}

# What the kernel refuses.

an_interface_that_is_not_there_or_not_weft_is_named() {
	local arguments

	: >"$tap_dir/empty"
	for arguments in "show %" "show % peers" "showconf %" "set % listen-port 5" \
			 "setconf % $tap_dir/empty" "syncconf % $tap_dir/empty"; do
		# shellcheck disable=SC2086
		exits 1 fake ${arguments/\%/weft9}
		contains "$output" "weft9: no such interface"
		# shellcheck disable=SC2086
		exits 1 fake ${arguments/\%/lo}
		contains "$output" "lo: the interface is not a weft interface"
	done
}

a_refusal_is_reported_in_the_kernels_words() {
	export WEFT_FAKE_ERROR=22
	exits 1 fake set weft0 listen-port 5
	contains "$output" "weft0: Invalid argument; the kernel says: no such luck (interface name)"
	export WEFT_FAKE_ERROR=1
	exits 1 fake set weft0 listen-port 5
	contains "$output" "root"
}

large_numbers_of_peers_are_shown_quickly() {
	local i

	{
		echo listen_port=1
		for i in $(seq 10000); do
			printf 'public_key=%064x\nallowed_ip=10.%d.%d.0/24\n' \
				"$i" $((i / 256)) $((i % 256))
		done
	} >"$WEFT_FAKE/weft3.get"
	same 10001 "$(timeout 60 "$fake_weft" show weft3 dump | wc -l)"
	same 10000 "$(timeout 60 "$fake_weft" show weft3 | grep -c ^peer)"
	timeout 60 "$fake_weft" showconf weft3 >"$tap_dir/x.conf"
	same 10000 "$(grep -c '^\[Peer\]' "$tap_dir/x.conf")"
	timeout 60 "$fake_weft" syncconf weft3 "$tap_dir/x.conf"
	same "set=1" "$(asked weft3)"
	rm "$WEFT_FAKE/weft3.get"
}

run_tests \
	genkey_prints_a_clamped_key_that_pubkey_takes \
	genkey_and_genpsk_differ_from_call_to_call \
	pubkey_prints_the_known_answer \
	pubkey_agrees_with_wg \
	pubkey_refuses_what_is_no_key_without_repeating_it \
	genkey_warns_of_a_file_that_all_may_read \
	a_key_that_cannot_be_written_is_a_failure \
	help_lists_every_command \
	every_command_has_help \
	version_is_printed \
	wrong_usage_exits_with_2_and_shows_the_syntax \
	an_absent_module_is_reported_with_the_command_that_loads_it \
	show_interfaces_prints_names_in_a_line \
	show_without_arguments_shows_all \
	show_is_for_people \
	show_looks_as_wg_does \
	keys_are_hidden_unless_asked_for \
	colours_are_used_on_a_terminal_or_by_order \
	suite_and_paths_are_shown_where_there_is_something_to_say \
	fields_and_dump_are_byte_for_byte_those_of_wg \
	fields_of_an_empty_interface_are_none_off_and_zero \
	fields_of_all_interfaces_begin_with_the_name \
	showconf_is_what_setconf_takes \
	json_is_valid_and_complete \
	json_has_keys_only_if_asked_for \
	set_asks_for_what_wg_asks_for \
	setconf_and_addconf_ask_for_what_wg_asks_for \
	set_has_suites_and_single_allowed_ips_which_wg_has_not \
	set_and_files_have_upcalls_which_wg_has_not \
	upcalls_are_shown_where_somebody_chose_them \
	syncconf_asks_only_for_what_differs \
	host_bits_of_an_allowed_ip_are_warned_of \
	nothing_is_asked_for_if_anything_is_wrong \
	an_interface_that_is_not_there_or_not_weft_is_named \
	a_refusal_is_reported_in_the_kernels_words \
	large_numbers_of_peers_are_shown_quickly
