// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make bench-filter: what a packet costs in filters and sets of all sizes, net
 * of an empty program, beside what else is installed here. Arguments are globs
 * of the cases to run; --rules N leaves out filters of more than N rules.
 * WEIR_TEST_SEED draws other rules.
 */
#include <bpf/libbpf.h>
#include <fnmatch.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_case.h"
#include "testnet.h"

#define CASES 64
/* A round takes about so long, for slow filters with fewer packets than a trace has. */
#define ROUND_NS 50000000.0
#define PACKETS_MIN 256
#define CALIBRATION 1024
#define BAR 30

const char *const profile_names[] = { [PROFILE_ACL] = "acl", [PROFILE_FW] = "fw" };

static struct bench_case cases[CASES];
static size_t cases_count;
static char notes[2048];
static char **globs;
static __u32 rules_max = 100000;
static __u64 seed;

/* On a terminal, in place; what is done of what there is to do, where that is known. */
static void progress(const char *what, size_t done, size_t of)
{
	static const char full[] = "##############################";
	int filled = of ? (int)(done * BAR / of) : 0;

	if (!isatty(STDERR_FILENO))
		return;
	if (of)
		fprintf(stderr, "\r[%.*s%*s] %-40s", filled, full, BAR - filled, "", what);
	else
		fprintf(stderr, "\r%-72s\r%s", "", what);
}

static bool is_wanted(const char *name)
{
	for (char **glob = globs; *glob; glob++) {
		if (!fnmatch(*glob, name, 0))
			return true;
	}
	return !*globs;
}

struct bench_case *case_add(const char *format, ...)
{
	struct bench_case *c = &cases[cases_count];
	char text[64];
	va_list args;

	need(cases_count < CASES, "too many cases");
	va_start(args, format);
	vsnprintf(c->name, sizeof(c->name), format, args);
	va_end(args);
	if (!is_wanted(c->name))
		return NULL;
	cases_count++;
	snprintf(text, sizeof(text), "preparing %s ...", c->name);
	progress(text, 0, 0);
	return c;
}

void case_note(const char *format, ...)
{
	size_t used = strlen(notes);
	va_list args;

	va_start(args, format);
	vsnprintf(notes + used, sizeof(notes) - used, format, args);
	va_end(args);
}

void case_seed(const char *what, __u32 count)
{
	__u64 mixed = seed;

	for (; *what; what++)
		mixed = mixed * 31 + (__u8)*what;
	random_seed(mixed * 31 + count);
}

struct bench_rule *case_rules(enum profile profile, __u32 count, struct trace4 *trace)
{
	struct bench_rule *rules = calloc(count, sizeof(*rules));

	need(rules != NULL, "no memory");
	case_seed(profile_names[profile], count);
	rules_make(rules, count, profile);
	rules_trace(rules, count, trace);
	return rules;
}

/* A test run is on the CPU that it was started on. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void calibrate(struct bench_case *c)
{
	double ns;

	driver_seek(&c->driver, 0);
	driver_point_at(&c->driver, c->program);
	ns = driver_run(&c->driver, c->ruled, CALIBRATION, NULL);
	c->packets = TRACE_HEADERS;
	if (ns * c->packets > ROUND_NS)
		c->packets = (__u32)(ROUND_NS / ns);
	if (c->packets < PACKETS_MIN)
		c->packets = PACKETS_MIN;
}

/* The trace goes on where the round before ended, so that all of it comes to its turn. */
static void run_round(struct bench_case *c, int round)
{
	__u32 at = (__u32)round * c->packets;

	driver_seek(&c->driver, at);
	driver_point_at(&c->driver, c->driver.empty);
	/* Of few packets, the start of a test run would be seen. */
	c->empty[round] = driver_run(&c->driver, c->bare, TRACE_HEADERS / 4, NULL);
	driver_seek(&c->driver, at);
	driver_point_at(&c->driver, c->program);
	c->ns[round] = driver_run(&c->driver, c->ruled, c->packets, NULL);
}

static void run_all(void)
{
	for (size_t i = 0; i < cases_count; i++)
		calibrate(&cases[i]);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < cases_count; i++) {
			progress(cases[i].name, (size_t)round * cases_count + i,
				 ROUNDS * cases_count);
			run_round(&cases[i], round);
		}
	}
	progress("", 0, 0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_case(struct bench_case *c)
{
	double net[ROUNDS], empty, total;

	for (int i = 0; i < ROUNDS; i++)
		net[i] = c->ns[i] - c->empty[i];
	qsort(net, ROUNDS, sizeof(double), by_value);
	qsort(c->ns, ROUNDS, sizeof(double), by_value);
	qsort(c->empty, ROUNDS, sizeof(double), by_value);
	empty = c->empty[ROUNDS / 2];
	total = c->ns[ROUNDS / 2];
	printf("%-34s %8.0f %8.0f %8.0f %8.0f %8.1f\n", c->name, empty, total, net[0],
	       net[ROUNDS / 2], empty > 0 ? total / empty : 0);
}

static void print_all(void)
{
	printf("%-34s %8s %8s %8s %8s %8s\n%-34s %8s %8s %8s %8s %8s\n", "ns per packet", "empty",
	       "with it", "net", "net", "ratio to", "case", "median", "median", "min", "median",
	       "empty");
	for (size_t i = 0; i < cases_count; i++)
		print_case(&cases[i]);
	printf("net: of an empty program, of nft: of a chain without rules, in the same round; %d "
	       "rounds in turn, %u different packets\n",
	       ROUNDS, TRACE_HEADERS);
	fputs(notes, stdout);
}

static void add_rules(void)
{
	static const __u32 counts[] = { 100, 1000, 10000, 100000 };

	for (enum profile p = PROFILE_ACL; p <= PROFILE_FW; p++) {
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
			if (counts[i] <= rules_max)
				weir_rules(p, counts[i]);
			if (counts[i] <= rules_max && counts[i] <= 10000) {
				nft_rules(p, counts[i]);
				nft_set(p, counts[i]);
			}
		}
	}
}

static void add_sets(void)
{
	static const __u32 exact[] = { 1000, 10000 }, prefixes[] = { 1000, 131072, 1000000 };

	for (size_t i = 0; i < sizeof(exact) / sizeof(*exact); i++) {
		weir_set(4, true, exact[i]);
		xdp_filter_set(exact[i]);
		kernel_hash_set(exact[i]);
	}
	weir_set(6, true, 10000);
	for (int family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
			weir_set(family, false, prefixes[i]);
			if (family == 4)
				nft_prefixes(prefixes[i]);
		}
	}
}

static void read_arguments(int argc, char **argv)
{
	const char *given = getenv("WEIR_TEST_SEED");

	globs = argv + 1;
	if (argc > 2 && !strcmp(argv[1], "--rules")) {
		rules_max = (__u32)atoi(argv[2]);
		globs = argv + 3;
	}
	seed = given ? strtoull(given, NULL, 0) : 1;
	printf("seed %llu\n", seed);
}

int main(int argc, char **argv)
{
	const char *refusal = harness_refusal();
	struct testnet net;

	read_arguments(argc, argv);
	libbpf_set_print(NULL);
	if (!refusal)
		refusal = testnet_start(&net);
	if (refusal) {
		fprintf(stderr, "bench: %s\n", refusal);
		return 77;
	}
	weir_nothing();
	weir_default();
	add_rules();
	add_sets();
	stay_on_one_cpu();
	if (cases_count) {
		run_all();
		print_all();
		weir_print_times(cases, cases_count);
	}
	if (rules_max >= 10000 && is_wanted("edit"))
		edit_print("in0", 10000);
	return 0;
}
