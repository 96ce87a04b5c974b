// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checksums that a sender on a veth left to a device: complete when they leave
 * by native XDP, untouched in generic mode, where the kernel completes them.
 */
#include <string.h>

#include "forward_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VETH WEIR_PROGRAM_VETH
#define GENERIC (WEIR_PROGRAM_VETH | WEIR_PROGRAM_GENERIC)

static struct harness h;
static struct testnet net;
static const char *refusal;

enum { L2 = 1, CLAMPED, SUMMED };

static int start(void **state)
{
	(void)state;
	refusal = forward_start(
		&h, &net,
		"interface in0 { xdp auto; balance }\n"
		"service l2 { address 192.0.2.1, 2001:db8:ff::1; port tcp 443, udp 443\n"
		"forward l2; backend b 10.2.0.11 }\n"
		"service clamped { address 192.0.2.2, 2001:db8:ff::2; port tcp 443\n"
		"forward l2; mss 1000; backend b 10.2.0.11 }\n"
		"service summed { address 192.0.2.3, 2001:db8:ff::3; port tcp 443, udp 443\n"
		"forward gue checksum; backend b 10.2.0.11 }\n",
		&forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static void load(__u32 flags)
{
	h.flags = flags;
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
	h.ingress_ifindex = net.in;
}

struct places {
	size_t l4, check; /* from the frame's start */
	__u32 pseudo;
};

static struct places places_of(const struct packet *p, const struct frame *f)
{
	bool v6 = f->bytes[12] == 0x86;
	size_t l4 = ETHERNET_BYTES + (v6 ? 40U : 20U + p->option_words * 4U);
	const __u8 *ip = f->bytes + ETHERNET_BYTES;
	size_t bytes;
	__u32 pseudo;

	for (size_t e = 0; v6 && (p->extensions[e].type || p->extensions[e].hopopts); e++)
		l4 += (p->extensions[e].units + 1U) * 8;
	bytes = f->size - p->padding - l4;
	pseudo = v6 ? packet_sum(ip + 8, 32, 0) : packet_sum(ip + 12, 8, 0);
	return (struct places){ l4, l4 + (p->proto == IPPROTO_UDP ? 6 : 16),
				pseudo + p->proto + (__u32)bytes };
}

/* As a sender leaves it: the sum of the pseudo header, not complemented. */
static void leave_unfinished(const struct packet *p, struct frame *f)
{
	struct places at = places_of(p, f);

	put16(f->bytes + at.check, (__u16)~packet_checksum(at.pseudo));
}

static struct packet to_service(int n, bool v6, __u8 proto, __u16 payload)
{
	static char vip[64];

	snprintf(vip, sizeof(vip), v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n);
	return (struct packet){ .src = v6 ? "2001:db8:c::7" : "198.51.100.7",
				.dst = vip,
				.proto = proto,
				.sport = 40000,
				.dport = 443,
				.flags = ACK,
				.payload = payload };
}

static void forward(const struct frame *in, struct outcome *out)
{
	assert_int_equal(harness_run(&h, HOOK_XDP, in, out), 0);
	assert_int_equal(out->verdict, XDP_REDIRECT);
}

static void assert_packets_equal(const struct frame *got, const struct frame *want)
{
	if (got->size == want->size &&
	    !memcmp(got->bytes + ETHERNET_BYTES, want->bytes + ETHERNET_BYTES,
		    want->size - ETHERNET_BYTES))
		return;
	frame_print(got);
	frame_print(want);
	fail_msg("packets differ");
}

/* What the network would have done with the unfinished packet is what packet_build() does. */
static void check_completed(const struct packet *p)
{
	static struct frame in, want;
	static struct outcome out;

	packet_build(p, &want);
	in = want;
	leave_unfinished(p, &in);
	forward(&in, &out);
	assert_packets_equal(&out.frame, &want);
	/* Complete ones stay as they are. */
	forward(&want, &out);
	assert_packets_equal(&out.frame, &want);
}

static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };

static void an_unfinished_checksum_is_completed_at_any_length(void **state)
{
	(void)state;
	NEED_NET();
	load(VETH);
	for (__u16 payload = 0; payload <= 1400;
	     payload += payload < 1100 && payload > 40 ? 37 : 1) {
		for (size_t i = 0; i < 2 * COUNT(protos); i++) {
			struct packet p = to_service(L2, i & 2, protos[i & 1], payload);

			check_completed(&p);
		}
	}
}

static void options_extensions_and_padding_are_in_nobodys_way(void **state)
{
	(void)state;
	NEED_NET();
	load(VETH);
	for (size_t i = 0; i < COUNT(protos); i++) {
		struct packet p = to_service(L2, false, protos[i], 77);

		p.option_words = 5;
		check_completed(&p);
		p.padding = 13;
		check_completed(&p);
		p = to_service(L2, true, protos[i], 77);
		p.extensions[0] = (struct packet_extension)EXT_DSTOPTS(2);
		check_completed(&p);
	}
}

static void no_checksum_stays_none(void **state)
{
	struct packet p = to_service(L2, false, IPPROTO_UDP, 30);
	static struct frame in;
	static struct outcome out;

	(void)state;
	NEED_NET();
	load(VETH);
	packet_build(&p, &in);
	put16(in.bytes + places_of(&p, &in).check, 0);
	forward(&in, &out);
	assert_packets_equal(&out.frame, &in);
}

static void check_left(__u32 flags)
{
	load(flags);
	for (size_t i = 0; i < 2 * COUNT(protos); i++) {
		struct packet p = to_service(L2, i & 2, protos[i & 1], 100);
		static struct frame in;
		static struct outcome out;

		packet_build(&p, &in);
		leave_unfinished(&p, &in);
		assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
		assert_packets_equal(&out.frame, &in);
	}
}

static void other_devices_and_generic_mode_leave_it_alone(void **state)
{
	(void)state;
	NEED_NET();
	check_left(0);
	check_left(GENERIC);
}

/* The kernel will sum what is there, so the field must not follow the new value. */
static void a_clamped_SYN_is_right_whoever_completes_it(void **state)
{
	static const __u32 flags[] = { 0, VETH, GENERIC };

	(void)state;
	NEED_NET();
	for (size_t i = 0; i < 2 * COUNT(flags); i++) {
		struct packet p = to_service(CLAMPED, i & 1, IPPROTO_TCP, 0);
		static struct frame in, want;
		static struct outcome out;
		struct places at;

		load(flags[i / 2]);
		p.flags = SYN;
		p.timestamps = TIMESTAMPS_LINUX_SYN;
		packet_build(&p, &in);
		at = places_of(&p, &in);
		want = in;
		put16(want.bytes + at.l4 + 22, 1000);
		put16(want.bytes + at.check, 0);
		put16(want.bytes + at.check,
		      packet_checksum(
			      packet_sum(want.bytes + at.l4, want.size - at.l4, at.pseudo)));
		if (flags[i / 2])
			leave_unfinished(&p, &in);
		if (flags[i / 2] == GENERIC)
			leave_unfinished(&p, &want);
		forward(&in, &out);
		assert_packets_equal(&out.frame, &want);
	}
}

/* The outer sum is that of the packet inside as it will be. */
static void an_outer_checksum_counts_with_what_will_be_completed(void **state)
{
	(void)state;
	NEED_NET();
	for (size_t i = 0; i < 8; i++) {
		struct packet p = to_service(SUMMED, i & 1, protos[i >> 1 & 1], 100);
		static struct frame in;
		static struct outcome out;
		__u8 *ip = out.frame.bytes + ETHERNET_BYTES, *udp = ip + 20;
		size_t bytes;
		struct places at;

		load(i & 4 ? GENERIC : VETH);
		packet_build(&p, &in);
		at = places_of(&p, &in);
		leave_unfinished(&p, &in);
		forward(&in, &out);
		bytes = out.frame.size - ETHERNET_BYTES - 20;
		assert_int_equal(get16(udp + 4), bytes);
		if (i & 4) { /* as the kernel does */
			__u8 *l4 = udp + 12 + at.l4 - ETHERNET_BYTES;

			put16(udp + 12 + at.check - ETHERNET_BYTES,
			      packet_checksum(packet_sum(l4, in.size - at.l4, 0)));
		}
		assert_int_equal(
			packet_checksum(packet_sum(
				udp, bytes, packet_sum(ip + 12, 8, IPPROTO_UDP) + (__u32)bytes)),
			0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unfinished_checksum_is_completed_at_any_length),
		cmocka_unit_test(options_extensions_and_padding_are_in_nobodys_way),
		cmocka_unit_test(no_checksum_stays_none),
		cmocka_unit_test(other_devices_and_generic_mode_leave_it_alone),
		cmocka_unit_test(a_clamped_SYN_is_right_whoever_completes_it),
		cmocka_unit_test(an_outer_checksum_counts_with_what_will_be_completed),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
