/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States of connections: conntrack follows those that others open as well,
 * and new is only their first packet. weir's established knows what this host
 * opened, so that "not established" holds for all that others send.
 */
#ifndef WEIR_IMPORT_STATE_H
#define WEIR_IMPORT_STATE_H

#include "import_walk.h"

/*
 * Why rule @r, for packets of @m, would do in weir what it never did: drop
 * what belongs to connections that others opened. NULL when it would not.
 */
const char *import_state_unable(const struct import_walk *w, const struct import_rule *r,
				const struct import_match *m);

/*
 * Make @m hold for all packets of a connection whose first one @r accepts,
 * and tell what the rule means now.
 */
void import_state_widen(struct import_walk *w, struct import_rule *r, struct import_match *m);

/* Make @m what the limit of @r counts: of TCP that is new, connections that begin. */
void import_state_limit(struct import_walk *w, struct import_rule *r, struct import_match *m);

#endif
