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
#include "weir/slow.h"

#define PATH_NS_PER_S 1000000000ULL
/* Events at once are a tenth of those of a second. */
#define PATH_SLOW_BURST_NS (PATH_NS_PER_S / 10)

static __always_inline void path_map_v4(__u8 to[16], __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void path_flow_of(const struct path_head *h, struct weir_path_flow *f)
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

/* How often the sender of this flow sent again, as long as that is remembered. */
static __always_inline __u32 path_resent(const struct weir_path_flow *f, __u64 netns, __u64 now_ns)
{
	__u32 index = weir_resent_set(f);
	struct weir_retransmit_set *set = bpf_map_lookup_elem(&weir_resent, &index);

	return set ? weir_resent_in(set, f, netns, now_ns) : 0;
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

/* All that is known of a packet that belongs to no record. */
static __always_inline void path_fill(struct weir_slow *e, const struct path_head *h)
{
	const struct path_tcp *tcp = path_tcp(h);
	struct weir_path_flow flow;

	path_flow_of(h, &flow);
	__builtin_memcpy(e->saddr, flow.saddr, 16);
	__builtin_memcpy(e->daddr, flow.daddr, 16);
	e->sport = flow.sport;
	e->dport = flow.dport;
	e->proto = h->proto;
	if (h->proto != IPPROTO_TCP)
		return;
	e->tcp_flags = tcp->flags;
	e->seq = bpf_ntohl(tcp->seq);
	e->ack = bpf_ntohl(tcp->ack);
	e->window = bpf_ntohs(tcp->window);
}

/* The process that runs now reads it. On Linux 6.12 no program of XDP or tc may hold this call. */
static __always_inline void path_name_process(struct weir_slow *e)
{
#ifdef PATH_HAS_PROCESSES
	bpf_get_current_comm(e->comm, sizeof(e->comm));
#else
	(void)e;
#endif
}

/* The id of the monitor that asks; 0: nobody does. */
static __always_inline __u8 path_asked(void)
{
	__u32 zero = 0;
	const struct weir_slow_ask *ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);

	return ask ? ask->id : 0;
}

/* What the monitor wants, if there is one. */
static __always_inline const struct weir_slow_ask *path_ask(__u64 now_ns)
{
	__u32 zero = 0;
	const struct weir_slow_ask *ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);

	return ask && ask->id && now_ns <= ask->until_ns ? ask : NULL;
}

/* An event, all zero; NULL where there is no room for one more. */
static __always_inline struct weir_slow *path_event(struct weir_path_cpu *cpu)
{
	struct weir_slow *e = bpf_ringbuf_reserve(&weir_slow, sizeof(*e), 0);

	if (e)
		__builtin_memset(e, 0, sizeof(*e));
	else
		cpu->slow_full++;
	return e;
}

/*
 * @p, which is slow, comes to its end here: tell the monitor, if its filters and the
 * rate allow. Returns 0.
 *
 * @is_read  by the process that runs now; 0: its record gives way, or nobody reads it
 */
static __noinline KEEPS_RETURN int path_tell(struct weir_path *p, __u32 is_read)
{
	struct weir_path_cpu *cpu = path_cpu();
	__u64 now_ns = bpf_ktime_get_ns();
	const struct weir_slow_ask *ask = path_ask(now_ns);
	struct weir_slow *e;

	if (!p || !ask || !cpu || p->slow != ask->id)
		return 0;
	e = path_event(cpu);
	if (!e) {
		p->slow = 0;
		return 0;
	}
	weir_slow_of(p, ask, now_ns, e);
	if (is_read)
		path_name_process(e);
	if (!weir_slow_is_asked(ask, e, p)) {
		bpf_ringbuf_discard(e, 0);
		return 0;
	}
	p->slow = 0;
	p->told = ask->id;
	p->longest_ticks = 0;
	if (!path_may_tell(cpu, now_ns, ask->per_s)) {
		bpf_ringbuf_discard(e, 0);
		return 0;
	}
	if (e->proto == IPPROTO_TCP)
		e->retransmits = path_resent((const void *)p->saddr, p->origin_netns, now_ns);
	e->process_retransmits = path_resent_by(e->pid);
	bpf_ringbuf_submit(e, 0);
	cpu->slow_told++;
	return 0;
}

/*
 * @ticks went by in @stage, which may be none of them; is that too long? It is told of
 * when the packet comes to its end, so that there is one event of it. The stage to
 * blame is the longest one, and of those that are not all held to one time the
 * longest that is too long.
 */
static __always_inline void path_judge(struct weir_path *p, __u32 stage,
				       const struct weir_path_place *from,
				       const struct weir_path_place *to, __u32 ticks, __u32 now)
{
	const struct weir_slow_ask *ask;
	bool is_slow = false, was_slow;
	__u32 zero = 0;

	if (!p->asked)
		return;
	ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);
	if (!ask || ask->id != p->asked)
		return;
	if (weir_slow_is_at(ask, from))
		p->passed = ask->id;
	if (stage >= WEIR_PATH_COUNT)
		return;
	is_slow = ask->over[stage] && ticks >= ask->over[stage];
	was_slow = ask->id && p->slow == ask->id;
	if (ask->total || is_slow == was_slow ? ticks >= p->longest_ticks : is_slow) {
		p->longest_ticks = ticks;
		p->longest = stage;
		p->longest_from = *from;
		p->longest_to = *to;
		p->cpu = bpf_get_smp_processor_id();
	}
	if (is_slow || (ask->total && p->told != ask->id && now - p->first >= ask->total))
		p->slow = ask->id;
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

/* What a round trip that took too long is about. */
struct path_round {
	struct weir_path_place place;
	__u32 ticks;
	__u32 retransmits; /* as many at least; what else is known of them is looked up */
};

static __noinline int path_tell_round(const struct path_round *r, const struct path_head *h)
{
	struct weir_path_cpu *cpu = path_cpu();
	__u64 now_ns = bpf_ktime_get_ns();
	const struct weir_slow_ask *ask = path_ask(now_ns);
	struct weir_path_flow flow;
	struct weir_slow *e;

	if (!r || !h || !ask || !cpu)
		return 0;
	e = path_event(cpu);
	if (!e)
		return 0;
	e->from = e->to = r->place;
	e->stage = WEIR_SLOW_RTT;
	e->ticks = e->total = r->ticks;
	e->time_ns = now_ns;
	e->cpu = bpf_get_smp_processor_id();
	path_fill(e, h);
	if (e->proto == IPPROTO_TCP) {
		path_flow_of(h, &flow);
		e->retransmits = path_resent(&flow, r->place.netns, now_ns);
	}
	if (e->retransmits < r->retransmits)
		e->retransmits = r->retransmits;
	if (!weir_slow_is_asked(ask, e, NULL) || !path_may_tell(cpu, now_ns, ask->per_s)) {
		bpf_ringbuf_discard(e, 0);
		return 0;
	}
	bpf_ringbuf_submit(e, 0);
	cpu->slow_told++;
	return 0;
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
	struct path_round r = { .retransmits = retransmits };
	__u32 zero = 0;

	ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);
	if (!ask || !image || !p || !t || !ask->over[WEIR_SLOW_RTT] ||
	    t->took < ask->over[WEIR_SLOW_RTT])
		return 0;
	r.place.netns = image->netns;
	r.place.ifindex = ifindex;
	r.ticks = t->took;
	path_head_of(p, t, &h);
	return path_tell_round(&r, &h);
}

#endif
