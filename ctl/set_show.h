/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEIR_SET_SHOW_H
#define WEIR_SET_SHOW_H

#include "failure.h"
#include "model.h"

/* The set called @name; else NULL and a failure that names one like it. */
const struct set *set_of_model(const struct model *m, const char *name, struct failure *why);

#endif
