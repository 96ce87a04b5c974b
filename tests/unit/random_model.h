/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random models that a configuration could have made, for round trips.
 */
#ifndef WEIR_TEST_RANDOM_MODEL_H
#define WEIR_TEST_RANDOM_MODEL_H

#include <netinet/in.h>
#include <string.h>

#include "random_service.h"
#include "set_text.h"

static inline void random_numbers(range **out, size_t *count, __u32 most)
{
	*count = 1 + random_below(4);
	*out = calloc(*count, sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		__u32 first = random_below(most + 1);

		range_set(*out + i, first,
			  one_in(2) ? first : first + random_below(most + 1 - first));
	}
	*count = ranges_normalise(*out, *count);
}

/* The largest number of a field, 0 for one that is no number. */
static const __u64 field_most[WEIR_FIELD_COUNT] = {
	[WEIR_FIELD_PROTO] = 255,
	[WEIR_FIELD_SPORT] = 65535,
	[WEIR_FIELD_DPORT] = 65535,
	[WEIR_FIELD_ICMP_TYPE] = 255,
	[WEIR_FIELD_ICMP_CODE] = 255,
	[WEIR_FIELD_LENGTH] = 65575,
	[WEIR_FIELD_TTL] = 255,
	[WEIR_FIELD_DSCP] = 63,
	[WEIR_FIELD_ETHERTYPE] = 65535,
	[WEIR_FIELD_SMAC] = (1ULL << 48) - 1,
	[WEIR_FIELD_DMAC] = (1ULL << 48) - 1,
	[WEIR_FIELD_VLAN] = 4095,
};

/* An interval that begins or ends where the numbers do, or a prefix, or any. */
static inline void random_interval(range *out, __u64 most)
{
	__u64 first = random_u64() % (most + 1), last = first;
	__u64 hosts = (1ULL << random_below(33)) - 1;

	switch (random_below(5)) {
	case 0:
		last = first + random_u64() % (most + 1 - first);
		break;
	case 1:
		last = most;
		break;
	case 2:
		first = 0;
		break;
	case 3:
		if ((first | hosts) <= most) {
			first &= ~hosts;
			last = first | hosts;
		}
		break;
	}
	range_set(out, first, last);
}

static inline void random_match(struct rule *r, enum weir_field field, enum family family)
{
	struct match *match = &r->match[field];
	size_t count = 0;

	match->present = true;
	match->negated = one_in(4);
	if (field_type[field] == FIELD_ADDR) {
		random_addresses(&match->ranges, &count, family);
	} else {
		count = field_type[field] == FIELD_FLAG || one_in(2) ? 1 : 1 + random_below(4);
		match->ranges = calloc(count, sizeof(range));
		for (size_t i = 0; i < count; i++)
			random_interval(&match->ranges[i], field_most[field]);
		if (field_type[field] == FIELD_FLAG)
			range_set(match->ranges, 1, 1);
		count = ranges_normalise(match->ranges, count);
	}
	match->ranges_count = (__u32)count;
}

static inline void random_sets(const struct model *m, struct match *match, enum set_type type)
{
	match->sets = calloc(m->sets_count + 1, sizeof(*match->sets));
	for (size_t i = 0; i < m->sets_count; i++) {
		if (m->sets[i].type == type && one_in(3))
			match->sets[match->sets_count++] = strdup(m->sets[i].name);
	}
}

static inline void random_interfaces(struct rule *r)
{
	static const char *const names[] = { "eth0", "veth*", "a{b?", "$x", "1", "\xc3\xa9#" };

	r->match[WEIR_FIELD_IFACE].present = true;
	r->match[WEIR_FIELD_IFACE].negated = one_in(3);
	r->interfaces = calloc(sizeof(names) / sizeof(names[0]), sizeof(char *));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (one_in(3) || !i)
			r->interfaces[r->interfaces_count++] = strdup(names[i]);
	}
}

static inline void random_expr(struct rule *r)
{
	static const char *const texts[] = { "tcp[13] & 0x3f = 0", "ip proto \\tcp",
					     "not (udp || port 53) && ip[0] & 0xf != 5",
					     "ether proto \\ip and not ip proto \\udp", "tcp" };

	r->expr.text = strdup(texts[random_below(5)]);
	r->expr.negated = one_in(3);
}

