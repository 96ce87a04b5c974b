// SPDX-License-Identifier: GPL-2.0-or-later
#include "model.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "model_internal.h"
#include "ranges.h"

const enum field_type field_type[WEIR_FIELD_COUNT] = {
#define X(sym, keyword, type, member) [WEIR_FIELD_##sym] = FIELD_##type,
	WEIR_FIELDS(X)
#undef X
};

void model_free_match(struct match *m)
{
	for (size_t i = 0; i < m->sets_count; i++)
		free(m->sets[i]);
	free(m->sets);
	free(m->ranges);
}

static void free_rule(struct rule *r)
{
	for (int f = 0; f < WEIR_FIELD_COUNT; f++)
		model_free_match(&r->match[f]);
	for (size_t i = 0; i < r->interfaces_count; i++)
		free(r->interfaces[i]);
	free(r->interfaces);
	free(r->expr.text);
}

static void free_filter(struct filter *f)
{
	for (size_t i = 0; i < f->rules_count; i++)
		free_rule(&f->rules[i]);
	free(f->rules);
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < m->sets_count; i++) {
		free(m->sets[i].file);
		free(m->sets[i].elements);
		set_elements_free(&m->sets[i].entries);
	}
	for (size_t i = 0; i < m->filters_count; i++)
		free_filter(&m->filters[i]);
	for (size_t i = 0; i < m->pools_count; i++)
		model_free_pool(&m->pools[i]);
	for (size_t i = 0; i < m->services_count; i++)
		model_free_service(&m->services[i]);
	free(m->interfaces);
	free(m->sets);
	free(m->filters);
	free(m->pools);
	free(m->services);
	free(m->source);
	*m = (struct model){ 0 };
}

const struct set *model_set(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->sets_count; i++) {
		if (!strcmp(m->sets[i].name, name))
			return &m->sets[i];
	}
	return NULL;
}

static int compare_ranges(const void *a, const void *b)
{
	u128 x = range_first(a), y = range_first(b);

	return x < y ? -1 : x > y;
}

static bool in_order(const range *ranges, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (range_first(&ranges[i]) < range_first(&ranges[i - 1]))
			return false;
	}
	return true;
}

size_t ranges_normalise(range *ranges, size_t count)
{
	size_t kept = 0;

	if (!count)
		return 0;
	if (!in_order(ranges, count))
		qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < count; i++) {
		u128 end = range_last(&ranges[kept]);

		/* the subtraction cannot wrap: a first of 0 has nothing before it */
		if (range_first(&ranges[i]) > end && range_first(&ranges[i]) - 1 > end)
			ranges[++kept] = ranges[i];
		else if (range_last(&ranges[i]) > end)
			range_set(&ranges[kept], range_first(&ranges[kept]),
				  range_last(&ranges[i]));
	}
	return kept + 1;
}

size_t prefix_to_ranges(const struct prefix *p, range *out)
{
	u128 first = addr_number(p->addr);
	u128 last = p->length ? first | (p->length < 128 ? ~(u128)0 >> p->length : 0) : ~(u128)0;

	if (addr_is_v4(p->addr)) {
		range_set(out, first, last);
		return 1;
	}
	return v6_to_ranges(first, last, out);
}

size_t v6_to_ranges(u128 first, u128 last, range *out)
{
	size_t count = 0;

	if (last < V4_FIRST || first > V4_LAST) {
		range_set(out, first, last);
		return 1;
	}
	if (first < V4_FIRST)
		range_set(&out[count++], first, V4_FIRST - 1);
	if (last > V4_LAST)
		range_set(&out[count++], V4_LAST + 1, last);
	return count;
}

const char *addr_text(const __u8 addr[16], char *buf, size_t size)
{
	char *at = buf;

	if (addr_is_v4(addr) && size >= INET_ADDRSTRLEN) {
		for (int i = 12; i < 16; i++) {
			at = decimal(at, addr[i]);
			if (i < 15)
				*at++ = '.';
		}
		return buf;
	}
	return inet_ntop(AF_INET6, addr, buf, (socklen_t)size);
}

bool addr_is_v4(const __u8 addr[16])
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, mapped, sizeof(mapped));
}

bool model_match_equal(const struct match *a, const struct match *b)
{
	if (a->present != b->present)
		return false;
	if (!a->present)
		return true;
	if (a->negated != b->negated || a->sets_count != b->sets_count)
		return false;
	for (size_t i = 0; i < a->sets_count; i++) {
		if (strcmp(a->sets[i], b->sets[i]))
			return false;
	}
	return ranges_equal(a->ranges, a->ranges_count, b->ranges, b->ranges_count);
}

