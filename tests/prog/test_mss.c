// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MSS of SYNs is lowered, wherever the option lies, and nothing else of
 * the packet changes but its checksum. The model walks the options byte by
 * byte and sums the packet anew.
 */
#include <string.h>

#include "../unit/random.h"
#include "forward_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLAMP 1200
#define MTU 1500
#define FUZZ 30000
#define MOST_OPTIONS 40

/* VIPs end in the row's number plus 1. @most: of IPv4 and IPv6 clients. */
static const struct clamping {
	const char *words, *backend;
	size_t overhead;
	__u32 most4, most6;
} clampings[] = {
	{ "forward ipip; mss 1200", "10.1.0.11", 20, CLAMP, CLAMP },
	{ "forward l2; mss 1200", "10.1.0.11", 0, CLAMP, CLAMP },
	{ "forward ipip; mss auto", "10.1.0.11", 20, MTU - 20 - 40, MTU - 20 - 60 },
	{ "forward ipip; mss auto", "2001:db8:1::11", 40, MTU - 40 - 40, MTU - 40 - 60 },
	{ "forward gue; mss auto", "10.1.0.11", 32, MTU - 32 - 40, MTU - 32 - 60 },
	{ "forward ipip", "10.1.0.11", 20, 0xffff, 0xffff },
};

/* The same of services that translate, from the VIP behind those; their packets get other ends. */
static const struct translating {
	const char *words, *backend;
	bool v6;
	__u32 most;
} translatings[] = {
	{ "forward nat; mss 1200", "10.1.0.11:8443", false, CLAMP },
	{ "forward nat; mss 1200", "[2001:db8:1::11]:8443", true, CLAMP },
	{ "forward local; mss 1200", "10.1.0.11:8443", false, CLAMP },
	{ "forward local; mss 1200", "[2001:db8:1::11]:8443", true, CLAMP },
	{ "forward nat", "10.1.0.11:8443", false, 0xffff },
	/* The stack's to bring there: its MAC address is not known. */
	{ "forward local; mss 1200", "10.1.0.99:8443", false, CLAMP },
	{ "forward local; mss 1200", "[2001:db8:1::99]:8443", true, CLAMP },
};
#define TO_STACK 5

static struct harness h;
static struct testnet net;
static const char *refusal;

static void add_translating(char *text, size_t size, __u32 i)
{
	__u32 n = (__u32)COUNT(clampings) + i + 1;
	size_t used = strlen(text);
	char vip[64];

	snprintf(vip, sizeof(vip), translatings[i].v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n);
	snprintf(text + used, size - used,
		 "service t%u { address %s; port tcp 443; %s; backend b %s }\n", i, vip,
		 translatings[i].words, translatings[i].backend);
}