static inline void random_action(struct rule *r)
{
	static const __u16 units[] = { 1, 60, 3600 };
	struct limit *l = &r->limit;

	r->action = (enum weir_action)random_below(WEIR_ACTION_KINDS);
	if (r->action == WEIR_ACTION_LOG)
		r->log_sample = one_in(2) ? 1 : 1 + random_below(1000);
	if (r->action == WEIR_ACTION_MARK)
		r->mark = one_in(3) ? random_below(3) : (__u32)random_u64();
	if (r->action != WEIR_ACTION_LIMIT)
		return;
	l->per_s = units[random_below(3)];
	l->rate = 1 + random_below(one_in(2) ? 200 : LIMIT_RATE_MAX);
	l->burst = 1 + random_below(one_in(2) ? 20 : LIMIT_BURST_MAX);
	l->per_saddr = one_in(2);
	if (l->per_saddr) {
		l->v4_bits = one_in(2) ? 32 : (__u8)(1 + random_below(32));
		l->v6_bits = one_in(2) ? 128 : (__u8)(1 + random_below(128));
	}
}

/* What fits beside anything else. */
static inline void random_header(struct rule *r)
{
	static const enum weir_field fields[] = {
		WEIR_FIELD_LENGTH, WEIR_FIELD_TTL,  WEIR_FIELD_DSCP,	 WEIR_FIELD_SMAC,
		WEIR_FIELD_DMAC,   WEIR_FIELD_VLAN, WEIR_FIELD_FRAGMENT, WEIR_FIELD_ESTABLISHED,
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (one_in(6))
			random_match(r, fields[i], BOTH);
	}
	if (one_in(6))
		random_interfaces(r);
	if (one_in(6))
		random_expr(r);
}

static inline void random_protocol(struct rule *r, __u8 proto)
{
	struct match *match = &r->match[WEIR_FIELD_PROTO];

	match->present = true;
	match->ranges = calloc(1, sizeof(range));
	match->ranges_count = 1;
	range_set(match->ranges, proto, proto);
}

static inline void random_rule(const struct model *m, struct rule *r, size_t index)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	__u8 proto = protos[random_below(4)];
	enum family family = (enum family)random_below(3);
	__u8 has_ports = proto == IPPROTO_TCP || proto == IPPROTO_UDP;

	snprintf(r->name, sizeof(r->name), "r%zu%s", index, one_in(3) ? ".x-y_z" : "");
	random_action(r);
	random_header(r);
	for (enum weir_field f = WEIR_FIELD_SADDR; f <= WEIR_FIELD_DADDR; f++) {
		if (!one_in(3))
			continue;
		random_match(r, f, family);
		random_sets(m, &r->match[f], SET_PREFIX);
	}
	if (one_in(5))
		return;
	random_protocol(r, proto);
	for (enum weir_field f = WEIR_FIELD_SPORT; f <= WEIR_FIELD_DPORT; f++) {
		if (!has_ports || one_in(2))
			continue;
		random_match(r, f, family);
		random_sets(m, &r->match[f], SET_PORT);
	}
	if (!has_ports && one_in(2)) {
		random_match(r, WEIR_FIELD_ICMP_TYPE, family);
		if (one_in(2))
			random_match(r, WEIR_FIELD_ICMP_CODE, family);
	}
	if (proto == IPPROTO_TCP && one_in(2)) {
		r->tcp_flags.present = true;
		r->tcp_flags.negated = one_in(3);
		r->tcp_flags.mask = (__u8)(1 + random_below(255));
		r->tcp_flags.value = r->tcp_flags.mask & (__u8)random_u64();
	}
}

static inline void random_entries(struct set *s)
{
	for (__u32 n = random_below(6); n; n--) {
		unsigned int a = random_below(256), b = random_below(256),
			     port = random_below(65536);
		bool is_v4 = one_in(2);
		struct problem why;
		char word[64];

		if (s->type == SET_INTERFACE)
			snprintf(word, sizeof(word), "eth%u", a);
		else if (s->type == SET_ADDRESS_PORT)
			snprintf(word, sizeof(word), is_v4 ? "192.0.%u.%u:%u" : "[fd00::%u:%u]:%u",
				 a, b, port);
		else if (s->type == SET_ADDRESS)
			snprintf(word, sizeof(word), is_v4 ? "192.0.%u.%u" : "fd00::%x:%x", a, b);
		else
			snprintf(word, sizeof(word), is_v4 ? "10.%u.%u.0/24" : "fd00:%x:%x::/48", a,
				 b);
		if (set_element_parse(s->type, word, &s->entries, &why))
			abort();
	}
	set_elements_normalise(&s->entries);
	if (set_cover(s))
		abort();
}

/* A rule for frames, IP or not. */
static inline void random_frame_rule(struct rule *r, size_t index)
{
	snprintf(r->name, sizeof(r->name), "f%zu", index);
	random_action(r);
	random_match(r, WEIR_FIELD_ETHERTYPE, BOTH);
	if (one_in(2))
		random_match(r, WEIR_FIELD_SMAC, BOTH);
}

