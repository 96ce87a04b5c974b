/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark that a rule gave a packet at XDP, in front of the packet, on its way
 * to weir's program at tc ingress.
 */
#ifndef WEIR_MARK_H
#define WEIR_MARK_H

#include <linux/types.h>

#define WEIR_MARK_MAGIC 0x77656972 /* "weir" */

struct weir_mark {
	__u32 magic;
	__u32 mark;
};
_Static_assert(sizeof(struct weir_mark) == 8, "metadata comes in words");

#endif
