/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic UDP Encapsulation, draft-ietf-intarea-gue.
 */
#ifndef WEIR_GUE_H
#define WEIR_GUE_H

#include <linux/types.h>

#define WEIR_GUE_PORT 6080

#define WEIR_GUE_VARIANT 0xc0 /* in first: 0 has this header, 1 is an IP packet itself */
#define WEIR_GUE_DIRECT 0x40
#define WEIR_GUE_CONTROL 0x20
#define WEIR_GUE_WORDS 0x1f /* of optional fields behind the header */

struct weir_gue {
	__u8 first;
	__u8 proto; /* of what is inside: 4 or 41 */
	__be16 flags; /* which optional fields there are */
};
_Static_assert(sizeof(struct weir_gue) == 4, "GUE header has holes");

#endif
