// SPDX-License-Identifier: GPL-2.0-or-later
/* The network, the NIC, the veth, the stack or the program: where most of the time goes. */
#include "path_show.h"

#include <string.h>

#include "latency.h"

#define BAR 20

static const struct {
	const char *name, *text;
	__u32 stages; /* 1 << WEIR_PATH_*; 0: round trips */
} parts[BLAMES] = {
	{ "network", "round trips to the peers and back", 0 },
	{ "nic", "driver and queueing discipline", 1U << WEIR_PATH_DRIVER | 1U << WEIR_PATH_QDISC },
	{ "veth", "from one device of this host to another", 1U << WEIR_PATH_HOP },
	{ "stack", "this kernel: sending, receiving, forwarding",
	  1U << WEIR_PATH_SEND | 1U << WEIR_PATH_STACK | 1U << WEIR_PATH_FORWARD },
	{ "cpu", "who reads is woken, and waits for a CPU", 1U << WEIR_PATH_WAKE },
	{ "program", "in the socket until it is read", 1U << WEIR_PATH_APP },
};

static void consider(struct blame *b, const struct hist *h)
{
	__u64 p99 = hist_quantile_ns(h, 990);

	b->samples += h->count;
	if (!h->count || p99 < b->p99_ns)
		return;
	b->p50_ns = hist_quantile_ns(h, 500);
	b->p99_ns = p99;
}

void blame_make(const struct path_rows *p, const struct hist *rtt, struct blame out[BLAMES])
{
	for (int i = 0; i < BLAMES; i++) {
		out[i] = (struct blame){ .name = parts[i].name, .text = parts[i].text };
		out[i].is_measured = parts[i].stages || rtt;
		if (!parts[i].stages && rtt)
			consider(&out[i], rtt);
		for (int s = 0; s < WEIR_PATH_COUNT; s++) {
			struct hist h;

			if (!(parts[i].stages & 1U << s))
				continue;
			path_stage(p, s, &h);
			consider(&out[i], &h);
		}
	}
}

int blame_most(const struct blame b[BLAMES])
{
	int most = -1;

	for (int i = 0; i < BLAMES; i++) {
		if (b[i].samples && (most < 0 || b[i].p99_ns > b[most].p99_ns))
			most = i;
	}
	return most;
}

static void print_blame(const struct blame *b, __u64 most_ns, const char *end, FILE *out)
{
	char p50[32] = "-", p99[32] = "-";
	__u64 bar = most_ns ? (b->p99_ns * BAR + most_ns - 1) / most_ns : 0;

	if (b->samples) {
		hist_time_text(b->p50_ns, p50, sizeof(p50));
		hist_time_text(b->p99_ns, p99, sizeof(p99));
	}
	fprintf(out, "%-10s %8s  %8s  ", b->name, p50, p99);
	for (__u64 n = 0; n < BAR; n++)
		fputc(n < bar ? '#' : ' ', out);
	fprintf(out, "  %s%s%s\n", b->text,
		b->samples	 ? ""
		: b->is_measured ? ": nothing seen"
				 : ": not measured, add \"measure rtt\"",
		end);
}

void blame_print(const struct blame b[BLAMES], FILE *out)
{
	int most = blame_most(b);

	if (most < 0)
		return;
	fprintf(out, "%-10s %8s  %8s\n", "Where", "p50", "p99");
	for (int i = 0; i < BLAMES; i++)
		print_blame(&b[i], b[most].p99_ns, i == most ? "  <- most" : "", out);
}

json_t *blame_json(const struct blame b[BLAMES])
{
	int most = blame_most(b);
	json_t *list = json_array();

	for (int i = 0; i < BLAMES; i++)
		json_array_append_new(list, json_pack("{s:s,s:b,s:I,s:I,s:I,s:b}", "where",
						      b[i].name, "measured", b[i].is_measured,
						      "samples", (json_int_t)b[i].samples, "p50_ns",
						      (json_int_t)b[i].p50_ns, "p99_ns",
						      (json_int_t)b[i].p99_ns, "most", i == most));
	return list;
}

json_t *path_json(const struct path_rows *p, const char *only)
{
	json_t *list = json_array();
	char from[PLACE_TEXT], to[PLACE_TEXT];

	for (size_t i = 0; i < p->count; i++) {
		const struct path_row *r = &p->list[i];
		json_t *entry;

		place_text(&p->places, &r->pair.from, from);
		place_text(&p->places, &r->pair.to, to);
		if (only && strcmp(only, from) != 0 && strcmp(only, to) != 0)
			continue;
		entry = json_pack("{s:s,s:s,s:s}", "stage", stage_names[r->pair.stage], "from",
				  from, "to", to);
		hist_json(entry, &r->hist);
		json_array_append_new(list, entry);
	}
	return list;
}
