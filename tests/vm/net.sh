#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other kernels, with the programs that this host built: the oldest that weir
# runs on takes all net tests (no tcx, netem), a newer one what its verifier and
# tcx may do differently.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/net/lib.sh
. tests/net/lib.sh

in_kernel() {
	local kernel=$1 status=0
	shift
	scripts/vm run -k "$kernel" -t 850 -- env WEIR_IN_VM=1 scripts/test "$@" \
		>"$TMP/output" 2>&1 || status=$?
	[ "$status" != 77 ] || skip "$(tail -n 1 "$TMP/output")"
	cat "$TMP/output"
	return "$status"
}

test_every_program_loads_on_linux_6_1() {
	in_kernel 6.1 prog verify
}

test_every_program_loads_on_linux_6_12() {
	in_kernel 6.12 prog verify
}

test_the_net_suite_passes_on_linux_6_1() {
	in_kernel 6.1 net
}

test_attaching_passes_on_linux_6_12() {
	in_kernel 6.12 net attach
}

run_tests "$@"