static inline void random_set(struct set *s, size_t index)
{
	snprintf(s->name, sizeof(s->name), "s%zu", index);
	s->type = (enum set_type)random_below(SET_TYPE_KINDS);
	s->timeout_s = s->type != SET_PORT && one_in(3) ? 1 + random_below(86400 * 365) : 0;
	if (s->type == SET_PORT && one_in(3) &&
	    asprintf(&s->file, "dir with \"quotes\" \\ and # and \xc3\xa9/%zu", index) < 0)
		abort();
	if (s->type == SET_PORT)
		random_numbers(&s->elements, &s->elements_count, 65535);
	else
		random_entries(s);
}

static inline void random_interface(const struct model *m, struct interface *i, size_t index)
{
	snprintf(i->pattern, sizeof(i->pattern), one_in(3) ? "eth%zu.{a}*" : "eth%zu", index);
	i->xdp = (enum xdp_mode)random_below(XDP_MODE_GENERIC + 1);
	i->tc = (enum tc_mode)random_below(TC_MODE_CLSACT + 1);
	if (i->xdp == XDP_MODE_NONE && i->tc == TC_MODE_NONE)
		return;
	i->takes_returns = one_in(4);
	i->measure = random_below(1U << MEASURE_KINDS);
	if (i->measure & 1U << MEASURE_PATH)
		i->path_sample = one_in(2) ? PATH_SAMPLE_DEFAULT : 1U << random_below(17);
	i->balance = i->xdp != XDP_MODE_NONE && one_in(2);
	i->decap = i->xdp != XDP_MODE_NONE && one_in(2);
	if (m->filters_count && one_in(2))
		snprintf(i->filter, sizeof(i->filter), "%s",
			 m->filters[random_below((__u32)m->filters_count)].name);
	if (m->filters_count && one_in(3))
		snprintf(i->filter_egress, sizeof(i->filter_egress), "%s",
			 m->filters[random_below((__u32)m->filters_count)].name);
}

static inline void random_latency(struct latency_sizes *l)
{
	if (one_in(2))
		l->flows = LATENCY_FLOWS_MIN << random_below(13);
	if (one_in(2))
		return;
	l->v4_bits = (__u8)(1 + random_below(32));
	l->v6_bits = (__u8)(1 + random_below(128));
	if (one_in(2))
		l->prefixes = LATENCY_PREFIXES_MIN << random_below(11);
}

/* The caller frees it with model_free(). */
static inline struct model random_model(void)
{
	struct model m = { .sets_count = random_below(5),
			   .filters_count = random_below(4),
			   .pools_count = random_below(3),
			   .services_count = random_below(4),
			   .interfaces_count = random_below(5) };

	m.sets = calloc(m.sets_count + 1, sizeof(*m.sets));
	m.filters = calloc(m.filters_count + 1, sizeof(*m.filters));
	m.pools = calloc(m.pools_count + 1, sizeof(*m.pools));
	m.services = calloc(m.services_count + 1, sizeof(*m.services));
	m.interfaces = calloc(m.interfaces_count + 1, sizeof(*m.interfaces));
	for (size_t i = 0; i < m.sets_count; i++)
		random_set(&m.sets[i], i);
	for (size_t i = 0; i < m.filters_count; i++) {
		struct filter *f = &m.filters[i];

		snprintf(f->name, sizeof(f->name), "f%zu", i);
		f->default_action = one_in(2)	? WEIR_ACTION_PASS
				    : one_in(2) ? WEIR_ACTION_DROP
						: WEIR_ACTION_REJECT;
		f->rules_count = random_below(12);
		f->rules = calloc(f->rules_count + 1, sizeof(*f->rules));
		for (size_t k = 0; k < f->rules_count; k++) {
			if (one_in(8))
				random_frame_rule(&f->rules[k], k);
			else
				random_rule(&m, &f->rules[k], k);
		}
	}
	for (size_t i = 0; i < m.pools_count; i++) {
		snprintf(m.pools[i].name, sizeof(m.pools[i].name), "pool%zu", i);
		random_backends(&m.pools[i].backends, &m.pools[i].backends_count, BOTH, 0);
	}
	for (size_t i = 0; i < m.services_count; i++)
		random_service(&m, &m.services[i], i);
	for (size_t i = 0; i < m.interfaces_count; i++)
		random_interface(&m, &m.interfaces[i], i);
	random_latency(&m.latency);
	return m;
}

#endif