static int start(void **state)
{
	char text[4096] = "interface in0 { xdp auto; balance }\n";

	(void)state;
	for (__u32 i = 0; i < COUNT(clampings); i++)
		forward_add_service(text, sizeof(text), i + 1, clampings[i].words,
				    clampings[i].backend);
	for (__u32 i = 0; i < COUNT(translatings); i++)
		add_translating(text, sizeof(text), i);
	refusal = forward_start(&h, &net, text, &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static size_t header_bytes(const struct frame *f)
{
	return f->bytes[12] == 0x86 ? 40 : 20;
}

static void sum_anew(struct frame *f)
{
	size_t header = header_bytes(f), bytes = f->size - ETHERNET_BYTES - header;
	__u8 *ip = f->bytes + ETHERNET_BYTES, *tcp = ip + header;
	__u32 pseudo = header == 40 ? packet_sum(ip + 8, 32, 0) : packet_sum(ip + 12, 8, 0);

	put16(tcp + 16, 0);
	put16(tcp + 16,
	      packet_checksum(packet_sum(tcp, bytes, pseudo + IPPROTO_TCP + (__u32)bytes)));
}

/* A segment to service @n with these options, as many words of them as there are. */
static void build(__u32 n, bool v6, __u8 flags, const __u8 *options, size_t bytes, struct frame *f)
{
	char vip[64];
	struct packet p = { .src = v6 ? "2001:db8:c::7" : "198.51.100.7",
			    .dst = vip,
			    .sport = 40000,
			    .dport = 443,
			    .flags = flags,
			    .payload = (__u16)(bytes + 3),
			    .claim.doff = (__u8)(5 + bytes / 4) };

	snprintf(vip, sizeof(vip), v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n + 1);
	packet_build(&p, f);
	memcpy(f->bytes + ETHERNET_BYTES + header_bytes(f) + 20, options, bytes);
	sum_anew(f);
}

/* RFC 9293, section 3.1: the slow way. */
static void clamp(struct frame *f, __u32 most)
{
	__u8 *tcp = f->bytes + ETHERNET_BYTES + header_bytes(f);
	size_t end = (tcp[12] >> 4) * 4U, at = 20;

	while (at < end && tcp[at]) {
		if (tcp[at] == 1) {
			at++;
			continue;
		}
		if (at + 1 >= end || tcp[at + 1] < 2 || at + tcp[at + 1] > end)
			return;
		if (tcp[at] == 2 && tcp[at + 1] == 4) {
			if (((__u32)tcp[at + 2] << 8 | tcp[at + 3]) > most) {
				put16(tcp + at + 2, most);
				sum_anew(f);
			}
			return;
		}
		at += tcp[at + 1];
	}
}

/* The IP packet behind the outer headers, with the TTL that it came with. */
static void check_inner(__u32 n, const struct frame *want, struct frame *out)
{
	const __u8 *ip = want->bytes + ETHERNET_BYTES;
	size_t overhead = clampings[n].overhead, ttl = header_bytes(want) == 40 ? 7 : 8;
	__u8 *got = out->bytes + ETHERNET_BYTES + overhead;

	assert_int_equal(out->size, want->size + overhead);
	if (overhead) {
		got[ttl]++;
		if (ttl == 8) {
			put16(got + 10, 0);
			put16(got + 10, packet_checksum(packet_sum(got, 20, 0)));
		}
	}
	if (!memcmp(got, ip, want->size - ETHERNET_BYTES))
		return;
	frame_print(want);
	frame_print(out);
	fail_msg("not clamped as it should be");
}

static void check(__u32 n, bool v6, __u8 flags, const __u8 *options, size_t bytes)
{
	static struct frame in, want;
	static struct outcome out;

	build(n, v6, flags, options, bytes, &in);
	want = in;
	if (flags & SYN)
		clamp(&want, v6 ? clampings[n].most6 : clampings[n].most4);
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	assert_int_equal(out.verdict, XDP_TX);
	check_inner(n, &want, &out.frame);
}

static const __u8 linux_syn[20] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2,
				    3, 4, 0,	0,    0, 0, 1, 3,  3, 7 };

static void a_SYN_is_clamped_to_what_the_service_says(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 n = 0; n < COUNT(clampings); n++) {
		for (int v6 = 0; v6 < 2; v6++) {
			check(n, v6, SYN, linux_syn, sizeof(linux_syn));
			check(n, v6, SYN | ACK, linux_syn, sizeof(linux_syn));
			check(n, v6, ACK, linux_syn, sizeof(linux_syn));
			check(n, v6, SYN, NULL, 0);
		}
	}
}

static void a_smaller_MSS_stays(void **state)
{
	__u8 options[4] = { 2, 4 };

	(void)state;
	NEED_NET();
	for (__u32 mss = 0; mss <= 0xffff; mss += mss < CLAMP - 2 || mss > CLAMP + 2 ? 257 : 1) {
		put16(options + 2, mss);
		check(0, false, SYN, options, sizeof(options));
		check(0, true, SYN, options, sizeof(options));
	}
	for (__u32 mss = CLAMP - 2; mss <= CLAMP + 2; mss++) {
		put16(options + 2, mss);
		check(0, false, SYN, options, sizeof(options));
	}
}

/* At odd places the value lies across two words of the checksum. */
static void the_option_is_found_wherever_it_lies(void **state)
{
	(void)state;
	NEED_NET();
	for (size_t at = 0; at + 4 <= MOST_OPTIONS; at++) {
		__u8 options[MOST_OPTIONS];

		memset(options, 1, sizeof(options));
		memcpy(options + at, linux_syn, 4);
		check(0, at & 1, SYN, options, sizeof(options));
		check(0, !(at & 1), SYN, options, sizeof(options));
	}
}

static void options_may_end_anywhere(void **state)
{
	__u8 options[MOST_OPTIONS];

	(void)state;
	NEED_NET();
	for (size_t at = 0; at < MOST_OPTIONS; at++) {
		memset(options, 1, sizeof(options));
		memcpy(options + at, linux_syn,
		       at + 4 <= sizeof(options) ? 4 : sizeof(options) - at);
		for (size_t bytes = 0; bytes <= sizeof(options); bytes += 4)
			check(0, false, SYN, options, bytes);
	}
}

