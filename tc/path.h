/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices, as hooks in the stack see packets pass them.
 */
#ifndef WEIR_TC_PATH_H
#define WEIR_TC_PATH_H

#include "weir/bpf/path.h"

#include "kernel.h"
#include "socket.h"

#define DEVICE_PRIVATE_ALIGN 32

/* A word of memory that the kernel has not described. */
static __always_inline __u64 word_at(const void *from)
{
	__u64 word = 0;

	if (weir.hook_casts)
		return *WORDS(from);
	bpf_probe_read_kernel(&word, sizeof(word), from);
	return word;
}

static __always_inline bool is_veth(struct net_device *dev)
{
	static const union {
		char text[8];
		__u64 value;
	} veth = { .text = "veth" }, five = { .text = "\xff\xff\xff\xff\xff" };
	struct rtnl_link_ops *ops = GET(dev, rtnl_link_ops);
	const char *kind = ops ? GET(ops, kind) : NULL;

	return kind && (word_at(kind) & five.value) == veth.value;
}

/* The other end of a veth; NULL when @dev is none. It has no type. */
static __always_inline const void *veth_peer(struct net_device *dev)
{
	const struct net_device___priv *with_priv = (const void *)dev;
	__u64 size;

	if (!is_veth(dev))
		return NULL;
	if (bpf_core_field_exists(with_priv->priv))
		size = bpf_core_field_offset(with_priv->priv);
	else
		size = (bpf_core_type_size(struct net_device) + DEVICE_PRIVATE_ALIGN - 1) &
		       ~(__u64)(DEVICE_PRIVATE_ALIGN - 1);
	return (const void *)word_at((const void *)dev + size);
}

/* Where @dev is, which a program was given. */
static __always_inline struct weir_path_place stack_place(struct net_device *dev)
{
	return (struct weir_path_place){
		.netns = GET(GET(dev, nd_net.net), net_cookie),
		.ifindex = GET(dev, ifindex),
	};
}

/* The same of one that has no type. */
static __always_inline struct weir_path_place stack_place_found(const void *found)
{
	const struct net_device *dev = found;

	if (weir.hook_casts)
		return stack_place(AS(struct net_device, found));
	return (struct weir_path_place){
		.netns = BPF_CORE_READ(dev, nd_net.net, net_cookie),
		.ifindex = BPF_CORE_READ(dev, ifindex),
	};
}

/*
 * Whether a packet that is first seen here begins a record: the device asks for
 * it, or is the other end of one that does.
 */
static __noinline int stack_is_wanted(const struct path_sight *s, struct net_device *dev)
{
	struct weir_path_place place;
	const void *peer;
	__u32 mask = 0;

	if (!s || !dev)
		return 0;
	if (path_stages_of(s->image, s->place.netns, s->place.ifindex, &mask) &
	    1U << WEIR_STAGE_PATH)
		return !(s->key & mask);
	peer = veth_peer(dev);
	if (!peer)
		return 0;
	place = stack_place_found(peer);
	if (!(path_stages_of(s->image, place.netns, place.ifindex, &mask) & 1U << WEIR_STAGE_PATH))
		return 0;
	return !(s->key & mask);
}

/* How far what the kernel looks at is from where the packet's memory begins. */
static __always_inline __u32 stack_headroom(struct sk_buff *skb)
{
	return (__u64)GET(skb, data) - (__u64)GET(skb, head);
}

/*
 * How long ago TCP of this host meant @skb to leave; 0 where nobody knows. A
 * lone ACK may carry an older time than its own.
 */
static __always_inline __u32 stack_sent_ago(struct sk_buff *skb, const struct path_head *h,
					    __u64 netns, __u64 now_ns)
{
	const struct path_tcp *tcp = path_tcp(h);
	__u32 headers = h->l4 + (tcp->doff >> 4) * 4;
	struct sock *sk = GET(skb, sk);
	__u64 sent = GET(skb, tstamp);
	__u8 state;

	if (h->proto != IPPROTO_TCP || !sk || !sent || sent > now_ns)
		return 0;
	state = GET(sk, __sk_common.skc_state);
	if (state == TCP_STATE_TIME_WAIT || state == TCP_STATE_NEW_SYN_RECV)
		return 0;
	if (GET(sk, sk_protocol) != IPPROTO_TCP ||
	    GET(GET(sk, __sk_common.skc_net.net), net_cookie) != netns)
		return 0;
	if (!(tcp->flags & (PATH_TCP_SYN | PATH_TCP_FIN)) &&
	    GET(skb, len) <= GET(skb, network_header) - stack_headroom(skb) + headers)
		return 0;
	return path_ticks(now_ns - sent);
}

/* From TCP to the queue: there is no hook before this one, but a time in the packet. */
static __always_inline void stack_send(struct sk_buff *skb, struct weir_path *p,
				       const struct path_sight *s, __u64 now_ns)
{
	__u32 ticks = stack_sent_ago(skb, s->head, s->place.netns, now_ns);

	if (!ticks)
		return;
	p->first = s->now - ticks;
	path_measure(p, WEIR_PATH_SEND, &s->place, &s->place, ticks);
	path_judge(p, WEIR_PATH_SEND, &s->place, &s->place, ticks, s->now);
}

/* One packet of a sample, at a device. */
static __always_inline int stack_record(struct sk_buff *skb, struct net_device *dev,
					struct path_sight *s)
{
	struct weir_path *p = path_find(s->key);
	__u64 now_ns;

	s->place = stack_place(dev);
	if (!p && !stack_is_wanted(s, dev))
		return 0;
	now_ns = bpf_ktime_get_ns();
	s->now = path_ticks(now_ns);
	if (p && path_go_on(p, s))
		return 0;
	if (path_is_multicast(s->head))
		return 0;
	if (p)
		path_begin(p, s);
	else
		p = path_make(s);
	if (p && s->point == WEIR_PATH_AT_QUEUE)
		stack_send(skb, p, s, now_ns);
	return 0;
}

/*
 * @network  offset of the IP header from skb->head
 * @dev      that the packet is at
 */
static __always_inline int stack_see(struct sk_buff *skb, __u32 network, struct net_device *dev,
				     __u32 point)
{
	const struct weir_image *image = image_in_force();
	struct path_head head;
	__u64 key;

	if (!image || !(image->path_stages & 1U << WEIR_STAGE_PATH))
		return 0;
	if (head_read(skb, network, &head))
		return 0;
	key = path_key(&head);
	if (!key || key & image->path_sample_mask)
		return 0;
	return stack_record(
		skb, dev,
		&(struct path_sight){ .image = image, .point = point, .head = &head, .key = key });
}

/* The IP header of a packet that the stack has not looked at yet: behind tags that are in it. */
static __always_inline __u32 stack_network(struct sk_buff *skb)
{
	__u32 offset = stack_headroom(skb);
	__be16 protocol = GET(skb, protocol);

	if (protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD))
		return offset + VLAN_TAG_BYTES;
	return offset;
}

#endif
