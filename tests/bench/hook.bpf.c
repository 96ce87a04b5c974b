/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hooks of the stack are measured beside: a program that does nothing.
 * Where it is attached is set before it is loaded.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/consume_skb")
int weir_empty(void *ctx)
{
	return 0;
}
