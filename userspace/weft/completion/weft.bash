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

_weft() {
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_weft_reply -W "show showconf set setconf addconf syncconf genkey genpsk pubkey
			help --help --version"
		return
	fi
	case "${COMP_WORDS[1]}" in
	show) _weft_show ;;
	help) [ "$COMP_CWORD" != 2 ] || _weft_reply -W "show showconf set setconf addconf syncconf
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
