#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1, the oldest that weir runs on: the helpers that programs build
# answers, cut headers and keep state with do what they do on later ones.
#
# Takes 130 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take prog/decap
take prog/conn
take prog/conn_icmp
take prog/hop
take prog/latency
take prog/limit
take prog/log
take prog/log_reason
take prog/reject
run_on 6.1
