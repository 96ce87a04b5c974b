/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spans of time, as a person writes them.
 */
#ifndef WEIR_DURATION_H
#define WEIR_DURATION_H

#include "failure.h"

/* "90s", "5m", "1h"; from 1 second to 24 hours. */
int duration_parse(const char *text, unsigned int *seconds, struct failure *why);

#endif
