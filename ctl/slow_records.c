// SPDX-License-Identifier: GPL-2.0-or-later
#include "slow_records.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "weir/slow.h"

int slow_records_open(const struct maps *m, const struct capacity *c, struct slow_records *out)
{
	void *mapped = mmap(NULL, c->path_sets * sizeof(*out->sets), PROT_READ | PROT_WRITE,
			    MAP_SHARED, m->fd[WEIR_MAP_PATHS], 0);

	if (mapped == MAP_FAILED)
		return -errno;
	*out = (struct slow_records){ mapped, c->path_sets, m->fd[WEIR_MAP_RETRANSMITS] };
	return 0;
}

void slow_records_close(struct slow_records *r)
{
	if (r->sets)
		munmap(r->sets, r->count * sizeof(*r->sets));
	*r = (struct slow_records){};
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static __u32 resent(const struct slow_records *r, const struct weir_path *p, __u64 now)
{
	struct weir_retransmit_set set;
	struct weir_path_flow flow = { .sport = p->sport, .dport = p->dport };
	__u32 index;

	if (p->proto != IPPROTO_TCP)
		return 0;
	memcpy(flow.saddr, p->saddr, sizeof(flow.saddr));
	memcpy(flow.daddr, p->daddr, sizeof(flow.daddr));
	index = weir_resent_set(&flow);
	if (bpf_map_lookup_elem(r->resent, &index, &set))
		return 0;
	return weir_resent_in(&set, &flow, p->origin_netns, now);
}

/* Whether @p, as @seen, is to be told of now; @e is filled in then. */
static bool is_due(const struct weir_path *p, const struct weir_slow_ask *ask, __u64 unseen_ns,
		   struct weir_path *seen, struct weir_slow *e)
{
	__u64 now = now_ns();
	__u32 unseen;

	memcpy(seen, p, sizeof(*seen));
	unseen = (__u32)(now >> WEIR_TICK_SHIFT) - seen->at;
	if (!seen->key || seen->slow != ask->id || unseen < unseen_ns >> WEIR_TICK_SHIFT ||
	    seen->longest >= WEIR_PATH_COUNT)
		return false;
	*e = (struct weir_slow){};
	weir_slow_of(seen, ask, now, e);
	return weir_slow_is_asked(ask, e, seen);
}

/* False where the datapath went on with it, or told of it, meanwhile. */
static bool claim(struct weir_path *p, const struct weir_path *seen)
{
	__u8 slow = seen->slow;

	if (__atomic_load_n(&p->key, __ATOMIC_ACQUIRE) != seen->key ||
	    __atomic_load_n(&p->at, __ATOMIC_ACQUIRE) != seen->at ||
	    !__atomic_compare_exchange_n(&p->slow, &slow, 0, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return false;
	p->told = seen->slow;
	p->longest_ticks = 0;
	return true;
}

int slow_records_take(const struct slow_records *r, const struct weir_slow_ask *ask,
		      __u64 unseen_ns, __u32 most, __u64 *suppressed,
		      int (*take)(void *arg, void *event, size_t bytes), void *arg)
{
	struct weir_path seen;
	struct weir_slow e;
	int result = 0;

	for (size_t i = 0; !result && i < r->count * WEIR_PATH_WAYS; i++) {
		struct weir_path *p = &r->sets[i / WEIR_PATH_WAYS].way[i % WEIR_PATH_WAYS];

		/* Most are not: a look is enough. */
		if (__atomic_load_n(&p->slow, __ATOMIC_RELAXED) != ask->id ||
		    !is_due(p, ask, unseen_ns, &seen, &e) || !claim(p, &seen))
			continue;
		if (!most) {
			++*suppressed;
			continue;
		}
		most--;
		e.retransmits = resent(r, &seen, now_ns());
		result = take(arg, &e, sizeof(e));
	}
	return result;
}
