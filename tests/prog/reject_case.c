// SPDX-License-Identifier: GPL-2.0-or-later
#include "reject_case.h"

#include <linux/pkt_cls.h>
#include <string.h>

#include "../unit/random.h"

struct hook_case hooks[CASES];
struct actions_xdp *xdp;
static struct actions_tc *tc;
const char *refusal;
struct testnet net;

int reject_start(void **state)
{
	(void)state;
	refusal = harness_refusal();
	if (!refusal)
		refusal = testnet_start(&net);
	if (refusal)
		return 0;
	random_start();
	xdp = actions_xdp_start();
	tc = actions_tc_start();
	hooks[0] = (struct hook_case){
		"XDP",	 xdp->progs.reject_packet, xdp->maps.weir_cpu, &xdp->bss->reason, XDP_TX,
		XDP_DROP
	};
	hooks[1] = (struct hook_case){ "ingress",	 tc->progs.reject_in, tc->maps.weir_cpu,
				       &tc->bss->reason, TC_ACT_REDIRECT,     TC_ACT_SHOT };
	hooks[2] = (struct hook_case){ "egress",	 tc->progs.reject_out, tc->maps.weir_cpu,
				       &tc->bss->reason, TC_ACT_REDIRECT,      TC_ACT_SHOT };
	return 0;
}

int reject_stop(void **state)
{
	(void)state;
	actions_xdp__destroy(xdp);
	actions_tc__destroy(tc);
	return 0;
}

static __u32 get32(const __u8 *at)
{
	return get16(at) << 16 | get16(at + 2);
}

