// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diff_internal.h"
#include "own.h"
#include "print.h"
#include "ranges.h"
#include "set_text.h"

void diff_line(struct diff *d, char sign, const char *kind, const char *name)
{
	if (sign == '+')
		d->count.added++;
	else if (sign == '-')
		d->count.removed++;
	else
		d->count.changed++;
	fprintf(d->out, "%c %s %s", sign, kind, name);
}

void diff_change(struct diff *d, const char *kind, const char *name, const char *format, ...)
{
	va_list args;

	diff_line(d, '~', kind, name);
	fputs("   ", d->out);
	va_start(args, format);
	vfprintf(d->out, format, args);
	va_end(args);
	fputc('\n', d->out);
}

static const char *or_none(const char *text)
{
	return text && *text ? text : "none";
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

static void describe_interface(const struct interface *i, FILE *out)
{
	char measured[MEASURE_TEXT_BYTES];

	fputs("  ", out);
	if (i->xdp != XDP_MODE_NONE)
		fprintf(out, " xdp %s", print_xdp[i->xdp]);
	if (i->tc != TC_MODE_NONE)
		fprintf(out, " tc %s", print_tc[i->tc]);
	if (i->filter[0])
		fprintf(out, " filter %s", i->filter);
	if (i->filter_egress[0])
		fprintf(out, " filter %s egress", i->filter_egress);
	fprintf(out, "%s%s", i->balance ? " balance" : "", i->decap ? " decap" : "");
	if (i->measure == 1U << MEASURE_RTT)
		fputs(" measure", out);
	else if (i->measure)
		fprintf(out, " measure %s", measure_text(i, measured));
	fputs(i->takes_returns ? " return\n" : "\n", out);
}

static void diff_interface(struct diff *d, const struct interface *a, const struct interface *b)
{
	char was[MEASURE_TEXT_BYTES], is[MEASURE_TEXT_BYTES];

	if (a->xdp != b->xdp)
		diff_change(d, "interface", b->pattern, "xdp %s -> %s", or_none(print_xdp[a->xdp]),
			    or_none(print_xdp[b->xdp]));
	if (a->tc != b->tc)
		diff_change(d, "interface", b->pattern, "tc %s -> %s", or_none(print_tc[a->tc]),
			    or_none(print_tc[b->tc]));
	if (strcmp(a->filter, b->filter))
		diff_change(d, "interface", b->pattern, "filter %s -> %s", or_none(a->filter),
			    or_none(b->filter));
	if (strcmp(a->filter_egress, b->filter_egress))
		diff_change(d, "interface", b->pattern, "egress filter %s -> %s",
			    or_none(a->filter_egress), or_none(b->filter_egress));
	if (a->balance != b->balance)
		diff_change(d, "interface", b->pattern, "balance %s -> %s", on_off(a->balance),
			    on_off(b->balance));
	if (a->decap != b->decap)
		diff_change(d, "interface", b->pattern, "decap %s -> %s", on_off(a->decap),
			    on_off(b->decap));
	if (a->measure != b->measure || a->path_sample != b->path_sample)
		diff_change(d, "interface", b->pattern, "measure %s -> %s",
			    or_none(measure_text(a, was)), or_none(measure_text(b, is)));
	if (a->takes_returns != b->takes_returns)
		diff_change(d, "interface", b->pattern, "return %s -> %s", on_off(a->takes_returns),
			    on_off(b->takes_returns));
}

#define LENGTHS_TEXT_BYTES 48

static const char *prefix_lengths(const struct model *m, char text[LENGTHS_TEXT_BYTES])
{
	if (!m->latency.v4_bits)
		return "none";
	snprintf(text, LENGTHS_TEXT_BYTES, "%u %u, room for %u prefixes", m->latency.v4_bits,
		 m->latency.v6_bits, latency_prefixes(m));
	return text;
}

static void diff_latency(struct diff *d, const struct model *a, const struct model *b)
{
	const struct latency_sizes *was = &a->latency, *is = &b->latency;
	char before[LENGTHS_TEXT_BYTES], after[LENGTHS_TEXT_BYTES];

	if (latency_flows(a) != latency_flows(b))
		diff_change(d, "latency", "flows", "%u -> %u", latency_flows(a), latency_flows(b));
	if (was->v4_bits != is->v4_bits || was->v6_bits != is->v6_bits ||
	    latency_prefixes(a) != latency_prefixes(b))
		diff_change(d, "latency", "prefix", "%s -> %s", prefix_lengths(a, before),
			    prefix_lengths(b, after));
}

/* Ports of @b that are not in @a, both sorted. */
static size_t count_ports(const struct set *a, const struct set *b)
{
	size_t count = 0, at = 0;

	for (size_t i = 0; i < b->elements_count; i++) {
		const range *e = &b->elements[i];

		while (at < a->elements_count && range_first(&a->elements[at]) < range_first(e))
			at++;
		count += at == a->elements_count || !ranges_equal(&a->elements[at], 1, e, 1);
	}
	return count;
}

/* Elements of @b that are not in @a, both sorted. */
static size_t count_new(const struct set *a, const struct set *b)
{
	const struct set_elements *x = &a->entries, *y = &b->entries;
	size_t count = 0, at = 0;

	if (b->type == SET_PORT)
		return count_ports(a, b);
	for (size_t i = 0; i < y->count; i++) {
		while (at < x->count && set_element_order(&x->list[at], &y->list[i]) < 0)
			at++;
		count += at == x->count || set_element_order(&x->list[at], &y->list[i]) != 0;
	}
	return count;
}

static size_t count_elements(const struct set *s)
{
	return s->type == SET_PORT ? s->elements_count : s->entries.count;
}

static void diff_set(struct diff *d, const struct set *a, const struct set *b)
{
	size_t gone, come;
	char was[SET_TEXT_BYTES], is[SET_TEXT_BYTES];

	if (a->type != b->type) {
		diff_change(d, "set", b->name, "type %s -> %s, %zu element%s",
			    print_set_type[a->type], print_set_type[b->type], count_elements(b),
			    count_elements(b) == 1 ? "" : "s");
		return;
	}
	gone = count_new(b, a);
	come = count_new(a, b);
	if (!a->file != !b->file || (a->file && strcmp(a->file, b->file)))
		diff_change(d, "set", b->name, "file %s -> %s", or_none(a->file), or_none(b->file));
	if (a->timeout_s != b->timeout_s)
		diff_change(d, "set", b->name, "timeout %s -> %s",
			    a->timeout_s ? set_timeout_text(a->timeout_s, was) : "none",
			    b->timeout_s ? set_timeout_text(b->timeout_s, is) : "none");
	if (come || gone)
		diff_change(d, "set", b->name, "+%zu -%zu elements (%zu now)", come, gone,
			    count_elements(b));
	else if (!set_elements_equal(&a->entries, &b->entries))
		diff_change(d, "set", b->name, "timeouts or comments of its elements");
}

static void describe_set(const struct set *s, FILE *out)
{
	fprintf(out, "   type %s, %zu element%s\n", print_set_type[s->type], count_elements(s),
		count_elements(s) == 1 ? "" : "s");
}

static void describe_filter(const struct filter *f, FILE *out)
{
	fprintf(out, "   default %s, %zu rule%s\n", print_action[f->default_action], f->rules_count,
		f->rules_count == 1 ? "" : "s");
}

static void describe_service(const struct service *s, FILE *out)
{
	fputs("   address ", out);
	print_addresses(s, out);
	fputs(" port ", out);
	print_ports(s, out);
	fprintf(out, " forward %s, ", print_forward[s->forward]);
	if (s->pool[0])
		fprintf(out, "backends %s\n", s->pool);
	else
		fprintf(out, "%zu backend%s\n", s->backends_count,
			s->backends_count == 1 ? "" : "s");
}

static void describe_pool(const struct pool *p, FILE *out)
{
	fprintf(out, "   %zu backend%s\n", p->backends_count, p->backends_count == 1 ? "" : "s");
}

/*
 * What one list of the model does: gone objects first, then, in the order of
 * the new configuration, those that come or change.
 */
#define DIFF_LIST(d, kind, name_of, a_list, a_count, b_list, b_count, describe, change)          \
	do {                                                                                     \
		OWN(name_index_free) struct name_index before = { 0 }, after = { 0 };            \
                                                                                                 \
		name_index_make((a_list), (a_count), sizeof(*(a_list)), &before);                \
		name_index_make((b_list), (b_count), sizeof(*(b_list)), &after);                 \
		for (size_t i = 0; i < (a_count); i++) {                                         \
			if (name_index_find(&after, (a_list)[i].name_of))                        \
				continue;                                                        \
			diff_line((d), '-', (kind), (a_list)[i].name_of);                        \
			fputc('\n', (d)->out);                                                   \
		}                                                                                \
		for (size_t i = 0; i < (b_count); i++) {                                         \
			const struct named *old = name_index_find(&before, (b_list)[i].name_of); \
                                                                                                 \
			if (old) {                                                               \
				change((d), &(a_list)[old->index], &(b_list)[i]);                \
				continue;                                                        \
			}                                                                        \
			diff_line((d), '+', (kind), (b_list)[i].name_of);                        \
			describe(&(b_list)[i], (d)->out);                                        \
		}                                                                                \
	} while (0)

struct diff_count model_diff(const struct model *from, const struct model *to, FILE *out)
{
	OWN_FILE FILE *nowhere = out ? NULL : fopen("/dev/null", "w");
	struct diff d = { .out = out ? out : nowhere };

	if (!d.out)
		return d.count;
	diff_latency(&d, from, to);
	DIFF_LIST(&d, "interface", pattern, from->interfaces, from->interfaces_count,
		  to->interfaces, to->interfaces_count, describe_interface, diff_interface);
	DIFF_LIST(&d, "set", name, from->sets, from->sets_count, to->sets, to->sets_count,
		  describe_set, diff_set);
	DIFF_LIST(&d, "filter", name, from->filters, from->filters_count, to->filters,
		  to->filters_count, describe_filter, diff_filter);
	DIFF_LIST(&d, "pool", name, from->pools, from->pools_count, to->pools, to->pools_count,
		  describe_pool, diff_pool);
	DIFF_LIST(&d, "service", name, from->services, from->services_count, to->services,
		  to->services_count, describe_service, diff_service);
	return d.count;
}
