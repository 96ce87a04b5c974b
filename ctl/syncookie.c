// SPDX-License-Identifier: GPL-2.0-or-later
#include "syncookie.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include "own.h"

#define INSN(op, dst, src, offset, number)    \
	((struct bpf_insn){ .code = (op),     \
			    .dst_reg = (dst), \
			    .src_reg = (src), \
			    .off = (offset),  \
			    .imm = (number) })
#define SET(dst, number) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, number)
#define COPY(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ADD(dst, number) INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, number)
#define CLEAR(offset) INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, offset, 0)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Room for an IPv6 header, and behind it for a TCP header. */
#define IP_AT (-64)
#define TCP_AT (-24)

int syncookie_probe(void)
{
	const struct bpf_insn code[] = {
		CLEAR(-64),
		CLEAR(-56),
		CLEAR(-48),
		CLEAR(-40),
		CLEAR(-32),
		CLEAR(-24),
		CLEAR(-16),
		CLEAR(-8),
		COPY(BPF_REG_1, BPF_REG_10),
		ADD(BPF_REG_1, IP_AT),
		COPY(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, TCP_AT),
		SET(BPF_REG_3, sizeof(struct tcphdr)),
		CALL(BPF_FUNC_tcp_raw_gen_syncookie_ipv4),
		COPY(BPF_REG_1, BPF_REG_10),
		ADD(BPF_REG_1, IP_AT),
		COPY(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, TCP_AT),
		CALL(BPF_FUNC_tcp_raw_check_syncookie_ipv6),
		SET(BPF_REG_0, XDP_PASS),
		EXIT(),
	};
	OWN_FD int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_probe", "GPL", code,
				      sizeof(code) / sizeof(code[0]), NULL);

	return fd < 0 ? fd : 0;
}
