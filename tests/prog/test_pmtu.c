// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a router says of the path to a backend is believed where it quotes an
 * outer header of this host, and where it can be true.
 */
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "forward_case.h"
#include "weir/pmtu.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SENT 1400 /* of IP, with the outer header: what did not fit */
#define HEARD 1300
#define ICMP_BYTES 8

static const struct way {
	const char *words, *backend, *router, *source;
	__u32 overhead;
	bool is_v6; /* outer */
} ways[] = {
	{ "forward ipip", "10.1.0.11", "10.1.0.254", FORWARD_SOURCE4, 20, false },
	{ "forward ipip", "2001:db8:1::11", "2001:db8:1::254", FORWARD_SOURCE6, 40, true },
	{ "forward gue", "10.1.0.12", "10.1.0.254", FORWARD_SOURCE4, 32, false },
	{ "forward gue", "2001:db8:1::12", "2001:db8:1::254", FORWARD_SOURCE6, 52, true },
};

static struct harness h;
static struct testnet net;
static const char *refusal;

static const char *config(void)
{
	static char text[4096];

	strcpy(text, "interface in0 { xdp auto; balance }\n");
	for (__u32 i = 0; i < COUNT(ways); i++)
		forward_add_service(text, sizeof(text), i + 1, ways[i].words, ways[i].backend);
	return text;
}

static int start(void **state)
{
	(void)state;
	refusal = forward_start(&h, &net, config(), &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

/* The fate of a UDP packet over IPv4 that has @bytes with its outer header. */
static enum weir_reason send_of(size_t way, __u32 bytes, struct outcome *out)
{
	static const enum weir_reason reasons[] = { WEIR_R_LB_FORWARD, WEIR_R_LB_TOO_BIG_TOLD };
	__u64 before[COUNT(reasons)];
	static struct frame in;
	static char vip[64];
	struct packet p = { .src = "198.51.100.7",
			    .dst = vip,
			    .proto = IPPROTO_UDP,
			    .sport = 40000,
			    .dport = 443,
			    .fragment = IPV4_DONT_FRAGMENT };

	snprintf(vip, sizeof(vip), "192.0.2.%zu", way + 1);
	p.payload = (__u16)(bytes - ways[way].overhead - 28);
	packet_build(&p, &in);
	harness_clear(&h, WEIR_MAP_CPU);
	for (size_t i = 0; i < COUNT(reasons); i++)
		before[i] = harness_reason(&h, 0, reasons[i]);
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, out), 0);
	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (harness_reason(&h, 0, reasons[i]) == before[i] + 1)
			return reasons[i];
	}
	return WEIR_R_COUNT;
}

/* What a router says of the packet that @sent holds, which it quotes from its IP header on. */
struct said {
	__u32 mtu;
	__u8 type, code; /* 0: the right ones */
	const char *to; /* NULL: the outer source */
	__u16 spoilt; /* a byte of the quoted header that is another; 0: none */
};

static void build_error(size_t way, const struct said *s, const struct frame *sent,
			struct frame *out)
{
	const struct way *w = &ways[way];
	size_t header = w->is_v6 ? 40 : 20, quoted = header + 8;
	struct packet error = { .src = w->router,
				.dst = s->to ? s->to : w->source,
				.proto = w->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				.icmp_type = s->type	? s->type
					     : w->is_v6 ? 2
							: 3,
				.icmp_code = s->code	? s->code
					     : w->is_v6 ? 0
							: 4,
				.payload = (__u16)quoted };
	__u8 *icmp;

	packet_build(&error, out);
	icmp = out->bytes + ETHERNET_BYTES + header;
	for (int i = 0; i < 4; i++)
		icmp[4 + i] = (__u8)(s->mtu >> (24 - 8 * i));
	memcpy(icmp + ICMP_BYTES, sent->bytes + ETHERNET_BYTES, quoted);
	if (s->spoilt)
		icmp[ICMP_BYTES + s->spoilt] ^= 1;
}

/* The host gets it, whatever it says. */
static void hear(const struct frame *error)
{
	static struct outcome out;

	assert_int_equal(harness_run(&h, HOOK_XDP, error, &out), 0);
	assert_int_equal(out.verdict, XDP_PASS);
	assert_int_equal(out.frame.size, error->size);
	assert_memory_equal(out.frame.bytes, error->bytes, error->size);
}

/* Programs of both kinds; each has forgotten what the one before it knew of next hops. */
static void load(__u32 more)
{
	harness_load(&h, HOOK_XDP, 0, 1U << WEIR_STAGE_BALANCE | more);
}

/* A packet of SENT bytes goes its way, and a router says @s of it. */
static void say(size_t way, const struct said *s, __u32 stages)
{
	static struct outcome sent;
	static struct frame error;

	harness_clear(&h, WEIR_MAP_PMTU);
	load(stages);
	assert_int_equal(send_of(way, SENT, &sent), WEIR_R_LB_FORWARD);
	build_error(way, s, &sent.frame, &error);
	hear(&error);
	load(stages);
}

