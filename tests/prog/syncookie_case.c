// SPDX-License-Identifier: GPL-2.0-or-later
#include "syncookie_case.h"

#include <string.h>

#include "../unit/random.h"

#define TCP_BYTES 20

struct choose_case syncookies = { .pin_sets = 1 };
const char *syncookie_refusal;

int syncookie_start(void **state)
{
	(void)state;
	random_start();
	syncookie_refusal = choose_start(&syncookies, CONFIG("syncookie always"));
	return 0;
}

int syncookie_stop(void **state)
{
	(void)state;
	if (!syncookie_refusal)
		choose_stop(&syncookies);
	return 0;
}

void syncookie_fresh(const char *config)
{
	choose_change(&syncookies, config);
	harness_clear(&syncookies.h, WEIR_MAP_PINS);
	harness_clear(&syncookies.h, WEIR_MAP_SETTLE);
	harness_clear(&syncookies.h, WEIR_MAP_LIMITS);
}

__u32 get32(const __u8 *at)
{
	return (__u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

void put32(__u8 *at, __u32 value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (__u8)(value >> (24 - 8 * i));
}

struct packet segment(const char *src, __u16 sport, __u8 flags)
{
	return (struct packet){
		.src = src,
		.dst = strchr(src, ':') ? VIP6 : VIP4,
		.sport = sport,
		.dport = 80,
		.flags = flags,
	};
}

static size_t ip_bytes(const struct frame *f)
{
	return f->bytes[12] == 0x08 ? 20 : 40;
}

__u8 *tcp_of(struct frame *f)
{
	return f->bytes + ETHERNET_BYTES + ip_bytes(f);
}

__u16 tcp_sum(const struct frame *f)
{
	bool v6 = ip_bytes(f) == 40;
	const __u8 *ip = f->bytes + ETHERNET_BYTES;
	size_t bytes = f->size - ETHERNET_BYTES - ip_bytes(f);

	return packet_checksum(packet_sum(
		ip + ip_bytes(f), bytes,
		packet_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, IPPROTO_TCP + (__u32)bytes)));
}

/*
 * What must answer @p, written byte by byte; the TCP checksum is not compared
 * but checked, and so is not in it.
 */
static void build_answer(const struct packet *p, __u8 flags, __u32 seq, __u32 ack, struct frame *f)
{
	struct packet answer = { .src = p->dst,
				 .dst = p->src,
				 .smac = 0x020000000001,
				 .dmac = 0x020000000002,
				 .ttl = 64,
				 .fragment = IPV4_DONT_FRAGMENT,
				 .sport = p->dport,
				 .dport = p->sport };
	static const __u8 rest[8] = { TCP_BYTES / 4 << 4 };
	__u8 *ip = f->bytes + ETHERNET_BYTES, *tcp;

	if (strchr(p->src, ':'))
		answer.fragment = 0;
	packet_build(&answer, f);
	if (ip_bytes(f) == 20) {
		memset(ip + 4, 0, 2);
		memset(ip + 10, 0, 2);
		put32(ip + 8, get32(ip + 8) | packet_checksum(packet_sum(ip, 20, 0)));
	} else {
		put32(ip, 6U << 28);
	}
	tcp = tcp_of(f);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	memcpy(tcp + 12, rest, sizeof(rest));
	tcp[13] = flags;
}

void assert_answer(const struct packet *p, const struct outcome *out, __u8 flags, __u32 seq,
		   __u32 ack)
{
	static struct frame want, got;

	assert_int_equal(out->verdict, XDP_TX);
	got = out->frame;
	assert_int_equal(tcp_sum(&got), 0);
	build_answer(p, flags, seq, ack, &want);
	memset(tcp_of(&got) + 16, 0, 2);
	assert_int_equal(got.size, want.size);
	assert_memory_equal(got.bytes, want.bytes, want.size);
}

__u32 cookie_of_frame(const struct packet *p, const struct frame *in, __u32 isn)
{
	__u64 before = harness_reason(&syncookies.h, 0, WEIR_R_LB_SYNCOOKIE);
	static struct outcome out;
	__u32 cookie;

	assert_int_equal(harness_run(&syncookies.h, HOOK_XDP, in, &out), 0);
	assert_int_equal(harness_reason(&syncookies.h, 0, WEIR_R_LB_SYNCOOKIE), before + 1);
	cookie = get32(tcp_of(&out.frame) + 4);
	assert_answer(p, &out, SYN | ACK, cookie, isn + 1);
	return cookie;
}

__u32 cookie_of(const char *src, __u16 sport, __u32 isn)
{
	struct packet p = segment(src, sport, SYN);
	static struct frame f;

	packet_build(&p, &f);
	put32(tcp_of(&f) + 4, isn);
	return cookie_of_frame(&p, &f, isn);
}

int run_numbered(const struct packet *p, __u32 seq, __u32 ack)
{
	static struct frame f;

	packet_build(p, &f);
	put32(tcp_of(&f) + 4, seq);
	put32(tcp_of(&f) + 8, ack);
	return choose_run_frame(&syncookies, &f);
}

int send_ack(const char *src, __u16 sport, __u32 seq, __u32 ack)
{
	struct packet p = segment(src, sport, ACK);

	return run_numbered(&p, seq, ack);
}

int send_syn(const char *src, __u16 sport)
{
	struct packet p = segment(src, sport, SYN);

	return run_numbered(&p, 7, 0);
}

__u32 verify(const char *src, __u16 sport)
{
	__u32 cookie = cookie_of(src, sport, 1000);

	assert_int_equal(send_ack(src, sport, 1001, cookie + 1), WENT_BACK);
	assert_int_equal(choose_reason(&syncookies), WEIR_R_LB_SYNCOOKIE_VERIFIED);
	return cookie;
}
