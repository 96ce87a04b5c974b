/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of slow packets, for a monitor that asks for them.
 */
#ifndef WEIR_BPF_PATH_SLOW_H
#define WEIR_BPF_PATH_SLOW_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/path_head.h"
#include "weir/bpf/path_maps.h"
#include "weir/bpf/timed.h"

#define PATH_NS_PER_S 1000000000ULL
/* Events at once are a tenth of those of a second. */
#define PATH_SLOW_BURST_NS (PATH_NS_PER_S / 10)

/* As a record has it. */
struct path_flow {
	__u8 saddr[16];
	__u8 daddr[16];
	__u16 sport;
	__u16 dport;
};

static __always_inline void path_map_v4(__u8 to[16], __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void path_flow_of(const struct path_head *h, struct path_flow *f)
{
	__be32 ports = path_tcp(h)->ports;

	f->sport = f->dport = 0;
	if (h->proto == IPPROTO_TCP || h->proto == IPPROTO_UDP) {
		f->sport = bpf_ntohs(((const __be16 *)&ports)[0]);
		f->dport = bpf_ntohs(((const __be16 *)&ports)[1]);
	}
	if (h->is_v6) {
		__builtin_memcpy(f->saddr, &h->v6.saddr, 16);
		__builtin_memcpy(f->daddr, &h->v6.daddr, 16);
		return;
	}
	path_map_v4(f->saddr, h->v4.saddr);
	path_map_v4(f->daddr, h->v4.daddr);
}

static __always_inline bool path_flow_is(const struct path_flow *f, const struct weir_retransmit *r)
{
	const __u64 *a = (const void *)f, *b = (const void *)r;

	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] &&
	       f->sport == r->sport && f->dport == r->dport;
}

static __always_inline __u32 path_resent_set(const struct path_flow *f)
{
	const __u64 *a = (const void *)f;
	__u64 hash =
		weir_mix64(a[1] ^ a[3] * 0x9E3779B97F4A7C15ULL ^ f->sport ^ (__u64)f->dport << 16);

	return weir_mix64(hash ^ a[0] ^ a[2]) & (WEIR_RETRANSMIT_SETS - 1);
}

/* How often the sender of this flow sent again, as long as that is remembered. */
static __always_inline __u32 path_resent(const struct path_flow *f)
{
	__u32 index = path_resent_set(f);
	struct weir_retransmit_set *set = bpf_map_lookup_elem(&weir_resent, &index);

	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_RETRANSMIT_WAYS; i++) {
		if (set->way[i].count && path_flow_is(f, &set->way[i]))
			return set->way[i].count;
	}
	return 0;
}

static __always_inline __u32 path_resent_by(__u32 pid)
{
	__u32 index = weir_mix64(pid) & (WEIR_PROCESS_SETS - 1);
	struct weir_process_set *set = bpf_map_lookup_elem(&weir_processes, &index);

	if (!set || !pid)
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_PROCESS_WAYS; i++) {
		if (set->way[i].pid == pid)
			return set->way[i].retransmits;
	}
	return 0;
}

static __always_inline bool path_same_address(const __u8 a[16], const __u8 b[16])
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1];
}

static __always_inline bool path_is_zero(const __u8 a[16])
{
	const __u64 *x = (const void *)a;

	return !(x[0] | x[1]);
}

/* Whether the monitor wants to hear of this one. */
static __always_inline bool path_is_asked(const struct weir_slow_ask *ask,
					  const struct weir_slow *e)
{
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (!path_is_zero(ask->host[i]) && !path_same_address(ask->host[i], e->saddr) &&
		    !path_same_address(ask->host[i], e->daddr))
			return false;
		if (ask->port[i] && ask->port[i] != e->sport && ask->port[i] != e->dport)
			return false;
	}
	if (ask->ifindex && ask->ifindex != e->to.ifindex && ask->ifindex != e->from.ifindex)
		return false;
	if (ask->netns && ask->netns != e->to.netns && ask->netns != e->from.netns)
		return false;
	return (!ask->pid || ask->pid == e->pid) && (!ask->proto || ask->proto == e->proto);
}

