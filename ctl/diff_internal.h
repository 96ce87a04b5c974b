/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of model_diff(). */
#ifndef WEIR_DIFF_INTERNAL_H
#define WEIR_DIFF_INTERNAL_H

#include "diff.h"
#include "name_index.h"

struct diff {
	FILE *out;
	struct diff_count count;
};

/* Count a difference by its sign and begin its line: "+ filter edge". */
void diff_line(struct diff *d, char sign, const char *kind, const char *name);

/* A whole line: "~ filter edge   TEXT". */
void diff_change(struct diff *d, const char *kind, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Objects of the same name. */
void diff_filter(struct diff *d, const struct filter *a, const struct filter *b);
void diff_backends(struct diff *d, const struct backend_group *a, const struct backend_group *b);
void diff_pool(struct diff *d, const struct pool *a, const struct pool *b);
void diff_service(struct diff *d, const struct service *a, const struct service *b);

#endif
