#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: packets that programs send on, cut, grow and answer by its helpers.
#
# Which backend, place or address a packet gets (prog/pin, quic, vip, settle, local,
# lb_icmp, fragment, complete and nat*) is shown on the kernel at hand only; that
# their code loads on 6.1 is prog/verify's to show.
#
# Takes 130 s.
# Gives way: it computes only.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take prog/balance
take prog/tunnel
take prog/too_big
take prog/mss
run_on 6.1
