/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "forward nat" and "forward local": which ports flows are given, which
 * addresses, and what of the host stands against it.
 */
#ifndef WEIR_CTL_NAT_H
#define WEIR_CTL_NAT_H

#include <linux/types.h>
#include <stdbool.h>

#include "failure.h"
#include "model.h"

struct builder;
struct image_spec;
struct plan;

/* 1,048,576 flows: 64 MiB of records, and 32 MiB by which clients' packets find them. */
#define NAT_RECORDS (1U << 20)
#define NAT_SETS (1U << 19)
/* Fewer ports than that toward one port of a backend are not worth the trouble. */
#define NAT_PORTS_MIN 1024

/* Ports that flows are given, host order. */
struct nat_ports {
	__u16 first;
	__u16 count;
};

/* What the kernel's default range leaves. */
#define NAT_PORTS_DEFAULT                      \
	{                                      \
		.first = 1024, .count = 31744, \
	}

/*
 * The longest run of ports from 1024 on outside of @low to @high, which the
 * kernel gives to this host's own connections. All in host order.
 */
struct nat_ports nat_ports_beside(__u16 low, __u16 high);

/*
 * The same for the range of this network namespace. Returns 0, or EXIT_PRECONDITION
 * in @why where it leaves fewer than NAT_PORTS_MIN.
 */
int nat_ports_read(struct nat_ports *out, struct failure *why);

/* Whether any service of @m translates. */
bool nat_is_used(const struct model *m);

/* Append the table of sources, and fill the image's struct weir_nat. */
void build_nat(struct builder *b, const struct image_spec *spec);

/* Whether packets to containers behind the device go through the stack, for want of XDP there. */
bool nat_leaves_to_stack(const struct plan *p, __u32 ifindex);

/* Say on stderr what keeps answers of backends from coming back. */
void nat_say(const struct plan *p);

#endif
