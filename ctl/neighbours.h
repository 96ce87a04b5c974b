/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAC addresses of the backends' next hops. XDP cannot ask for one, so the
 * kernel is told to keep them known for as long as the backends are configured.
 */
#ifndef WEIR_NEIGHBOURS_H
#define WEIR_NEIGHBOURS_H

#include "plan.h"

/*
 * Keep those that the plan needs, and wait up to a second for new ones' answers. Says
 * which backends have no route or do not answer: they get no packets till then.
 */
void neighbours_keep(const struct plan *p);

/* Of a veth that balances in generic mode: what its peer sends may be too large. */
void neighbours_say_super_packets(const struct plan_device *d);

/* Let go of those that @old needed and the plan does not. */
void neighbours_release(const struct plan *p, const struct weir_image *old);

/* Let go of those that the plan needs and @old, which stays in force, does not. */
void neighbours_undo(const struct plan *p, const struct weir_image *old);

/* Let go of those that @image needs; it may be NULL. Other instances keep theirs. */
void neighbours_release_all(struct host *host, const struct weir_image *image);

#endif
