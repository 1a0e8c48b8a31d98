#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The tool against the kernel module, and side by side with wg(8) on an interface
# of the stock module. Run as root where the modules are loaded or may be.
#
#   kernel.sh WEFT
#
# Exits with 4 if there is no module weft (kselftest's number for a skip).
set -u
weft=$(realpath "${1:-weft}") || exit 1
cd "$(dirname "$0")" || exit 1
# shellcheck source=tap.sh
. ./tap.sh

unset WG_HIDE_KEYS WG_COLOR_MODE WEFT_HIDE_KEYS WEFT_COLOR_MODE NO_COLOR
export LC_ALL=C

# The name of an interface, in a network namespace for each kind.
ifname=t0
ns_weft=weftk-weft-$$ ns_wg=weftk-wg-$$

# The tool under the name that scripts know it by.
mkdir "$tap_dir/bin"
ln -s "$weft" "$tap_dir/bin/weft"
PATH=$tap_dir/bin:$PATH

end_namespaces() {
	ip netns delete $ns_weft 2>/dev/null
	ip netns delete $ns_wg 2>/dev/null
	rm -rf "$tap_dir"
}
trap end_namespaces EXIT

modprobe weft 2>/dev/null
ip netns add $ns_weft && ip netns add $ns_wg || exit 1
if ! ip -n $ns_weft link add $ifname type weft 2>/dev/null; then
	echo "1..0 # SKIP no kernel module weft"
	exit 4
fi
modprobe wireguard 2>/dev/null
if command -v wg >/dev/null && ip -n $ns_wg link add $ifname type wireguard 2>/dev/null; then
	have_wg=1
else
	have_wg=
fi

need_wg() {
	[ -n "$have_wg" ] || skip "no wg, or no kernel module wireguard"
}

in_weft() {
	ip netns exec $ns_weft "$@"
}

in_wg() {
	ip netns exec $ns_wg "$@"
}

# A new interface of each kind.
begin() {
	ip -n $ns_weft link delete $ifname 2>/dev/null
	ip -n $ns_weft link add $ifname type weft || fail "no weft interface"
	if [ -n "$have_wg" ]; then
		ip -n $ns_wg link delete $ifname 2>/dev/null
		ip -n $ns_wg link add $ifname type wireguard || fail "no wireguard interface"
	fi
}

# A script for wg becomes one for weft when two words are replaced.
translate() {
	sed -E 's/\bwg\b/weft/g; s/type wireguard/type weft/g'
}

# Run the script on standard input for both; both must print the same and exit alike.
same_script() {
	local wg_status=0 weft_status=0

	need_wg
	cat >"$tap_dir/for-wg"
	translate <"$tap_dir/for-wg" >"$tap_dir/for-weft"
	in_wg bash "$tap_dir/for-wg" >"$tap_dir/wg.out" 2>"$tap_dir/wg.err" || wg_status=$?
	in_weft bash "$tap_dir/for-weft" >"$tap_dir/weft.out" 2>"$tap_dir/weft.err" ||
		weft_status=$?
	if ! diff -u "$tap_dir/wg.out" "$tap_dir/weft.out"; then
		cat "$tap_dir/wg.err" "$tap_dir/weft.err"
		fail "the outputs differ"
	fi
	same "$wg_status" "$weft_status"
}

new_key() {
	weft genkey | weft pubkey
}

key_a=$(new_key)
key_b=$(new_key)
key_c=$(new_key)
private=$(weft genkey)
psk=$(weft genpsk)
export key_a key_b key_c private psk TMP=$tap_dir

fields="public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
	latest-handshakes transfer persistent-keepalive dump"
export fields

