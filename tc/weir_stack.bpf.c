// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir in the stack: hooks that see the same packet between a socket and a
 * device. They see every namespace; records are kept of what touches a device
 * that asks for it.
 */
#include "loss.h"
#include "path.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* In front of the queueing discipline. */
SEC("tp_btf/net_dev_queue")
int BPF_PROG(weir_queue, struct sk_buff *skb)
{
	return stack_see(skb, skb->network_header, skb->dev, WEIR_PATH_AT_QUEUE);
}

/* Handed to the driver. */
SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(weir_xmit, struct sk_buff *skb, struct net_device *dev)
{
	return stack_see(skb, skb->network_header, dev, WEIR_PATH_AT_XMIT);
}

/* Come into the stack, behind XDP, GRO and the CPU's backlog, ahead of tc. */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(weir_receive, struct sk_buff *skb)
{
	return stack_see(skb, stack_network(skb), skb->dev, WEIR_PATH_AT_RECEIVE);
}

/* TCP, connected: handed to its socket. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(weir_segment, struct sock *sk, struct sk_buff *skb)
{
	return socket_segment(sk, skb);
}

/* TCP: a process has read as far as copied_seq. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(weir_stream, struct sock *sk)
{
	return socket_read_stream(sk);
}

/* Other than TCP: a socket has one more in its queue. */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(weir_ready, struct sock *sk)
{
	return socket_ready(sk);
}

/* A process reads a datagram that is not in one piece, or of a raw socket. */
SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(weir_copy, struct sk_buff *skb)
{
	return socket_read(skb);
}

/* A process has read a datagram, of UDP in one piece; from Linux 6.18 on no other hook sees that. */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(weir_recv, struct sock *sk, int bytes, int flags)
{
	return socket_received(sk, bytes, flags);
}

/* The same, and which one; up to Linux 6.17. */
SEC("tp_btf/consume_skb")
int BPF_PROG(weir_consume, struct sk_buff *skb)
{
	return socket_consume(skb);
}

/* The kernel drops a packet. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(weir_drop, struct sk_buff *skb, void *location, __u32 reason)
{
	return loss_drop(skb, reason);
}

/* TCP sends a segment again. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(weir_resend, struct sock *sk, struct sk_buff *skb)
{
	return loss_retransmit(sk, skb);
}

/* TCP refuses or breaks a connection. */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(weir_reset_tx, struct sock *sk, struct sk_buff *skb)
{
	return loss_reset_sent(sk, skb);
}

/* The peer did. */
SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(weir_reset_rx, struct sock *sk)
{
	return loss_reset_received(sk);
}

/* A process connects, and a handshake that comes to nothing. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(weir_state, struct sock *sk, int before_it, int state)
{
	return loss_state(sk, before_it, state);
}

/* A process reads: the socket is its own. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(weir_reader, struct sock *sk)
{
	return loss_own(sk);
}

/* The same of one that writes. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(weir_writer, struct sock *sk)
{
	return loss_own(sk);
}
