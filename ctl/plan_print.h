/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan, and what came of it, for people and for machines.
 */
#ifndef WEIR_PLAN_PRINT_H
#define WEIR_PLAN_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "plan.h"

/* The differences, what happens to programs, a sum. */
void plan_print(const struct plan *p, FILE *out);
json_t *plan_json(const struct plan *p);

/* On stderr: that the plan cuts the session that it is made from. */
void plan_warn(const struct plan *p, const char *remedy);

/* What is attached, and how, once the plan was carried out. */
void attached_print(const struct plan *p, const struct attachments *now, FILE *out);
/* @confirm is the time that the change has to be confirmed in, NULL: it stays. */
json_t *applied_json(const struct plan *p, const struct attachments *now, const char *confirm);

/*
 * "filter edge, balance, measure", and @before in front if that is not empty.
 *
 * @stages  1 << WEIR_STAGE_*: what it does
 */
void interface_work(const struct interface *i, __u32 stages, const char *before, FILE *out);

/* The same as a list of the stages' keywords. */
json_t *stages_json(__u32 stages);

#endif