# Settings that a peer in each state has, for a script.
# shellcheck disable=SC2016
configure='
	wg set t0 listen-port 51820 fwmark 0xca6c private-key <(echo "$private")
	wg set t0 peer "$key_a" preshared-key <(echo "$psk") endpoint 192.0.2.1:5 \
		persistent-keepalive 25 allowed-ips 10.0.0.0/8,2001:db8::/32,192.168.5.0/24
	wg set t0 peer "$key_b" endpoint "[2001:db8::9]:7" allowed-ips 192.168.4.0/24,::/0
	wg set t0 peer "$key_c"
'

a_new_interface_shows_nothing_in_every_field() {
	begin
	same_script <<-'END'
	for field in $fields; do echo "$field:"; wg show t0 $field; done
	# It prints the name of an interface without peers, but no line.
	for field in ${fields/endpoints/}; do echo "$field:"; wg show all $field; done
	wg show interfaces
	wg showconf t0
	END
}

fields_dump_and_showconf_are_those_of_wg() {
	begin
	{
		echo "$configure"
		cat <<-'END'
		for field in $fields; do echo "$field:"; wg show t0 $field; done
		# wg prints the name of the interface in the first line only.
		for field in ${fields/endpoints/}; do echo "$field:"; wg show all $field; done
		wg showconf t0
		wg show interfaces
		END
	} | same_script
}

what_is_shown_to_people_is_that_of_wg() {
	begin
	{
		echo "$configure"
		echo 'wg; wg show; wg show t0; WG_HIDE_KEYS=never wg show t0'
		echo 'WG_COLOR_MODE=always wg show t0'
	} | same_script
}

settings_are_unset_as_with_wg() {
	begin
	{
		echo "$configure"
		cat <<-'END'
		wg set t0 fwmark off private-key /dev/null peer "$key_a" preshared-key /dev/null \
			persistent-keepalive off allowed-ips "" peer "$key_b" remove
		wg show t0 dump
		wg set t0 peer "$key_b" remove; echo $?
		wg set t0 peer "$key_c" allowed-ips 10.0.0.0/8 allowed-ips ::1
		wg set t0 peer "$key_a" allowed-ips 10.0.0.0/8
		wg show t0 dump
		END
	} | same_script
}

allowed_ips_move_between_peers_as_with_wg() {
	begin
	{
		echo "$configure"
		cat <<-'END'
		wg set t0 peer "$key_c" allowed-ips 10.1.2.3/8,2001:db8::1/128 2>/dev/null
		wg show t0 allowed-ips
		wg set t0 peer "$key_b" allowed-ips 10.0.0.0/8,10.0.0.0/9,0.0.0.0/0
		wg show t0 allowed-ips
		END
	} | same_script
}

setconf_addconf_and_syncconf_do_what_those_of_wg_do() {
	begin
	same_script <<-'END'
	printf '[Interface]\nPrivateKey=%s\nListenPort=51820\nFwMark=0x10\n' "$private" >$TMP/a
	printf '[Peer]\nPublicKey=%s\nPresharedKey=%s\n' "$key_a" "$psk" >>$TMP/a
	printf 'AllowedIPs=10.0.0.0/8, ::/0\nEndpoint=192.0.2.1:5\n' >>$TMP/a
	printf '[Peer]\nPublicKey=%s\nPersistentKeepalive=25\n' "$key_b" >>$TMP/a
	printf '[Interface]\nFwMark=off\n[Peer]\nPublicKey=%s\n' "$key_b" >$TMP/b
	printf 'AllowedIPs=10.0.0.0/9\n[Peer]\nPublicKey=%s\n' "$key_c" >>$TMP/b
	wg setconf t0 $TMP/a; echo $?; wg show t0 dump
	wg addconf t0 $TMP/b; echo $?; wg show t0 dump
	wg syncconf t0 $TMP/a; echo $?; wg show t0 dump | sort
	wg setconf t0 $TMP/b; echo $?; wg show t0 peers; wg show t0 allowed-ips
	wg show t0 private-key; wg show t0 fwmark
	wg setconf t0 <(wg showconf t0); echo $?; wg show t0 allowed-ips
	rm $TMP/a $TMP/b
	END
}

