// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QUIC packets go to the backend whose server ID is in their connection ID,
 * wherever they come from. Bytes by RFC 9000, section 17, and
 * draft-ietf-quic-load-balancers.
 */
#include <stdlib.h>
#include <string.h>

#include "choose_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAYLOAD 60
#define CONFIG                                                                    \
	"interface in0 { xdp auto; balance }\n"                                   \
	"service s0 { address 192.0.2.1, 2001:db8:ff::1; port udp 443, tcp 443\n" \
	"forward ipip; udp quic\n"                                                \
	"backend b1 10.9.0.1 quic-id 7\nbackend b2 10.9.0.2 quic-id 65535\n"      \
	"backend b3 10.9.0.3 quic-id 258\nbackend b4 10.9.0.4 quic-id 300 }\n"    \
	"service s1 { address 192.0.2.2; port udp 443; forward ipip\n"            \
	"backend b5 10.9.0.5 }\n"

static struct choose_case c;
static const char *refusal;

static int start(void **state)
{
	(void)state;
	refusal = choose_start(&c, CONFIG);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		choose_stop(&c);
	return 0;
}

/* From the @client'th address. @bytes of UDP payload begin with @head, zeroes follow. */
static int quic(__u32 client, const char *dst, const __u8 *head, size_t size, __u16 bytes)
{
	static struct frame f;
	bool v6 = strchr(dst, ':');
	char src[64];
	struct packet p = { .src = src,
			    .dst = dst,
			    .proto = IPPROTO_UDP,
			    .sport = (__u16)(2000 + client * 7),
			    .dport = 443,
			    .payload = bytes };

	snprintf(src, sizeof(src), v6 ? "2001:db8:c::%x" : "198.51.100.%u", client % 250 + 1);
	packet_build(&p, &f);
	memset(f.bytes + f.size - bytes, 0, bytes);
	memcpy(f.bytes + f.size - bytes, head, size < bytes ? size : bytes);
	return choose_run_frame(&c, &f);
}

/* Where it goes from 40 addresses; 0: not to one only. */
static int always(const char *dst, const __u8 *head, size_t size, __u16 bytes)
{
	int went = quic(0, dst, head, size, bytes);

	for (__u32 client = 1; client < 40; client++) {
		if (quic(client, dst, head, size, bytes) != went)
			return 0;
	}
	return went;
}

static const struct {
	__u8 head[12];
	__u16 bytes;
	int went; /* 0: as the ring says for each */
} cases[] = {
	/* Short header: 1 octet, then the connection ID. */
	{ { 0x40, 0x08, 0x00, 0x07, 1, 2, 3 }, PAYLOAD, 1 },
	{ { 0x5f, 0x1f, 0x00, 0x07, 9, 9, 9 }, PAYLOAD, 1 },
	{ { 0x40, 0x08, 0xff, 0xff }, PAYLOAD, 2 },
	{ { 0x40, 0x08, 0x01, 0x02 }, PAYLOAD, 3 },
	{ { 0x00, 0x08, 0x01, 0x02 }, PAYLOAD, 3 }, /* the fixed bit may be greased */
	{ { 0x40, 0x08, 0x01, 0x02 }, 4, 3 },
	/* Nobody's server ID, other configurations, too short. */
	{ { 0x40, 0x08, 0x00, 0x08 }, PAYLOAD, 0 },
	{ { 0x40, 0x28, 0x00, 0x07 }, PAYLOAD, 0 },
	{ { 0x40, 0xe8, 0x00, 0x07 }, PAYLOAD, 0 },
	{ { 0x40, 0x08, 0x00, 0x07 }, 3, 0 },
	{ { 0x40 }, 1, 0 },
	{ { 0 }, 0, 0 },
	/* Long headers: type, version, length of the connection ID, and it. */
	{ { 0xc0, 0, 0, 0, 1, 8, 0x08, 0x00, 0x07, 5 }, PAYLOAD, 1 },
	{ { 0xe0, 0, 0, 0, 1, 3, 0x00, 0xff, 0xff, 5 }, PAYLOAD, 2 },
	{ { 0xd0, 0x6b, 0x33, 0x43, 0xcf, 20, 0x08, 0x01, 0x02 }, 9, 3 },
	{ { 0xc0, 0, 0, 0, 1, 2, 0x08, 0x00, 0x07, 5 }, PAYLOAD, 0 },
	{ { 0xc0, 0, 0, 0, 1, 0, 0x08, 0x00, 0x07, 5 }, PAYLOAD, 0 },
	{ { 0xc0, 0, 0, 0, 1, 8, 0x48, 0x00, 0x07, 5 }, PAYLOAD, 0 },
	{ { 0xc0, 0, 0, 0, 1, 8, 0x08, 0x00, 0x07 }, 8, 0 },
};

