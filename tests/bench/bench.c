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

/*
 * In maps of its own: what translates is code that other services do not pay for.
 * A source has some 31,000 ports toward each backend: a million flows want many.
 */
static const char config_nat[] =
	"interface in0 { xdp auto; balance }\n"
	"service nat { address 192.0.2.12; port tcp 443; forward nat\n"
	"  source 10.1.1.1, 10.1.1.2, 10.1.1.3, 10.1.1.4, 10.1.1.5, 10.1.1.6, 10.1.1.7, 10.1.1.8,"
	"  10.1.1.9, 10.1.1.10, 10.1.1.11, 10.1.1.12, 10.1.1.13, 10.1.1.14, 10.1.1.15, 10.1.1.16,"
	"  10.1.1.17, 10.1.1.18, 10.1.1.19, 10.1.1.20, 10.1.1.21, 10.1.1.22, 10.1.1.23, 10.1.1.24,"
	"  10.1.1.25, 10.1.1.26, 10.1.1.27, 10.1.1.28, 10.1.1.29, 10.1.1.30, 10.1.1.31, 10.1.1.32,"
	"  10.1.1.33, 10.1.1.34, 10.1.1.35, 10.1.1.36, 10.1.1.37, 10.1.1.38, 10.1.1.39, 10.1.1.40,"
	"  10.1.1.41, 10.1.1.42, 10.1.1.43, 10.1.1.44, 10.1.1.45, 10.1.1.46, 10.1.1.47, 10.1.1.48,"
	"  10.1.1.49, 10.1.1.50, 10.1.1.51, 10.1.1.52, 10.1.1.53, 10.1.1.54, 10.1.1.55, 10.1.1.56,"
	"  10.1.1.57, 10.1.1.58, 10.1.1.59, 10.1.1.60, 10.1.1.61, 10.1.1.62, 10.1.1.63, 10.1.1.64\n"
	"  backend b1 10.1.0.11:8443\n backend b2 10.1.0.12 }\n"
	"service local { address 192.0.2.13; port tcp 443; forward local\n"
	"  backend b1 10.1.0.11:8443\n backend b2 10.1.0.12 }\n";
#define NAT_RECORDS (1U << 21)

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
static const struct packet nat = { .src = "198.18.0.1",
				   .dst = "192.0.2.12",
				   .sport = 1024,
				   .dport = 443,
				   .flags = ACK,
				   .payload = 80 };
static const struct packet local = { .src = "198.18.0.1",
				     .dst = "192.0.2.13",
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
	bool translates;
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
	{ "nobody's packet, nat", &nobody, STAGE(BALANCE), FLOWS, XDP_PASS, true },
	{ "translated, nat, one flow", &nat, STAGE(BALANCE), 1, XDP_TX, true },
	{ "translated, nat", &nat, STAGE(BALANCE), FLOWS, XDP_TX, true },
	{ "translated, nat", &nat, STAGE(BALANCE), 1 << 20, XDP_TX, true },
	{ "translated, local, one flow", &local, STAGE(BALANCE), 1, XDP_TX, true },
	{ "translated, local", &local, STAGE(BALANCE), FLOWS, XDP_TX, true },
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
	const struct harness_host host_nat = { .devices = &device,
					       .devices_count = 1,
					       .source4 = "10.1.0.1",
					       .image_bytes = IMAGE_BYTES,
					       .nat_flows = NAT_RECORDS };
	const char *refusal = harness_refusal();
	struct harness h = {}, h_nat = {};
	struct testnet net;
	struct bench *b;

	if (!refusal)
		refusal = testnet_start(&net);
	if (refusal) {
		fprintf(stderr, "bench: %s\n", refusal);
		return 77;
	}
	harness_start(&h, config, &host);
	harness_start(&h_nat, config_nat, &host_nat);
	b = bench__open_and_load();
	need(b != NULL, "the harness program does not load");
	for (size_t i = 0; i < CASES; i++)
		load(cases[i].translates ? &h_nat : &h, i, b);
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
	harness_stop(&h_nat);
	harness_stop(&h);
	return 0;
}
