// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make bench-latency: what a packet costs that is timed, and what one that is
 * not, net of an empty program that is measured in turn with it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converse.skel.h"
#include "harness.h"

#define ROUNDS 11
#define FLOWS_TIMED (1U << 16) /* as apply sizes the tables where nothing is said */
#define PACKETS (1U << 19)

enum kind { TIMESTAMPS, SEQUENCE, SAME, DATAGRAM };

struct latency_case {
	const char *name;
	__u32 flow_bits;
	__u32 target; /* ns; 0: none is set */
	enum kind kind;
	__u16 port; /* of the server's; UDP where it is not 80 */
	__u32 stages;
	bool is_sampled; /* every packet is a sample */
	struct harness h;
	double ns[ROUNDS], net[ROUNDS];
};

static struct latency_case cases[] = {
	{ "tcp, every TSval matched", 0, 45, TIMESTAMPS, 80, STAGE(MEASURE), true },
	{ "tcp, every TSval matched", 6, 45, TIMESTAMPS, 80, STAGE(MEASURE), true },
	{ "tcp, every TSval matched", 16, 150, TIMESTAMPS, 80, STAGE(MEASURE), true },
	{ "tcp, every segment matched", 0, 0, SEQUENCE, 80, STAGE(MEASURE), true },
	{ "tcp, every segment matched", 6, 0, SEQUENCE, 80, STAGE(MEASURE), true },
	{ "tcp, every segment matched", 16, 0, SEQUENCE, 80, STAGE(MEASURE), true },
	{ "tcp, within a TSval", 0, 0, SAME, 80, STAGE(MEASURE), false },
	{ "tcp, within a TSval", 16, 0, SAME, 80, STAGE(MEASURE), false },
	{ "udp, not timed", 0, 10, DATAGRAM, 4000, STAGE(MEASURE), false },
	{ "udp, not timed", 16, 10, DATAGRAM, 4000, STAGE(MEASURE), false },
	{ "quic that does not spin", 16, 0, DATAGRAM, 443, STAGE(MEASURE), false },
	{ "off", 16, 0, TIMESTAMPS, 80, 0, false },
};

#define CASES (sizeof(cases) / sizeof(*cases))

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .filter = "", .stages = STAGE(MEASURE)
};
static const struct harness_host host = { .devices = &device,
					  .devices_count = 1,
					  .flows = FLOWS_TIMED };

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static struct packet packet_of(const struct latency_case *c)
{
	return (struct packet){
		.src = "198.18.0.1",
		.dst = "192.0.2.1",
		.proto = c->port == 80 ? 0 : IPPROTO_UDP,
		.sport = 1024,
		.dport = c->port,
		.flags = ACK | PSH,
		.timestamps = c->kind == TIMESTAMPS || c->kind == SAME ? TIMESTAMPS_ALIGNED
								       : TIMESTAMPS_NONE,
		.payload = c->kind == DATAGRAM ? 100 : 80,
	};
}

static void point_at(const struct converse *b, int ingress, int egress)
{
	int programs[] = { ingress, egress };

	for (__u32 i = 0; i < 2; i++)
		need(!bpf_map_update_elem(bpf_map__fd(b->maps.under_test), &i, &programs[i], 0),
		     "the program array refuses the program");
}

static double run(struct converse *b, const struct latency_case *c)
{
	const struct packet p = packet_of(c);
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .repeat = PACKETS);

	packet_build(&p, &frame);
	/* The first byte of QUIC: a short header that does not spin. */
	if (c->port == 443)
		frame.bytes[42] = 0x40;
	b->bss->server_port = htons(c->port);
	b->bss->flow_bits = c->flow_bits;
	b->bss->kind = c->kind;
	b->bss->packets = 0;
	opts.data_size_in = (__u32)frame.size;
	need(!bpf_prog_test_run_opts(bpf_program__fd(b->progs.around), &opts),
	     "the kernel refuses a test run");
	need(opts.retval == (__u32)TC_ACT_UNSPEC, "a packet met another verdict");
	return opts.duration;
}

static void prepare(struct latency_case *c)
{
	harness_start(&c->h, "interface a { measure }\n", &host);
	harness_load(&c->h, HOOK_INGRESS, 0, c->stages);
	harness_load(&c->h, HOOK_EGRESS, 0, c->stages);
}

static __u64 samples(const struct latency_case *c)
{
	__u64 count = 0;
	struct hist h;

	for (__u32 i = 0; i < weir_hist_of_device(1, 0, 0); i++) {
		harness_hist(&c->h, i, &h);
		count += h.count;
	}
	return count;
}

/* All but the first visit of each flow, and what the table had no room for. */
static void check_samples(const struct latency_case *c, __u64 before)
{
	__u64 expected = PACKETS - (2ULL << c->flow_bits), got = samples(c) - before;

	if (c->is_sampled ? got * 100 >= expected * 95 : got <= 2ULL << c->flow_bits)
		return;
	fprintf(stderr, "bench: %s, %u flows: %llu samples of %u packets\n", c->name,
		1U << c->flow_bits, got, PACKETS);
	exit(1);
}

static void measure(struct latency_case *c, struct converse *b, int round)
{
	__u64 before = samples(c);
	double empty;

	point_at(b, bpf_program__fd(b->progs.empty), bpf_program__fd(b->progs.empty));
	empty = run(b, c);
	harness_clear(&c->h, WEIR_MAP_FLOWS);
	point_at(b, c->h.program[HOOK_INGRESS], c->h.program[HOOK_EGRESS]);
	c->ns[round] = run(b, c);
	c->net[round] = c->ns[round] - empty;
	check_samples(c, before);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct latency_case *c)
{
	char target[16] = "";

	qsort(c->ns, ROUNDS, sizeof(double), by_value);
	qsort(c->net, ROUNDS, sizeof(double), by_value);
	if (c->target)
		snprintf(target, sizeof(target), "%u", c->target);
	printf("%-30s %8u %8.0f %8.0f %8.0f %8s\n", c->name, 1U << c->flow_bits, c->ns[ROUNDS / 2],
	       c->net[0], c->net[ROUNDS / 2], target);
}

/* A test run is on the CPU that it was started on. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(void)
{
	const char *refusal = harness_refusal();
	struct converse *b;

	if (refusal) {
		fprintf(stderr, "bench: %s\n", refusal);
		return 77;
	}
	stay_on_one_cpu();
	b = converse__open_and_load();
	need(b != NULL, "the program that varies packets does not load");
	for (size_t i = 0; i < CASES; i++)
		prepare(&cases[i]);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < CASES; i++)
			measure(&cases[i], b, round);
	}
	printf("%-30s %8s %8s %8s %8s %8s\n%-30s %8s %8s %8s %8s %8s\n",
	       "ns per packet, both ways at tc", "", "with it", "net", "net", "target", "case",
	       "flows", "median", "min", "median", "net");
	for (size_t i = 0; i < CASES; i++) {
		print(&cases[i]);
		harness_stop(&cases[i].h);
	}
	printf("net: of an empty program over the same packets in the same round; %d rounds in "
	       "turn\n",
	       ROUNDS);
	converse__destroy(b);
	return 0;
}
