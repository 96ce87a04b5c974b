/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments: only the first one has ports. It leaves a note among the pins, by
 * which the others are known.
 */
#ifndef WEIR_BPF_FRAGMENT_H
#define WEIR_BPF_FRAGMENT_H

#include "weir/bpf/packet.h"
#include "weir/bpf/pin.h"

/*
 * What the note is of, in the place of a service's id; there are not so many. Two,
 * as a backend may be a client, and its source a VIP.
 */
#define FRAGMENT_TO_VIP 0xffffff
#define FRAGMENT_OF_ANSWER (FRAGMENT_TO_VIP - 1)

/* A fragment that does not say itself which service it is for. */
static __always_inline bool fragment_lacks_ports(const struct pkt *p)
{
	if ((p->has & (PKT_FRAGMENT | PKT_PORTS)) != PKT_FRAGMENT)
		return false;
	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	}
	return pkt_is_extension(p->proto);
}

/* IPv6 counts identifications for each pair of addresses, whatever is in the packet. */
static __always_inline __u64 fragment_tag(const struct weir_image *image, const struct pkt *p,
					  __u64 number)
{
	return pin_tag(image, p, number, p->is_v6 ? 0 : p->proto, p->fragment_id);
}

#endif
