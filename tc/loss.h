/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel drops, what TCP sends again, and connections that break:
 * by device, by flow and by the process that has the socket.
 */
#ifndef WEIR_TC_LOSS_H
#define WEIR_TC_LOSS_H

#include "weir/bpf/path.h"

#include "kernel.h"
#include "path.h"

#define TCP_STATE_ESTABLISHED 1
#define TCP_STATE_SYN_SENT 2
#define TCP_STATE_CLOSE 7
/* The lowest bit of a packet's route is not part of the address. */
#define SKB_DST_MASK (~1UL)

/* Who used a socket last. */
struct loss_owner {
	__u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct loss_owner);
} weir_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct weir_drop_key);
	__type(value, struct weir_drop);
} weir_drops SEC(".maps");

/* The generation in force, if any of its devices asks for loss. */
static __always_inline const struct weir_image *loss_image(void)
{
	const struct weir_image *image = image_in_force();

	return image && image->path_stages & 1U << WEIR_STAGE_LOSS ? image : NULL;
}

/* The process that runs now has @sk. */
static __always_inline int loss_own(struct sock *sk)
{
	struct loss_owner *owner;
	__u32 pid;

	if (GET(sk, sk_protocol) != IPPROTO_TCP || weir.hook_reads != WEIR_HOOK_READS_TYPED)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	if (!pid)
		return 0;
	owner = bpf_sk_storage_get(&weir_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner || owner->pid == pid)
		return 0;
	owner->pid = pid;
	bpf_get_current_comm(owner->comm, sizeof(owner->comm));
	return 0;
}

static __always_inline struct loss_owner *loss_owner_of(struct sock *sk)
{
	__u8 state = GET(sk, __sk_common.skc_state);

	/* Those are shorter than a socket. */
	if (state == TCP_STATE_TIME_WAIT || state == TCP_STATE_NEW_SYN_RECV ||
	    weir.hook_reads != WEIR_HOOK_READS_TYPED)
		return NULL;
	return bpf_sk_storage_get(&weir_owners, sk, 0, 0);
}

/* Where a packet is lost: its device, or else the one it came in by, and the namespace of its route. */
static __always_inline struct net_device *loss_place(struct sk_buff *skb,
						     struct weir_path_place *place)
{
	struct net_device *dev = GET(skb, dev);
	const struct dst_entry *dst;
	__u32 ifindex;

	/* UDP keeps something else there, which is no address of the kernel. */
	if ((__s64)dev < 0) {
		*place = stack_place(dev);
		return dev;
	}
	dst = (const void *)(GET(skb, _skb_refdst) & SKB_DST_MASK);
	if (dst)
		*place = stack_place_found(BPF_CORE_READ(dst, dev));
	ifindex = GET(skb, skb_iif);
	if (ifindex)
		place->ifindex = ifindex;
	return NULL;
}

/* Whether @place asks for loss. */
static __always_inline bool loss_is_wanted_at(const struct weir_image *image,
					      struct weir_path_place place)
{
	__u32 mask;

	return path_stages_of(image, place.netns, place.ifindex, &mask) & 1U << WEIR_STAGE_LOSS;
}

/* The same, or @dev, which may be NULL, is the other end of one that does. */
static __always_inline bool loss_is_wanted(const struct weir_image *image,
					   struct weir_path_place place, struct net_device *dev)
{
	const void *peer;

	/* Nobody knows the namespace any more; this one has such a device. */
	if (!place.netns)
		place.netns = image->netns;
	if (loss_is_wanted_at(image, place))
		return true;
	peer = dev ? veth_peer(dev) : NULL;
	return peer && loss_is_wanted_at(image, stack_place_found(peer));
}

/* The time as of this jiffy: drops come by thousands, and reading the clock is half of their cost. */
static __always_inline __u64 loss_clock(struct weir_path_cpu *cpu)
{
	__u64 jiffies = bpf_jiffies64();

	if (cpu->jiffies != jiffies) {
		cpu->jiffies = jiffies;
		cpu->jiffies_ns = bpf_ktime_get_ns();
	}
	return cpu->jiffies_ns;
}

/* The row of @key, made where there is none; NULL where there are too many. */
static __always_inline struct weir_drop *loss_row(const struct weir_drop_key *key,
						  struct weir_path_cpu *cpu, __u64 packets)
{
	static const struct weir_drop none = {};
	struct weir_drop *drop = bpf_map_lookup_elem(&weir_drops, key);

	if (!drop) {
		bpf_map_update_elem(&weir_drops, key, &none, BPF_NOEXIST);
		drop = bpf_map_lookup_elem(&weir_drops, key);
	}
	if (!drop)
		cpu->drops_full += packets;
	return drop;
}

