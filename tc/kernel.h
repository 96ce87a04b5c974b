/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stack's hooks read of the kernel's own structures: the names are
 * the kernel's, the places are found when a program is loaded.
 */
#ifndef WEIR_TC_KERNEL_H
#define WEIR_TC_KERNEL_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>

#define KERNEL __attribute__((preserve_access_index))

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
	const struct rtnl_link_ops *rtnl_link_ops;
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
	volatile unsigned char skc_state;
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

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	struct sk_buff_head sk_receive_queue;
	struct dst_entry *sk_dst_cache;
} KERNEL;

struct udp_sock {
	struct sk_buff_head reader_queue;
} KERNEL;

struct tcp_sock {
	__u32 copied_seq;
	__u32 rcv_nxt;
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

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
} KERNEL;

#endif
