// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make bench-lb: what a packet costs in the balancer, net of an empty program
 * that is measured in turn with it, over one flow and over many.
 *
 *   lb_bench [TEXT]     only the cases whose name begins so
 *
 * Before each packet the encapsulation of the last one is taken off again, which
 * is one bpf_xdp_adjust_head() that no balancer on a network pays. So there are
 * two columns: net of a program that is empty and before which nothing is taken
 * off, and net of one before which the same call is made.
 */
#include <bpf/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.skel.h"
#include "harness.h"
#include "testnet.h"

#define ROUNDS 11
#define FEW 65536U
#define MANY (1U << 20)
#define NEW 0x80000000U /* so many that none comes twice in a run */
#define REPEAT_MIN 400000U
/* As apply makes them: of a service that pins what moves, and of one that pins all. */
#define PIN_SETS_MOVED (1U << 17)
#define PIN_SETS_ALL (1U << 19)
#define IMAGE_BYTES (8U << 20)

enum history {
	SETTLED, /* no slot has moved */
	MOVED, /* all have; the flows are older */
	PINNED, /* all have; the flows are younger, each has a pin */
	FLOODED, /* all have; there is no room for a pin */
	OVER, /* all have, so long ago that new flows get no pin */
};

struct lb_case {
	const char *name;
	__u32 flows;
	__u32 target; /* ns; 0: none is set */
	bool v6, misses; /* misses: it is for no VIP */
	__u8 flags;
	const char *settings; /* of the service */
	enum history history;
	bool warm; /* every flow has sent a SYN */
	bool filters; /* before it balances */
	struct harness h;
	double ns[ROUNDS], net[ROUNDS]; /* net of an empty program */
	double restored[ROUNDS]; /* and of one before which packets are restored */
};

/* A source has some 31,000 ports toward each backend: a million flows want many. */
#define NAT                                                                                     \
	"forward nat; source 10.1.1.1, 10.1.1.2, 10.1.1.3, 10.1.1.4, 10.1.1.5, 10.1.1.6, "      \
	"10.1.1.7, 10.1.1.8, 10.1.1.9, 10.1.1.10, 10.1.1.11, 10.1.1.12, 10.1.1.13, 10.1.1.14, " \
	"10.1.1.15, 10.1.1.16, 10.1.1.17, 10.1.1.18, 10.1.1.19, 10.1.1.20, 10.1.1.21, "         \
	"10.1.1.22, 10.1.1.23, 10.1.1.24, 10.1.1.25, 10.1.1.26, 10.1.1.27, 10.1.1.28, "         \
	"10.1.1.29, 10.1.1.30, 10.1.1.31, 10.1.1.32, 10.1.1.33, 10.1.1.34, 10.1.1.35, "         \
	"10.1.1.36, 10.1.1.37, 10.1.1.38, 10.1.1.39, 10.1.1.40, 10.1.1.41, 10.1.1.42, "         \
	"10.1.1.43, 10.1.1.44, 10.1.1.45, 10.1.1.46, 10.1.1.47, 10.1.1.48, 10.1.1.49, "         \
	"10.1.1.50, 10.1.1.51, 10.1.1.52, 10.1.1.53, 10.1.1.54, 10.1.1.55, 10.1.1.56, "         \
	"10.1.1.57, 10.1.1.58, 10.1.1.59, 10.1.1.60, 10.1.1.61, 10.1.1.62, 10.1.1.63, "         \
	"10.1.1.64"
#define NAT_FLOWS (1U << 21)

#define IPIP "forward ipip"
#define GUE "forward gue"
#define L2 "forward l2"