/* Whether this CPU may tell one more. */
static __always_inline bool path_may_tell(struct weir_path_cpu *cpu, __u64 now_ns, __u32 per_s)
{
	__u64 step = PATH_NS_PER_S / (per_s ?: WEIR_SLOW_PER_S);
	__u64 tat = cpu->slow_tat > now_ns ? cpu->slow_tat : now_ns;

	if (tat - now_ns > PATH_SLOW_BURST_NS) {
		cpu->slow_suppressed++;
		return false;
	}
	cpu->slow_tat = tat + step;
	return true;
}

static __always_inline void path_fill(struct weir_slow *e, const struct path_head *h)
{
	const struct path_tcp *tcp = path_tcp(h);
	struct path_flow flow;

	path_flow_of(h, &flow);
	__builtin_memcpy(e->saddr, flow.saddr, 16);
	__builtin_memcpy(e->daddr, flow.daddr, 16);
	e->sport = flow.sport;
	e->dport = flow.dport;
	e->proto = h->proto;
	e->is_v6 = h->is_v6;
	if (h->proto != IPPROTO_TCP)
		return;
	e->tcp_flags = tcp->flags;
	e->seq = bpf_ntohl(tcp->seq);
	e->ack = bpf_ntohl(tcp->ack);
	e->window = bpf_ntohs(tcp->window);
	e->retransmits = path_resent(&flow);
}

static __always_inline void path_fill_record(struct weir_slow *e, const struct weir_path *p)
{
	e->total = p->at - p->first;
	__builtin_memcpy(e->delay, p->delay, sizeof(e->delay));
	if (!e->pid)
		e->pid = p->pid;
	e->woken_pid = p->woken_pid;
	__builtin_memcpy(e->woken_comm, p->woken_comm, sizeof(e->woken_comm));
	e->process_retransmits = path_resent_by(e->pid);
	/* A socket alone may not know whom it has a packet from. */
	__builtin_memcpy(e->saddr, p->saddr, 16);
	__builtin_memcpy(e->daddr, p->daddr, 16);
	e->sport = p->sport;
	e->dport = p->dport;
	e->tcp_flags = p->tcp_flags;
	e->seq = p->seq;
	e->ack = p->ack;
	e->window = p->window;
	if (e->proto == IPPROTO_TCP)
		e->retransmits = path_resent((const void *)p->saddr);
}

/* What an event is about: small, as it lies on the stack under all else. */
struct path_blame {
	struct weir_path_place from;
	struct weir_path_place to;
	__u32 stage;
	__u32 ticks;
	__u32 pid; /* of the process that runs now, and reads it; 0: nobody does here */
	__u32 retransmits; /* as many at least; what else is known of them is looked up */
};

/* Where processes read packets. On Linux 6.12 no program of XDP or tc may hold this call. */
static __always_inline void path_name_process(struct weir_slow *e)
{
#ifdef PATH_HAS_PROCESSES
	if (e->pid)
		bpf_get_current_comm(e->comm, sizeof(e->comm));
#else
	(void)e;
#endif
}

/*
 * Tell the monitor, if its filters and the rate allow. @p may be NULL: a
 * round-trip time belongs to no record.
 */