/* Kinds and sizes that make sense often, and often do not. */
static void any_options_are_walked_as_the_model_walks_them(void **state)
{
	static const __u8 likely[] = { 0, 1, 1, 2, 2, 3, 4, 4, 5, 8, 10, 40, 255 };

	(void)state;
	NEED_NET();
	for (int i = 0; i < FUZZ; i++) {
		__u8 options[MOST_OPTIONS];

		for (size_t b = 0; b < sizeof(options); b++)
			options[b] = random_below(4) ? likely[random_below(COUNT(likely))]
						     : (__u8)random_u64();
		check(0, random_below(2), SYN, options, random_below(11) * 4);
	}
}

/* Give @f the addresses and ports that @like has, and the TTL. */
static void give_ends(struct frame *f, const struct frame *like)
{
	__u8 *ip = f->bytes + ETHERNET_BYTES;
	const __u8 *other = like->bytes + ETHERNET_BYTES;
	size_t header = header_bytes(f);

	if (header == 40) {
		memcpy(ip + 7, other + 7, 33);
	} else {
		ip[8] = other[8];
		memcpy(ip + 12, other + 12, 8);
		put16(ip + 10, 0);
		put16(ip + 10, packet_checksum(packet_sum(ip, 20, 0)));
	}
	memcpy(ip + header, other + header, 4);
}

/* What a sender on this host leaves to its device: the sum of the pseudo header. */
static void leave_sum(struct frame *f)
{
	size_t header = header_bytes(f), bytes = f->size - ETHERNET_BYTES - header;
	__u8 *ip = f->bytes + ETHERNET_BYTES;
	__u32 pseudo = header == 40 ? packet_sum(ip + 8, 32, 0) : packet_sum(ip + 12, 8, 0);

	put16(ip + header + 16, (__u16)~packet_checksum(pseudo + IPPROTO_TCP + (__u32)bytes));
}

/* @is_partial: the checksum is left to the device, and so it is to be where the stack goes on. */
static void check_translated(__u32 i, __u8 flags, const __u8 *options, size_t bytes,
			     bool is_partial)
{
	static struct frame in, want;
	static struct outcome out;

	build((__u32)COUNT(clampings) + i, translatings[i].v6, flags, options, bytes, &in);
	want = in;
	clamp(&want, flags & SYN ? translatings[i].most : 0xffff);
	if (is_partial)
		leave_sum(&in);
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	if (i < TO_STACK)
		assert_int_equal(out.verdict, h.flags ? XDP_REDIRECT : XDP_TX);
	else
		assert_int_equal(out.verdict, XDP_PASS);
	give_ends(&want, &out.frame);
	sum_anew(&want);
	if (is_partial && i >= TO_STACK)
		leave_sum(&want);
	assert_int_equal(out.frame.size, want.size);
	if (memcmp(out.frame.bytes + ETHERNET_BYTES, want.bytes + ETHERNET_BYTES,
		   want.size - ETHERNET_BYTES) != 0) {
		frame_print(&want);
		frame_print(&out.frame);
		fail_msg("not clamped as it should be");
	}
	assert_memory_not_equal(out.frame.bytes + ETHERNET_BYTES, in.bytes + ETHERNET_BYTES, 40);
}

static void what_is_translated_is_clamped_too(void **state)
{
	__u8 options[MOST_OPTIONS];

	(void)state;
	NEED_NET();
	for (__u32 i = 0; i < COUNT(translatings); i++) {
		check_translated(i, SYN, linux_syn, sizeof(linux_syn), false);
		check_translated(i, ACK, linux_syn, sizeof(linux_syn), false);
		check_translated(i, SYN, NULL, 0, false);
		for (size_t at = 0; at + 4 <= MOST_OPTIONS; at++) {
			memset(options, 1, sizeof(options));
			memcpy(options + at, linux_syn, 4);
			check_translated(i, SYN, options, sizeof(options), false);
		}
	}
}

/* Behind a veth. What the stack gets keeps the sum of its new pseudo header. */
static void a_checksum_that_is_left_to_a_device_stays_right(void **state)
{
	(void)state;
	NEED_NET();
	h.flags = WEIR_PROGRAM_VETH;
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
	for (__u32 i = 0; i < COUNT(translatings); i++) {
		check_translated(i, SYN, linux_syn, sizeof(linux_syn), true);
		check_translated(i, SYN, linux_syn, sizeof(linux_syn), false);
	}
	h.flags = 0;
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_SYN_is_clamped_to_what_the_service_says),
		cmocka_unit_test(a_smaller_MSS_stays),
		cmocka_unit_test(the_option_is_found_wherever_it_lies),
		cmocka_unit_test(options_may_end_anywhere),
		cmocka_unit_test(any_options_are_walked_as_the_model_walks_them),
		cmocka_unit_test(what_is_translated_is_clamped_too),
		cmocka_unit_test(a_checksum_that_is_left_to_a_device_stays_right),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, start, stop);
}