failures_are_failures_as_with_wg() {
	begin
	same_script <<-'END'
	try() { "$@" >/dev/null 2>&1 && echo fine || echo failed; }
	printf '[Interface]\nNonsense=1\n' >$TMP/a
	for arguments in "show nosuch" "show lo" "showconf lo" "set lo listen-port 5" "nosuch" \
			 "set t0 listen-port x" "set t0 peer x" "set t0 fwmark x" "set t0" "setconf t0" \
			 "set t0 peer $key_a allowed-ips 1.2.3.4/33" "set t0 peer $key_a endpoint 1.2.3.4" \
			 "set t0 peer $key_a persistent-keepalive 65536" "setconf t0 /nonexistent" \
			 "setconf t0 $TMP/a" "show t0 nosuch" "genkey x" "set t0 peer $key_a remove" \
			 "set t0 listen-port 0" "set t0 fwmark 0"; do
		echo "$arguments"; try wg $arguments
	done
	wg show t0 peers
	rm $TMP/a
	END
}

a_user_without_rights_is_told_so() {
	begin
	command -v setpriv >/dev/null || skip "no setpriv"
	# Where everybody may run it.
	chmod 755 "$tap_dir" "$tap_dir/bin"
	rm "$tap_dir/bin/weft"
	cp "$weft" "$tap_dir/bin/weft"
	exits 1 in_weft setpriv --reuid 65534 --clear-groups "$tap_dir/bin/weft" show $ifname
	contains "$output" "root"
	exits 1 in_weft setpriv --reuid 65534 --clear-groups "$tap_dir/bin/weft" \
		set $ifname listen-port 5
	contains "$output" "root"
}

other_interfaces_are_told_apart() {
	begin
	exits 1 in_weft weft show nosuch0
	contains "$output" "nosuch0: no such interface"
	exits 1 in_weft weft show lo
	contains "$output" "lo: the interface is not a weft interface"
	exits 1 in_weft weft set lo fwmark 1
	contains "$output" "lo: the interface is not a weft interface"
}

single_allowed_ips_are_added_and_taken_away() {
	begin
	in_weft weft set $ifname peer "$key_a" allowed-ips 10.0.0.0/8,::/0
	in_weft weft set $ifname peer "$key_a" allowed-ips +192.0.2.0/24,-::/0
	same "$key_a	10.0.0.0/8 192.0.2.0/24" "$(in_weft weft show $ifname allowed-ips)"
	in_weft weft set $ifname peer "$key_b" allowed-ips -10.0.0.0/8,+::/0
	contains "$(in_weft weft show $ifname allowed-ips)" "$key_a	10.0.0.0/8 192.0.2.0/24"
	in_weft weft set $ifname peer "$key_a" allowed-ips 10.0.0.0/8
	contains "$(in_weft weft show $ifname allowed-ips)" "$key_a	10.0.0.0/8"
}

a_suite_is_set_shown_and_kept_in_a_file() {
	begin
	in_weft weft set $ifname peer "$key_a" suite chacha20poly1305
	contains "$(in_weft weft show $ifname)" "  suite: chacha20poly1305"
	in_weft weft showconf $ifname >"$tap_dir/x.conf"
	contains "$(cat "$tap_dir/x.conf")" "Suite = chacha20poly1305"
	in_weft weft set $ifname peer "$key_a" suite auto
	in_weft weft syncconf $ifname "$tap_dir/x.conf"
	contains "$(in_weft weft show $ifname)" "  suite: chacha20poly1305"
	# A machine without AES instructions says so.
	if grep -qw aes /proc/cpuinfo; then
		in_weft weft set $ifname peer "$key_a" suite aes256gcm
		contains "$(in_weft weft show $ifname)" "  suite: aes256gcm"
		in_weft weft showconf $ifname >"$tap_dir/x.conf"
		contains "$(cat "$tap_dir/x.conf")" "Suite = aes256gcm"
	else
		exits 1 in_weft weft set $ifname peer "$key_a" suite aes256gcm
		contains "$output" "not available"
	fi
	exits 2 in_weft weft set $ifname peer "$key_a" suite rot13
}

