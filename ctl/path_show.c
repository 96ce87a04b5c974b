// SPDX-License-Identifier: GPL-2.0-or-later
#include "path_show.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "own.h"

const char *const stage_names[WEIR_PATH_COUNT + 1] = {
#define X(sym, name, text) [WEIR_PATH_##sym] = name,
	WEIR_PATH_STAGES(X)
#undef X
		[WEIR_SLOW_RTT] = "rtt",
};

const char *const stage_texts[WEIR_PATH_COUNT + 1] = {
#define X(sym, name, text) [WEIR_PATH_##sym] = text,
	WEIR_PATH_STAGES(X)
#undef X
		[WEIR_SLOW_RTT] = "round trip to the peer and back",
};

bool path_is_wanted(const struct model *m)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].measure & 1U << MEASURE_PATH)
			return true;
	}
	return false;
}

bool path_is_measured(const struct model *m, struct failure *why)
{
	if (path_is_wanted(m))
		return true;
	fail(why, EXIT_PRECONDITION,
	     "no interface has its path measured; write \"measure rtt, path\" in an interface "
	     "block and apply");
	return false;
}

void path_free(struct path_rows *p)
{
	free(p->list);
	places_free(&p->places);
	*p = (struct path_rows){};
}

static int by_stage(const void *a, const void *b)
{
	const struct path_row *x = a, *y = b;

	if (x->pair.stage != y->pair.stage)
		return x->pair.stage < y->pair.stage ? -1 : 1;
	if (x->hist.count != y->hist.count)
		return x->hist.count > y->hist.count ? -1 : 1;
	return memcmp(&x->pair, &y->pair, sizeof(x->pair));
}

static int add_row(struct path_rows *p, const struct weir_path_pair *pair,
		   const struct weir_hist *hist)
{
	struct path_row *grown;

	if (pair->stage >= WEIR_PATH_COUNT)
		return 0;
	if (!(p->count & (p->count - 1))) {
		grown = reallocarray(p->list, p->count ? 2 * p->count : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		p->list = grown;
	}
	p->list[p->count].pair = *pair;
	hist_sum(hist, 1, &p->list[p->count].hist);
	p->count += p->list[p->count].hist.count != 0;
	return 0;
}

static int read_rows(int map, struct path_rows *p)
{
	struct weir_path_pair pair, *at = NULL;
	struct weir_hist hist;
	int error = 0;

	while (!error && !bpf_map_get_next_key(map, at, &pair)) {
		if (!bpf_map_lookup_elem(map, &pair, &hist))
			error = add_row(p, &pair, &hist);
		at = &pair;
	}
	return error;
}

int path_read(const struct applied *a, struct path_rows *out, struct failure *why)
{
	OWN(path_free) struct path_rows p = {};

	if (read_rows(a->state.maps.fd[WEIR_MAP_PATH_HISTS], &p))
		return fail_errno(why, ENOMEM, "cannot read the histograms of the path");
	if (p.count)
		qsort(p.list, p.count, sizeof(*p.list), by_stage);
	if (places_read(&p.places, why))
		return -1;
	*out = p;
	p = (struct path_rows){};
	return 0;
}

/* Pairs keep about the order that they had, so that the one that is looked for is near @at. */
static const struct hist *find_before(const struct path_rows *before, size_t at,
				      const struct weir_path_pair *pair)
{
	static const struct hist none;

	for (size_t i = 0; i < before->count; i++) {
		const struct path_row *row = &before->list[(at + i) % before->count];

		if (!memcmp(&row->pair, pair, sizeof(*pair)))
			return &row->hist;
	}
	return &none;
}

int path_since(const struct path_rows *now, const struct path_rows *before, struct path_rows *out)
{
	struct path_rows fresh = { .list = calloc(now->count + 1, sizeof(*fresh.list)),
				   .places = now->places };

	if (!fresh.list)
		return -ENOMEM;
	for (size_t i = 0; i < now->count; i++) {
		struct path_row *row = &fresh.list[fresh.count];

		row->pair = now->list[i].pair;
		hist_since(&now->list[i].hist, find_before(before, i, &row->pair), &row->hist);
		fresh.count += row->hist.count != 0;
	}
	*out = fresh;
	return 0;
}

const char *pair_text(const struct places *p, const struct weir_path_place *from,
		      const struct weir_path_place *to, char text[PAIR_TEXT])
{
	char a[PLACE_TEXT], b[PLACE_TEXT];

	place_text(p, from, a);
	if (!to->ifindex || (to->netns == from->netns && to->ifindex == from->ifindex))
		snprintf(text, PAIR_TEXT, "%s", a);
	else if (!from->ifindex)
		snprintf(text, PAIR_TEXT, "%s", place_text(p, to, b));
	else
		snprintf(text, PAIR_TEXT, "%s -> %s", a, place_text(p, to, b));
	return text;
}

static bool is_wanted(const struct path_rows *p, const struct path_row *r, const char *only)
{
	char from[PLACE_TEXT], to[PLACE_TEXT];

	return !only || !strcmp(place_text(&p->places, &r->pair.from, from), only) ||
	       !strcmp(place_text(&p->places, &r->pair.to, to), only);
}

bool path_knows(const struct path_rows *p, const char *name, struct failure *why)
{
	char(*texts)[PLACE_TEXT] = calloc(2 * p->count + 1, sizeof(*texts));
	const char **names = calloc(2 * p->count + 1, sizeof(*names)), *near = NULL;
	struct weir_path_place place;
	bool is_known = place_find(&p->places, name, &place);

	for (size_t i = 0; i < 2 * p->count && texts && names && !is_known; i++) {
		const struct weir_path_pair *pair = &p->list[i / 2].pair;

		names[i] = place_text(&p->places, i % 2 ? &pair->to : &pair->from, texts[i]);
		is_known = !strcmp(names[i], name);
	}
	if (!is_known) {
		near = names ? diag_suggest(name, names) : NULL;
		fail(why, EXIT_NOT_FOUND, "no interface \"%s\"; %s%s%s", name,
		     near ? "did you mean \"" : "\"weir latency path\" shows which packets passed",
		     near ? near : "", near ? "\"?" : "");
	}
	free(texts);
	free(names);
	return is_known;
}

static void print_figures(const struct hist *h, FILE *out)
{
	static const unsigned int permille[] = { 500, 900, 990 };
	char text[32];

	snprintf(text, sizeof(text), "%llu", h->count);
	fprintf(out, "  %9s", text);
	for (size_t i = 0; i < sizeof(permille) / sizeof(*permille); i++)
		fprintf(out, "  %8s",
			hist_time_text(hist_quantile_ns(h, permille[i]), text, sizeof(text)));
	fprintf(out, "  %8s  ", hist_time_text(h->max_ns, text, sizeof(text)));
	latency_print_shades(h, heat_style_for(stdout) == HEAT_COLOUR, out);
	fputc('\n', out);
}

size_t path_print(const struct path_rows *p, const char *only, FILE *out)
{
	int width = (int)strlen("interfaces");
	char text[PAIR_TEXT];
	size_t shown = 0;

	for (size_t i = 0; i < p->count; i++) {
		const struct weir_path_pair *pair = &p->list[i].pair;
		int length = (int)strlen(pair_text(&p->places, &pair->from, &pair->to, text));

		width = length > width && is_wanted(p, &p->list[i], only) ? length : width;
	}
	for (size_t i = 0; i < p->count; i++) {
		const struct weir_path_pair *pair = &p->list[i].pair;

		if (!is_wanted(p, &p->list[i], only))
			continue;
		if (!shown++)
			fprintf(out, "%-8s %-*s  %9s  %8s  %8s  %8s  %8s  1us  1ms  1s\n", "stage",
				width, "interfaces", "packets", "p50", "p90", "p99", "max");
		fprintf(out, "%-8s %-*s", stage_names[pair->stage], width,
			pair_text(&p->places, &pair->from, &pair->to, text));
		print_figures(&p->list[i].hist, out);
	}
	return shown;
}

void path_stage(const struct path_rows *p, enum weir_path_stage stage, struct hist *out)
{
	*out = (struct hist){};
	for (size_t i = 0; i < p->count; i++) {
		if (p->list[i].pair.stage == stage)
			hist_add(out, &p->list[i].hist);
	}
}

struct weir_path_cpu path_counters(const struct applied *a)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_path_cpu *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));
	struct weir_path_cpu sum = {};
	__u32 zero = 0;

	if (!parts || bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_PATH_CPU], &zero, parts))
		return sum;
	for (int i = 0; i < cpus; i++) {
#define X(sym, text) sum.sym += parts[i].sym;
		WEIR_PATH_COUNTERS(X)
#undef X
	}
	return sum;
}

