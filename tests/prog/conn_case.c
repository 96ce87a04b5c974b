// SPDX-License-Identifier: GPL-2.0-or-later
#include "conn_case.h"

#include <bpf/bpf.h>

#include "../unit/random.h"

struct actions_xdp *programs;

const struct flow tcp4 = { .local = 40000, .remote = 443 };
const struct flow tcp6 = { .is_v6 = true, .local = 40000, .remote = 443 };
const struct flow udp4 = { .proto = IPPROTO_UDP, .local = 40000, .remote = 53 };
const struct flow udp6 = { true, IPPROTO_UDP, 40000, 53 };

int conn_start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	random_start();
	programs = actions_xdp_start();
	return 0;
}

int conn_stop(void **state)
{
	(void)state;
	actions_xdp__destroy(programs);
	return 0;
}

void forget_all(void)
{
	static const struct weir_conn_set empty;

	for (__u32 i = 0; i < ACTIONS_CONN_SETS; i++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(programs->maps.weir_conns), &i,
						     &empty, BPF_ANY),
				 0);
}

void pass_time(__u32 seconds)
{
	struct weir_conn_set set;
	int fd = bpf_map__fd(programs->maps.weir_conns);

	for (__u32 i = 0; i < ACTIONS_CONN_SETS; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &set), 0);
		for (int w = 0; w < WEIR_CONN_WAYS; w++)
			set.way[w].seen -= WEIR_CONN_TICKS(seconds);
		for (int w = 0; w < WEIR_ASK_WAYS; w++)
			set.ask[w].seen -= set.ask[w].seen ? WEIR_CONN_TICKS(seconds) : 0;
		assert_int_equal(bpf_map_update_elem(fd, &i, &set, BPF_ANY), 0);
	}
}

size_t opened(void)
{
	struct weir_conn_set set;
	size_t count = 0;

	for (__u32 i = 0; i < ACTIONS_CONN_SETS; i++) {
		assert_int_equal(
			bpf_map_lookup_elem(bpf_map__fd(programs->maps.weir_conns), &i, &set), 0);
		for (int w = 0; w < WEIR_CONN_WAYS; w++)
			count += set.way[w].tag != 0;
	}
	return count;
}

struct packet leaving(const struct flow *f, __u8 flags)
{
	return (struct packet){ .src = f->is_v6 ? HOST6 : HOST4,
				.dst = f->is_v6 ? PEER6 : PEER4,
				.proto = f->proto,
				.sport = f->local,
				.dport = f->remote,
				.flags = flags };
}

struct packet coming(const struct flow *f, __u8 flags)
{
	return (struct packet){ .src = f->is_v6 ? PEER6 : PEER4,
				.dst = f->is_v6 ? HOST6 : HOST4,
				.proto = f->proto,
				.sport = f->remote,
				.dport = f->local,
				.flags = flags };
}

void send_packet(const struct packet *p)
{
	struct frame f;

	packet_build(p, &f);
	actions_run(programs->progs.leaves, &f, NULL);
}

bool receive_packet(const struct packet *p)
{
	struct frame f;

	packet_build(p, &f);
	return actions_run(programs->progs.comes, &f, NULL) == XDP_PASS;
}

bool is_known(const struct packet *p)
{
	struct frame f;

	packet_build(p, &f);
	return actions_run(programs->progs.is_known, &f, NULL) == XDP_PASS;
}

void out(const struct flow *f, __u8 flags)
{
	const struct packet p = leaving(f, flags);

	send_packet(&p);
}

bool in(const struct flow *f, __u8 flags)
{
	const struct packet p = coming(f, flags);

	return receive_packet(&p);
}

bool knows(const struct flow *f, __u8 flags)
{
	const struct packet p = leaving(f, flags);

	return is_known(&p);
}

struct packet echo(bool is_v6, bool is_out, __u8 type)
{
	const struct flow f = { .is_v6 = is_v6, .proto = is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP };
	struct packet p = is_out ? leaving(&f, 0) : coming(&f, 0);

	p.icmp_type = type;
	p.payload = 56;
	return p;
}
