#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.12: its verifier differs from those of 6.1 and of later kernels.
#
# Takes 130 s.
# Gives way: it computes only.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take prog/verify
run_on 6.12
