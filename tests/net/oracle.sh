#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/tools/rtt_oracle.py: other tests judge weir's times by it.
set -euo pipefail

cd "$(dirname "$0")/../tools"
python=/usr/bin/python3 # the distribution's has its packages
"$python" -c 'import scapy' 2>/dev/null || { echo "$python has no scapy; run scripts/setup test" && exit 77; }
exec "$python" -B rtt_oracle_cases.py
