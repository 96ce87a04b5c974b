/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show flow: translated flows and pins, all or some of them.
 */
#ifndef WEIR_FLOW_SHOW_H
#define WEIR_FLOW_SHOW_H

#include <jansson.h>

#include "command.h"

/* What is asked for; NULL, or false: it does not matter. */
struct flow_filter {
	const char *group; /* service or pool */
	const char *backend;
	const char *state;
	bool has_client;
	struct prefix client; /* of addresses; a pin does not know its own */
	bool no_pins, no_nat;
};

/* A backend of the configuration in force, by its id. */
struct flow_backend {
	const char *group; /* service or pool; NULL: there is none with this id */
	const char *name;
	const __u8 *addr;
	__u16 port; /* host order; 0: that of the VIP */
};

struct flow_view {
	const struct applied *applied;
	const struct flow_filter *filter;
	struct flow_backend *backends;
	__u32 backends_count; /* one more than the highest id */
	json_t *list; /* objects go there; NULL: lines are printed */
	json_t *notes; /* the same, of what is no flow */
	size_t shown, pins_shown;
};

/* The backend of @id if the filter wants flows to it in @state; else NULL. */
const struct flow_backend *flow_backend_wanted(const struct flow_view *v, __u32 id,
					       const char *state);

/* Show flows, and count them in @v. Return 0, or -1 with @why. */
int nat_show_flows(struct flow_view *v, struct failure *why);
int pin_show_flows(struct flow_view *v, struct failure *why);

#endif
