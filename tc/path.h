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

/* The other end of a veth; NULL when @dev is none. */
static __always_inline struct net_device *veth_peer(const struct net_device *dev)
{
	const struct net_device___priv *with_priv = (const void *)dev;
	struct net_device *peer = NULL;
	static const union {
		char text[8];
		__u64 value;
	} veth = { .text = "veth" };
	const char *kind = BPF_CORE_READ(dev, rtnl_link_ops, kind);
	__u64 name = 0, size;

	if (!kind || bpf_probe_read_kernel(&name, sizeof("veth"), kind) || name != veth.value)
		return NULL;
	if (bpf_core_field_exists(with_priv->priv))
		size = bpf_core_field_offset(with_priv->priv);
	else
		size = (bpf_core_type_size(struct net_device) + DEVICE_PRIVATE_ALIGN - 1) &
		       ~(__u64)(DEVICE_PRIVATE_ALIGN - 1);
	if (bpf_probe_read_kernel(&peer, sizeof(peer), (const void *)dev + size))
		return NULL;
	return peer;
}

/*
 * Whether a packet that is first seen here begins a record: the device asks for
 * it, or is the other end of one that does.
 */
static __noinline int stack_is_wanted(const struct weir_image *image, const struct net_device *dev,
				      __u64 key)
{
	const struct net_device *peer;
	__u32 mask = 0, ifindex = 0;
	__u64 netns = 0;

	if (!image || !dev)
		return 0;
	netns = BPF_CORE_READ(dev, nd_net.net, net_cookie);
	ifindex = BPF_CORE_READ(dev, ifindex);
	if (path_stages_of(image, netns, ifindex, &mask) & 1U << WEIR_STAGE_PATH)
		return !(key & mask);
	peer = veth_peer(dev);
	if (!peer)
		return 0;
	netns = BPF_CORE_READ(peer, nd_net.net, net_cookie);
	ifindex = BPF_CORE_READ(peer, ifindex);
	if (!(path_stages_of(image, netns, ifindex, &mask) & 1U << WEIR_STAGE_PATH))
		return 0;
	return !(key & mask);
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
	struct sock *sk = skb->sk;
	__u64 sent = skb->tstamp;
	__u8 state;

	if (h->proto != IPPROTO_TCP || !sk || !sent || sent > now_ns)
		return 0;
	state = sk->__sk_common.skc_state;
	if (state == TCP_STATE_TIME_WAIT || state == TCP_STATE_NEW_SYN_RECV)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP || sk->__sk_common.skc_net.net->net_cookie != netns)
		return 0;
	if (!(tcp->flags & (PATH_TCP_SYN | PATH_TCP_FIN)) &&
	    skb->len <= skb->network_header - ((__u64)skb->data - (__u64)skb->head) + headers)
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
	path_tell(p, WEIR_PATH_SEND, &s->place, &s->place, ticks, s->now, s->head, NULL);
}

/* One packet of a sample, at a device. */
static __always_inline int stack_record(struct sk_buff *skb, struct net_device *dev,
					struct path_sight *s)
{
	struct weir_path *p = path_find(s->key);
	__u64 now_ns;

	if (!p && !stack_is_wanted(s->image, dev, s->key))
		return 0;
	now_ns = bpf_ktime_get_ns();
	s->now = path_ticks(now_ns);
	s->place.netns = dev->nd_net.net->net_cookie;
	s->place.ifindex = dev->ifindex;
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
	struct path_head head = {};
	struct path_sight s = { .image = image, .point = point, .head = &head };

	if (!image || !(image->path_stages & 1U << WEIR_STAGE_PATH))
		return 0;
	if (head_read(skb, network, &head))
		return 0;
	s.key = path_key(&head);
	if (!s.key || s.key & image->path_sample_mask)
		return 0;
	return stack_record(skb, dev, &s);
}

/* The IP header of a packet that the stack has not looked at yet: behind tags that are in it. */
static __always_inline __u32 stack_network(struct sk_buff *skb)
{
	__u32 offset = (__u64)skb->data - (__u64)skb->head;
	__be16 protocol = skb->protocol;

	if (protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD))
		return offset + VLAN_TAG_BYTES;
	return offset;
}

#endif