static bool flags_equal(const struct tcp_flags_match *a, const struct tcp_flags_match *b)
{
	if (a->present != b->present)
		return false;
	return !a->present ||
	       (a->negated == b->negated && a->value == b->value && a->mask == b->mask);
}

bool limit_equal(const struct limit *a, const struct limit *b)
{
	return a->rate == b->rate && a->burst == b->burst && a->per_s == b->per_s &&
	       a->per_saddr == b->per_saddr && a->v4_bits == b->v4_bits && a->v6_bits == b->v6_bits;
}

static bool action_equal(const struct rule *a, const struct rule *b)
{
	return a->action == b->action && a->log_sample == b->log_sample && a->mark == b->mark &&
	       limit_equal(&a->limit, &b->limit);
}

static bool expr_equal(const struct expr_match *a, const struct expr_match *b)
{
	if (!a->text || !b->text)
		return !a->text && !b->text;
	return a->negated == b->negated && !strcmp(a->text, b->text);
}

static bool interfaces_equal(const struct rule *a, const struct rule *b)
{
	if (a->interfaces_count != b->interfaces_count)
		return false;
	for (size_t i = 0; i < a->interfaces_count; i++) {
		if (strcmp(a->interfaces[i], b->interfaces[i]))
			return false;
	}
	return true;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	if (strcmp(a->name, b->name) || !action_equal(a, b) ||
	    !flags_equal(&a->tcp_flags, &b->tcp_flags) || !expr_equal(&a->expr, &b->expr) ||
	    !interfaces_equal(a, b))
		return false;
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		if (!model_match_equal(&a->match[f], &b->match[f]))
			return false;
	}
	return true;
}

static bool filter_equal(const struct filter *a, const struct filter *b)
{
	if (strcmp(a->name, b->name) || a->default_action != b->default_action ||
	    a->rules_count != b->rules_count)
		return false;
	for (size_t i = 0; i < a->rules_count; i++) {
		if (!rule_equal(&a->rules[i], &b->rules[i]))
			return false;
	}
	return true;
}

static bool set_equal(const struct set *a, const struct set *b)
{
	if (strcmp(a->name, b->name) || a->type != b->type || !a->file != !b->file)
		return false;
	if (a->file && strcmp(a->file, b->file))
		return false;
	if (a->timeout_s != b->timeout_s || !set_elements_equal(&a->entries, &b->entries))
		return false;
	return ranges_equal(a->elements, a->elements_count, b->elements, b->elements_count);
}

static bool interface_equal(const struct interface *a, const struct interface *b)
{
	return !strcmp(a->pattern, b->pattern) && a->xdp == b->xdp && a->tc == b->tc &&
	       !strcmp(a->filter, b->filter) && !strcmp(a->filter_egress, b->filter_egress) &&
	       a->balance == b->balance && a->decap == b->decap && a->measure == b->measure &&
	       a->path_sample == b->path_sample && a->takes_returns == b->takes_returns;
}

static bool latency_equal(const struct latency_sizes *a, const struct latency_sizes *b)
{
	return a->flows == b->flows && a->prefixes == b->prefixes && a->v4_bits == b->v4_bits &&
	       a->v6_bits == b->v6_bits;
}

__u32 latency_flows(const struct model *m)
{
	return m->latency.flows ? m->latency.flows : LATENCY_FLOWS_DEFAULT;
}

__u32 latency_prefixes(const struct model *m)
{
	if (!m->latency.v4_bits)
		return 0;
	return m->latency.prefixes ? m->latency.prefixes : LATENCY_PREFIXES_DEFAULT;
}

bool model_equal(const struct model *a, const struct model *b)
{
	if (a->interfaces_count != b->interfaces_count || a->sets_count != b->sets_count ||
	    a->filters_count != b->filters_count || a->pools_count != b->pools_count ||
	    a->services_count != b->services_count || !latency_equal(&a->latency, &b->latency))
		return false;
	for (size_t i = 0; i < a->interfaces_count; i++) {
		if (!interface_equal(&a->interfaces[i], &b->interfaces[i]))
			return false;
	}
	for (size_t i = 0; i < a->sets_count; i++) {
		if (!set_equal(&a->sets[i], &b->sets[i]))
			return false;
	}
	for (size_t i = 0; i < a->filters_count; i++) {
		if (!filter_equal(&a->filters[i], &b->filters[i]))
			return false;
	}
	for (size_t i = 0; i < a->pools_count; i++) {
		if (!pool_equal(&a->pools[i], &b->pools[i]))
			return false;
	}
	for (size_t i = 0; i < a->services_count; i++) {
		if (!service_equal(&a->services[i], &b->services[i]))
			return false;
	}
	return true;
}
