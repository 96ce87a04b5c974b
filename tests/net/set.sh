#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sets that change live, and what apply does to them.
# shellcheck source=tests/net/lib.sh
