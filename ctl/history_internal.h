/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the history, and those of sets among them.
 */
#ifndef WEIR_HISTORY_INTERNAL_H
#define WEIR_HISTORY_INTERNAL_H

#include <jansson.h>
#include <stdio.h>

#include "history.h"

/* Writes @what; returns 0 or -errno. */
typedef int (*history_print)(FILE *out, const void *what);

/* Write the file @name of the folder, whole or not at all, also when the power fails. */
int history_put(const struct history *h, const char *name, history_print print, const void *what,
		struct failure *why);

/*
 * Keep the elements of the sets of @e that are not kept yet. Sets without
 * elements that are not there are taken out of @e.
 */
int history_put_sets(const struct history *h, struct history_entry *e, struct failure *why);

/* Of a heading: {"NAME":"DIGEST"}. Parsing returns 0, -EINVAL or -ENOMEM. */
json_t *history_sets_json(const struct history_entry *e);
int history_sets_parse(const json_t *sets, struct history_entry *e);

bool history_same_sets(const struct history_entry *a, const struct history_entry *b);
bool history_sets_in_force(const struct history_entry *e, const struct arena *a);

/* Bytes of the sets of @e that @newer, and the first @count of @h, do not have already. */
size_t history_sets_bytes(const struct history *h, size_t count, const struct history_entry *newer,
			  const struct history_entry *e);

/* Drop the sets that neither @newer nor the first @count of @h have. */
void history_drop_sets(const struct history *h, size_t count, const struct history_entry *newer);

#endif
