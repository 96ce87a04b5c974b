// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir in the stack: hooks that see the same packet between a socket and a
 * device. They see every namespace; records are kept of what touches a device
 * that asks for it. Where each is attached, and how, ctl decides: see ctl/stack.h.
 */
#define PATH_HAS_PROCESSES

#include "loss.h"
#include "path.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* In front of the queueing discipline. */
SEC("raw_tp")
int BPF_PROG(weir_queue, struct sk_buff *skb)
{
	return stack_see(skb, GET(skb, network_header), GET(skb, dev), WEIR_PATH_AT_QUEUE);
}

/* Handed to the driver. */
SEC("raw_tp")
int BPF_PROG(weir_xmit, struct sk_buff *skb, struct net_device *dev)
{
	return stack_see(skb, GET(skb, network_header), dev, WEIR_PATH_AT_XMIT);
}

/* Come into the stack, behind XDP, GRO and the CPU's backlog, ahead of tc. */
SEC("raw_tp")
int BPF_PROG(weir_receive, struct sk_buff *skb)
{
	return stack_see(skb, stack_network(skb), GET(skb, dev), WEIR_PATH_AT_RECEIVE);
}

/* TCP, connected: handed to its socket. */
SEC("raw_tp")
int BPF_PROG(weir_segment, struct sock *sk, struct sk_buff *skb)
{
	return socket_segment(sk, skb);
}

/* TCP: a process has read as far as copied_seq. */
SEC("raw_tp")
int BPF_PROG(weir_stream, struct sock *sk)
{
	return socket_read_stream(sk);
}

/* Other than TCP: a socket has one more in its queue. */
SEC("raw_tp")
int BPF_PROG(weir_ready, struct sock *sk)
{
	return socket_ready(sk);
}

SEC("kprobe")
int weir_ready_kprobe(void *ctx)
{
	return socket_ready(first_argument(ctx));
}

/* A process reads a datagram that is not in one piece, or of a raw socket. */
SEC("raw_tp")
int BPF_PROG(weir_copy, struct sk_buff *skb)
{
	return socket_read(skb);
}

/* A process has read a datagram, of UDP in one piece; from Linux 6.18 on no other hook sees that. */
SEC("raw_tp")
int BPF_PROG(weir_recv, struct sock *sk, int bytes, int flags)
{
	return socket_received(sk, bytes, flags);
}

/* The same, and which one; up to Linux 6.17. */
SEC("raw_tp")
int BPF_PROG(weir_consume, struct sk_buff *skb)
{
	return socket_consume(skb);
}

/* A process can run from now on. */
SEC("raw_tp")
int BPF_PROG(weir_waking, struct task_struct *task)
{
	return wake_woken(task);
}

/* A CPU goes on from a process, which may still want it, to another. */
SEC("raw_tp")
int BPF_PROG(weir_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int state)
{
	return wake_switched(prev, next, preempt || !state);
}

/* The kernel drops a packet. */
SEC("raw_tp")
int BPF_PROG(weir_drop, struct sk_buff *skb, void *location, __u32 reason)
{
	return loss_drop(skb, reason);
}

/* TCP sends a segment again. */
SEC("raw_tp")
int BPF_PROG(weir_resend, struct sock *sk, struct sk_buff *skb)
{
	return loss_retransmit(sk, skb);
}

/* TCP refuses or breaks a connection. */
SEC("raw_tp")
int BPF_PROG(weir_reset_tx, struct sock *sk, struct sk_buff *skb)
{
	return loss_reset_sent(sk, skb);
}

/* The peer did. */
SEC("raw_tp")
int BPF_PROG(weir_reset_rx, struct sock *sk)
{
	return loss_reset_received(sk);
}

/* A process connects, and a handshake that comes to nothing. */
SEC("raw_tp")
int BPF_PROG(weir_state, struct sock *sk, int before_it, int state)
{
	return loss_state(sk, before_it, state);
}

/* A process reads: the socket is its own. */
SEC("raw_tp")
int BPF_PROG(weir_reader, struct sock *sk)
{
	return loss_own(sk);
}

/* The same of one that writes. */
SEC("raw_tp")
int BPF_PROG(weir_writer, struct sock *sk)
{
	return loss_own(sk);
}