void set16(__u8 *at, __u32 value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static void set32(__u8 *at, __u32 value)
{
	set16(at, value >> 16);
	set16(at + 2, value);
}

struct places places_of(const struct packet *p, const struct frame *f)
{
	struct places at = { .is_v6 = strchr(p->src, ':'), .l3 = ETHERNET_BYTES };

	for (int i = 0; i < PACKET_TAGS && p->tags[i]; i++)
		at.l3 += 4;
	at.l4 = at.l3 + (at.is_v6 ? 40 : 20 + 4U * p->option_words);
	for (int i = 0;
	     i < PACKET_EXTENSIONS && (p->extensions[i].type || p->extensions[i].hopopts); i++)
		at.l4 += p->extensions[i].type == IPPROTO_FRAGMENT ? 8
			 : p->extensions[i].type == IPPROTO_AH ? (p->extensions[i].units + 2) * 4U
							       : (p->extensions[i].units + 1) * 8U;
	at.end = f->size - p->padding;
	return at;
}

bool rejects(const struct hook_case *h, const struct frame *in, struct frame *out)
{
	__u32 verdict;

	actions_cpu_clear(h->cpu);
	verdict = actions_run(h->program, in, out);
	if (verdict == h->sent) {
		assert_int_equal(*h->reason, WEIR_R_FILTER_REJECT);
		return true;
	}
	assert_int_equal(verdict, h->dropped);
	assert_int_equal(*h->reason, WEIR_R_FILTER_REJECT_SILENT);
	return false;
}

__u32 pseudo_sum(const struct places *at, const __u8 *ip, __u32 proto, size_t l4_bytes)
{
	return packet_sum(ip + (at->is_v6 ? 8 : 12), at->is_v6 ? 32 : 8, proto + (__u32)l4_bytes);
}

size_t assert_envelope(const struct places *at, const struct frame *in, const struct frame *out,
		       __u8 proto)
{
	const __u8 *ip = out->bytes + at->l3, *was = in->bytes + at->l3;
	size_t header = at->is_v6 ? 40 : 20, bytes = out->size - at->l3;
	__u32 pseudo = pseudo_sum(at, ip, proto, bytes - header);

	assert_memory_equal(out->bytes, in->bytes + 6, 6);
	assert_memory_equal(out->bytes + 6, in->bytes, 6);
	assert_memory_equal(out->bytes + 12, in->bytes + 12, at->l3 - 12);
	if (at->is_v6) {
		assert_int_equal(ip[0] >> 4, 6);
		assert_int_equal(get16(ip + 4), bytes - 40);
		assert_int_equal(ip[6], proto);
		assert_int_equal(ip[7], 64);
		assert_memory_equal(ip + 8, was + 24, 16);
		assert_memory_equal(ip + 24, was + 8, 16);
	} else {
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(get16(ip + 2), bytes);
		assert_int_equal(get16(ip + 6), IPV4_DONT_FRAGMENT);
		assert_int_equal(ip[8], 64);
		assert_int_equal(ip[9], proto);
		assert_int_equal(packet_checksum(packet_sum(ip, 20, 0)), 0);
		assert_memory_equal(ip + 12, was + 16, 4);
		assert_memory_equal(ip + 16, was + 12, 4);
	}
	if (proto == IPPROTO_ICMP)
		pseudo = 0;
	assert_int_equal(packet_checksum(packet_sum(ip + header, bytes - header, pseudo)), 0);
	return at->l3 + header;
}

static void assert_reset(const struct places *at, const struct frame *in, const struct frame *out)
{
	const __u8 *rst = out->bytes + assert_envelope(at, in, out, IPPROTO_TCP);
	const __u8 *tcp = in->bytes + at->l4;
	__u32 length = (__u32)(at->end - at->l4) - (tcp[12] >> 4) * 4U;

	assert_int_equal(out->bytes + out->size - rst, 20);
	assert_int_equal(get16(rst), get16(tcp + 2));
	assert_int_equal(get16(rst + 2), get16(tcp));
	assert_int_equal(rst[12], 0x50);
	if (tcp[13] & ACK) {
		assert_int_equal(rst[13], RST);
		assert_int_equal(get32(rst + 4), get32(tcp + 8));
		assert_int_equal(get32(rst + 8), 0);
	} else {
		length += !!(tcp[13] & SYN) + !!(tcp[13] & FIN);
		assert_int_equal(rst[13], RST | ACK);
		assert_int_equal(get32(rst + 4), 0);
		assert_int_equal(get32(rst + 8), get32(tcp + 4) + length);
	}
}

static void assert_unreachable(const struct places *at, const struct frame *in,
			       const struct frame *out)
{
	size_t l4 = assert_envelope(at, in, out, at->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	size_t most = at->is_v6 ? 1280 - 48 : 576 - 28, quoted = at->end - at->l3;
	const __u8 *icmp = out->bytes + l4;

	if (quoted > most)
		quoted = most;
	assert_int_equal(icmp[0], at->is_v6 ? 1 : 3);
	assert_int_equal(icmp[1], at->is_v6 ? 4 : 3);
	assert_int_equal(get32(icmp + 4), 0);
	assert_int_equal(out->size, l4 + 8 + quoted);
	assert_memory_equal(icmp + 8, in->bytes + at->l3, quoted);
}

/* Sequence numbers that carry over, too. */
static void set_sequence(struct frame *f, const struct places *at)
{
	set32(f->bytes + at->l4 + 4, random_below(2) ? 0xfffffffe : (__u32)random_u64());
	set32(f->bytes + at->l4 + 8, (__u32)random_u64());
}

void assert_answered(const struct packet *p)
{
	struct frame in, out;
	struct places at;

	packet_build(p, &in);
	at = places_of(p, &in);
	if (!p->proto)
		set_sequence(&in, &at);
	for (size_t h = 0; h < CASES; h++) {
		if (!rejects(&hooks[h], &in, &out)) {
			frame_print(&in);
			fail_msg("%s: no answer", hooks[h].name);
		}
		if (p->proto)
			assert_unreachable(&at, &in, &out);
		else
			assert_reset(&at, &in, &out);
	}
}

void assert_silent(const struct packet *p)
{
	struct frame in, out;

	packet_build(p, &in);
	for (size_t h = 0; h < CASES; h++) {
		if (!rejects(&hooks[h], &in, &out))
			continue;
		frame_print(&in);
		fail_msg("%s: an answer", hooks[h].name);
	}
}
