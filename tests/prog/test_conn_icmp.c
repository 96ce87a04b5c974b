// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pings, and ICMP errors about connections that this host opened.
 */
#include "conn_case.h"

#include <string.h>

#define ICMP_OFFSET_V4 (ETHERNET_BYTES + 20)
#define ICMP_OFFSET_V6 (ETHERNET_BYTES + 40)
#define ICMP_BYTES 8

static void set_echo_id(struct frame *f, bool is_v6, __u8 id)
{
	f->bytes[(is_v6 ? ICMP_OFFSET_V6 : ICMP_OFFSET_V4) + 5] = id;
}

static void a_ping_is_answered(void **state)
{
	(void)state;
	NEED_BPF();
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet request = echo(v6, true, v6 ? 128 : 8);
		const struct packet reply = echo(v6, false, v6 ? 129 : 0);
		const struct packet other_request = echo(v6, false, v6 ? 128 : 8);
		const struct packet answer = echo(v6, true, v6 ? 129 : 0);
		struct frame f;

		forget_all();
		assert_false(receive_packet(&reply));
		assert_false(receive_packet(&other_request));
		send_packet(&answer);
		assert_int_equal(opened(), 0);
		packet_build(&request, &f);
		set_echo_id(&f, v6, 77);
		assert_int_equal(actions_run(programs->progs.is_known, &f, NULL), XDP_DROP);
		actions_run(programs->progs.leaves, &f, NULL);
		assert_int_equal(actions_run(programs->progs.is_known, &f, NULL), XDP_PASS);
		assert_false(receive_packet(&reply));
		packet_build(&reply, &f);
		set_echo_id(&f, v6, 77);
		assert_int_equal(actions_run(programs->progs.comes, &f, NULL), XDP_PASS);
		/* Their requests are not ours. */
		packet_build(&other_request, &f);
		set_echo_id(&f, v6, 77);
		assert_int_equal(actions_run(programs->progs.comes, &f, NULL), XDP_DROP);
	}
}

/* An ICMP error to @to from a router, that quotes @quoted bytes of the IP packet in @of. */
static void build_error(const struct frame *of, bool is_v6, __u8 type, size_t quoted,
			const char *to, struct frame *f)
{
	const struct packet p = { .src = is_v6 ? "2001:db8:5::9" : "203.0.113.9",
				  .dst = to	 ? to
					 : is_v6 ? HOST6
						 : HOST4,
				  .proto = is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				  .icmp_type = type,
				  .payload = (__u16)quoted };

	packet_build(&p, f);
	memcpy(f->bytes + (is_v6 ? ICMP_OFFSET_V6 : ICMP_OFFSET_V4) + ICMP_BYTES,
	       of->bytes + ETHERNET_BYTES, quoted);
}

static bool error_passes(const struct frame *of, bool is_v6, __u8 type, size_t quoted,
			 const char *to)
{
	struct frame f;

	build_error(of, is_v6, type, quoted, to, &f);
	return actions_run(programs->progs.comes, &f, NULL) == XDP_PASS;
}

static void errors_about_a_connection_are_of_it(void **state)
{
	static const struct flow *const flows[] = { &tcp4, &udp4, &tcp6, &udp6 };
	static const __u8 errors[2][3] = { { 3, 11, 12 }, { 1, 3, 4 } };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < 4; i++) {
		const struct flow *f = flows[i];
		size_t ip = f->is_v6 ? 40 : 20;
		const struct packet p = leaving(f, SYN);
		struct frame sent;

		packet_build(&p, &sent);
		forget_all();
		for (int e = 0; e < 3; e++)
			assert_false(
				error_passes(&sent, f->is_v6, errors[f->is_v6][e], ip + 8, NULL));
		send_packet(&p);
		for (int e = 0; e < 3; e++)
			assert_true(
				error_passes(&sent, f->is_v6, errors[f->is_v6][e], ip + 8, NULL));
		/* Too big is one that IPv6 lives by, and 128 and up are no errors. */
		assert_int_equal(error_passes(&sent, f->is_v6, 2, ip + 8, NULL), f->is_v6);
		assert_false(error_passes(&sent, f->is_v6, f->is_v6 ? 137 : 5, ip + 8, NULL));
		for (size_t cut = 0; cut <= sent.size - ETHERNET_BYTES; cut++)
			assert_int_equal(error_passes(&sent, f->is_v6, 3, cut, NULL),
					 cut >= ip + 8);
	}
}