static __noinline int path_tell_one(const struct weir_path *p, const struct path_blame *what,
				    const struct path_head *h)
{
	struct weir_path_cpu *cpu = path_cpu();
	__u64 now_ns = bpf_ktime_get_ns();
	struct weir_slow_ask *ask;
	struct weir_slow *e;
	__u32 zero = 0;

	ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);
	if (!ask || !cpu || now_ns > ask->until_ns)
		return 0;
	e = bpf_ringbuf_reserve(&weir_slow, sizeof(*e), 0);
	if (!e) {
		cpu->slow_full++;
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->from = what->from;
	e->to = what->to;
	e->stage = what->stage;
	e->ticks = e->total = what->ticks;
	e->pid = what->pid;
	path_name_process(e);
	path_fill(e, h);
	if (p)
		path_fill_record(e, p);
	if (e->retransmits < what->retransmits)
		e->retransmits = what->retransmits;
	e->time_ns = now_ns;
	e->cpu = bpf_get_smp_processor_id();
	if (!path_is_asked(ask, e) || !path_may_tell(cpu, now_ns, ask->per_s)) {
		bpf_ringbuf_discard(e, 0);
		return 0;
	}
	bpf_ringbuf_submit(e, 0);
	cpu->slow_told++;
	return 0;
}

/*
 * @ticks went by in @stage; is that too long? A packet is told of once for its
 * sum, then by stage. @pid is that of the process that runs now, where it reads it.
 */
static __always_inline void path_tell(struct weir_path *p, __u32 stage,
				      const struct weir_path_place *from,
				      const struct weir_path_place *to, __u32 ticks, __u32 now,
				      const struct path_head *h, __u32 pid)
{
	struct path_blame e;
	struct weir_slow_ask *ask;
	__u32 zero = 0, over;

	ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);
	if (!ask || stage >= WEIR_PATH_COUNT)
		return;
	over = ask->over[stage];
	if (!over || ticks < over) {
		if (!ask->total || p->is_told || now - p->first < ask->total)
			return;
		stage = p->longest;
		ticks = p->longest_ticks;
		from = &p->longest_from;
		to = &p->longest_to;
	}
	p->is_told = 1;
	__builtin_memset(&e, 0, sizeof(e));
	e.from = *from;
	e.to = *to;
	e.stage = stage;
	e.ticks = ticks;
	e.pid = pid;
	path_tell_one(p, &e, h);
}

/* @p as a hook in the stack would have read it. */
static __always_inline void path_head_of(const struct pkt *p, const struct timed *t,
					 struct path_head *h)
{
	struct path_tcp *tcp;

	h->proto = p->proto;
	h->is_v6 = p->is_v6;
	if (p->is_v6) {
		__builtin_memcpy(&h->v6.saddr, &p->src, 16);
		__builtin_memcpy(&h->v6.daddr, &p->dst, 16);
	} else {
		h->v4.saddr = p->src.word[3];
		h->v4.daddr = p->dst.word[3];
	}
	tcp = (void *)path_tcp(h);
	tcp->flags = p->tcp_flags;
	if (p->has & PKT_PORTS) {
		((__be16 *)&tcp->ports)[0] = p->sport;
		((__be16 *)&tcp->ports)[1] = p->dport;
	}
	if (t->what != TIMED_TCP)
		return;
	tcp->seq = bpf_htonl(t->seq);
	tcp->ack = bpf_htonl(t->ack);
	tcp->window = bpf_htons(t->window);
}

/*
 * A round trip ended with @p on the device @ifindex, as @t says; did it take
 * too long? Not inlined, as it needs the stack. Returns 0.
 *
 * @retransmits  of its connection so far
 */
static __noinline int path_tell_rtt(const struct weir_image *image, const struct pkt *p,
				    const struct timed *t, __u32 ifindex, __u32 retransmits)
{
	struct weir_slow_ask *ask;
	struct path_head h = {};
	struct path_blame e;
	__u32 zero = 0;

	ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);
	if (!ask || !image || !p || !t || !ask->over[WEIR_SLOW_RTT] ||
	    t->took < ask->over[WEIR_SLOW_RTT])
		return 0;
	__builtin_memset(&e, 0, sizeof(e));
	e.from.netns = e.to.netns = image->netns;
	e.from.ifindex = e.to.ifindex = ifindex;
	e.stage = WEIR_SLOW_RTT;
	e.ticks = t->took;
	e.retransmits = retransmits;
	path_head_of(p, t, &h);
	return path_tell_one(NULL, &e, &h);
}

#endif