static struct lb_case cases[] = {
	{ "for no VIP", FEW, 10, false, true, ACK, IPIP, SETTLED, false },
	{ "for no VIP, IPv6", FEW, 10, true, true, ACK, IPIP, SETTLED, false },
	{ "settled", 1, 35, false, false, ACK, IPIP, SETTLED, false },
	{ "settled", FEW, 45, false, false, ACK, IPIP, SETTLED, false },
	{ "settled", MANY, 55, false, false, ACK, IPIP, SETTLED, false },
	{ "settled, IPv6", 1, 0, true, false, ACK, IPIP, SETTLED, false },
	{ "settled, IPv6", FEW, 0, true, false, ACK, IPIP, SETTLED, false },
	{ "settled, IPv6", MANY, 0, true, false, ACK, IPIP, SETTLED, false },
	{ "new connections", NEW, 60, false, false, SYN, IPIP, SETTLED, false },
	{ "moved slot, older flows", FEW, 120, false, false, ACK, IPIP, MOVED, false },
	{ "moved slot, pinned flows", FEW, 120, false, false, ACK, IPIP, PINNED, true },
	{ "moved slot, new connections", NEW, 120, false, false, SYN, IPIP, MOVED, false },
	{ "moved slot, flood of SYNs", NEW, 0, false, false, SYN, IPIP, FLOODED, false },
	{ "moved slot, its time over", FEW, 0, false, false, ACK, IPIP, OVER, false },
	{ "track all", 1, 50, false, false, ACK, IPIP "; track all", SETTLED, true },
	{ "track all", FEW, 110, false, false, ACK, IPIP "; track all", SETTLED, true },
	{ "track all", MANY, 200, false, false, ACK, IPIP "; track all", SETTLED, true },
	{ "filter and balance", 1, 0, false, false, ACK, IPIP, SETTLED, false, true },
	{ "filter and balance", FEW, 0, false, false, ACK, IPIP, SETTLED, false, true },
	{ "gue", 1, 0, false, false, ACK, GUE, SETTLED, false },
	{ "gue", FEW, 0, false, false, ACK, GUE, SETTLED, false },
	{ "l2", 1, 0, false, false, ACK, L2, SETTLED, false },
	{ "l2", FEW, 0, false, false, ACK, L2, SETTLED, false },
	{ "nat", 1, 0, false, false, ACK, NAT, SETTLED, true },
	{ "nat", FEW, 0, false, false, ACK, NAT, SETTLED, true },
	{ "nat", MANY, 0, false, false, ACK, NAT, SETTLED, true },
};

#define CASES (sizeof(cases) / sizeof(*cases))

/* What is for nobody here, as rules of an edge are. */
#define FILTERED                                                                              \
	"interface in0 { xdp auto; filter edge; balance }\n"                                  \
	"filter edge { default pass\n"                                                        \
	"rule bogons drop saddr { 10.0.0.0/8, 100.64.0.0/10, 192.168.0.0/16, 240.0.0.0/4 }\n" \
	"rule smb drop tcp dport { 135, 139, 445 }\nrule telnet drop tcp dport 23\n"          \
	"rule amplified drop udp sport { 53, 123, 11211 } length > 512\n"                     \
	"rule odd drop tcp flags syn,fin\nrule ssh pass tcp dport 22 saddr 203.0.113.0/24\n"  \
	"rule nossh drop tcp dport 22\nrule ping pass icmp type echo-request\n"               \
	"rule snmp drop udp dport { 161, 162 }\nrule chargen drop udp dport 19\n}\n"

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .filter = "", .stages = STAGE(BALANCE)
};
static const struct image_device filtered = {
	.slot = 0, .ifindex = 1, .filter = "edge", .stages = STAGE(FILTER) | STAGE(BALANCE)
};
static const struct harness_host host = { .devices = &device,
					  .devices_count = 1,
					  .source4 = "10.1.0.1",
					  .source6 = "2001:db8:1::1",
					  .image_bytes = IMAGE_BYTES,
					  .has_past = true };

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static bool translates(const struct lb_case *c)
{
	return !strcmp(c->settings, NAT);
}

static struct packet packet_of(const struct lb_case *c, __u8 flags)
{
	return (struct packet){ .src = c->v6 ? "2001:db8:c::1" : "198.18.0.1",
				.dst = c->v6 ? c->misses ? "2001:db8:ff::99" : "2001:db8:ff::10"
				       : c->misses ? "192.0.2.99"
						   : "192.0.2.10",
				.sport = 1024,
				.dport = 443,
				.flags = flags,
				.payload = 80 };
}

/* All slots move: the backends that were there are drained, others came. */
static void config_of(const struct lb_case *c, bool later, char *text, size_t size)
{
	const char *net1 = c->v6 ? "2001:db8:1::" : "10.1.0.";
	const char *net2 = c->v6 ? "2001:db8:2::" : "10.2.0.";
	const char *drain = later ? "drain" : "";
	size_t used = (size_t)snprintf(
		text, size,
		"%s\n"
		"service s0 { address %s; port tcp 443; %s\n"
		"backend b0 %s11 %s\n backend b1 %s12 %s\n",
		c->filters ? FILTERED : "interface in0 { xdp auto; balance }",
		c->v6 ? "2001:db8:ff::10" : "192.0.2.10", c->settings, net1, drain, net1, drain);

	if (later)
		used += (size_t)snprintf(text + used, size - used,
					 "backend b2 %s11\n backend b3 %s12\n", net2, net2);
	snprintf(text + used, size - used, "}\n");
}

