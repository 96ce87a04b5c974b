#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1, the oldest that weir runs on: its verifier takes every program.
#
# Takes 140 s.
# Gives way: it computes only.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take prog/verify
run_on 6.1
