/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sockets, as packets come to them and processes read them.
 */
#ifndef WEIR_TC_SOCKET_H
#define WEIR_TC_SOCKET_H

#include "weir/bpf/path.h"

#include "head.h"
#include "kernel.h"
#include "wake.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define TCP_STATE_TIME_WAIT 6
#define TCP_STATE_NEW_SYN_RECV 12

#define MSG_PEEK 2

/* Packets of a sample that a socket keeps until they are read: 1.5 KiB. */
#define SOCKET_WAITING 64

struct socket_packet {
	__u64 key;
	__u64 skb; /* of a datagram: its address, as long as it is in the queue */
	__u32 end; /* what is to be read before it is: sequence number, or datagrams */
	__u32 at;
};

struct socket_path {
	__u32 head; /* the next to be read */
	__u32 count;
	__u32 datagrams; /* that were read since this is here */
	__u32 reader; /* thread that read last; 0: not known */
	struct socket_packet packet[SOCKET_WAITING];
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

/* Keep a packet of a sample until the socket has been read as far as its end. */
static __always_inline void socket_wait(struct socket_path *waiting, const struct path_sight *s,
					__u32 end, const struct sk_buff *skb)
{
	struct weir_path_cpu *cpu = path_cpu();
	struct socket_packet *slot;

	if (!cpu)
		return;
	if (waiting->count >= SOCKET_WAITING) {
		cpu->sockets_full++;
		return;
	}
	slot = &waiting->packet[(waiting->head + waiting->count) & (SOCKET_WAITING - 1)];
	slot->key = s->key;
	slot->skb = (__u64)skb;
	slot->end = end;
	slot->at = s->now;
	waiting->count++;
	wake_await(waiting->reader);
}

/* The record of a packet of a sample that comes to a socket; NULL where it has none. */
static __always_inline struct weir_path *socket_find(struct sk_buff *skb, struct path_head *head,
						     struct path_sight *s)
{
	const struct weir_image *image = image_in_force();

	if (!image || !(image->path_stages & 1U << WEIR_STAGE_PATH) ||
	    head_read(skb, GET(skb, network_header), head))
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
	struct path_head head;
	struct weir_path *p = socket_find(skb, &head, &s);
	const struct path_tcp *tcp;
	struct socket_path *waiting;
	__u32 bytes, end, next;

