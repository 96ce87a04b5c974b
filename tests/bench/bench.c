// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a packet costs at XDP, net of an empty program that is measured in the
 * same run, in turn with it. Prints the minimum and the median of the rounds.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bench.skel.h"
#include "harness.h"
#include "testnet.h"

#define ROUNDS 15
#define REPEAT 400000
#define FLOWS 65536
#define IMAGE_BYTES (8U << 20)

static const char config[] =
	"interface in0 { xdp auto; filter ten; balance; measure }\n"
	"filter ten {\n"
	"  rule r1 drop tcp dport 23\n"
	"  rule r2 drop udp sport { 53, 123, 11211 }\n"
	"  rule r3 drop saddr 203.0.113.0/24\n"
	"  rule r4 drop saddr { 10.66.0.0/16, 10.67.0.0/16, 2001:db8:66::/48 }\n"
	"  rule r5 drop tcp dport 6000-6100\n"
	"  rule r6 drop icmp type redirect\n"
	"  rule r7 drop daddr 192.0.2.99 udp\n"
	"  rule r8 drop tcp flags fin,syn/fin,syn\n"
	"  rule r9 drop proto gre\n"
	"  rule r10 drop udp dport 9999\n"
	"}\n"
	"service ipip { address 192.0.2.10; port tcp 443; forward ipip\n"
	"  backend b1 10.1.0.11\n backend b2 10.1.0.12 }\n"
	"service l2 { address 192.0.2.11; port tcp 443; forward l2\n"
	"  backend b1 10.1.0.11\n backend b2 10.1.0.12 }\n";

static const struct packet nobody = { .src = "198.18.0.1",
				      .dst = "192.0.2.1",
				      .proto = IPPROTO_UDP,
				      .sport = 1024,
				      .dport = 4000,
				      .payload = 80 };
static const struct packet dropped = { .src = "198.18.0.1",
				       .dst = "192.0.2.1",
				       .proto = IPPROTO_UDP,
				       .sport = 1024,
				       .dport = 9999,
				       .payload = 80 };
static const struct packet ipip = { .src = "198.18.0.1",
				    .dst = "192.0.2.10",
				    .sport = 1024,
				    .dport = 443,
				    .flags = ACK,
				    .payload = 80 };
static const struct packet l2 = { .src = "198.18.0.1",
				  .dst = "192.0.2.11",
				  .sport = 1024,
				  .dport = 443,
				  .flags = ACK,
				  .payload = 80 };
static const struct packet timed = { .src = "198.18.0.1",
				     .dst = "192.0.2.1",
				     .sport = 1024,
				     .dport = 443,
				     .flags = ACK | PSH,
				     .timestamps = TIMESTAMPS_ALIGNED,
				     .tsval = 1,
				     .payload = 80 };

static struct {
	const char *name;
	const struct packet *packet;
	__u32 stages;
	__u32 flows;
	__u32 verdict;
	double ns[ROUNDS];
	double net[ROUNDS]; /* of the empty program in the same round */
	int program;
} cases[] = {
	{ "empty program", &nobody, 0, FLOWS, XDP_PASS },
	{ "nobody's packet, balancer only", &nobody, STAGE(BALANCE), FLOWS, XDP_PASS },
	{ "nobody's packet, 10 rules, balancer", &nobody, STAGE(FILTER) | STAGE(BALANCE), FLOWS,
	  XDP_PASS },
	{ "dropped by the last of 10 rules", &dropped, STAGE(FILTER), FLOWS, XDP_DROP },
	{ "balanced, ipip, one flow", &ipip, STAGE(BALANCE), 1, XDP_TX },
	{ "balanced, ipip", &ipip, STAGE(BALANCE), FLOWS, XDP_TX },
	{ "balanced, l2", &l2, STAGE(BALANCE), FLOWS, XDP_TX },
	{ "timed, one TSval", &timed, STAGE(MEASURE), FLOWS, XDP_PASS },
};

#define CASES (sizeof(cases) / sizeof(*cases))

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void point_at(struct bench *b, int program, const struct packet *packet, __u32 flows)
{
	__u32 zero = 0;
	struct frame frame;

	packet_build(packet, &frame);
	memcpy(b->bss->header, frame.bytes, sizeof(b->bss->header));
	b->bss->bytes = (__u32)frame.size;
	b->bss->flow_mask = flows - 1;
	need(!bpf_map_update_elem(bpf_map__fd(b->maps.under_test), &zero, &program, 0),
	     "the program array refuses the program");
}

static double run(const struct bench *b, const struct packet *packet, __u32 ifindex, __u32 verdict)
{
	struct frame frame;
	struct xdp_md ctx = { .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = REPEAT);

	packet_build(packet, &frame);
	opts.data_size_in = ctx.data_end = (__u32)frame.size;
	need(!bpf_prog_test_run_opts(bpf_program__fd(b->progs.around), &opts),
	     "the kernel refuses a test run");
	need(opts.retval == verdict, "a packet met another fate than its case says");
	return opts.duration;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(size_t i)
{
	qsort(cases[i].ns, ROUNDS, sizeof(double), by_value);
	qsort(cases[i].net, ROUNDS, sizeof(double), by_value);
	printf("%-40s %6u %8.0f %8.0f %8.0f %8.0f\n", cases[i].name, cases[i].flows, cases[i].ns[0],
	       cases[i].ns[ROUNDS / 2], cases[i].net[0], cases[i].net[ROUNDS / 2]);
}

static void load(struct harness *h, size_t i, const struct bench *b)
{
	if (!i) {
		cases[i].program = bpf_program__fd(b->progs.empty);
		return;
	}
	harness_load(h, HOOK_XDP, 0, cases[i].stages);
	cases[i].program = h->program[HOOK_XDP];
	h->program[HOOK_XDP] = -1;
}

int main(void)
{
	const struct image_device device = { .slot = 0,
					     .ifindex = 1,
					     .filter = "ten",
					     .stages = STAGE(FILTER) | STAGE(BALANCE) |
						       STAGE(MEASURE) };
	const struct harness_host host = { .devices = &device,
					   .devices_count = 1,
					   .source4 = "10.1.0.1",
					   .image_bytes = IMAGE_BYTES };
	const char *refusal = harness_refusal();
	struct harness h = {};
	struct testnet net;
	struct bench *b;

	if (!refusal)
		refusal = testnet_start(&net);
	if (refusal) {
		fprintf(stderr, "bench: %s\n", refusal);
		return 77;
	}
	harness_start(&h, config, &host);
	b = bench__open_and_load();
	need(b != NULL, "the harness program does not load");
	for (size_t i = 0; i < CASES; i++)
		load(&h, i, b);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < CASES; i++) {
			point_at(b, cases[i].program, cases[i].packet, cases[i].flows);
			cases[i].ns[round] = run(b, cases[i].packet, net.in, cases[i].verdict);
			cases[i].net[round] = cases[i].ns[round] - cases[0].ns[round];
		}
	}
	printf("%-40s %6s %17s %17s\n%-40s %6s %8s %8s %8s %8s\n", "", "", "ns/packet",
	       "net of empty", "case", "flows", "min", "median", "min", "median");
	for (size_t i = 0; i < CASES; i++)
		print(i);
	bench__destroy(b);
	harness_stop(&h);
	return 0;
}
