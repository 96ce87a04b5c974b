// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * latency --since: two moments of each interface, out of its heat maps.
 */
#include "latency_since.h"

#include <string.h>
#include <time.h>

#include "duration.h"
#include "latency.h"
#include "latency_commands.h"
#include "own.h"

#define COLUMN_S ((__u32)(WEIR_HEAT_NS / 1000000000))
#define REACH_S (WEIR_HEAT_COLUMNS * COLUMN_S)

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

struct moments moments_of(unsigned int columns, __u32 wanted_s, __u32 column_s, __u32 partial_s)
{
	__u32 whole_s = wanted_s > partial_s ? wanted_s - partial_s : 0;
	struct moments m;

	m.since = smaller(1 + (whole_s + column_s - 1) / column_s, columns);
	m.since_s = (m.since - 1) * column_s + partial_s;
	m.before = smaller((wanted_s + column_s - 1) / column_s, columns - m.since);
	m.before_s = m.before * column_s;
	return m;
}

int latency_since_s(struct command *c, __u32 *seconds)
{
	unsigned int span = 0;

	if (c->latency.since && duration_parse(c->latency.since, &span, &c->why))
		return -1;
	if (span > REACH_S)
		return fail(&c->why, EXIT_USAGE,
			    "--since %s: the heat map goes back %u minutes; write %um or less",
			    c->latency.since, REACH_S / 60, REACH_S / 60);
	if (c->latency.since && span < COLUMN_S)
		return fail(&c->why, EXIT_USAGE,
			    "--since %s: the heat map has columns of %u seconds; write %us or more",
			    c->latency.since, COLUMN_S, COLUMN_S);
	*seconds = span;
	return 0;
}

int latency_find_measured(struct command *c, const struct applied *a, const char *only,
			  struct measured *out)
{
	struct measured m = {};

	if (!latency_is_timed(a, c, only))
		return -1;
	for (; measured_next(a, &m); m.slot++) {
		if (only && strcmp(only, m.name) != 0)
			continue;
		*out = m;
		return 0;
	}
	if (only)
		return latency_no_interface(c, a, only);
	return fail(&c->why, EXIT_PRECONDITION,
		    "no interface that has \"measure rtt\" is attached; \"weir doctor\" says why");
}

/* The samples of some columns, each in the middle of its row: the smallest and the largest, too. */
static void sum_columns(const struct heat *h, unsigned int from, unsigned int end, struct hist *out)
{
	*out = (struct hist){};
	for (unsigned int c = from; c < end && c < h->columns; c++) {
		for (unsigned int r = 0; r < h->rows; r++) {
			__u64 n = h->count[c * h->rows + r];
			__u64 middle = (h->floor_ns[r] + h->floor_ns[r + 1]) / 2;

			if (!n)
				continue;
			out->bucket[weir_hist_index((__u32)(middle >> WEIR_TICK_SHIFT))] += n;
			out->sum_ns += n * middle;
			if (!out->count || middle < out->min_ns)
				out->min_ns = middle;
			if (middle > out->max_ns)
				out->max_ns = middle;
			out->count += n;
		}
	}
}

/* What is compared, and where it goes. */
struct comparison {
	struct command *c;
	const struct applied *applied;
	__u32 wanted_s;
	struct moments moments; /* of the interface that was shown last */
	struct latency_shown shown;
};

struct place {
	const char *interface;
	enum weir_direction direction;
};

static void show_moment(struct comparison *to, const struct place *at, const char *when,
			__u32 seconds, const struct hist *h)
{
	char name[IFNAMSIZ + 16];
	json_t *entry;

	if (to->shown.list) {
		entry = json_pack("{s:s,s:s,s:s,s:I}", "interface", at->interface, "direction",
				  direction_names[at->direction], "time", when, "seconds",
				  (json_int_t)seconds);
		hist_json(entry, h);
		json_array_append_new(to->shown.list, entry);
		return;
	}
	snprintf(name, sizeof(name), "%s  %s", at->interface, direction_names[at->direction]);
	latency_table_row(&to->shown.table, name, when, h);
}

/* Seconds of the last column that are over. */
static __u32 partial_s(const struct heat *h)
{
	__u64 begin_s = h->begin_s + (h->columns - 1) * (__u64)h->column_s, now_s = time(NULL);
	__u64 s = now_s > begin_s ? now_s - begin_s : 0;

	return (__u32)(s < h->column_s ? s : h->column_s - 1);
}

static int compare(struct comparison *to, const struct measured *m)
{
	for (int d = 0; d < WEIR_DIR_COUNT; d++) {
		const struct place at = { m->name, d };
		OWN(heat_free) struct heat h = {};
		struct moments *is = &to->moments;
		unsigned int from;
		struct hist sum;

		if (heat_read(to->applied, m->slot, d, 0, &h, &to->c->why))
			return -1;
		*is = moments_of(h.columns, to->wanted_s, h.column_s, partial_s(&h));
		from = h.columns - is->since;
		sum_columns(&h, from, h.columns, &sum);
		show_moment(to, &at, "since", is->since_s, &sum);
		if (!is->before)
			continue;
		sum_columns(&h, from - is->before, from, &sum);
		show_moment(to, &at, "before", is->before_s, &sum);
	}
	return 0;
}

/* "10m 7s" */
static const char *span_text(__u32 s, char text[32])
{
	if (s < 60)
		snprintf(text, 32, "%us", s);
	else if (s % 60)
		snprintf(text, 32, "%um %us", s / 60, s % 60);
	else
		snprintf(text, 32, "%um", s / 60);
	return text;
}

static void print_moments(const struct comparison *of)
{
	const struct moments *m = &of->moments;
	char since[32], before[32];

	span_text(m->since_s, since);
	span_text(m->before_s, before);
	if (!m->before)
		printf("\"since\" is the last %s; heat maps have nothing from before that: they go "
		       "back %u minutes, so write %um or less to compare\n",
		       since, REACH_S / 60, REACH_S / 120);
	else if (m->before_s < of->wanted_s)
		printf("\"since\" is the last %s, \"before\" only the %s before that, as heat maps "
		       "go back no further\n",
		       since, before);
	else
		printf("\"since\" is the last %s, \"before\" the %s before that\n", since, before);
	puts("All round trips together, out of heat maps: figures are within an eighth.");
}

int latency_since(struct command *c, const struct applied *a)
{
	const char *only = c->args_count ? c->args[0] : NULL;
	struct comparison to = { .c = c, .applied = a };
	struct measured m = {};

	if (c->latency.prefix)
		fail(&c->why, EXIT_USAGE,
		     "--since and --prefix do not go together: heat maps are kept of interfaces");
	if (c->why.code || latency_since_s(c, &to.wanted_s) ||
	    latency_find_measured(c, a, only, &m))
		return command_failed(c);
	to.shown = latency_shown_for(c, a);
	to.shown.table.none = "none";
	if (!to.shown.list)
		latency_table_head(&to.shown.table, "Round trips");
	for (m.slot = 0; measured_next(a, &m); m.slot++) {
		if (only && strcmp(only, m.name) != 0)
			continue;
		if (compare(&to, &m)) {
			json_decref(to.shown.list);
			return command_failed(c);
		}
	}
	if (to.shown.list)
		return json_print(json_pack("{s:o}", "latency", to.shown.list));
	print_moments(&to);
	return EXIT_DONE;
}
