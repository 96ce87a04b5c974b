/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is lost in this host and on the way, as one table after the other.
 */
#ifndef WEIR_DROPS_SHOW_H
#define WEIR_DROPS_SHOW_H

#include "drops.h"
#include "losses.h"

/* Whether an interface has "measure loss"; false with @why. */
bool drops_are_measured(const struct applied *a, struct failure *why);

/* @l is empty where no interface has "measure rtt". */
void drops_and_losses_print(const struct drops *d, const struct losses *l, FILE *out);

/* An object, the caller's. */
json_t *drops_and_losses_json(const struct drops *d, const struct losses *l);

#endif
