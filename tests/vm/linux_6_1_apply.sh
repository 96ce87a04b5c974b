#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: changes under traffic lose no packet, and an apply that is killed
# leaves what the next one can work with.
#
# Takes 120 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/apply
# Parser, printer and plan.
leave a_broken_file_is_refused_with_its_place_and_changes_nothing \
	a_missing_interface_is_not_found_and_the_near_name_suggested \
	a_configuration_comes_from_standard_input \
	what_is_shown_can_be_applied_and_changes_nothing \
	plan_tells_by_its_exit_code_whether_something_waits
# How much it is matters to user space; 3,000 rules make maps grow as well.
leave 100000_rules_are_applied
# There "tc auto" is clsact, which has tests of its own.
leave changes_under_a_flood_of_pings_lose_none_with_tc \
	an_apply_that_replaces_programs_may_be_killed_anywhere
# Rules alone are writes to maps, which are part of the other applies.
leave an_apply_of_rules_may_be_killed_anywhere

take net/counters counters_stay_when_the_maps_grow
take net/history what_is_not_confirmed_goes_back_to_the_former
run_on 6.1