static void a_connection_id_names_the_backend(void **state)
{
	(void)state;
	NEED_NET();
	for (size_t i = 0; i < COUNT(cases); i++) {
		const __u8 *head = cases[i].head;

		for (int v6 = 0; v6 < 2; v6++) {
			int went = always(v6 ? "2001:db8:ff::1" : "192.0.2.1", head,
					  sizeof(cases[i].head), cases[i].bytes);

			if (went != cases[i].went)
				fail_msg("case %zu went to %d, not %d", i, went, cases[i].went);
		}
	}
}

/* A short header's octet and any connection ID: it goes where its flow's others go. */
static void what_names_nobody_goes_by_the_ring(void **state)
{
	const __u8 unknown[] = { 0x40, 0x08, 0x12, 0x34 }, rotated[] = { 0x40, 0xf1, 0x00, 0x07 };

	(void)state;
	NEED_NET();
	for (__u32 client = 0; client < 40; client++) {
		int went = quic(client, "192.0.2.1", unknown, sizeof(unknown), PAYLOAD);

		assert_in_range(went, 1, 4);
		assert_int_equal(quic(client, "192.0.2.1", rotated, sizeof(rotated), PAYLOAD),
				 went);
		assert_int_equal(quic(client, "192.0.2.1", rotated, 0, 0), went);
	}
}

static void a_drained_backend_keeps_its_connections(void **state)
{
	const __u8 known[] = { 0x40, 0x08, 0x00, 0x07 };
	const __u8 unknown[] = { 0x40, 0x08, 0x12, 0x34 };

	(void)state;
	NEED_NET();
	choose_change(&c, "interface in0 { xdp auto; balance }\n"
			  "service s0 { address 192.0.2.1; port udp 443; forward ipip; udp quic\n"
			  "backend b1 10.9.0.1 quic-id 7 drain\nbackend b2 10.9.0.2 quic-id 9 }\n");
	assert_int_equal(always("192.0.2.1", known, sizeof(known), PAYLOAD), 1);
	assert_int_equal(always("192.0.2.1", unknown, sizeof(unknown), PAYLOAD), 2);
	choose_change(&c, CONFIG);
}

static void other_services_read_no_connection_id(void **state)
{
	const __u8 known[] = { 0x40, 0x08, 0x00, 0x07 };

	(void)state;
	NEED_NET();
	assert_int_equal(always("192.0.2.2", known, sizeof(known), PAYLOAD), 5);
}

/*
 * Initials with IDs that clients made up open connections; others have one that the
 * backend gave out, and are of a connection that was counted. Short headers open none.
 */
static void Initials_that_name_no_backend_are_limited(void **state)
{
	const __u8 known[] = { 0xc0, 0, 0, 0, 1, 8, 0x08, 0x00, 0x07, 5 };
	const __u8 unknown[] = { 0xc0, 0, 0, 0, 1, 8, 0x48, 0x12, 0x34, 5 };
	const __u8 brief[] = { 0x40, 0x08, 0x12, 0x34 };
	__u32 went = 0;

	(void)state;
	NEED_NET();
	choose_change(&c, "interface in0 { xdp auto; balance }\n"
			  "service s0 { address 192.0.2.1; port udp 443; forward ipip; udp quic\n"
			  "limit 1/m burst 5; backend b1 10.9.0.1 quic-id 7 }\n");
	for (__u32 client = 0; client < 20; client++)
		assert_int_not_equal(quic(client, "192.0.2.1", known, sizeof(known), PAYLOAD),
				     WENT_DROP);
	for (__u32 client = 20; client < 40; client++)
		assert_int_not_equal(quic(client, "192.0.2.1", brief, sizeof(brief), PAYLOAD),
				     WENT_DROP);
	for (__u32 client = 40; client < 60; client++) {
		if (quic(client, "192.0.2.1", unknown, sizeof(unknown), PAYLOAD) != WENT_DROP)
			went++;
		else
			assert_int_equal(choose_reason(&c), WEIR_R_LB_LIMIT);
	}
	assert_int_equal(went, 5);
	choose_change(&c, CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_id_names_the_backend),
		cmocka_unit_test(what_names_nobody_goes_by_the_ring),
		cmocka_unit_test(a_drained_backend_keeps_its_connections),
		cmocka_unit_test(other_services_read_no_connection_id),
		cmocka_unit_test(Initials_that_name_no_backend_are_limited),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
