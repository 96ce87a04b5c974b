/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fates of packets in words.
 */
#ifndef WEIR_CTL_REASON_H
#define WEIR_CTL_REASON_H

#include "weir/reason.h"

struct reason {
	const char *name; /* "filter-drop" */
	const char *text; /* what it means */
	enum weir_fate fate;
};

/* By enum weir_reason. */
extern const struct reason reasons[WEIR_R_COUNT];

#endif
