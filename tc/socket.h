/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sockets, as packets come to them and processes read them.
 */
#ifndef WEIR_TC_SOCKET_H
#define WEIR_TC_SOCKET_H

#include "weir/bpf/path.h"

#include "head.h"
#include "kernel.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define TCP_STATE_TIME_WAIT 6
#define TCP_STATE_NEW_SYN_RECV 12

/* Segments of a sample that a socket keeps until they are read. */
#define SOCKET_WAITING 64

struct socket_segment {
	__u64 key;
	__u32 end; /* sequence number behind it */
	__u32 at;
	struct weir_path_place place;
};

struct socket_path {
	__u32 head; /* the next to be read */
	__u32 count;
	struct socket_segment segment[SOCKET_WAITING];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_path);
} weir_sockets SEC(".maps");

static __always_inline bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* Keep a segment of a sample until the stream has been read as far as it goes. */
static __always_inline void socket_wait(struct sock *sk, const struct path_sight *s, __u32 end)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct socket_path *waiting;
	struct socket_segment *slot;

	waiting = bpf_sk_storage_get(&weir_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!waiting || !cpu)
		return;
	if (waiting->count >= SOCKET_WAITING) {
		cpu->sockets_full++;
		return;
	}
	slot = &waiting->segment[(waiting->head + waiting->count) & (SOCKET_WAITING - 1)];
	slot->key = s->key;
	slot->end = end;
	slot->at = s->now;
	slot->place = s->place;
	waiting->count++;
}

/* The record of a packet of a sample that comes to a socket; NULL where it has none. */
static __always_inline struct weir_path *socket_find(struct sk_buff *skb, struct path_head *head,
						     struct path_sight *s)
{
	const struct weir_image *image = image_in_force();

	if (!image || !(image->path_stages & 1U << WEIR_STAGE_PATH) ||
	    head_read(skb, skb->network_header, head))
		return NULL;
	s->image = image;
	s->head = head;
	s->key = path_key(head);
	if (!s->key || s->key & image->path_sample_mask)
		return NULL;
	return path_find(s->key);
}

static __always_inline int socket_segment(struct sock *sk, struct sk_buff *skb)
{
	struct path_sight s = { .point = WEIR_PATH_AT_SOCKET };
	struct path_head head = {};
	struct weir_path *p = socket_find(skb, &head, &s);
	const struct path_tcp *tcp = path_tcp(&head);
	__u32 bytes, end;

	if (!p)
		return 0;
	s.now = path_ticks(bpf_ktime_get_ns());
	path_go_on(p, &s);
	bytes = skb->len - (tcp->doff >> 4) * 4;
	end = bpf_ntohl(tcp->seq) + bytes;
	/* A segment that has come before is not read again. */
	if (bytes && before(BPF_CORE_READ((struct tcp_sock *)sk, rcv_nxt), end))
		socket_wait(sk, &s, end);
	return 0;
}

/* As its packet would look at the IP and TCP header. */
static __always_inline void socket_head(struct sock *sk, __u32 seq, struct path_head *h)
{
	struct path_tcp *tcp;

	h->proto = IPPROTO_TCP;
	h->is_v6 = sk->__sk_common.skc_family == AF_INET6;
	if (h->is_v6) {
		bpf_probe_read_kernel(&h->v6.saddr, 16, &sk->__sk_common.skc_v6_daddr);
		bpf_probe_read_kernel(&h->v6.daddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	} else {
		h->v4.saddr = sk->__sk_common.skc_daddr;
		h->v4.daddr = sk->__sk_common.skc_rcv_saddr;
	}
	tcp = (void *)path_tcp(h);
	tcp->ports = sk->__sk_common.skc_dport |
		     (__u32)bpf_htons(sk->__sk_common.skc_num) << 16;
	tcp->seq = bpf_htonl(seq);
}

/* Who reads, in the record, so that an event can tell. */
static __always_inline void socket_note_reader(struct weir_path *p)
{
	p->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(p->comm, sizeof(p->comm));
}

static __noinline int socket_read_segment(struct sock *sk, const struct socket_segment *segment)
{
	struct weir_path *p;
	struct path_head head = {};
	__u32 now, ticks;

	if (!sk || !segment)
		return 0;
	p = path_find(segment->key);
	now = path_ticks(bpf_ktime_get_ns());
	ticks = now - segment->at;
	if (!p) {
		path_measure(NULL, WEIR_PATH_APP, &segment->place, &segment->place, ticks);
		return 0;
	}
	socket_note_reader(p);
	p->at = now;
	p->point = WEIR_PATH_AT_READ;
	path_measure(p, WEIR_PATH_APP, &segment->place, &segment->place, ticks);
	socket_head(sk, segment->end, &head);
	path_tell(p, WEIR_PATH_APP, &segment->place, &segment->place, ticks, now, &head);
	return 0;
}

static __always_inline int socket_read_stream(struct sock *sk)
{
	struct socket_path *waiting = bpf_sk_storage_get(&weir_sockets, sk, 0, 0);
	struct socket_segment *segment;
	__u32 copied;

	if (!waiting || !waiting->count)
		return 0;
	copied = BPF_CORE_READ((struct tcp_sock *)sk, copied_seq);
	for (int i = 0; i < SOCKET_WAITING; i++) {
		if (!waiting->count)
			return 0;
		segment = &waiting->segment[waiting->head & (SOCKET_WAITING - 1)];
		if (before(copied, segment->end))
			return 0;
		socket_read_segment(sk, segment);
		waiting->head++;
		waiting->count--;
	}
	return 0;
}

/* The newest in the queue; a reader may have taken it meanwhile, then it has no record. */
static __always_inline int socket_ready(struct sock *sk)
{
	struct path_sight s = { .point = WEIR_PATH_AT_SOCKET };
	struct path_head head = {};
	struct weir_path *p;
	struct sk_buff *skb;
	__u16 family = sk->__sk_common.skc_family;

	if (sk->sk_type == SOCK_STREAM || (family != AF_INET && family != AF_INET6))
		return 0;
	skb = sk->sk_receive_queue.prev;
	if (!skb || (void *)skb == (void *)&sk->sk_receive_queue)
		return 0;
	p = socket_find(skb, &head, &s);
	if (!p)
		return 0;
	s.now = path_ticks(bpf_ktime_get_ns());
	path_go_on(p, &s);
	return 0;
}

static __always_inline int socket_read_datagram(struct sk_buff *skb)
{
	struct path_sight s = { .point = WEIR_PATH_AT_READ };
	struct path_head head = {};
	struct weir_path *p = socket_find(skb, &head, &s);

	if (!p)
		return 0;
	s.now = path_ticks(bpf_ktime_get_ns());
	if (p->point != WEIR_PATH_AT_READ)
		socket_note_reader(p);
	path_go_on(p, &s);
	return 0;
}

/* Those of packet sockets, as a sniffer has them, are copies; a stream is read otherwise. */
static __always_inline int socket_read(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	__u16 family;

	if (sk) {
		family = sk->__sk_common.skc_family;
		if (sk->sk_type == SOCK_STREAM || (family != AF_INET && family != AF_INET6))
			return 0;
	}
	return socket_read_datagram(skb);
}

/*
 * UDP keeps what it must know of a packet in its queue where the device was,
 * and that does not look like an address of the kernel.
 */
static __always_inline int socket_consume(struct sk_buff *skb)
{
	__s64 scratch = 0;

	if (bpf_probe_read_kernel(&scratch, sizeof(scratch), &skb->dev) || scratch <= 0)
		return 0;
	return socket_read_datagram(skb);
}

#endif
