/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that packets to backends leave by, as XDP sees them.
 */
#ifndef WEIR_EXITS_H
#define WEIR_EXITS_H

#include "plan.h"

/* Whether XDP may have to send for a VLAN device of the namespace. */
bool exits_have_vlans(const struct plan *p);

bool exits_is_bond(const struct host_link *link);

/*
 * Whether senders on this host may leave checksums unfinished there: a veth, a bond
 * of such, or a VLAN on one.
 */
bool exits_is_veth(const struct plan *p, const struct host_link *link);

/* The VLAN devices, to be freed by the caller; NULL: out of memory. VLANs within VLANs are left out. */
struct weir_vlan *exits_vlans(const struct plan *p, size_t *count);

/* Say which devices on the way to backends native XDP cannot send out of. */
void exits_say_deaf(const struct plan *p);

#endif
