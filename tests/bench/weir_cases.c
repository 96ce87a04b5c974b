// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filters of weir, loaded by the harness: in maps of their own, attached to nothing.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addresses.h"
#include "bench_case.h"
#include "own.h"

#define INTERFACE "interface in0 { xdp auto; filter edge }\n"
/* Packets whose verdict is looked at one by one. */
#define VERDICTS 256

static const struct image_device device = { .ifindex = 1,
					    .filter = "edge",
					    .stages = STAGE(FILTER) };
static const struct harness_host host = { .devices = &device, .devices_count = 1 };

static void start(struct bench_case *c, const char *config, __u32 stages)
{
	c->harness = calloc(1, sizeof(*c->harness));
	need(c->harness != NULL, "no memory");
	harness_start(c->harness, config, &host);
	harness_load(c->harness, HOOK_XDP, 0, stages);
	c->program = c->harness->program[HOOK_XDP];
	driver_point_at(&c->driver, c->program);
}

static void need_verdict(struct bench_case *c, __u32 at, bool drops)
{
	__u32 verdict;

	driver_seek(&c->driver, at);
	driver_run(&c->driver, 0, 1, &verdict);
	if (verdict == (drops ? XDP_DROP : XDP_PASS))
		return;
	fprintf(stderr, "\nbench: %s: packet %u met verdict %u\n", c->name, at, verdict);
	exit(1);
}

/* After the first SAMPLE packets of the trace. */
static void need_count(const struct bench_case *c, __u32 rule, __u64 wanted)
{
	__u64 counted = harness_counter(c->harness, WEIR_MAP_RULES, rule).packets;

	if (counted == wanted)
		return;
	fprintf(stderr, "\nbench: %s: rule %u matched %llu packets; the slow matcher says %llu\n",
		c->name, rule, counted, wanted);
	exit(1);
}

static void run_sample(struct bench_case *c)
{
	driver_seek(&c->driver, 0);
	driver_run(&c->driver, 0, SAMPLE, NULL);
}

static void verify_rules(struct bench_case *c, const struct bench_rule *rules, __u32 count)
{
	OWN_FREE __u32 *wanted = calloc(count + 1, sizeof(*wanted));

	need(wanted != NULL, "no memory");
	for (__u32 i = 0; i < SAMPLE; i++)
		wanted[rules_match(rules, count, &c->driver.trace4->header[i])]++;
	run_sample(c);
	for (__u32 i = 0; i <= count; i++)
		need_count(c, i, wanted[i]);
	for (__u32 i = 0; i < VERDICTS; i++) {
		__u32 rule = rules_match(rules, count, &c->driver.trace4->header[i]);

		need_verdict(c, i, rule == count || rules[rule].drops);
	}
}

/* Also of no rules: then only the default is left. */
static void add_rules(struct bench_case *c, const struct bench_rule *rules, __u32 count)
{
	OWN_FREE char *config = NULL;
	size_t size;
	FILE *out = open_memstream(&config, &size);

	need(out != NULL, "no memory");
	fputs(INTERFACE, out);
	rules_print_weir(rules, count, out);
	fclose(out);
	start(c, config, STAGE(FILTER));
	verify_rules(c, rules, count);
}

static void trace_anything(struct bench_case *c)
{
	driver_open(&c->driver, DRIVER_XDP4, DRIVER_FRAGS);
	case_seed("default", 0);
	rules_trace(NULL, 0, c->driver.trace4);
}

void weir_nothing(void)
{
	struct bench_case *c = case_add("weir without any stage");

	if (!c)
		return;
	trace_anything(c);
	start(c, INTERFACE "filter edge { default drop }\n", 0);
	for (__u32 i = 0; i < VERDICTS; i++)
		need_verdict(c, i, false);
}

void weir_default(void)
{
	const struct bench_rule none = {};
	struct bench_case *c = case_add("weir default only");

	if (!c)
		return;
	trace_anything(c);
	add_rules(c, &none, 0);
}

void weir_rules(enum profile profile, __u32 count)
{
	struct bench_case *c = case_add("weir %s %u rules", profile_names[profile], count);
	OWN_FREE struct bench_rule *rules = NULL;

	if (!c)
		return;
	driver_open(&c->driver, DRIVER_XDP4, DRIVER_FRAGS);
	rules = case_rules(profile, count, c->driver.trace4);
	add_rules(c, rules, count);
}

