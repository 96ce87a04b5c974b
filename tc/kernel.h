/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stack's hooks read of the kernel's own structures: the names are
 * the kernel's, the places are found when a program is loaded.
 *
 *     netns = GET(GET(dev, nd_net.net), net_cookie);
 *
 * GET() is a plain load where the program was given a pointer whose type the
 * kernel knows, by a BTF tracepoint or fentry, and a call of a helper where it
 * was not; the verifier keeps one of them.
 */
#ifndef WEIR_TC_KERNEL_H
#define WEIR_TC_KERNEL_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>

#include "weir/bpf/maps.h"

#define KERNEL __attribute__((preserve_access_index))

#define GET(from, member)                                                           \
	({                                                                          \
		typeof(from) from_ = (from);                                        \
		typeof(from_->member) got_;                                         \
		if (weir.hook_reads == WEIR_HOOK_READS_TYPED)                       \
			got_ = from_->member;                                       \
		else                                                                \
			bpf_core_read((void *)&got_, sizeof(got_), &from_->member); \
		got_;                                                               \
	})

extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

/* It begins with a row of words on every machine: what the verifier wants to know of memory. */
struct pt_regs {
} KERNEL;

/*
 * What was found by other ways than from the program's arguments is given its
 * type where weir.hook_casts says that the kernel can, or else it is read by
 * helpers, each of which takes longer than a dozen loads.
 */
#define AS(type, pointer) ((type *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)))
#define WORDS(pointer) \
	((const __u64 *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(struct pt_regs)))

struct net {
	__u64 net_cookie;
} KERNEL;

typedef struct {
	struct net *net;
} possible_net_t;

struct rtnl_link_ops {
	const char *kind;
} KERNEL;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	struct rtnl_link_ops *rtnl_link_ops;
} KERNEL;

/* From 6.10 on; before, what a driver keeps follows the structure. */
struct net_device___priv {
	__u8 priv[0];
} KERNEL;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* host order */
	unsigned short skc_family;
	unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct {
		__u8 in6_u[16];
	} skc_v6_daddr, skc_v6_rcv_saddr;
} KERNEL;

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *next;
	struct sk_buff *prev;
	__u32 qlen;
} KERNEL;

struct dst_entry {
	struct net_device *dev;
} KERNEL;

struct list_head {
	struct list_head *next;
} KERNEL;

struct wait_queue_head {
	struct list_head head;
} KERNEL;

struct socket_wq {
	struct wait_queue_head wait;
} KERNEL;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	struct sk_buff_head sk_receive_queue;
	struct dst_entry *sk_dst_cache;
	struct socket_wq *sk_wq;
} KERNEL;

struct udp_sock {
	struct sk_buff_head reader_queue;
} KERNEL;

struct tcp_sock {
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 total_retrans;
} KERNEL;

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	__u64 tstamp;
	unsigned int len;
	__u32 tail; /* an offset on every 64-bit machine */
	__u16 network_header;
	__u16 transport_header;
	__be16 protocol;
	int skb_iif;
	unsigned long _skb_refdst;
	char cb[48];
	unsigned char *head;
	unsigned char *data;
} KERNEL;

/* In cb of what is TCP's. */
struct tcp_skb_cb {
	__u16 tcp_gso_segs;
} KERNEL;

/* What a CPU held when a function was called, on each machine that weir runs on. */
struct pt_regs___x86 {
	unsigned long di;
} KERNEL;

struct pt_regs___arm64 {
	__u64 regs[31];
} KERNEL;

/* The first argument of the function that a kprobe stands at. */
static __always_inline void *first_argument(const void *ctx)
{
	const struct pt_regs___x86 *x86 = ctx;
	const struct pt_regs___arm64 *arm64 = ctx;

	if (bpf_core_field_exists(x86->di))
		return (void *)BPF_CORE_READ(x86, di);
	return (void *)BPF_CORE_READ(arm64, regs[0]);
}

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
} KERNEL;

#endif
