#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: reasons of drops have other numbers there, and its tracepoints of TCP
# have fewer arguments.
#
# Takes 130 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/loss
# Its tracepoint tells of resets that belong to a socket only.
leave who_has_no_socket_for_a_connection_sends_resets
run_on 6.1
