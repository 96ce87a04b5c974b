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

#define LIFELINES_MAX 64

/* What the session may be. */
struct lifelines {
	struct lifeline list[LIFELINES_MAX];
	size_t count;
	bool is_guess; /* each might be it */
};

/*
 * From SSH_CONNECTION of this process or of an ancestor, where sudo has taken
 * it away, else from the sockets of an ancestor called sshd. Where the variable
 * is old, as in a terminal multiplexer after its user came back, all that others
 * have to its port are a guess. Nothing of another network namespace.
 */
void lifelines_find(struct lifelines *out);

enum cut_kind {
	CUT_NOTHING,
	CUT_SESSION, /* the session itself ends */
	CUT_RETURN, /* it lives on as long as it lasts; another one could not be opened */
};

struct cut {
	enum cut_kind kind;
	struct lifeline line;
	bool is_guess; /* @line may be the session of somebody else */
	const char *ifname; /* that its packets come in on */
	const struct filter *filter;
	const struct rule *rule; /* that drops them; NULL: the default */
	const struct service *service; /* that takes them; NULL: it is the filter that cuts */
};

/* What the plan surely does to the session. Nothing is said of what cannot be known. */
enum cut_kind plan_cuts(const struct plan *p, struct cut *cut);

#endif