upcalls_are_set_shown_and_kept_in_a_file() {
	begin
	same off "$(in_weft weft show $ifname upcalls)"
	in_weft weft set $ifname upcalls unknown-destination
	same unknown-destination "$(in_weft weft show $ifname upcalls)"
	in_weft weft showconf $ifname >"$tap_dir/x.conf"
	contains "$(cat "$tap_dir/x.conf")" "Upcalls = unknown-destination"
	in_weft weft set $ifname upcalls on
	same unknown-peer,unknown-destination "$(in_weft weft show $ifname upcalls)"
	contains "$(in_weft weft show $ifname)" "  upcalls: unknown-peer, unknown-destination"
	in_weft weft syncconf $ifname "$tap_dir/x.conf"
	same unknown-destination "$(in_weft weft show $ifname upcalls)"
	# other settings leave it alone, a file that has it not switches it off
	in_weft weft set $ifname fwmark 5
	same unknown-destination "$(in_weft weft show $ifname upcalls)"
	in_weft weft setconf $ifname /dev/null
	same off "$(in_weft weft show $ifname upcalls)"
	exits 2 in_weft weft set $ifname upcalls maybe
}

ip_link_knows_the_interface() {
	begin
	contains "$(in_weft ip -d link show dev $ifname)" "weft"
}

# peers N: a configuration file; the digits of a number are base64 as well.
peers() {
	awk -v n="$1" 'BEGIN {
		print "[Interface]\nListenPort = 51820"
		for (i = 1; i <= n; i++)
			printf "[Peer]\nPublicKey = %042d0=\nAllowedIPs = 10.%d.%d.0/24, 2001:db8:%x::/48\n",
				i, i / 256, i % 256, i
	}'
}

# The allowed IPs of the interface, one a line.
allowed_ips_in_lines() {
	in_weft weft show $ifname allowed-ips | cut -f 2 | tr ' ' '\n'
}

many_peers_are_set_shown_and_synced() {
	local count=${WEFT_TEST_PEERS:-10000}

	begin
	peers "$count" >"$tap_dir/x.conf"
	in_weft weft setconf $ifname "$tap_dir/x.conf"
	same $((count + 1)) "$(in_weft weft show $ifname dump | wc -l)"
	same "$count" "$(in_weft weft show $ifname | grep -c '^peer')"
	same "$(grep -v '^$' "$tap_dir/x.conf" | sort)" \
		"$(in_weft weft showconf $ifname | grep -v '^$' | sort)"
	in_weft weft syncconf $ifname "$tap_dir/x.conf"
	in_weft weft setconf $ifname /dev/null
	same "" "$(in_weft weft show $ifname peers)"
}

a_peer_has_many_allowed_ips() {
	begin
	{
		echo "[Peer]"
		echo "PublicKey = $key_a"
		seq 0 $((${WEFT_TEST_ALLOWED_IPS:-130000} - 1)) | awk '{ printf "AllowedIPs = 10.%d.%d.%d\n",
			$1 / 65536, $1 / 256 % 256, $1 % 256 }'
	} >"$tap_dir/x.conf"
	in_weft weft setconf $ifname "$tap_dir/x.conf"
	same "$(sed -n 's|^AllowedIPs = \(.*\)|\1/32|p' "$tap_dir/x.conf" | sort | cksum)" \
		"$(allowed_ips_in_lines | sort | cksum)"
	same 1 "$(in_weft weft show $ifname peers | wc -l)"
}

