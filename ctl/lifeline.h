/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SSH session that a command is run from, and whether a filter or a service would cut it.
 */
#ifndef WEIR_LIFELINE_H
#define WEIR_LIFELINE_H

#include <linux/types.h>
#include <stdbool.h>

#include "plan.h"

/* An established TCP connection of this host. Network order, v4-mapped; host order. */
struct lifeline {
	__u8 peer[16], local[16];
	__u16 peer_port, local_port;
};

/*
 * From SSH_CONNECTION of this process or of an ancestor, where sudo has taken
 * it away, else from the sockets of an ancestor called sshd. False where there
 * is none, or where it is not of this network namespace.
 */
bool lifeline_find(struct lifeline *l);

enum cut_kind {
	CUT_NOTHING,
	CUT_SESSION, /* the session itself ends */
	CUT_RETURN, /* it lives on as long as it lasts; another one could not be opened */
};

struct cut {
	enum cut_kind kind;
	struct lifeline line;
	const char *ifname; /* that its packets come in on */
	const struct filter *filter;
	const struct rule *rule; /* that drops them; NULL: the default */
	const struct service *service; /* that takes them; NULL: it is the filter that cuts */
};

/* What the plan surely does to the session. Nothing is said of what cannot be known. */
enum cut_kind plan_cuts(const struct plan *p, struct cut *cut);

#endif
