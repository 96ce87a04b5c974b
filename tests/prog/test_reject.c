// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers to rejected packets, byte by byte, at XDP and at both sides of TC:
 * RFC 9293, section 3.10.7.1, RFC 792, RFC 1122, section 3.2.2, RFC 4443.
 */
#include "reject_case.h"

#include <bpf/libbpf.h>
#include <time.h>

#include "../unit/random.h"

#define HOST4 "192.0.2.1"
#define PEER4 "198.51.100.7"
#define HOST6 "2001:db8:77::1"
#define PEER6 "2001:db8:78::7"

static void TCP_is_answered_with_a_reset(void **state)
{
	static const __u8 flags[] = { SYN,	 ACK,	    SYN | ACK, FIN, FIN | ACK,
				      PSH | ACK, SYN | FIN, 0,	       URG };

	(void)state;
	NEED_HOOKS();
	for (size_t i = 0; i < sizeof(flags); i++) {
		for (int payload = 0; payload <= 1400; payload += 1 + (payload > 5) * 333) {
			struct packet p = { .src = PEER4,
					    .dst = HOST4,
					    .sport = 4444,
					    .dport = 22,
					    .flags = flags[i],
					    .payload = (__u16)payload };

			assert_answered(&p);
			p.timestamps = TIMESTAMPS_ALIGNED;
			assert_answered(&p);
			p.src = PEER6;
			p.dst = HOST6;
			assert_answered(&p);
		}
	}
}

static void the_rest_is_answered_with_port_unreachable(void **state)
{
	static const __u8 protos[] = { IPPROTO_UDP,  IPPROTO_UDPLITE, IPPROTO_SCTP,
				       IPPROTO_DCCP, IPPROTO_GRE,     200 };

	(void)state;
	NEED_HOOKS();
	for (size_t i = 0; i < sizeof(protos); i++) {
		for (int payload = 0; payload <= 1400; payload += 1 + (payload > 9) * 57) {
			struct packet p = { .src = PEER4,
					    .dst = HOST4,
					    .sport = 53,
					    .dport = 4444,
					    .proto = protos[i],
					    .payload = (__u16)payload };

			assert_answered(&p);
			p.src = PEER6;
			p.dst = HOST6;
			assert_answered(&p);
		}
	}
}

static void pings_are_answered_and_ICMP_errors_never(void **state)
{
	(void)state;
	NEED_HOOKS();
	for (int type = 0; type < 256; type++) {
		bool is_error4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
		const struct packet v4 = { .src = PEER4,
					   .dst = HOST4,
					   .proto = IPPROTO_ICMP,
					   .icmp_type = (__u8)type,
					   .payload = 56 };
		const struct packet v6 = { .src = PEER6,
					   .dst = HOST6,
					   .proto = IPPROTO_ICMPV6,
					   .icmp_type = (__u8)type,
					   .payload = 56 };

		/* What is not known may be an error. */
		if (is_error4 || type > 18)
			assert_silent(&v4);
		else
			assert_answered(&v4);
		if (type < 128 || type == 137)
			assert_silent(&v6);
		else
			assert_answered(&v6);
	}
}

static void resets_and_later_fragments_are_never_answered(void **state)
{
	const struct packet silent[] = {
		{ .src = PEER4, .dst = HOST4, .flags = RST },
		{ .src = PEER4, .dst = HOST4, .flags = RST | ACK },
		{ .src = PEER6, .dst = HOST6, .flags = RST | SYN },
		{ .src = PEER4, .dst = HOST4, .flags = SYN, .fragment = 100 },
		{ .src = PEER4, .dst = HOST4, .flags = SYN, .fragment = IPV4_MORE_FRAGMENTS },
		{ .src = PEER4, .dst = HOST4, .proto = IPPROTO_UDP, .fragment = 100 },
		{ .src = PEER4, .dst = HOST4, .proto = IPPROTO_GRE, .fragment = 100, .payload = 9 },
		{ .src = PEER6,
		  .dst = HOST6,
		  .proto = IPPROTO_UDP,
		  .extensions = { EXT_FRAGMENT(8) } },
		{ .src = PEER6,
		  .dst = HOST6,
		  .flags = SYN,
		  .extensions = { EXT_FRAGMENT(IPV6_MORE_FRAGMENTS) } },
		/* a TCP header that is none */
		{ .src = PEER4, .dst = HOST4, .flags = SYN, .claim.doff = 4 },
		{ .src = PEER4, .dst = HOST4, .flags = SYN, .claim.doff = 15 },
		{ .src = PEER4, .dst = HOST4, .flags = SYN, .claim.length = 39 },
	};
	const struct packet first = { .src = PEER4,
				      .dst = HOST4,
				      .proto = IPPROTO_UDP,
				      .fragment = IPV4_MORE_FRAGMENTS,
				      .payload = 800 };

	(void)state;
	NEED_HOOKS();
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		assert_silent(&silent[i]);
	assert_answered(&first);
}

