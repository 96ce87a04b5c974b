/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random models that a configuration could have made, for round trips.
 */
#ifndef WEIR_TEST_RANDOM_MODEL_H
#define WEIR_TEST_RANDOM_MODEL_H

#include <netinet/in.h>
#include <string.h>

#include "model.h"
#include "random.h"
#include "set_text.h"
#include "ranges.h"

static inline __u8 one_in(__u32 n)
{
	return random_below(n) == 0;
}

static inline u128 random_u128(void)
{
	return (u128)random_u64() << 64 | random_u64();
}

/* An address, a prefix or any interval of one family, at the end of @out. */
static inline size_t add_random_addresses(range *out, __u8 v6)
{
	u128 first = v6 ? random_u128() : V4_FIRST + (random_u64() & 0xffffffff), last = first;
	unsigned int host_bits = random_below(v6 ? 129 : 33);
	u128 hosts = host_bits == 128 ? ~(u128)0 : ((u128)1 << host_bits) - 1;

	switch (random_below(3)) {
	case 0:
		first &= ~hosts;
		last = first | hosts;
		break;
	case 1:
		last = first + random_below(1000);
		if (last < first || (!v6 && last > V4_LAST))
			last = first;
		break;
	}
	if (v6)
		return v6_to_ranges(first, last, out);
	range_set(out, first, last);
	return 1;
}

enum family { V4_ONLY, V6_ONLY, BOTH };

static inline void random_addresses(range **out, size_t *count, enum family family)
{
	size_t wanted = 2 + random_below(6);

	*out = calloc(2 * wanted, sizeof(**out));
	for (size_t i = 0; i < wanted; i++)
		*count += add_random_addresses(*out + *count,
					       family == V6_ONLY || (family == BOTH && i & 1));
	*count = ranges_normalise(*out, *count);
}

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

static inline void random_match(const struct model *m, struct rule *r, enum weir_field field,
				enum family family)
{
	struct match *match = &r->match[field];
	__u8 is_addr = field == WEIR_FIELD_SADDR || field == WEIR_FIELD_DADDR;
	enum set_type type = is_addr ? SET_PREFIX : SET_PORT;
	size_t count = 0;

	match->present = true;
	match->negated = one_in(4);
	if (is_addr)
		random_addresses(&match->ranges, &count, family);
	else
		random_numbers(&match->ranges, &count, field == WEIR_FIELD_ICMP_TYPE ? 255 : 65535);
	match->ranges_count = (__u32)count;
	match->sets = calloc(m->sets_count + 1, sizeof(*match->sets));
	for (size_t i = 0; field != WEIR_FIELD_ICMP_TYPE && i < m->sets_count; i++) {
		if (m->sets[i].type == type && one_in(3))
			match->sets[match->sets_count++] = strdup(m->sets[i].name);
	}
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
	r->action = (enum weir_action)random_below(WEIR_ACTION_COUNT + 1);
	if (one_in(3))
		random_match(m, r, WEIR_FIELD_SADDR, family);
	if (one_in(3))
		random_match(m, r, WEIR_FIELD_DADDR, family);
	if (one_in(5))
		return;
	random_protocol(r, proto);
	if (has_ports && one_in(2))
		random_match(m, r, WEIR_FIELD_SPORT, family);
	if (has_ports && one_in(2))
		random_match(m, r, WEIR_FIELD_DPORT, family);
	if (!has_ports && one_in(2))
		random_match(m, r, WEIR_FIELD_ICMP_TYPE, family);
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

static inline void random_service(struct service *s, size_t index)
{
	snprintf(s->name, sizeof(s->name), "web%zu", index);
	s->forward = (enum weir_forward)random_below(WEIR_FORWARD_KINDS);
	s->addrs_count = 1 + random_below(3);
	s->addrs = calloc(s->addrs_count, sizeof(*s->addrs));
	for (size_t i = 0; i < s->addrs_count; i++)
		number_addr(one_in(2) ? V4_FIRST + (index << 16) + i + 1
				      : ((u128)0x20010db8 << 96) + (index << 20) + i,
			    s->addrs[i]);
	s->ports_count = 1 + random_below(4);
	s->ports = calloc(s->ports_count, sizeof(*s->ports));
	for (size_t i = 0; i < s->ports_count; i++)
		s->ports[i] = (struct vip_port){ one_in(2) ? IPPROTO_TCP : IPPROTO_UDP,
						 (__u16)(1 + i * 10000 + random_below(10000)) };
	s->backends_count = random_below(6);
	s->backends = calloc(s->backends_count + 1, sizeof(*s->backends));
	for (size_t i = 0; i < s->backends_count; i++) {
		struct backend *b = &s->backends[i];

		snprintf(b->name, sizeof(b->name), "b%zu", i);
		number_addr(one_in(2) ? V4_FIRST + 0x0a000001 + i : ((u128)0xfd << 120) + i,
			    b->addr);
		b->weight = (__u16)(1 + random_below(WEIGHT_MAX));
		b->drain = one_in(4);
	}
}

static inline void random_interface(const struct model *m, struct interface *i, size_t index)
{
	snprintf(i->pattern, sizeof(i->pattern), one_in(3) ? "eth%zu.{a}*" : "eth%zu", index);
	i->xdp = (enum xdp_mode)random_below(XDP_MODE_GENERIC + 1);
	i->tc = (enum tc_mode)random_below(TC_MODE_CLSACT + 1);
	if (i->xdp == XDP_MODE_NONE && i->tc == TC_MODE_NONE)
		return;
	i->measure = one_in(2);
	i->balance = i->xdp != XDP_MODE_NONE && one_in(2);
	i->decap = i->xdp != XDP_MODE_NONE && one_in(2);
	if (m->filters_count && one_in(2))
		snprintf(i->filter, sizeof(i->filter), "%s",
			 m->filters[random_below((__u32)m->filters_count)].name);
}

/* The caller frees it with model_free(). */
static inline struct model random_model(void)
{
	struct model m = { .sets_count = random_below(5),
			   .filters_count = random_below(4),
			   .services_count = random_below(4),
			   .interfaces_count = random_below(5) };

	m.sets = calloc(m.sets_count + 1, sizeof(*m.sets));
	m.filters = calloc(m.filters_count + 1, sizeof(*m.filters));
	m.services = calloc(m.services_count + 1, sizeof(*m.services));
	m.interfaces = calloc(m.interfaces_count + 1, sizeof(*m.interfaces));
	for (size_t i = 0; i < m.sets_count; i++)
		random_set(&m.sets[i], i);
	for (size_t i = 0; i < m.filters_count; i++) {
		struct filter *f = &m.filters[i];

		snprintf(f->name, sizeof(f->name), "f%zu", i);
		f->default_action = one_in(2) ? WEIR_ACTION_PASS : WEIR_ACTION_DROP;
		f->rules_count = random_below(12);
		f->rules = calloc(f->rules_count + 1, sizeof(*f->rules));
		for (size_t k = 0; k < f->rules_count; k++)
			random_rule(&m, &f->rules[k], k);
	}
	for (size_t i = 0; i < m.services_count; i++)
		random_service(&m.services[i], i);
	for (size_t i = 0; i < m.interfaces_count; i++)
		random_interface(&m, &m.interfaces[i], i);
	return m;
}

#endif
