#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a shell offers behind "weir ...". The completion functions are called as
# the shell does, with what it provides to them replaced.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly CASES='
check plan apply rollback explain show import |
status doctor latency |
filter service set interface | show
add del load flush | set
set drain undrain | backend
web | -n NETNS -i NETNS backend drain
b1 | -n NETNS -i NETNS backend drain web
web | -n NETNS -i NETNS show backend
weight | -n NETNS -i NETNS backend set web b1
nft iptables-save | import
log slow | monitor
path heatmap reset eth0 | -n NETNS latency
eth0 | -n NETNS latency path
eth0 | -n NETNS latency heatmap
tcp ack handshake response | latency --kind
FILES | latency heatmap -o
FILES | latency heatmap --output
init NETNS | monitor slow --in
lo | monitor slow --interface
drops | show
latency path drops service filter | top
web | -n NETNS -i NETNS top service
eth0 web | -n NETNS -i NETNS top latency
edge | -n NETNS -i NETNS top filter
filter | reset
lo | attach
lo | detach
lo | doctor
lo | --netns=NETNS show interface
NETNS | -n
pass drop reject forward | test --expect
tcp udp icmp | explain
lo | explain --dev
from to ack | explain tcp
--netns --instance --json --all | --
edge | -n NETNS -i NETNS show filter
web | -n NETNS -i NETNS show service
web backend client state nat pin | -n NETNS -i NETNS show flow
backend client state nat pin | -n NETNS -i NETNS show flow web
b1 | -n NETNS -i NETNS show flow web nat backend
b1 | -n NETNS -i NETNS show flow backend
opening established fragment verified | -n NETNS -i NETNS show flow state
bogons | -n NETNS -i NETNS set add
one default | -n NETNS -i NETNS reset filter edge
web | -n NETNS -i NETNS latency
FILES | apply
FILES | import nft
FILES | set load bogons'

# What is in force, and so may be offered.
build_network() {
	ns_add edge
	ip -n "$NS_PREFIX-edge" link add eth0 type veth peer name eth1
	weir edge apply - <<-END >/dev/null
		interface eth0 { filter edge }
		set bogons { type prefix; elements 10.0.0.0/8 }
		filter edge { rule one drop saddr @bogons }
		service web { address 192.0.2.10; port tcp 80; forward l2; backend b1 10.0.0.2 }
	END
}

# assert_offers OFFER: OFFER WORD... prints what is offered behind the words,
# the last of which is the one that is typed.
assert_offers() {
	local offer=$1 wanted line got word
	while IFS='|' read -r wanted line; do
		[ -n "$line$wanted" ] || continue
		line=${line//NETNS/$NS_PREFIX-edge} wanted=${wanted//NETNS/$NS_PREFIX-edge}
		read -ra words <<<"$line"
		[[ $line == *' --' ]] || words+=("")
		got=" $("$offer" "${words[@]}" | tr '\n' ' ') "
		for word in $wanted; do
			assert_contains "behind weir$line: $got" " $word "
		done
	done <<<"$CASES"
}

offer_in_bash() {
	# shellcheck disable=SC2016
	bash -c '
		# shellcheck source=ctl/weir.bash-completion
		. "$1/ctl/weir.bash-completion"
		_weir_files() { COMPREPLY=(FILES); }
		shift
		COMP_WORDS=() COMP_CWORD=$(($# - 1))
		for word; do
			# To bash "--netns=x" is three words.
			if [[ $word == --*=* ]]; then
				COMP_WORDS+=("${word%%=*}" = "${word#*=}") COMP_CWORD=$((COMP_CWORD + 2))
			else
				COMP_WORDS+=("$word")
			fi
		done
		_weir "$1" "${!#}" ""
		printf "%s\n" "${COMPREPLY[@]}"
	' offer "$ROOT" "$WEIR" "$@"
}

offer_in_zsh() {
	# shellcheck disable=SC2016
	"$ZSH" -f -c '
		compadd() { print -l -- "${@:#--}" }
		compset() { : }
		_files() { print FILES }
		autoload_only=$1/ctl/weir.zsh-completion
		shift
		words=("$@") CURRENT=$#
		source $autoload_only
	' offer "$ROOT" "$WEIR" "$@"
}

test_bash_completes_what_help_lists_and_what_is_in_force() {
	build_network
	assert_offers offer_in_bash
}

test_zsh_completes_what_help_lists_and_what_is_in_force() {
	ZSH=${ZSH:-$(command -v zsh)} || skip "zsh is not installed"
	build_network
	assert_offers offer_in_zsh
}

run_tests
