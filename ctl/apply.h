/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying out a plan. Everything that can be refused is done first: programs
 * are loaded, then attached where they stay idle, and undone on failure. One
 * map write then puts the new generation in force.
 */
#ifndef WEIR_APPLY_H
#define WEIR_APPLY_H

#include "plan.h"

/*
 * Returns 0, or -1 with everything as it was. What is left to tidy up after the
 * swap (a program that has more code than it needs, a pin of a device that is
 * gone) is noted where it fails, and is taken up by the next apply.
 */
int plan_carry_out(struct plan *p, struct state *s, struct failure *why);

#endif