	if (!p)
		return 0;
	s.now = path_ticks(bpf_ktime_get_ns());
	path_go_on(p, &s);
	tcp = path_tcp(&head);
	bytes = GET(skb, len) - (tcp->doff >> 4) * 4;
	end = bpf_ntohl(tcp->seq) + bytes;
	next = BPF_CORE_READ((struct tcp_sock *)sk, rcv_nxt);
	/* A segment that has come before is not read again. */
	if (!bytes)
		p->point = WEIR_PATH_AT_READ; /* nobody will read it */
	if (!bytes || !before(next, end)) {
		if (p->slow)
			path_tell(p, 0);
		return 0;
	}
	/* Behind a gap it wakes nobody. */
	if (!before(next, bpf_ntohl(tcp->seq)))
		wake_expect(sk, s.key, s.now);
	if (weir.hook_reads != WEIR_HOOK_READS_TYPED)
		return 0;
	waiting = bpf_sk_storage_get(&weir_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (waiting)
		socket_wait(waiting, &s, end, NULL);
	return 0;
}

/* The process that runs now reads a packet that has waited since @at. */
static __noinline KEEPS_RETURN int socket_was_read(struct weir_path *p, __u32 at)
{
	__u32 now, waited, ticks;
	__u64 reader;

	/* Another hook has seen it read, or the record is of the same packet sent again. */
	if (!p || p->point == WEIR_PATH_AT_READ)
		return 0;
	now = path_ticks(bpf_ktime_get_ns());
	reader = bpf_get_current_pid_tgid();
	waited = wake_waited((__u32)reader, at, now);
	ticks = now - at - waited;
	p->pid = reader >> 32;
	p->at = now;
	p->point = WEIR_PATH_AT_READ;
	path_measure(p, WEIR_PATH_APP, &p->place, &p->place, ticks);
	path_judge(p, WEIR_PATH_APP, &p->place, &p->place, ticks, now);
	if (waited) {
		path_measure(p, WEIR_PATH_WAKE, &p->place, &p->place, waited);
		path_judge(p, WEIR_PATH_WAKE, &p->place, &p->place, waited, now);
	}
	if (p->slow)
		path_tell(p, 1);
	return 0;
}

struct socket_reader {
	struct socket_path *waiting;
	const struct sk_buff *next; /* datagram that is still in the queue, or NULL */
	__u32 read;
	__u32 pad;
};

static long socket_take(__u32 i, struct socket_reader *r)
{
	struct socket_path *waiting = r->waiting;
	struct socket_packet *packet;

	if (!waiting->count)
		return 1;
	packet = &waiting->packet[waiting->head & (SOCKET_WAITING - 1)];
	if (before(r->read, packet->end))
		return 1;
	/* It came while another was being read, and that counted for it. */
	if (r->next && packet->skb == (__u64)r->next)
		return 1;
	socket_was_read(path_find(packet->key), packet->at);
	waiting->head++;
	waiting->count--;
	return 0;
}

/* All that waits, up to @read. */
static __always_inline void socket_take_all(struct socket_path *waiting, __u32 read,
					    const struct sk_buff *next)
{
	struct socket_reader r = { .waiting = waiting, .next = next, .read = read };

	bpf_loop(SOCKET_WAITING, socket_take, &r, 0);
	waiting->reader = wake_read(waiting->count);
}

static __always_inline int socket_read_stream(struct sock *sk)
{
	struct socket_path *waiting = bpf_sk_storage_get(&weir_sockets, sk, 0, 0);

	if (waiting && waiting->count)
		socket_take_all(waiting, BPF_CORE_READ((struct tcp_sock *)sk, copied_seq), NULL);
	return 0;
}

/* The next datagram that a reader of @sk gets; NULL where there is none. */
static __always_inline struct sk_buff *socket_next(struct sock *sk)
{
	struct sk_buff_head *first = &((struct udp_sock *)sk)->reader_queue;
	struct sk_buff *next = BPF_CORE_READ((struct udp_sock *)sk, reader_queue.next);

	if (next && (void *)next != (void *)first)
		return next;
	next = GET(sk, sk_receive_queue.next);
	return (void *)next == (void *)&sk->sk_receive_queue ? NULL : next;
}

static __always_inline int socket_received(struct sock *sk, int bytes, int flags)
{
	struct socket_path *waiting;

	if (bytes < 0 || flags & MSG_PEEK || GET(sk, sk_protocol) != IPPROTO_UDP)
		return 0;
	waiting = bpf_sk_storage_get(&weir_sockets, sk, 0, 0);
	if (!waiting)
		return 0;
	waiting->datagrams++;
	if (waiting->count)
		socket_take_all(waiting, waiting->datagrams, socket_next(sk));
	return 0;
}

/* A datagram is read when as many were read as are in the queue now. */
static __always_inline void socket_wait_for_reader(struct sock *sk, const struct path_sight *s,
						   const struct sk_buff *skb)
{
	struct socket_path *waiting =
		bpf_sk_storage_get(&weir_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	__u32 queued = GET(sk, sk_receive_queue.qlen);

	if (!waiting)
		return;
	queued += BPF_CORE_READ((struct udp_sock *)sk, reader_queue.qlen);
	socket_wait(waiting, s, waiting->datagrams + queued, skb);
}

/* The newest in the queue; a reader may have taken it meanwhile, then it has no record. */
static __always_inline int socket_ready_datagram(struct sock *sk)
{
	struct path_sight s = { .point = WEIR_PATH_AT_SOCKET };
	struct sk_buff *skb = GET(sk, sk_receive_queue.prev);
	struct path_head head;
	struct weir_path *p = NULL;

	if (skb && (void *)skb != (void *)&sk->sk_receive_queue)
		p = socket_find(skb, &head, &s);
	if (p) {
		s.now = path_ticks(bpf_ktime_get_ns());
		path_go_on(p, &s);
		wake_expect(sk, s.key, s.now);
	}
	wake_is_due(sk);
	if (p && GET(sk, sk_protocol) == IPPROTO_UDP && weir.hook_reads == WEIR_HOOK_READS_TYPED)
		socket_wait_for_reader(sk, &s, skb);
	return 0;
}

static __always_inline int socket_ready(struct sock *sk)
{
	__u16 family = GET(sk, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (GET(sk, sk_type) != SOCK_STREAM)
		return socket_ready_datagram(sk);
	wake_is_due(sk);
	return 0;
}

static __always_inline int socket_read_datagram(struct sk_buff *skb)
{
	struct path_sight s = {};
	struct path_head head;
	struct weir_path *p = socket_find(skb, &head, &s);

	/* Without a hook at the socket it waits from its device on. */
	if (p && (p->point == WEIR_PATH_AT_SOCKET || p->point == WEIR_PATH_AT_RECEIVE ||
		  p->point == WEIR_PATH_AT_XDP))
		socket_was_read(p, p->at);
	return 0;
}

/* Those of packet sockets, as a sniffer has them, are copies; a stream is read otherwise. */
static __always_inline int socket_read(struct sk_buff *skb)
{
	struct sock *sk = GET(skb, sk);
	__u16 family;

	if (sk) {
		family = GET(sk, __sk_common.skc_family);
		if (GET(sk, sk_type) == SOCK_STREAM || (family != AF_INET && family != AF_INET6))
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
	if ((__s64)GET(skb, dev) <= 0)
		return 0;
	return socket_read_datagram(skb);
}

#endif
