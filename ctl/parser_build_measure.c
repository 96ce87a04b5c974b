// SPDX-License-Identifier: GPL-2.0-or-later
/* What interfaces measure, and the sizes of what measures. */
#include "parser_build.h"

void build_path_sample(struct build *b, struct interface *i, struct loc at, __s64 of)
{
	__s64 less = 1;

	if (of < 1 || of > PATH_SAMPLE_MAX) {
		build_error(b, at, NULL, "a sample of the path goes from 1/1 to 1/%u",
			    PATH_SAMPLE_MAX);
		return;
	}
	while (less * 2 <= of)
		less *= 2;
	if (less != of)
		build_error(b, at, NULL,
			    "a hash chooses the sample, so that N of 1/N is a power of two; write "
			    "1/%lld or 1/%lld",
			    less, less * 2);
	else
		i->path_sample = (__u32)of;
}

void build_interface_measure(struct build *b, struct interface *i, const struct word *w,
			     const struct word *sample)
{
	int kind = build_keyword(b, w, &words_measure);
	char text[WORD_TEXT_BYTES];
	struct problem why;
	__u32 of;

	if (kind < 0)
		return;
	if (i->measure & 1U << kind)
		build_error(b, w->loc, NULL, "interface %s measures %s twice; keep one", i->pattern,
			    words_measure.words[kind]);
	i->measure |= 1U << kind;
	if (kind == MEASURE_PATH)
		i->path_sample = PATH_SAMPLE_DEFAULT;
	if (!sample)
		return;
	word_text(sample, text, sizeof(text));
	if (kind != MEASURE_PATH)
		build_error(b, sample->loc, NULL,
			    "%s looks at every packet; only path is sampled: write \"path sample "
			    "1/64\"",
			    words_measure.words[kind]);
	else if (!value_sample(text, &of, &why))
		build_problem(b, sample, &why);
	else
		build_path_sample(b, i, sample->loc, of);
}

bool build_latency(struct build *b, struct loc at)
{
	struct latency_sizes *l = &b->model.latency;
	char place[64];

	if (l->loc.column) {
		build_error(b, at, NULL, "latency is already on %s; keep one",
			    build_place(b, &l->loc, place, sizeof(place)));
		return false;
	}
	l->loc = at;
	return true;
}

/* A power of two: it is the size of a table. */
static void table_size(struct build *b, const struct word *w, const char *what, unsigned int least,
		       unsigned int most, __u32 *out)
{
	unsigned int number, less = least;

	if (!build_number(b, w, what, least, most, &number))
		return;
	while (less * 2 <= number)
		less *= 2;
	if (less != number)
		build_error(b, w->loc, NULL, "%s %u is no power of two; write %u or %u", what,
			    number, less, less * 2);
	else
		*out = number;
}

void build_latency_flows(struct build *b, const struct word *w)
{
	table_size(b, w, "number of flows", LATENCY_FLOWS_MIN, LATENCY_FLOWS_MAX,
		   &b->model.latency.flows);
}

void build_latency_prefix(struct build *b, const struct word *v4, const struct word *v6)
{
	unsigned int v4_bits, v6_bits;

	if (!build_number(b, v4, "prefix length of IPv4", 1, 32, &v4_bits) ||
	    !build_number(b, v6, "prefix length of IPv6", 1, 128, &v6_bits))
		return;
	b->model.latency.v4_bits = (__u8)v4_bits;
	b->model.latency.v6_bits = (__u8)v6_bits;
}

void build_latency_prefixes(struct build *b, const struct word *w)
{
	table_size(b, w, "number of prefixes", LATENCY_PREFIXES_MIN, LATENCY_PREFIXES_MAX,
		   &b->model.latency.prefixes);
}

void build_latency_end(struct build *b)
{
	const struct latency_sizes *l = &b->model.latency;

	if (l->prefixes && !l->v4_bits)
		build_error(b, l->loc, NULL,
			    "latency has room for prefixes, but no length of them; add \"prefix 24 "
			    "48\", of IPv4 and IPv6");
}