static void odd_addresses_are_never_answered(void **state)
{
	static const char *const odd4[] = { "0.0.0.0",	      "0.1.2.3",	 "127.0.0.1",
					    "224.0.0.1",      "239.255.255.255", "240.0.0.1",
					    "255.255.255.255" };
	static const char *const odd6[] = { "::", "::1", "ff02::1", "ff0e::1:2" };
	static const __u8 protos[] = { 0, IPPROTO_UDP };

	(void)state;
	NEED_HOOKS();
	for (int i = 0; i < 2; i++) {
		struct packet p = { .proto = protos[i], .flags = SYN };

		for (size_t o = 0; o < sizeof(odd4) / sizeof(*odd4); o++) {
			p.src = odd4[o], p.dst = HOST4;
			assert_silent(&p);
			p.src = PEER4, p.dst = odd4[o];
			assert_silent(&p);
		}
		for (size_t o = 0; o < sizeof(odd6) / sizeof(*odd6); o++) {
			p.src = odd6[o], p.dst = HOST6;
			assert_silent(&p);
			p.src = PEER6, p.dst = odd6[o];
			assert_silent(&p);
		}
		p.src = PEER4, p.dst = HOST4;
		p.dmac = 0xffffffffffff;
		assert_silent(&p);
		p.dmac = 0x01005e000001;
		assert_silent(&p);
	}
	assert_silent(&(struct packet){ .type = TYPE_ARP });
	assert_silent(&(struct packet){ .type = 0x88b5, .payload = 46 });
}

static void tags_options_and_extensions_are_seen_through(void **state)
{
	const struct packet shapes[] = {
		{ .src = PEER4, .dst = HOST4, .tags = { TYPE_8021Q }, .tcis = { 0xe064 } },
		{ .src = PEER6, .dst = HOST6, .tags = { TYPE_8021AD, TYPE_8021Q } },
		{ .src = PEER4,
		  .dst = HOST4,
		  .tags = { TYPE_8021AD, TYPE_8021Q, TYPE_8021Q, TYPE_8021Q } },
		{ .src = PEER4, .dst = HOST4, .option_words = 1 },
		{ .src = PEER4, .dst = HOST4, .option_words = 10, .tags = { TYPE_8021Q } },
		{ .src = PEER6, .dst = HOST6, .extensions = { EXT_HOPOPTS(0) } },
		{ .src = PEER6,
		  .dst = HOST6,
		  .extensions = { EXT_HOPOPTS(2), EXT_ROUTING(4), EXT_DSTOPTS(7), EXT_AH(4) } },
		{ .src = PEER6, .dst = HOST6, .extensions = { EXT_FRAGMENT(0) } },
		{ .src = PEER6,
		  .dst = HOST6,
		  .extensions = { EXT_DSTOPTS(40) },
		  .tags = { TYPE_8021Q } },
		{ .src = PEER4, .dst = HOST4, .padding = 6 },
		{ .src = PEER6, .dst = HOST6, .padding = 300 },
	};

	(void)state;
	NEED_HOOKS();
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		for (int payload = 0; payload < 1300; payload += 101) {
			struct packet p = shapes[i];

			p.flags = SYN;
			p.payload = (__u16)payload;
			assert_answered(&p);
			p.proto = IPPROTO_UDP;
			assert_answered(&p);
			p.proto = p.src[4] == ':' ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
			p.icmp_type = p.src[4] == ':' ? 128 : 8;
			assert_answered(&p);
		}
	}
}

static void packets_cut_at_every_byte_are_not_answered(void **state)
{
	const struct packet packets[] = {
		{ .src = PEER4, .dst = HOST4, .flags = SYN, .tags = { TYPE_8021Q } },
		{ .src = PEER4,
		  .dst = HOST4,
		  .proto = IPPROTO_UDP,
		  .payload = 40,
		  .option_words = 2 },
		{ .src = PEER6,
		  .dst = HOST6,
		  .flags = SYN,
		  .timestamps = TIMESTAMPS_ALIGNED,
		  .extensions = { EXT_HOPOPTS(1), EXT_DSTOPTS(0) } },
		{ .src = PEER6,
		  .dst = HOST6,
		  .proto = IPPROTO_ICMPV6,
		  .icmp_type = 128,
		  .payload = 10 },
	};

	(void)state;
	NEED_HOOKS();
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		struct frame in, out;
		size_t whole;

		packet_build(&packets[i], &in);
		whole = in.size;
		for (in.size = ETHERNET_BYTES; in.size < whole; in.size++) {
			for (size_t h = 0; h < CASES; h++) {
				if (h && harness_too_short_for_tc(&in))
					continue;
				assert_false(rejects(&hooks[h], &in, &out));
			}
		}
	}
}

/* What a device does that was told to complete the checksum of what lies from @start on. */
static __u32 completed(const struct frame *f, size_t start)
{
	__u32 sum = packet_checksum(packet_sum(f->bytes + start, f->size - start, 0));

	return sum ? sum : 0xffff;
}

