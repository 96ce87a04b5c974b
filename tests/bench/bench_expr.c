// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an expression costs at XDP beside the same written by hand, net of an
 * empty program that is measured in the same run, in turn with it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#include "bench_expr.skel.h"
#include "expr.h"
#include "packet.h"

#define ROUNDS 15
#define REPEAT 400000

static const struct packet v4 = { .src = "198.18.0.1",
				  .dst = "192.0.2.1",
				  .sport = 1024,
				  .dport = 80,
				  .flags = ACK,
				  .payload = 80 };
static const struct packet v6 = { .src = "2001:db8::1",
				  .dst = "2001:db8::2",
				  .sport = 1024,
				  .dport = 80,
				  .flags = ACK,
				  .payload = 80 };

static struct {
	const char *name;
	const char *expr; /* NULL: the program of that name */
	const struct packet *packet;
	double ns[ROUNDS];
	double net[ROUNDS];
} cases[] = {
	{ "empty", NULL, &v4 },		{ "tcp port 80", "tcp port 80", &v4 },
	{ "port_by_hand", NULL, &v4 },	{ "tcp[13] & 0x3f = 0", "tcp[13] & 0x3f = 0", &v4 },
	{ "flags_by_hand", NULL, &v4 }, { "tcp port 80, IPv6", "tcp port 80", &v6 },
	{ "port_by_hand", NULL, &v6 },	{ "the last of 64", "udp port 9064", &v4 },
};

#define CASES (sizeof(cases) / sizeof(*cases))

static void need(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void fill(struct expr_set *set)
{
	struct failure why = {};
	char text[32];

	for (size_t i = 0; i < CASES; i++) {
		if (cases[i].expr)
			need(!expr_set_add(set, cases[i].expr, &why), "an expression is refused");
	}
	for (int port = 9000; set->count < WEIR_EXPR_MAX; port++) {
		snprintf(text, sizeof(text), "udp port %d", port);
		need(!expr_set_add(set, text, &why), "an expression is refused");
	}
}

static struct bench_expr *load(void)
{
	struct bench_expr *b = calloc(1, sizeof(*b));
	struct expr_set set = {};
	size_t size;
	const void *elf = bench_expr__elf_bytes(&size);
	void *copy = malloc(size);

	need(b && copy && !bench_expr__create_skeleton(b), "no memory");
	memcpy(copy, elf, size);
	fill(&set);
	need(!expr_put_into_object(&set, EXPR_XDP, copy, size), "no place for expressions");
	b->skeleton->data = copy;
	need(!bpf_object__open_skeleton(b->skeleton, NULL) && !bench_expr__load(b),
	     "the programs do not load");
	expr_set_free(&set);
	free(copy);
	return b;
}

static double run(struct bench_expr *b, size_t i)
{
	const char *name = cases[i].expr ? "translated" : cases[i].name;
	struct bpf_program *program = bpf_object__find_program_by_name(b->obj, name);
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .repeat = REPEAT);

	need(program != NULL, "there is no such program");
	packet_build(cases[i].packet, &frame);
	opts.data_size_in = (__u32)frame.size;
	b->bss->id = cases[i].expr ? expr_id(cases[i].expr) : 0;
	need(!bpf_prog_test_run_opts(bpf_program__fd(program), &opts),
	     "the kernel refuses a test run");
	return opts.duration;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	struct bench_expr *b = load();

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < CASES; i++) {
			cases[i].ns[round] = run(b, i);
			cases[i].net[round] = cases[i].ns[round] - cases[0].ns[round];
		}
	}
	printf("%-24s %19s\n%-24s %9s %9s\n", "", "ns net of empty", "case", "min", "median");
	for (size_t i = 1; i < CASES; i++) {
		qsort(cases[i].net, ROUNDS, sizeof(double), by_value);
		printf("%-24s %9.0f %9.0f\n", cases[i].name, cases[i].net[0],
		       cases[i].net[ROUNDS / 2]);
	}
	bench_expr__destroy(b);
	return 0;
}