a_request_that_the_kernel_refuses_changes_nothing() {
	local before after

	begin
	ip -n $ns_weft link add t1 type weft
	in_weft weft set t1 listen-port 6000
	ip -n $ns_weft link set t1 up
	ip -n $ns_weft link set $ifname up
	in_weft weft set $ifname fwmark 1 peer "$key_a" allowed-ips 10.0.0.0/8
	before=$(in_weft weft show $ifname dump)
	exits 1 in_weft weft set $ifname fwmark 2 listen-port 6000 peer "$key_b" \
		allowed-ips 10.0.0.0/8 peer "$key_a" remove
	contains "$output" "in use"
	after=$(in_weft weft show $ifname dump)
	ip -n $ns_weft link delete t1
	same "$before" "$after"
}

json_is_valid_and_agrees_with_the_dump() {
	begin
	command -v jq >/dev/null || skip "no jq"
	in_weft env PATH="$PATH" bash -c "$(echo "$configure" | translate)"
	in_weft weft show --json >"$tap_dir/json"
	same "$(in_weft weft show $ifname dump | tail -n +2 | cut -f 1,3,4,6,7)" \
		"$(jq -r '.[0].peers[] | [.public_key, .endpoint // "(none)",
			(.allowed_ips | join(",") | if . == "" then "(none)" else . end),
			.rx_bytes, .tx_bytes] | @tsv' "$tap_dir/json")"
	same '["t0",51820,51820,"auto"]' "$(jq -c '.[0] |
		[.interface, .listen_port, .fwmark, .peers[0].suite]' "$tap_dir/json")"
	same '["t0"]' "$(in_weft weft show interfaces --json | jq -c .)"
}

a_handshake_is_shown() {
	local public_a public_b text

	begin
	weft genkey >"$tap_dir/a"
	weft genkey >"$tap_dir/b"
	public_a=$(weft pubkey <"$tap_dir/a")
	public_b=$(weft pubkey <"$tap_dir/b")
	ip -n $ns_weft link set lo up
	ip -n $ns_weft link add t1 type weft
	in_weft weft set $ifname private-key "$tap_dir/a" listen-port 6001 \
		peer "$public_b" endpoint 127.0.0.1:6002 allowed-ips 10.5.0.2
	in_weft weft set t1 private-key "$tap_dir/b" listen-port 6002 \
		peer "$public_a" allowed-ips 10.5.0.1
	ip -n $ns_weft address add 10.5.0.1/24 dev $ifname
	ip -n $ns_weft link set $ifname up
	ip -n $ns_weft link set t1 up
	# On a slow machine it may take a while.
	for _ in {1..20}; do
		in_weft ping -c 1 -W 1 10.5.0.2 >/dev/null || true
		text=$(in_weft weft show $ifname)
		case "$text" in *"latest handshake: "*) break ;; esac
	done
	ip -n $ns_weft link delete t1
	contains "$text" "  latest handshake: "
	contains "$text" "  transfer: "
	# Two ends that can come to aes256gcm after that.
	contains "$text" "  suite: auto, this session "
}

run_tests \
	a_new_interface_shows_nothing_in_every_field \
	fields_dump_and_showconf_are_those_of_wg \
	what_is_shown_to_people_is_that_of_wg \
	settings_are_unset_as_with_wg \
	allowed_ips_move_between_peers_as_with_wg \
	setconf_addconf_and_syncconf_do_what_those_of_wg_do \
	failures_are_failures_as_with_wg \
	a_user_without_rights_is_told_so \
	other_interfaces_are_told_apart \
	single_allowed_ips_are_added_and_taken_away \
	a_suite_is_set_shown_and_kept_in_a_file \
	upcalls_are_set_shown_and_kept_in_a_file \
	ip_link_knows_the_interface \
	many_peers_are_set_shown_and_synced \
	a_peer_has_many_allowed_ips \
	a_request_that_the_kernel_refuses_changes_nothing \
	json_is_valid_and_agrees_with_the_dump \
	a_handshake_is_shown