static void point_at(struct bench *b, int program, const struct packet *p, const struct lb_case *c)
{
	__u32 zero = 0;
	struct frame frame;

	packet_build(p, &frame);
	memcpy(b->bss->header, frame.bytes, sizeof(b->bss->header));
	b->bss->bytes = (__u32)frame.size;
	b->bss->flow_mask = c->flows - 1;
	b->bss->is_v6 = c->v6;
	need(!bpf_map_update_elem(bpf_map__fd(b->maps.under_test), &zero, &program, 0),
	     "the program array refuses the program");
}

static double run(const struct bench *b, const struct packet *p, __u32 ifindex, __u32 packets,
		  __u32 *verdict)
{
	struct frame frame;
	struct xdp_md ctx = { .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)packets);

	packet_build(p, &frame);
	opts.data_size_in = ctx.data_end = (__u32)frame.size;
	need(!bpf_prog_test_run_opts(bpf_program__fd(b->progs.around), &opts),
	     "the kernel refuses a test run");
	*verdict = opts.retval;
	return opts.duration;
}

/* New pins shall find room: they fill a quarter of their table. */
static __u32 packets_of(const struct lb_case *c)
{
	if (c->flows == NEW && c->history == MOVED)
		return PIN_SETS_MOVED * WEIR_PIN_WAYS / 4;
	return c->flows == MANY ? MANY : REPEAT_MIN;
}

static __u32 stages_of(const struct lb_case *c)
{
	return c->filters ? filtered.stages : device.stages;
}

/* Old flows stay with the first backends, which are behind the way in; others leave elsewhere. */
static __u32 verdict_of(const struct lb_case *c)
{
	if (c->misses)
		return XDP_PASS;
	return c->history == PINNED || c->history == OVER ? XDP_REDIRECT : XDP_TX;
}

/* As if backends had answered, which there are none of. */
static void establish(const struct harness *h)
{
	size_t bytes = h->capacity.nat_flows * sizeof(struct weir_nat_flow);
	struct weir_nat_flow *r = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				       h->maps.fd[WEIR_MAP_NAT_FLOWS], 0);

	need(r != MAP_FAILED, "the records of translated flows cannot be mapped");
	for (__u32 i = 0; i < h->capacity.nat_flows; i++) {
		if (weir_nat_state(r[i].life) == WEIR_NAT_OPENING)
			r[i].life =
				weir_nat_life(weir_nat_until(r[i].life) + WEIR_NAT_TICKS(600),
					      weir_nat_backend(r[i].life), WEIR_NAT_ESTABLISHED);
	}
	munmap(r, bytes);
}

/* As if all that moved had done so days ago. */
static void let_time_pass(struct harness *h)
{
	struct weir_service *s =
		(struct weir_service *)((char *)h->image + h->image->services_offset);
	struct failure why = {};

	s->base_until_s = 1;
	need(!maps_swap_image(&h->maps, &h->capacity, h->image, h->image_bytes, &why),
	     "the image cannot be swapped");
}

static void clear_pins(const struct harness *h)
{
	size_t bytes = h->capacity.pin_sets * sizeof(struct weir_pin_set);
	void *pins =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, h->maps.fd[WEIR_MAP_PINS], 0);

	need(pins != MAP_FAILED, "the pins cannot be mapped");
	memset(pins, 0, bytes);
	munmap(pins, bytes);
}

/* All places are to be those of connections that began a moment ago. */
static void flood(const struct lb_case *c, struct bench *b, __u32 ifindex)
{
	struct packet syn = packet_of(c, SYN);
	__u32 verdict;

	point_at(b, c->h.program[HOOK_XDP], &syn, c);
	run(b, &syn, ifindex, 4 * PIN_SETS_MOVED * WEIR_PIN_WAYS, &verdict);
}