static __noinline KEEPS_RETURN int loss_count(const struct weir_path_place *place, __u32 kind,
					      __u32 reason, __u32 packets)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct weir_drop_key key = { .reason = reason, .kind = kind };
	struct weir_drop *drop;

	if (!place || !cpu)
		return 0;
	key.netns = place->netns;
	key.ifindex = place->ifindex;
	drop = loss_row(&key, cpu, packets);
	if (!drop)
		return 0;
	drop->packets += packets;
	drop->last_ns = loss_clock(cpu);
	return 0;
}

/* What was counted beside its row goes there, and the next like @place and @reason are. */
static __noinline KEEPS_RETURN int loss_turn(const struct weir_path_place *place, __u32 reason)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct weir_drop *drop;

	if (!place || !cpu)
		return 0;
	if (cpu->drop_packets) {
		drop = loss_row(&cpu->drop, cpu, cpu->drop_packets);
		if (drop)
			drop->packets += cpu->drop_packets;
		cpu->drop_packets = 0;
	}
	cpu->drop.netns = place->netns;
	cpu->drop.ifindex = place->ifindex;
	cpu->drop.reason = reason;
	cpu->drop.kind = WEIR_DROP_DROP;
	cpu->drop_jiffies = bpf_jiffies64();
	return 0;
}

/*
 * Drops come by thousands, and most are like the one before: what is asked for, and
 * where the row is, holds for the rest of a jiffy.
 */
static __always_inline int loss_drop(struct sk_buff *skb, __u32 reason)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct weir_path_place place = {};
	const struct weir_image *image;
	struct net_device *dev;

	if (!cpu)
		return 0;
	dev = loss_place(skb, &place);
	if (cpu->drop_jiffies == bpf_jiffies64() && cpu->drop.ifindex == place.ifindex &&
	    cpu->drop.reason == reason && cpu->drop.netns == place.netns) {
		cpu->drop_packets++;
		return 0;
	}
	image = loss_image();
	if (!image || !loss_is_wanted(image, place, dev))
		return 0;
	loss_turn(&place, reason);
	loss_count(&place, WEIR_DROP_DROP, reason, 1);
	return 0;
}

/* The row of a process; the one that lost nothing for longest gives way. NULL: nobody knows. */
static __always_inline struct weir_process *loss_process(const struct loss_owner *owner)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct weir_process_set *set;
	struct weir_process *p;
	__u32 index;

	if (!owner || !owner->pid || !cpu)
		return NULL;
	index = weir_mix64(owner->pid) & (WEIR_PROCESS_SETS - 1);
	set = bpf_map_lookup_elem(&weir_processes, &index);
	if (!set)
		return NULL;
	p = &set->way[0];
#pragma unroll
	for (int i = 0; i < WEIR_PROCESS_WAYS; i++) {
		if (set->way[i].pid == owner->pid) {
			p = &set->way[i];
			break;
		}
		if (set->way[i].last_ns < p->last_ns)
			p = &set->way[i];
	}
	if (p->pid != owner->pid) {
		cpu->processes_evicted += !!p->pid;
		__builtin_memset(p, 0, sizeof(*p));
		p->pid = owner->pid;
	}
	__builtin_memcpy(p->comm, owner->comm, sizeof(p->comm));
	p->last_ns = bpf_ktime_get_ns();
	return p;
}

static __always_inline void loss_flow_of(struct sock *sk, struct weir_path_flow *f)
{
	f->sport = GET(sk, __sk_common.skc_num);
	f->dport = bpf_ntohs(GET(sk, __sk_common.skc_dport));
	if (GET(sk, __sk_common.skc_family) == AF_INET6) {
		bpf_probe_read_kernel(f->saddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(f->daddr, 16, &sk->__sk_common.skc_v6_daddr);
		return;
	}
	path_map_v4(f->saddr, GET(sk, __sk_common.skc_rcv_saddr));
	path_map_v4(f->daddr, GET(sk, __sk_common.skc_daddr));
}

/* The row of a flow; the one that sent nothing again for longest gives way. */
static __always_inline struct weir_retransmit *loss_flow(const struct weir_path_flow *f,
							 __u64 netns)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct weir_retransmit_set *set;
	struct weir_retransmit *r;
	__u32 index = weir_resent_set(f);

	set = bpf_map_lookup_elem(&weir_resent, &index);
	if (!set || !cpu)
		return NULL;
	r = &set->way[0];
#pragma unroll
	for (int i = 0; i < WEIR_RETRANSMIT_WAYS; i++) {
		if (weir_resent_is(&set->way[i], f, netns))
			return &set->way[i];
		if (set->way[i].last_ns < r->last_ns)
			r = &set->way[i];
	}
	cpu->retransmits_evicted += !!r->count;
	__builtin_memset(r, 0, sizeof(*r));
	__builtin_memcpy(r->saddr, f->saddr, 16);
	__builtin_memcpy(r->daddr, f->daddr, 16);
	r->sport = f->sport;
	r->dport = f->dport;
	r->netns = netns;
	return r;
}

