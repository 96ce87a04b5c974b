/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark that a rule gave a packet at XDP, in front of the packet, on its way
 * to weir's program at tc ingress.
 *
 * Where generic XDP copies a packet to make room, Linux forgets how long its
 * link header is (6.12 and 6.18 do, 6.1 does not: skb_pp_cow_data() leaves
 * mac_len at 0). To tc the frame then begins with the IP header, and its metadata
 * lies ETH_HLEN bytes too far behind. So there are that many bytes before the
 * mark: behind them it is found where tc is right, and in their place else.
 */
#ifndef WEIR_MARK_H
#define WEIR_MARK_H

#include <linux/if_ether.h>
#include <linux/types.h>

#define WEIR_MARK_MAGIC 0x77656972 /* "weir" */

struct weir_mark {
	__u32 magic;
	__u32 mark;
};

/* Bytes of metadata, which comes in words, and where the mark lies in them; the rest is 0. */
#define WEIR_MARK_ROOM 24
#define WEIR_MARK_OFFSET ETH_HLEN
_Static_assert(WEIR_MARK_OFFSET + sizeof(struct weir_mark) <= WEIR_MARK_ROOM, "no room for a mark");
/* A mark that is found too far behind is still of what XDP wrote, and not of the frame. */
_Static_assert(sizeof(struct weir_mark) <= WEIR_MARK_ROOM - ETH_HLEN, "a sender could give marks");

#endif
