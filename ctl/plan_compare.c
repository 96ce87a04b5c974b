// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "own.h"

static void *work(void *arg)
{
	struct comparison *c = arg;

	c->plan->diff = model_diff(&c->plan->old, c->plan->model, c->out);
	return NULL;
}

int comparison_begin(struct comparison *c, struct failure *why)
{
	c->out = open_memstream(&c->plan->diff_text, &c->size);
	if (!c->out)
		return fail_errno(why, ENOMEM, "cannot plan");
	c->is_running = !pthread_create(&c->thread, NULL, work, c);
	if (!c->is_running)
		work(c);
	return 0;
}

static void wait_for(struct comparison *c)
{
	if (c->is_running)
		pthread_join(c->thread, NULL);
	c->is_running = false;
}

void comparison_close(struct comparison *c)
{
	wait_for(c);
	own_fclose(&c->out);
}

/*
 * Whether the image says something that the configuration does not account for:
 * this host's addresses, and the way to a backend.
 */
static bool host_changed(const struct plan *p, const struct weir_image *now)
{
	const struct weir_image *next = p->image;
	const struct weir_backend *was, *is;

	if (!now)
		return false;
	if (now->nat.port_first != next->nat.port_first ||
	    now->nat.ports_count != next->nat.ports_count)
		return true;
	if (now->local_count != next->local_count ||
	    memcmp(IMAGE_AT(now, now->local_offset, range),
		   IMAGE_AT(next, next->local_offset, range), next->local_count * sizeof(range)))
		return true;
	if (now->backends_count != next->backends_count)
		return false;
	was = IMAGE_AT(now, now->backends_offset, struct weir_backend);
	is = IMAGE_AT(next, next->backends_offset, struct weir_backend);
	for (__u32 i = 0; i < next->backends_count; i++) {
		if (was[i].id == is[i].id &&
		    (memcmp(was[i].source, is[i].source, 16) != 0 ||
		     memcmp(was[i].hop, is[i].hop, 16) != 0 ||
		     was[i].hop_ifindex != is[i].hop_ifindex || was[i].flags != is[i].flags))
			return true;
	}
	return false;
}

void comparison_end(struct comparison *c, const struct state *s)
{
	struct plan *p = c->plan;

	wait_for(c);
	p->changes_host = host_changed(p, s->image);
	if (p->changes_host) {
		fputs("~ host   its addresses, or its routes to backends\n", c->out);
		p->diff.changed++;
	}
}