/* Where a connection leaves; false where no device on its way asks for loss. */
static __always_inline bool loss_of_socket(struct sock *sk, struct weir_path_place *place)
{
	const struct weir_image *image = loss_image();
	struct dst_entry *dst;
	struct net_device *dev;

	if (!image)
		return false;
	dst = GET(sk, sk_dst_cache);
	dev = dst ? GET(dst, dev) : NULL;
	if (!dev)
		return false;
	*place = stack_place(dev);
	return loss_is_wanted(image, *place, dev);
}

/* What TCP sends again at a time may be several segments. */
static __always_inline __u32 loss_segments(struct sk_buff *skb)
{
	const struct tcp_skb_cb *cb = (const void *)skb->cb;
	__u16 segments = 1;

	bpf_probe_read_kernel(&segments, sizeof(segments), &cb->tcp_gso_segs);
	return segments ?: 1;
}

/* @count, or as often as the connection of @sk sent again if that is less. */
static __always_inline __u32 loss_at_most(__u32 count, struct sock *sk)
{
	__u32 total = BPF_CORE_READ((struct tcp_sock *)sk, total_retrans);

	return count < total ? count : total;
}

static __always_inline int loss_retransmit(struct sock *sk, struct sk_buff *skb)
{
	struct weir_path_place place = {};
	struct loss_owner *owner;
	struct weir_retransmit *r;
	struct weir_process *p;
	struct weir_path_flow flow;
	__u32 segments;

	if (!loss_of_socket(sk, &place))
		return 0;
	segments = loss_segments(skb);
	loss_count(&place, WEIR_DROP_RETRANSMIT, 0, segments);
	loss_flow_of(sk, &flow);
	owner = loss_owner_of(sk);
	r = loss_flow(&flow, place.netns);
	if (r) {
		/* No more than this connection did: there may have been one before with its ends. */
		r->count = loss_at_most(r->count + segments, sk);
		r->last_ns = bpf_ktime_get_ns();
	}
	if (r && owner) {
		r->pid = owner->pid;
		__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	}
	p = loss_process(owner);
	if (p)
		__sync_fetch_and_add(&p->retransmits, segments);
	return 0;
}

static __always_inline int loss_reset_received(struct sock *sk)
{
	struct weir_path_place place = {};
	struct weir_process *p;

	if (!loss_of_socket(sk, &place))
		return 0;
	loss_count(&place, WEIR_DROP_RESET_RECEIVED, 0, 1);
	p = loss_process(loss_owner_of(sk));
	if (p)
		__sync_fetch_and_add(&p->resets_received, 1);
	return 0;
}

/* An answer to what nobody listens for has no socket, one of a process no packet. */
static __always_inline int loss_reset_sent(struct sock *sk, struct sk_buff *skb)
{
	const struct weir_image *image = loss_image();
	struct weir_path_place place = {};
	struct net_device *dev;
	struct weir_process *p;

	if (!image)
		return 0;
	if (skb) {
		dev = loss_place(skb, &place);
		if (!loss_is_wanted(image, place, dev))
			return 0;
	} else if (!sk || !loss_of_socket(sk, &place)) {
		return 0;
	}
	loss_count(&place, WEIR_DROP_RESET_SENT, 0, 1);
	p = sk ? loss_process(loss_owner_of(sk)) : NULL;
	if (p)
		__sync_fetch_and_add(&p->resets_sent, 1);
	return 0;
}

/*
 * A connection begins, and has ends that another one had: what that one sent again is
 * not its own. Where its port is not known yet, that comes when it is established.
 */
static __always_inline void loss_forget(struct sock *sk)
{
	__u64 netns = GET(GET(sk, __sk_common.skc_net.net), net_cookie);
	struct weir_retransmit_set *set;
	struct weir_path_flow flow;
	__u32 index;

	loss_flow_of(sk, &flow);
	index = weir_resent_set(&flow);
	set = bpf_map_lookup_elem(&weir_resent, &index);
	if (!set)
		return;
#pragma unroll
	for (int i = 0; i < WEIR_RETRANSMIT_WAYS; i++) {
		if (weir_resent_is(&set->way[i], &flow, netns))
			set->way[i].count = loss_at_most(set->way[i].count, sk);
	}
}

static __always_inline int loss_state(struct sock *sk, int before_it, int state)
{
	struct weir_path_place place = {};
	struct weir_process *p;

	if (GET(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if ((state == TCP_STATE_SYN_SENT || state == TCP_STATE_ESTABLISHED) && loss_image())
		loss_forget(sk);
	if (state == TCP_STATE_SYN_SENT)
		return loss_own(sk);
	if (before_it != TCP_STATE_SYN_SENT || state != TCP_STATE_CLOSE ||
	    !loss_of_socket(sk, &place))
		return 0;
	loss_count(&place, WEIR_DROP_CONNECT_FAILED, 0, 1);
	p = loss_process(loss_owner_of(sk));
	if (p)
		__sync_fetch_and_add(&p->connects_failed, 1);
	return 0;
}

#endif