static void prepare(struct lb_case *c, struct bench *b, __u32 ifindex)
{
	struct packet syn = packet_of(c, SYN);
	struct harness_host sized = host;
	char text[2048];
	__u32 verdict;

	if (c->filters)
		sized.devices = &filtered;
	sized.pin_sets = c->warm && c->history == SETTLED ? PIN_SETS_ALL : PIN_SETS_MOVED;
	sized.nat_flows = translates(c) ? NAT_FLOWS : 0;
	config_of(c, false, text, sizeof(text));
	harness_start(&c->h, text, &sized);
	if (c->history != SETTLED) {
		config_of(c, true, text, sizeof(text));
		harness_change(&c->h, text);
	}
	if (c->history == OVER)
		let_time_pass(&c->h);
	harness_load(&c->h, HOOK_XDP, 0, stages_of(c));
	if (!c->warm)
		return;
	point_at(b, c->h.program[HOOK_XDP], &syn, c);
	run(b, &syn, ifindex, c->flows, &verdict);
	if (translates(c))
		establish(&c->h);
}

/* Whether packets leave longer than they came. */
static bool does_grow(const struct lb_case *c)
{
	return !c->misses && !translates(c) && strcmp(c->settings, L2) != 0;
}

static void measure(struct lb_case *c, struct bench *b, __u32 ifindex, int round)
{
	struct packet p = packet_of(c, c->flags);
	__u32 verdict, packets = packets_of(c);
	double empty, restored;

	if (c->flows == NEW && c->history == MOVED)
		clear_pins(&c->h);
	if (c->history == FLOODED)
		flood(c, b, ifindex);
	point_at(b, bpf_program__fd(b->progs.empty), &p, c);
	empty = run(b, &p, ifindex, packets, &verdict);
	b->bss->restores_all = 1;
	restored = run(b, &p, ifindex, packets, &verdict);
	b->bss->restores_all = 0;
	point_at(b, c->h.program[HOOK_XDP], &p, c);
	c->ns[round] = run(b, &p, ifindex, packets, &verdict);
	c->net[round] = c->ns[round] - empty;
	c->restored[round] = c->ns[round] - (does_grow(c) ? restored : empty);
	/* Of new connections in moved slots some find no room for a pin, and go the old way. */
	if (c->flows == NEW || verdict == verdict_of(c))
		return;
	fprintf(stderr, "bench: %s, %u flows: a packet met verdict %u\n", c->name, c->flows,
		verdict);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct lb_case *c)
{
	char target[16] = "", flows[16] = "new";

	qsort(c->ns, ROUNDS, sizeof(double), by_value);
	qsort(c->net, ROUNDS, sizeof(double), by_value);
	qsort(c->restored, ROUNDS, sizeof(double), by_value);
	if (c->flows != NEW)
		snprintf(flows, sizeof(flows), "%u", c->flows);
	if (c->target)
		snprintf(target, sizeof(target), "%u", c->target);
	printf("%-30s %8s %8.0f %8.0f %8.0f %8.0f %8.0f %8s\n", c->name, flows, c->ns[ROUNDS / 2],
	       c->net[0], c->net[ROUNDS / 2], c->restored[0], c->restored[ROUNDS / 2], target);
}

/* A test run is on the CPU that it was started on. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool is_wanted(const struct lb_case *c, const char *name)
{
	return !name || !strncmp(c->name, name, strlen(name));
}

static void print_head(void)
{
	printf("%-30s %8s %8s %17s %17s\n", "ns per packet", "", "with it", "net of empty",
	       "of empty+restore");
	printf("%-30s %8s %8s %8s %8s %8s %8s %8s\n", "case", "flows", "median", "min", "median",
	       "min", "median", "target");
}

static void bench(struct bench *b, const char *name, __u32 ifindex)
{
	for (size_t i = 0; i < CASES; i++) {
		if (is_wanted(&cases[i], name))
			prepare(&cases[i], b, ifindex);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < CASES; i++) {
			if (is_wanted(&cases[i], name))
				measure(&cases[i], b, ifindex, round);
		}
	}
	print_head();
	for (size_t i = 0; i < CASES; i++) {
		if (!is_wanted(&cases[i], name))
			continue;
		print(&cases[i]);
		harness_stop(&cases[i].h);
	}
	printf("net: of an empty program over the same packets in the same round; %d rounds in "
	       "turn\n"
	       "restore: taking the encapsulation of the packet before off again\n",
	       ROUNDS);
}

int main(int argc, char **argv)
{
	const char *refusal = harness_refusal();
	struct testnet net;
	struct bench *b;

	if (!refusal)
		refusal = testnet_start(&net);
	if (refusal) {
		fprintf(stderr, "bench: %s\n", refusal);
		return 77;
	}
	stay_on_one_cpu();
	b = bench__open_and_load();
	need(b != NULL, "the program that varies packets does not load");
	bench(b, argc > 1 ? argv[1] : NULL, net.in);
	bench__destroy(b);
	return 0;
}