static void answers_survive_a_device_that_completes_the_checksum(void **state)
{
	(void)state;
	NEED_HOOKS();
	for (int i = 0; i < 2000; i++) {
		bool is_udp = random_below(2);
		struct packet p = { .src = PEER4,
				    .dst = HOST4,
				    .proto = is_udp ? IPPROTO_UDP : 0,
				    .sport = (__u16)random_u64(),
				    .dport = (__u16)random_u64(),
				    .flags = SYN,
				    .payload = (__u16)random_below(1300) };
		size_t check = is_udp ? 6 : 16;
		struct frame in, out;
		struct places at;

		if (random_below(2))
			p.src = PEER6, p.dst = HOST6;
		packet_build(&p, &in);
		at = places_of(&p, &in);
		set16(in.bytes + at.l4 + check,
		      (__u16)~packet_checksum(pseudo_sum(&at, in.bytes + at.l3,
							 is_udp ? IPPROTO_UDP : IPPROTO_TCP,
							 at.end - at.l4)));
		for (size_t h = 0; h < CASES; h++) {
			size_t l4, begins;

			assert_true(rejects(&hooks[h], &in, &out));
			l4 = assert_envelope(&at, &in, &out,
					     !is_udp	? IPPROTO_TCP
					     : at.is_v6 ? IPPROTO_ICMPV6
							: IPPROTO_ICMP);
			begins = is_udp ? l4 + 8 + at.l4 - at.l3 : l4;
			assert_int_equal(completed(&out, begins),
					 get16(out.bytes + begins + check) ?: 0xffff);
		}
	}
}

static void answers_go_where_the_kernel_routes_them(void **state)
{
	static const struct {
		const char *peer, *host;
		const __u8 *mac;
		bool is_out;
	} ways[] = {
		{ "10.1.0.11", "10.1.0.1", testnet_in_11, false },
		{ "2001:db8:1::12", "2001:db8:1::1", testnet_in_12, false },
		{ "10.9.1.2", "10.1.0.1", testnet_out_12, true },
		{ "2001:db8:9::5", "2001:db8:1::1", testnet_out_12, true },
	};

	(void)state;
	NEED_HOOKS();
	for (size_t i = 0; i < 2 * sizeof(ways) / sizeof(*ways); i++) {
		struct packet p = { .src = ways[i / 2].peer,
				    .dst = ways[i / 2].host,
				    .flags = SYN,
				    .proto = i & 1 ? IPPROTO_UDP : 0 };
		bool is_out = ways[i / 2].is_out;
		struct frame in, out;

		packet_build(&p, &in);
		actions_cpu_clear(xdp->maps.weir_cpu);
		assert_int_equal(actions_run_at(xdp->progs.reject_packet, net.in, &in, &out),
				 is_out ? XDP_REDIRECT : XDP_TX);
		assert_memory_equal(out.bytes, ways[i / 2].mac, 6);
		assert_memory_equal(out.bytes + 6, is_out ? net.out_mac : net.in_mac, 6);
		/* The kernel's answer is for frames without tags; this one goes back. */
		p.tags[0] = TYPE_8021Q;
		packet_build(&p, &in);
		assert_int_equal(actions_run_at(xdp->progs.reject_packet, net.in, &in, &out),
				 XDP_TX);
		assert_memory_equal(out.bytes, in.bytes + 6, 6);
	}
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

static void answers_are_bounded(void **state)
{
	const struct packet p = { .src = PEER4, .dst = HOST4, .flags = SYN };
	struct frame in;

	(void)state;
	NEED_HOOKS();
	packet_build(&p, &in);
	for (size_t h = 0; h < CASES; h++) {
		__u32 answered = 0, limited = 0;
		__u64 start_ms = now_ms(), ms;

		actions_cpu_clear(hooks[h].cpu);
		for (int i = 0; i < 2000; i++) {
			answered += actions_run(hooks[h].program, &in, NULL) == hooks[h].sent;
			limited += *hooks[h].reason == WEIR_R_FILTER_REJECT_LIMITED;
		}
		/* Each CPU that the test ran on has its own. */
		ms = now_ms() - start_ms + 20;
		assert_int_equal(answered + limited, 2000);
		assert_in_range(answered, WEIR_REJECT_BURST,
				(WEIR_REJECT_BURST + ms * WEIR_REJECT_PER_S / 1000) *
					(__u64)libbpf_num_possible_cpus());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(TCP_is_answered_with_a_reset),
		cmocka_unit_test(the_rest_is_answered_with_port_unreachable),
		cmocka_unit_test(pings_are_answered_and_ICMP_errors_never),
		cmocka_unit_test(resets_and_later_fragments_are_never_answered),
		cmocka_unit_test(odd_addresses_are_never_answered),
		cmocka_unit_test(tags_options_and_extensions_are_seen_through),
		cmocka_unit_test(packets_cut_at_every_byte_are_not_answered),
		cmocka_unit_test(answers_survive_a_device_that_completes_the_checksum),
		cmocka_unit_test(answers_go_where_the_kernel_routes_them),
		cmocka_unit_test(answers_are_bounded),
	};

	return WEIR_RUN_GROUP(tests, reject_start, reject_stop);
}
