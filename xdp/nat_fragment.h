/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which packets come back from a backend of "forward nat": whole ones by their
 * ports, fragments without ports by what the first one noted.
 */
#ifndef WEIR_XDP_NAT_FRAGMENT_H
#define WEIR_XDP_NAT_FRAGMENT_H

#include "weir/bpf/nat_fragment.h"

#include "nat.h"

/* Whether the packet, whole or a fragment, is for nat_return(). */
static __noinline int nat_answers(struct xdp_md *ctx, const struct weir_image *image,
				  struct scratch *scratch)
{
	const struct pkt *p = &scratch->pkt;

	if (fragment_lacks_ports(p))
		return !(p->has & PKT_TAGGED) && nat_is_source(image, &p->dst) &&
		       nat_fragment_find(image, p, &scratch->nat);
	if (!nat_comes_back(ctx, image, scratch))
		return 0;
	if (p->has & PKT_FRAGMENT)
		nat_fragment_note(image, p, &scratch->nat);
	return 1;
}

#endif
