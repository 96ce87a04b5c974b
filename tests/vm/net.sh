#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The net suite on other kernels, with the programs that this host built.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/net/lib.sh
. tests/net/lib.sh

run_net_suite() {
	local status=0
	scripts/vm run -k "$1" -t 500 -- scripts/test net >"$TMP/output" 2>&1 || status=$?
	[ "$status" != 77 ] || skip "$(tail -n 1 "$TMP/output")"
	cat "$TMP/output"
	return "$status"
}

test_the_net_suite_passes_on_linux_6_1() {
	run_net_suite 6.1
}

test_the_net_suite_passes_on_linux_6_12() {
	run_net_suite 6.12
}

run_tests "$@"
