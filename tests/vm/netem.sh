#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round-trip times against a delay that the kernel makes. Linux 6.1 has netem and
# no tcx, so this is the clsact path as well. Outside it starts the machine.
set -euo pipefail

cd "$(dirname "$0")/../.."
if [ -z "${WEIR_IN_VM:-}" ]; then
	exec scripts/vm run -k 6.1 -t 500 -- env "WEIR_TEST_FILTER=${WEIR_TEST_FILTER:-*}" "$0"
fi
# shellcheck source=tests/net/lib.sh
. tests/net/lib.sh

# A client that measures and a server, next door to each other.
build_link() {
	need_netem
	ns_add client server
	veth client eth0 server eth0
	address client eth0 10.0.0.1/24
	address server eth0 10.0.0.2/24
	http_server server here 80 10.0.0.2
	echo 'interface eth0 { xdp auto; measure }' >"$TMP/measure.conf"
}

# Median of the link, in microseconds, from a fresh start of the histograms.
median_us() {
	weir client apply "$TMP/measure.conf" >/dev/null
	for _ in $(seq 30); do
		http_get client http://10.0.0.2/bytes/20000 >/dev/null
	done
	weir client -j latency | python3 tests/tools/median.py eth0 wire
	weir client detach --all >/dev/null
}

test_a_netem_delay_of_10_ms_is_measured() {
	local base slow
	build_link
	base=$(median_us)
	ns_exec server tc qdisc add dev eth0 root netem delay 10ms
	slow=$(median_us)
	echo "base $base us, with netem $slow us"
	# A bucket is 1/32 off at most.
	assert_between $((10000 * 31 / 32)) $((base + 15000)) "$slow" "median in us"
}

run_tests "$@"
