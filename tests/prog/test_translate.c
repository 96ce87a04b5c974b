// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "forward nat" and "forward local" with what else a service may say, through
 * the whole program: the way to a backend that has been chosen otherwise.
 */
#include <arpa/inet.h>
#include <string.h>

#include "forward_case.h"

#define PAYLOAD 60
#define CLIENT "10.9.0.7" /* behind out0's router */
#define OTHER "10.9.0.8"
#define QUIC_NAT "192.0.2.1"
#define QUIC_LOCAL "192.0.2.2"
#define LOST "192.0.2.3" /* its container's MAC address is not known */
#define LOST6 "2001:db8:ff::3"
#define FEW "192.0.2.4"
#define EACH "192.0.2.5"
#define CONFIG                                                                     \
	"interface in0 { xdp auto; balance }\n"                                    \
	"service q0 { address " QUIC_NAT "; port udp 443; forward nat; udp quic\n" \
	"backend b1 10.1.0.11:8443 quic-id 1\n"                                    \
	"backend b2 10.1.0.12:8443 quic-id 2 }\n"                                  \
	"service q1 { address " QUIC_LOCAL "; port udp 443; forward local\n"       \
	"udp quic; backend b1 10.1.0.11:8443 quic-id 1\n"                          \
	"backend b2 10.1.0.12:8443 quic-id 2 }\n"                                  \
	"service lost { address " LOST "; port tcp 80, udp 80; forward local\n"    \
	"backend b1 10.1.0.99:8080 }\n"                                            \
	"service lost6 { address " LOST6 "; port tcp 80, udp 80; forward local\n"  \
	"backend b1 [2001:db8:1::99]:8080 }\n"                                     \
	"service few { address " FEW "; port tcp 80, udp 80; forward nat\n"        \
	"limit 1/m burst 3; backend b1 10.1.0.11 }\n"                              \
	"service each { address " EACH "; port tcp 80, udp 80; forward local\n"    \
	"limit 1/m burst 2 per saddr/32/64; backend b1 10.1.0.11:80 }\n"

static struct harness h;
static struct testnet net;
static const char *refusal;

/* Ends of an IPv4 packet without options, addresses as they lie there. */
struct ends {
	__u32 src, dst;
	__u16 sport, dport;
};

static int start(void **state)
{
	(void)state;
	refusal = forward_start(&h, &net, CONFIG, &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static struct ends ends_of(const struct frame *f)
{
	const __u8 *ip = f->bytes + ETHERNET_BYTES;
	struct ends e = { .sport = (__u16)get16(ip + 20), .dport = (__u16)get16(ip + 22) };

	memcpy(&e.src, ip + 12, sizeof(e.src));
	memcpy(&e.dst, ip + 16, sizeof(e.dst));
	return e;
}

/* Returns what the frame became, which has to be sent with @verdict. */
static struct ends sent(const struct frame *f, __u32 verdict)
{
	static struct outcome out;

	assert_int_equal(harness_run(&h, HOOK_XDP, f, &out), 0);
	assert_int_equal(out.verdict, verdict);
	return ends_of(&out.frame);
}

/* A packet of QUIC with a short header, whose connection ID has this server ID. */
static struct ends quic(const char *client, __u16 sport, const char *vip, __u16 server)
{
	const __u8 head[] = { 0x40, 0x08, (__u8)(server >> 8), (__u8)server };
	const struct packet p = { .src = client,
				  .dst = vip,
				  .proto = IPPROTO_UDP,
				  .sport = sport,
				  .dport = 443,
				  .payload = PAYLOAD };
	static struct frame f;

	packet_build(&p, &f);
	memcpy(f.bytes + f.size - PAYLOAD, head, sizeof(head));
	return sent(&f, XDP_TX);
}

static struct ends answer(const char *backend, struct ends to)
{
	char source[INET_ADDRSTRLEN];
	const struct packet p = { .src = backend,
				  .dst = inet_ntop(AF_INET, &to.src, source, sizeof(source)),
				  .proto = IPPROTO_UDP,
				  .sport = 8443,
				  .dport = to.sport };
	static struct frame f;

	packet_build(&p, &f);
	return sent(&f, XDP_REDIRECT);
}

#define UNKNOWN 0x1234

static void answers_of_a_backend_that_an_ID_names_reach_who_asked(void **state)
{
	static const char *const backends[] = { "", "10.1.0.11", "10.1.0.12" };

	(void)state;
	NEED_NET();
	for (__u16 server = 1; server <= 2; server++) {
		struct ends in, out;

		quic(CLIENT, (__u16)(40000 + server), QUIC_NAT, UNKNOWN);
		in = quic(OTHER, (__u16)(50000 + server), QUIC_NAT, server);
		assert_int_equal(in.dst, inet_addr(backends[server]));
		assert_int_equal(in.dport, 8443);
		out = answer(backends[server], in);
		assert_int_equal(out.dst, inet_addr(OTHER));
		assert_int_equal(out.dport, 50000 + server);
		assert_int_equal(out.src, inet_addr(QUIC_NAT));
		assert_int_equal(out.sport, 443);
	}
}

static void a_container_that_an_ID_names_sees_who_asked(void **state)
{
	struct ends in;

	(void)state;
	NEED_NET();
	for (__u16 server = 1; server <= 2; server++) {
		quic(CLIENT, (__u16)(40000 + server), QUIC_LOCAL, UNKNOWN);
		in = quic(OTHER, (__u16)(50000 + server), QUIC_LOCAL, server);
		assert_int_equal(in.dst, inet_addr(server == 1 ? "10.1.0.11" : "10.1.0.12"));
		assert_int_equal(in.src, inet_addr(OTHER));
		assert_int_equal(in.sport, 50000 + server);
	}
}

/* Its port there is one of the first backend's. */
static void what_is_translated_stays_where_it_is(void **state)
{
	struct ends first, later;

	(void)state;
	NEED_NET();
	for (__u16 i = 0; i < 20; i++) {
		first = quic(OTHER, (__u16)(51000 + i), QUIC_NAT, 1 + (i & 1));
		later = quic(OTHER, (__u16)(51000 + i), QUIC_NAT, 2 - (i & 1));
		assert_memory_equal(&first, &later, sizeof(first));
		later = quic(OTHER, (__u16)(51000 + i), QUIC_NAT, UNKNOWN);
		assert_memory_equal(&first, &later, sizeof(first));
	}
}

/* The kernel's FIB tells no MTU then. */
static void the_stack_asks_for_a_container_that_nobody_knows(void **state)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	static struct outcome out;
	static struct frame in;

	(void)state;
	NEED_NET();
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1;
		const struct packet p = { .src = v6 ? "2001:db8:9::7" : CLIENT,
					  .dst = v6 ? LOST6 : LOST,
					  .proto = protos[i / 2],
					  .sport = 1000,
					  .dport = 80,
					  .flags = SYN,
					  .payload = 1400 };
		struct packet want = p;

		packet_build(&p, &in);
		assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
		assert_int_equal(out.verdict, XDP_PASS);
		want.dst = v6 ? "2001:db8:1::99" : "10.1.0.99";
		want.dport = 8080;
		packet_build(&want, &in);
		assert_int_equal(out.frame.size, in.size);
		assert_memory_equal(out.frame.bytes, in.bytes, in.size);
	}
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_LOCAL), 4);
}