enum {
#define X(sym, text) COUNTER_##sym,
	WEIR_PATH_COUNTERS(X)
#undef X
		COUNTERS
};

#define LARGER_SAMPLE "; write a larger N in \"path sample 1/N\""
#define EMPTY_TABLE "; \"weir latency reset\" empties it"

static const char *const remedies[COUNTERS] = {
	[COUNTER_evicted] = LARGER_SAMPLE,
	[COUNTER_pairs_full] = EMPTY_TABLE,
	[COUNTER_sockets_full] = LARGER_SAMPLE,
	[COUNTER_drops_full] = EMPTY_TABLE,
	[COUNTER_retransmits_evicted] = ", which had not sent again for longest" EMPTY_TABLE,
	[COUNTER_processes_evicted] = ", which had lost nothing for longest" EMPTY_TABLE,
	[COUNTER_slow_suppressed] = "; give \"monitor slow\" a longer time, or a filter",
	[COUNTER_slow_full] = "; give \"monitor slow\" a longer time, or a filter",
};

void path_print_missing(const struct applied *a, FILE *out)
{
	const struct weir_path_cpu sum = path_counters(a);

#define X(sym, text)                                         \
	if (sum.sym)                                         \
		fprintf(out, "%10llu %s%s\n", sum.sym, text, \
			remedies[COUNTER_##sym] ? remedies[COUNTER_##sym] : "");
	WEIR_PATH_COUNTERS(X)
#undef X
}

json_t *path_missing_json(const struct applied *a)
{
	const struct weir_path_cpu sum = path_counters(a);
	json_t *o = json_object();

#define X(sym, text) json_object_set_new(o, #sym, json_integer((json_int_t)sum.sym));
	WEIR_PATH_COUNTERS(X)
#undef X
	return o;
}