static bool holds(const struct addresses *a, const struct driver *d, __u32 i)
{
	return d->trace4 ? addresses_hold4(a, &d->trace4->header[i])
			 : addresses_hold6(a, &d->trace6->header[i]);
}

static void verify_set(struct bench_case *c, const struct addresses *a)
{
	__u64 wanted = 0;

	for (__u32 i = 0; i < SAMPLE; i++)
		wanted += holds(a, &c->driver, i);
	run_sample(c);
	need_count(c, 0, wanted);
	need_count(c, 1, SAMPLE - wanted);
	for (__u32 i = 0; i < VERDICTS; i++)
		need_verdict(c, i, holds(a, &c->driver, i));
}

/* A build without them has single addresses as prefixes. */
static bool has_address_sets(void)
{
	static bool is_noted;
	static const char config[] = "set s { type address; elements { 192.0.2.1 } }\n";
	struct model m = {};
	struct diags d = {};
	bool fails = model_parse("probe.conf", config, strlen(config), MODEL_FILES_READ, &d, &m);

	diag_free(&d);
	model_free(&m);
	if (fails && !is_noted)
		case_note("weir: no sets of single addresses in this build; they are prefixes\n");
	is_noted |= fails;
	return !fails;
}

/* A set is loaded from a file, as large ones are. */
static void start_set(struct bench_case *c, const struct addresses *a, bool is_exact)
{
	char path[] = "/tmp/weir-bench.XXXXXX", config[400];
	FILE *out = fdopen(mkstemp(path), "w");

	need(out != NULL, "no temporary file");
	addresses_print(a, out);
	need(!fclose(out), "the temporary file cannot be written");
	snprintf(config, sizeof(config),
		 INTERFACE "set s { type %s; file \"%s\" }\n"
			   "filter edge { default pass\n rule s drop saddr @s\n }\n",
		 is_exact && has_address_sets() ? "address" : "prefix", path);
	start(c, config, STAGE(FILTER));
	unlink(path);
}

void weir_set(int family, bool is_exact, __u32 count)
{
	const char *kind = is_exact ? "addresses" : "prefixes";
	struct bench_case *c = case_add("weir IPv%d %u %s", family, count, kind);
	struct addresses a = {};

	if (!c)
		return;
	driver_open(&c->driver, family == 4 ? DRIVER_XDP4 : DRIVER_XDP6, DRIVER_FRAGS);
	case_seed(kind, count);
	addresses_make(&a, count, family, is_exact ? SET_EXACT : SET_PREFIXES);
	if (family == 4)
		addresses_trace4(&a, c->driver.trace4);
	else
		addresses_trace6(&a, c->driver.trace6);
	start_set(c, &a, is_exact);
	verify_set(c, &a);
	addresses_free(&a);
}

/* Bytes that the kernel accounts to a map. */
static __u64 map_bytes(int fd)
{
	char path[64], line[128];
	__u64 bytes = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	}
	if (in)
		fclose(in);
	return bytes;
}

static double other_maps_mib(const struct harness *h)
{
	__u64 bytes = 0;

	for (int i = 0; i < WEIR_MAP_COUNT; i++) {
		if (i != WEIR_MAP_FLOWS && i != WEIR_MAP_HISTS)
			bytes += map_bytes(h->maps.fd[i]);
	}
	return (double)bytes / (1 << 20);
}

void weir_print_times(const struct bench_case *cases, size_t count)
{
	printf("\n%-34s %9s %9s %9s %10s %10s\n%-34s %9s %9s %9s %10s %10s\n", "", "read",
	       "compile", "swap", "image", "other maps", "case", "ms", "ms", "ms", "MiB", "MiB");
	for (size_t i = 0; i < count; i++) {
		const struct harness *h = cases[i].harness;

		if (h)
			printf("%-34s %9.1f %9.1f %9.1f %10.2f %10.2f\n", cases[i].name,
			       (double)h->parse_ns / 1e6, (double)h->build_ns / 1e6,
			       (double)h->swap_ns / 1e6, (double)h->image_bytes / (1 << 20),
			       other_maps_mib(h));
	}
}
