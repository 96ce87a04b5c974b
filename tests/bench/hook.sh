#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the hooks of the stack cost, ns per call by the kernel's statistics, over
# TCP and UDP between two namespaces, and datagrams that nobody takes.
#
#     make bench-latency      SAMPLES="1/16 1/1"
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

readonly SAMPLES=${SAMPLES:-1/16 1/1}

test_hooks_of_the_stack() {
	local sample pins
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	for sample in $SAMPLES; do
		weir near apply - <<<"interface eth0 { xdp native; measure path sample $sample, loss }" >/dev/null
		pins=$(dirname "$(find "/sys/fs/bpf/weir/$NS_PREFIX-near" -name stack-weir_queue)")
		echo "measure path sample $sample, loss"
		ns_exec near "$ROOT/build/tests/bench/hook_bench" "/run/netns/$NS_PREFIX-far" "$pins"
	done
}

run_tests "$@"