static void what_a_router_says_is_the_mtu_of_the_path(void **state)
{
	static const __u32 stages[] = { 0, 1U << WEIR_STAGE_FILTER, 1U << WEIR_STAGE_MEASURE };
	const struct said s = { .mtu = HEARD };
	static struct outcome out;

	(void)state;
	NEED_NET();
	for (size_t i = 0; i < COUNT(ways) * COUNT(stages); i++) {
		size_t way = i % COUNT(ways);

		say(way, &s, stages[i / COUNT(ways)]);
		assert_int_equal(send_of(way, HEARD, &out), WEIR_R_LB_FORWARD);
		assert_int_equal(send_of(way, HEARD + 1, &out), WEIR_R_LB_TOO_BIG_TOLD);
		/* No other path's. */
		assert_int_equal(send_of((way + 1) % COUNT(ways), SENT, &out), WEIR_R_LB_FORWARD);
	}
}

static void check_ignored(size_t way, const struct said *s)
{
	static struct outcome out;

	say(way, s, 0);
	assert_int_equal(send_of(way, SENT, &out), WEIR_R_LB_FORWARD);
}

static void what_cannot_be_true_is_not_believed(void **state)
{
	(void)state;
	NEED_NET();
	for (size_t way = 0; way < COUNT(ways); way++) {
		__u32 least = ways[way].is_v6 ? WEIR_PMTU_LEAST_V6 : WEIR_PMTU_LEAST_V4;

		check_ignored(way, &(struct said){ .mtu = 0 });
		check_ignored(way, &(struct said){ .mtu = least - 1 });
		check_ignored(way, &(struct said){ .mtu = SENT });
		check_ignored(way, &(struct said){ .mtu = 0xfff0 });
		check_ignored(way, &(struct said){ .mtu = HEARD, .type = 1 });
		check_ignored(way, &(struct said){ .mtu = HEARD,
						   .to = ways[way].is_v6 ? "2001:db8:1::99"
									 : "10.1.0.99" });
	}
}

static void a_quote_of_something_else_is_not_believed(void **state)
{
	/* The last byte of the protocol, the source and the destination. */
	static const __u16 v4[] = { 9, 15, 19 }, v6[] = { 6, 23, 39 };

	(void)state;
	NEED_NET();
	for (size_t way = 0; way < COUNT(ways); way++) {
		for (size_t i = 0; i < COUNT(v4); i++) {
			struct said s = { .mtu = HEARD, .spoilt = ways[way].is_v6 ? v6[i] : v4[i] };

			check_ignored(way, &s);
		}
	}
	/* Another port than GUE's. */
	check_ignored(2, &(struct said){ .mtu = HEARD, .spoilt = 20 + 3 });
	check_ignored(3, &(struct said){ .mtu = HEARD, .spoilt = 40 + 3 });
}

static void a_cut_error_says_nothing(void **state)
{
	const struct said s = { .mtu = HEARD };
	static struct outcome sent, out;
	static struct frame error;

	(void)state;
	NEED_NET();
	for (size_t way = 0; way < COUNT(ways); way++) {
		size_t header = ways[way].is_v6 ? 40 : 20;

		harness_clear(&h, WEIR_MAP_PMTU);
		load(0);
		assert_int_equal(send_of(way, SENT, &sent), WEIR_R_LB_FORWARD);
		build_error(way, &s, &sent.frame, &error);
		/* IPIP needs no more than the outer IP header. */
		error.size = ETHERNET_BYTES + header + ICMP_BYTES + header;
		while (error.size-- > ETHERNET_BYTES)
			hear(&error);
		load(0);
		assert_int_equal(send_of(way, SENT, &out), WEIR_R_LB_FORWARD);
	}
}

/* As the kernel's route exceptions do, it ends. */
static void what_was_heard_is_forgotten(void **state)
{
	const struct said s = { .mtu = HEARD };
	static struct outcome out;
	struct timespec now;

	(void)state;
	NEED_NET();
	say(0, &s, 0);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	for (__u32 i = 0, ended = 0; i < WEIR_PMTU_SLOTS; i++) {
		struct weir_pmtu slot;

		assert_int_equal(bpf_map_lookup_elem(h.maps.fd[WEIR_MAP_PMTU], &i, &slot), 0);
		if (!slot.until_s)
			continue;
		assert_int_equal(ended++, 0);
		assert_int_equal(slot.mtu, HEARD);
		assert_in_range(slot.until_s, now.tv_sec + WEIR_PMTU_LIVES_S - 5,
				now.tv_sec + WEIR_PMTU_LIVES_S);
		slot.until_s = (__u32)now.tv_sec;
		assert_int_equal(bpf_map_update_elem(h.maps.fd[WEIR_MAP_PMTU], &i, &slot, 0), 0);
	}
	load(0);
	assert_int_equal(send_of(0, SENT, &out), WEIR_R_LB_FORWARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_router_says_is_the_mtu_of_the_path),
		cmocka_unit_test(what_cannot_be_true_is_not_believed),
		cmocka_unit_test(a_quote_of_something_else_is_not_believed),
		cmocka_unit_test(a_cut_error_says_nothing),
		cmocka_unit_test(what_was_heard_is_forgotten),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