/* Whether a packet of a client's port goes to the backend; else it is above the limit. */
static bool gets_in(const char *client, const char *vip, __u8 proto, __u16 sport, __u8 flags)
{
	const struct packet p = { .src = client,
				  .dst = vip,
				  .proto = proto,
				  .sport = sport,
				  .dport = 80,
				  .flags = flags,
				  .payload = PAYLOAD };
	__u64 before = harness_reason(&h, 0, WEIR_R_LB_LIMIT);
	static struct outcome out;
	static struct frame f;

	packet_build(&p, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	if (out.verdict == XDP_TX)
		return true;
	assert_int_equal(out.verdict, XDP_DROP);
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_LIMIT), before + 1);
	return false;
}

static void flows_of_UDP_that_are_opened_are_limited(void **state)
{
	(void)state;
	NEED_NET();
	for (__u16 i = 0; i < 10; i++)
		assert_int_equal(gets_in(CLIENT, FEW, IPPROTO_UDP, 1000 + i, 0), i < 3);
	for (__u16 i = 0; i < 10; i++) {
		assert_int_equal(gets_in(CLIENT, EACH, IPPROTO_UDP, 1000 + i, 0), i < 2);
		assert_int_equal(gets_in(OTHER, EACH, IPPROTO_UDP, 1000 + i, 0), i < 2);
	}
	/* Those that are open are not. */
	for (__u16 i = 0; i < 20; i++) {
		assert_true(gets_in(CLIENT, FEW, IPPROTO_UDP, 1000 + i % 3, 0));
		assert_true(gets_in(OTHER, EACH, IPPROTO_UDP, 1000 + i % 2, 0));
	}
}

/* A SYN counts, and what it opened does not count again. */
static void TCP_is_counted_once(void **state)
{
	(void)state;
	NEED_NET();
	harness_clear(&h, WEIR_MAP_LIMITS);
	harness_change(&h, CONFIG);
	for (__u16 i = 0; i < 10; i++) {
		assert_int_equal(gets_in(CLIENT, EACH, IPPROTO_TCP, 2000 + i, SYN), i < 2);
		if (i < 2)
			assert_true(gets_in(CLIENT, EACH, IPPROTO_TCP, 2000 + i, ACK));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_a_backend_that_an_ID_names_reach_who_asked),
		cmocka_unit_test(a_container_that_an_ID_names_sees_who_asked),
		cmocka_unit_test(what_is_translated_stays_where_it_is),
		cmocka_unit_test(the_stack_asks_for_a_container_that_nobody_knows),
		cmocka_unit_test(flows_of_UDP_that_are_opened_are_limited),
		cmocka_unit_test(TCP_is_counted_once),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
