/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services whose clients come in with a VLAN tag, while only the device below the
 * VLAN device balances: such packets are left to the host.
 */
#ifndef WEIR_TAGGED_H
#define WEIR_TAGGED_H

#include "host.h"
#include "model.h"

struct tagged {
	const struct host_link *vlan, *below; /* of the list that was given */
	const struct service *service;
	__u8 vip[16]; /* one of its addresses, whose route leaves by the VLAN device */
};

/*
 * The first such service of each VLAN device, to be freed by the caller. NULL with
 * 0 in @count: there is none, or no memory to look.
 *
 * @links  all of the namespace
 */
struct tagged *tagged_find(const struct model *m, const struct host_link *links, size_t links_count,
			   size_t *count);

#endif
