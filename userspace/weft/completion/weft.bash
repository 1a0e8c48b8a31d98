# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Bash completion for weft(8).

_weft_interfaces() {
	weft show interfaces 2>/dev/null
}

# _weft_peers INTERFACE
_weft_peers() {
	weft show "$1" peers 2>/dev/null
}

# Names out of what "weft peers --json" prints, by a program that is there anyway.
_weft_names() { # _weft_names NETWORKS|MEMBERS
	weft peers --json 2>/dev/null | jq -r "$1" 2>/dev/null
}

_weft_networks() {
	_weft_names '.[].name'
}

_weft_members() {
	_weft_names '.[].members[]?.name'
}

_weft_reply() {
	mapfile -t COMPREPLY < <(compgen "$@" -- "${COMP_WORDS[COMP_CWORD]}")
}

_weft_files() {
	compopt -o filenames 2>/dev/null
	_weft_reply -f
}

# Whether a key word of "weft set" is there since the last peer.
_weft_set_has() {
	local i

	for ((i = COMP_CWORD - 1; i > 2; --i)); do
		[ "${COMP_WORDS[i]}" = "$1" ] && return 0
		[ "${COMP_WORDS[i]}" = peer ] && return 1
	done
	return 1
}

_weft_set_words() {
	local word words=

	if _weft_set_has peer; then
		for word in remove preshared-key endpoint persistent-keepalive allowed-ips suite; do
			_weft_set_has "$word" || words+=" $word"
		done
	else
		for word in listen-port fwmark private-key upcalls; do
			_weft_set_has "$word" || words+=" $word"
		done
	fi
	_weft_reply -W "$words peer"
}

_weft_set() {
	local previous=${COMP_WORDS[COMP_CWORD - 1]}

	case "$previous" in
	private-key | preshared-key) _weft_files ;;
	fwmark | persistent-keepalive) _weft_reply -W off ;;
	upcalls) _weft_reply -W "on off unknown-peer unknown-destination" ;;
	suite) _weft_reply -W "auto chacha20poly1305 aes256gcm" ;;
	peer) _weft_reply -W "$(_weft_peers "${COMP_WORDS[2]}")" ;;
	listen-port | allowed-ips) ;;
	endpoint) _weft_reply -A hostname ;;
	*) _weft_set_words ;;
	esac
}

_weft_show() {
	if [ "$COMP_CWORD" = 2 ]; then
		_weft_reply -W "all interfaces --json $(_weft_interfaces)"
	elif [ "$COMP_CWORD" = 3 ] && [ "${COMP_WORDS[2]}" = interfaces ]; then
		_weft_reply -W --json
	elif [ "$COMP_CWORD" = 3 ]; then
		_weft_reply -W "public-key private-key listen-port fwmark upcalls peers preshared-keys
			endpoints allowed-ips latest-handshakes transfer persistent-keepalive
			dump --json"
	fi
}

# _weft_options COMMAND
_weft_options() {
	local new="--network --name --interface --port --endpoint --no-beacons --rendezvous"
	local token="--uses --expires --member-expires --group --route --relay --no-secret --qr"

	case "$1" in
	init) echo "$new $token --ipv4 --json" ;;
	invite) echo "--network --name $token --json" ;;
	join) echo "$new --wait --json" ;;
	leave) echo "--network --force" ;;
	up) echo "--network --rendezvous" ;;
	down) echo "--network" ;;
	status | monitor | route) echo "--network --json" ;;
	ping) echo "--network --count --ipv4-only --json" ;;
	peers) echo "--network --via --route --expires --json" ;;
	revoke) echo "--network --compromised --json" ;;
	export) echo "--network --qr --json" ;;
	esac
}

# What a network command is about, when it is no option.
_weft_about() {
	local previous=${COMP_WORDS[COMP_CWORD - 1]}

	case "${COMP_WORDS[1]}" in
	leave | up | down | status | monitor) _weft_reply -W "$(_weft_networks)" ;;
	ping | revoke | export) _weft_reply -W "$(_weft_members)" ;;
	route) [ "$previous" != route ] || _weft_reply -W "add del list" ;;
	peers)
		case "$previous" in
		peers) _weft_reply -W "add-admin add-static del-admin list" ;;
		add-admin | del-admin) _weft_reply -W "$(_weft_members)" ;;
		esac
		;;
	esac
}

_weft_mesh() {
	case "${COMP_WORDS[COMP_CWORD - 1]}" in
	--network) _weft_reply -W "$(_weft_networks)" ;;
	--via) _weft_reply -W "$(_weft_members)" ;;
	--ipv4) _weft_reply -W none ;;
	--rendezvous) _weft_reply -W "off weft-rendezvous-opendht weft-rendezvous-etcd" ;;
	--interface | --port | --endpoint | --name | --uses | --expires | --member-expires | \
		--group | --route | --wait | --count) ;;
	*)
		if [[ ${COMP_WORDS[COMP_CWORD]} = -* ]]; then
			_weft_reply -W "$(_weft_options "${COMP_WORDS[1]}")"
		else
			_weft_about
		fi
		;;
	esac
}

_weft() {
	local mesh="init invite join leave up down status ping peers revoke route export monitor"

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_weft_reply -W "$mesh show showconf set setconf addconf syncconf genkey genpsk
			pubkey help --help --version"
		return
	fi
	if [[ " $mesh " = *" ${COMP_WORDS[1]} "* ]]; then
		_weft_mesh
		return
	fi
	case "${COMP_WORDS[1]}" in
	show) _weft_show ;;
	help) [ "$COMP_CWORD" != 2 ] || _weft_reply -W "$mesh show showconf set setconf addconf syncconf
			genkey genpsk pubkey" ;;
	showconf) [ "$COMP_CWORD" != 2 ] || _weft_reply -W "$(_weft_interfaces)" ;;
	set | setconf | addconf | syncconf)
		if [ "$COMP_CWORD" = 2 ]; then
			_weft_reply -W "$(_weft_interfaces)"
		elif [ "${COMP_WORDS[1]}" = set ]; then
			_weft_set
		elif [ "$COMP_CWORD" = 3 ]; then
			_weft_files
		fi
		;;
	esac
}

complete -F _weft weft
