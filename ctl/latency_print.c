// SPDX-License-Identifier: GPL-2.0-or-later
#include "latency.h"

#include <string.h>

#include "image.h"

#define BAR_WIDTH 72
#define KIND_WIDTH 9
#define FIGURE_WIDTH 8

/* What is shown of a distribution. */
static const struct {
	const char *name;
	unsigned int permille;
} quantiles[] = {
	{ "p50", 500 },
	{ "p90", 900 },
	{ "p99", 990 },
	{ "p99.9", 999 },
};

#define QUANTILES (sizeof(quantiles) / sizeof(*quantiles))
/* So many of them in a line of a table. */
#define TABLE_QUANTILES 3

#define SHADES 13

static unsigned int shade_of(unsigned int bucket)
{
	__u64 ns = weir_hist_floor(bucket) << WEIR_TICK_SHIFT;
	unsigned int shade = 0;

	for (ns /= 1024 * 4; ns && shade < SHADES - 1; ns /= 4)
		shade++;
	return shade;
}

void latency_print_shades(const struct hist *h, bool utf8, FILE *out)
{
	static const char *const blocks[] = { " ",
					      "\xe2\x96\x81",
					      "\xe2\x96\x82",
					      "\xe2\x96\x83",
					      "\xe2\x96\x84",
					      "\xe2\x96\x85",
					      "\xe2\x96\x86",
					      "\xe2\x96\x87",
					      "\xe2\x96\x88" };
	static const char *const ascii[] = { ".", "1", "2", "3", "4", "5", "6", "7", "8" };
	__u64 sum[SHADES] = {}, most = 1;

	for (unsigned int i = 0; i < WEIR_HIST_BUCKETS; i++)
		sum[shade_of(i)] += h->bucket[i];
	for (int i = 0; i < SHADES; i++)
		most = sum[i] > most ? sum[i] : most;
	for (int i = 0; i < SHADES; i++) {
		__u64 level = (sum[i] * 8 + most - 1) / most;

		fputs(utf8 ? blocks[level] : ascii[level], out);
	}
}

static void print_figure(__u64 ns, FILE *out)
{
	char text[32];

	fprintf(out, "  %*s", FIGURE_WIDTH, hist_time_text(ns, text, sizeof(text)));
}

void latency_table_head(const struct latency_table *t, const char *title)
{
	fprintf(t->out, "%-*s  %-*s %9s  %*s", t->name_width, title, KIND_WIDTH, "", "count",
		FIGURE_WIDTH, "min");
	for (int i = 0; i < TABLE_QUANTILES; i++)
		fprintf(t->out, "  %*s", FIGURE_WIDTH, quantiles[i].name);
	fprintf(t->out, "  %*s  1us  1ms  1s\n", FIGURE_WIDTH, "max");
}

void latency_table_row(const struct latency_table *t, const char *name, const char *kind,
		       const struct hist *h)
{
	char text[16];

	fprintf(t->out, "%-*s  %-*s %9s", t->name_width, name, KIND_WIDTH, kind,
		count_text(h->count, text, sizeof(text)));
	if (!h->count) {
		fprintf(t->out, "  %s\n", t->none ? t->none : "no samples yet");
		return;
	}
	print_figure(h->min_ns, t->out);
	for (int i = 0; i < TABLE_QUANTILES; i++)
		print_figure(hist_quantile_ns(h, quantiles[i].permille), t->out);
	print_figure(h->max_ns, t->out);
	fputs("  ", t->out);
	latency_print_shades(h, t->utf8, t->out);
	fputc('\n', t->out);
}

void latency_print_whole(const struct latency_row *r, FILE *out)
{
	char text[32];

	fprintf(out, "%s %s%s%s%s%s%s%s\n", r->group, r->name, *r->part ? "  " : "", r->part,
		*r->kind ? "  " : "", r->kind, *r->text ? ": " : "", r->text);
	if (!r->hist.count) {
		fputs("  no samples yet\n", out);
		return;
	}
	fprintf(out, "  count %llu  min %s", r->hist.count,
		hist_time_text(r->hist.min_ns, text, sizeof(text)));
	for (size_t i = 0; i < QUANTILES; i++)
		fprintf(out, "  %s %s", quantiles[i].name,
			hist_time_text(hist_quantile_ns(&r->hist, quantiles[i].permille), text,
				       sizeof(text)));
	fprintf(out, "  max %s\n", hist_time_text(r->hist.max_ns, text, sizeof(text)));
	hist_print_bars(&r->hist, BAR_WIDTH, out);
}

static json_t *buckets_json(const struct hist *h)
{
	json_t *buckets = json_array();

	for (__u32 i = 0; i < WEIR_HIST_BUCKETS; i++) {
		if (h->bucket[i])
			json_array_append_new(
				buckets,
				json_pack("{s:I,s:I,s:I}", "from_ns",
					  (json_int_t)(weir_hist_floor(i) << WEIR_TICK_SHIFT),
					  "below_ns",
					  (json_int_t)(weir_hist_floor(i + 1) << WEIR_TICK_SHIFT),
					  "count", (json_int_t)h->bucket[i]));
	}
	return buckets;
}

static void add_number(json_t *object, const char *key, __u64 number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

void hist_json(json_t *object, const struct hist *h)
{
	add_number(object, "count", h->count);
	add_number(object, "sum_ns", h->sum_ns);
	add_number(object, "min_ns", h->min_ns);
	add_number(object, "max_ns", h->max_ns);
	for (size_t i = 0; i < QUANTILES; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%s_ns", quantiles[i].name);
		add_number(object, key, hist_quantile_ns(h, quantiles[i].permille));
	}
	json_object_set_new(object, "buckets", buckets_json(h));
}

json_t *latency_json(const struct latency_row *r)
{
	json_t *entry = json_pack("{s:s}", r->group, r->name);

	if (*r->part)
		json_object_set_new(entry, r->of == LATENCY_INTERFACE ? "direction" : "backend",
				    json_string(r->part));
	if (*r->kind)
		json_object_set_new(entry, "kind", json_string(r->kind));
	hist_json(entry, &r->hist);
	return entry;
}
