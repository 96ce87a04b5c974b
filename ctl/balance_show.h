/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services and backends as the commands show them.
 */
#ifndef WEIR_BALANCE_SHOW_H
#define WEIR_BALANCE_SHOW_H

#include "failure.h"
#include "model.h"

/*
 * The backends that @name means: those of the service of that name, which may
 * be a pool's, or of the pool. Fails with EXIT_NOT_FOUND and a suggestion.
 */
int balance_group(const struct model *m, const char *name, struct backend_group *out,
		  struct failure *why);

#endif