/* What is quoted must have been sent from the address that the error goes to. */
static void errors_that_quote_strange_packets_are_not_established(void **state)
{
	struct packet p = leaving(&tcp4, SYN);
	struct frame sent, strange;

	(void)state;
	NEED_BPF();
	forget_all();
	send_packet(&p);
	packet_build(&p, &sent);
	assert_true(error_passes(&sent, false, 3, 28, NULL));
	assert_false(error_passes(&sent, false, 3, 28, "192.0.2.2"));
	strange = sent;
	strange.bytes[ETHERNET_BYTES + 12] ^= 1; /* its source */
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	strange = sent;
	strange.bytes[ETHERNET_BYTES + 16] ^= 1; /* its destination */
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	strange = sent;
	strange.bytes[ETHERNET_BYTES] = 0x65; /* its version */
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	strange = sent;
	strange.bytes[ETHERNET_BYTES] = 0x44; /* its header's length */
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	strange = sent;
	strange.bytes[ETHERNET_BYTES + 7] = 1; /* a later fragment */
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	strange = sent;
	strange.bytes[ETHERNET_BYTES + 9] = IPPROTO_ESP;
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	p = coming(&tcp4, ACK); /* the other way round */
	packet_build(&p, &strange);
	assert_false(error_passes(&strange, false, 3, 28, NULL));
	p = leaving(&tcp4, SYN);
	p.option_words = 3;
	packet_build(&p, &strange);
	assert_true(error_passes(&strange, false, 3, 40, NULL));
	assert_false(error_passes(&strange, false, 3, 39, NULL));
}

static void errors_quote_fragments_and_pings(void **state)
{
	struct packet p = leaving(&udp6, 0);
	struct frame sent;

	(void)state;
	NEED_BPF();
	forget_all();
	send_packet(&p);
	p.extensions[0] = (struct packet_extension)EXT_FRAGMENT(IPV6_MORE_FRAGMENTS);
	packet_build(&p, &sent);
	assert_true(error_passes(&sent, true, 1, 56, NULL));
	p.extensions[0] = (struct packet_extension)EXT_FRAGMENT(8);
	packet_build(&p, &sent);
	assert_false(error_passes(&sent, true, 1, 56, NULL));
	p = echo(false, true, 8);
	packet_build(&p, &sent);
	assert_false(error_passes(&sent, false, 11, 28, NULL));
	send_packet(&p);
	assert_true(error_passes(&sent, false, 11, 28, NULL));
	p.icmp_type = 0;
	packet_build(&p, &sent);
	assert_false(error_passes(&sent, false, 11, 28, NULL));
}

static void what_quotes_a_connection_may_leave_too(void **state)
{
	struct packet came = coming(&udp4, 0);
	const struct packet p = {
		.src = HOST4, .dst = PEER4, .proto = IPPROTO_ICMP, .icmp_type = 3, .payload = 28
	};
	struct frame f, quoted;

	(void)state;
	NEED_BPF();
	forget_all();
	packet_build(&came, &quoted);
	packet_build(&p, &f);
	memcpy(f.bytes + ICMP_OFFSET_V4 + ICMP_BYTES, quoted.bytes + ETHERNET_BYTES, 28);
	assert_int_equal(actions_run(programs->progs.is_known, &f, NULL), XDP_DROP);
	out(&udp4, 0);
	assert_int_equal(actions_run(programs->progs.is_known, &f, NULL), XDP_PASS);
	f.bytes[ETHERNET_BYTES + 16] ^= 1; /* to another than sent the packet */
	assert_int_equal(actions_run(programs->progs.is_known, &f, NULL), XDP_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_is_answered),
		cmocka_unit_test(errors_about_a_connection_are_of_it),
		cmocka_unit_test(errors_that_quote_strange_packets_are_not_established),
		cmocka_unit_test(errors_quote_fragments_and_pings),
		cmocka_unit_test(what_quotes_a_connection_may_leave_too),
	};

	return WEIR_RUN_GROUP(tests, conn_start, conn_stop);
}
