#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench-apply: how long it takes until many services are in force, and
# until one backend's weight is. In a namespace of its own; all backends are
# behind one gateway, of which the MAC address is known.
#
#   tests/bench/apply.sh [CASE]...     of pool, 100k, million, one; default: all
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

readonly CHANGES=15

# config SERVICES BACKENDS [pool]: each service has its own backends, or they share one pool.
config() {
	awk -v services="$1" -v backends="$2" -v pool="${3:-}" '
	function list(group,   i) {
		for (i = 0; i < backends; i++) {
			n++
			printf "    backend %s-b%d 10.%d.%d.%d\n", group, i, n / 65536, n / 256 % 256, n % 256
		}
	}
	BEGIN {
		print "interface wan { xdp generic; balance }"
		if (pool) {
			print "pool all {"
			list("all")
			print "}"
		}
		for (s = 0; s < services; s++) {
			printf "service s%d {\n    address 192.0.%d.%d\n    port tcp 80\n    forward ipip\n", \
				s, 2 + s / 256, s % 256
			if (pool)
				print "    backends all"
			else
				list("s" s)
			print "}"
		}
	}'
}

build_network() {
	ns_add edge
	ip -n "$NS_PREFIX-edge" link add wan type veth peer name wan1
	ns_ip edge link set wan up
	ns_ip edge link set wan1 up
	address edge wan 172.16.0.1/24
	routing_on edge
	ns_ip edge route add 10.0.0.0/8 via 172.16.0.2
	ns_ip edge neigh add 172.16.0.2 lladdr 02:00:00:00:00:02 dev wan nud permanent
}

# took COMMAND...: its milliseconds, in $ms.
took() {
	local start=${EPOCHREALTIME/[.,]/}
	"$@" >"$TMP/out" 2>&1 || fail "$(cat "$TMP/out")"
	ms=$(awk -v us=$((${EPOCHREALTIME/[.,]/} - start)) 'BEGIN { printf "%.1f", us / 1000 }')
}

# measure SERVICES BACKENDS [pool]: one line.
measure() {
	local group=${3:+all} change first again changes=()
	config "$@" >"$TMP/conf"
	took weir edge apply "$TMP/conf"
	first=$ms
	took weir edge apply "$TMP/conf"
	again=$ms
	for ((change = 0; change < CHANGES; change++)); do
		took weir edge backend set s0 "${group:-s0}-b0" weight $((2 + change % 2))
		grep -q 'of ring slots move' "$TMP/out" || fail "no slot moved: $(cat "$TMP/out")"
		changes+=("$ms")
	done
	printf '%-32s %9s %9s %9s %9s\n' "$1 x $2${3:+, one pool}" "$first" "$again" \
		"$(printf '%s\n' "${changes[@]}" | sort -n | sed -n 1p)" \
		"$(printf '%s\n' "${changes[@]}" | sort -n | sed -n $(((CHANGES + 1) / 2))p)"
	weir edge detach --all >/dev/null
}

all_cases() {
	local one
	build_network
	printf '%-32s %9s %9s %19s\n' "" "apply" "same" "one weight" \
		"services x backends, ms" "" "again" "least  median"
	for one in "$@"; do
		case $one in
		one) measure 1 100 ;;
		pool) measure 1000 1000 pool ;;
		100k) measure 1000 100 ;;
		million) measure 1000 1000 ;;
		*) fail "no case $one" ;;
		esac
	done
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/weirtest.XXXXXX")
cases=("$@")
[ $# -gt 0 ] || cases=(one pool 100k million)
run_bench() {
	all_cases "${cases[@]}"
}
status=0
(run_one run_bench) || status=$?
rm -rf "$scratch"
exit $status
