# SPDX-License-Identifier: GPL-2.0
# A private apt: packages of other Debian suites, without a change to the machine's own sources.
# Sourced after lib.sh.
# shellcheck shell=bash

APT_DIR=$CACHE/apt
APT_SUITES="bookworm bookworm-security trixie trixie-security trixie-backports sid"
# how long package lists count as fresh
APT_FRESH_MIN=${WEFT_APT_FRESH_MIN:-720}

# apt_mirror PATTERN: the first of the machine's own sources whose suite matches
apt_mirror() {
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v p="^($1)\$" '$1 ~ p { print $2; exit }'
}

apt_sources() {
	local main security suite uri key=/usr/share/keyrings/debian-archive-keyring.gpg
	main=${WEFT_DEBIAN_MIRROR:-$(apt_mirror 'bookworm|trixie|forky|sid|stable|testing|unstable')}
	security=${WEFT_DEBIAN_SECURITY_MIRROR:-$(apt_mirror '.*-security')}
	[ -n "$main" ] ||
		die "no Debian mirror among this machine's package sources; set WEFT_DEBIAN_MIRROR (and WEFT_DEBIAN_SECURITY_MIRROR) to one"
	[ -e "$key" ] || die "$key is missing; install the package debian-archive-keyring"
	for suite in $APT_SUITES; do
		uri=$main
		case $suite in
		*-security)
			[ -n "$security" ] || continue
			uri=$security ;;
		esac
		echo "deb [signed-by=$key] $uri $suite main"
	done
}

apt_options() {
	APT_OPTIONS=(-q
		-o "Dir::State=$APT_DIR/state" -o Dir::State::status=/dev/null
		-o "Dir::Cache=$APT_DIR/cache"
		# container images switch these off, which makes every question take seconds
		-o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin
		-o "Dir::Etc::sourcelist=$APT_DIR/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::Etc::preferencesparts=/dev/null" -o "Dir::Etc::preferences=/dev/null"
		-o APT::Sandbox::User= -o APT::Architecture=amd64 -o Acquire::Languages=none)
}

apt_fresh() { [ -n "$(find "$APT_DIR/stamp" -mmin "-$APT_FRESH_MIN" 2>/dev/null)" ]; }

# apt_prepare: the private configuration exists and its lists are fresh
apt_prepare() {
	need apt-get apt-cache
	apt_options
	mkdir -p "$APT_DIR"/{state/lists/partial,cache/archives/partial}
	lock apt
	if ! apt_fresh; then
		say "fetching package lists ($APT_SUITES)"
		apt_sources >"$APT_DIR/sources.list"
		if quietly "$APT_DIR/update.log" apt-get "${APT_OPTIONS[@]}" update; then
			touch "$APT_DIR/stamp"
		elif [ -e "$APT_DIR/stamp" ]; then
			say "warning: cannot refresh the package lists; going on with those of $(date -r "$APT_DIR/stamp" +%F)"
		else
			die "cannot fetch package lists; is the mirror in $APT_DIR/sources.list reachable?"
		fi
	fi
	unlock
}

apt_names() { apt-cache "${APT_OPTIONS[@]}" pkgnames "$1"; }

apt_depends() {
	apt-cache "${APT_OPTIONS[@]}" show --no-all-versions "$1" |
		sed -n 's/^Depends: //p' | sed 's/[,|]/\n/g' | sed 's/^ *//; s/ .*//'
}

# apt_version PACKAGE: nothing if there is none
apt_version() {
	apt-cache "${APT_OPTIONS[@]}" show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p'
}

# apt_extract DIR PACKAGE...: download and unpack, once
apt_extract() {
	local dir=$1 tmp deb
	shift
	need dpkg-deb
	tmp=$(mktemp -d "$APT_DIR/download.XXXXXX")
	(cd "$tmp" && quietly "$APT_DIR/download.log" apt-get "${APT_OPTIONS[@]}" download "$@") || {
		rm -rf "$tmp"
		# a point release may have left the mirror since the lists were fetched
		rm -f "$APT_DIR/stamp"
		die "cannot download: $*; run the command again to refresh the package lists"
	}
	mkdir -p "$dir"
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$dir" || die "cannot unpack ${deb##*/}"
	done
	rm -rf "$tmp"
}
