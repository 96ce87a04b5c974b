/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random pools and services that a configuration could have, for round trips.
 */
#ifndef WEIR_TEST_RANDOM_SERVICE_H
#define WEIR_TEST_RANDOM_SERVICE_H

#include <netinet/in.h>
#include <string.h>

#include "model.h"
#include "random.h"
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

static inline void random_backend(struct backend *b, size_t i, enum family family, __u8 has_port)
{
	__u8 v6 = family == V6_ONLY || (family == BOTH && one_in(2));

	snprintf(b->name, sizeof(b->name), "b%zu", i);
	number_addr(v6 ? ((u128)0xfd << 120) + i : V4_FIRST + 0x0a000001 + i, b->addr);
	if (one_in(4) && asprintf(&b->host, "b%zu.example.net", i) < 0)
		abort();
	b->port = has_port && one_in(2) ? (__u16)(1 + random_below(65535)) : 0;
	b->weight = (__u16)random_below(WEIGHT_MAX + 1);
	b->drain = one_in(4);
	b->has_quic_id = one_in(2);
	b->quic_id = b->has_quic_id ? (__u16)(i * 1000 + random_below(1000)) : 0;
}

static inline void random_backends(struct backend **list, size_t *count, enum family family,
				   __u8 has_port)
{
	*count = random_below(6);
	*list = calloc(*count + 1, sizeof(**list));
	for (size_t i = 0; i < *count; i++)
		random_backend(&(*list)[i], i, family, has_port);
}

static inline void random_vips(struct service *s, size_t index, enum family family)
{
	static const __u8 v4_bits[] = { 32, 32, 28, 24 }, v6_bits[] = { 128, 128, 64, 56 };

	s->addrs_count = 1 + random_below(3);
	s->addrs = calloc(s->addrs_count, sizeof(*s->addrs));
	for (size_t i = 0; i < s->addrs_count; i++) {
		struct prefix *p = &s->addrs[i];
		__u8 v6 = family == V6_ONLY || (family == BOTH && one_in(2));
		u128 number = v6 ? ((u128)0x20010db8 << 96) + ((u128)(index * 16 + i) << 80)
				 : V4_FIRST + 0xc0000000 + ((index * 16 + i) << 8);

		p->length = v6 ? v6_bits[random_below(4)] : (__u8)(96 + v4_bits[random_below(4)]);
		number_addr(number + (p->length == 128), p->addr);
	}
	s->ports_count = 1 + random_below(4);
	s->ports = calloc(s->ports_count, sizeof(*s->ports));
	for (size_t i = 0; i < s->ports_count; i++) {
		struct vip_port *p = &s->ports[i];

		p->proto = one_in(2) ? IPPROTO_TCP : IPPROTO_UDP;
		p->first = (__u16)(1 + i * 10000 + random_below(5000));
		p->last = (__u16)(p->first + (one_in(2) ? random_below(5000) : 0));
	}
	if (!one_in(4))
		return;
	s->ports_count = 1;
	s->ports[0] = (struct vip_port){ .proto = IPPROTO_TCP, .last = 65535 };
	if (s->forward != WEIR_FORWARD_NAT && s->forward != WEIR_FORWARD_LOCAL && one_in(2))
		s->ports[0].proto = 0;
}

static inline void random_sources(struct service *s, enum family family)
{
	__u8 is_pool = s->forward == WEIR_FORWARD_NAT;

	if (s->forward == WEIR_FORWARD_L2 || s->forward == WEIR_FORWARD_LOCAL || one_in(2))
		return;
	s->sources_count = is_pool ? 1 + random_below(3) : 1 + (family == BOTH);
	s->sources = calloc(s->sources_count, sizeof(*s->sources));
	for (size_t i = 0; i < s->sources_count; i++)
		number_addr(family == V6_ONLY || (family == BOTH && i) ? ((u128)0xfe << 120) + i
								       : V4_FIRST + 0xac100000 + i,
			    s->sources[i]);
}

static inline __u8 random_translates(const struct service *s)
{
	return s->forward == WEIR_FORWARD_NAT || s->forward == WEIR_FORWARD_LOCAL;
}

static inline void random_choice(struct service *s)
{
	__u8 tcp = 0, udp = 0;

	for (size_t i = 0; i < s->ports_count; i++) {
		tcp |= s->ports[i].proto != IPPROTO_UDP;
		udp |= s->ports[i].proto != IPPROTO_TCP;
	}
	s->hash = one_in(2) ? WEIR_HASH_SOURCE : WEIR_HASH_TUPLE;
	if (s->hash == WEIR_HASH_SOURCE) {
		s->hash_v4_bits = one_in(2) ? 32 : (__u8)(1 + random_below(32));
		s->hash_v6_bits = one_in(2) ? 128 : (__u8)(1 + random_below(128));
	}
	s->track = WEIR_TRACK_MOVED;
	if (tcp && !random_translates(s))
		s->track = (enum weir_track)random_below(WEIR_TRACK_KINDS);
	s->udp = udp && one_in(2) ? WEIR_UDP_TRACK : WEIR_UDP_RING;
	s->udp_idle_s = s->udp == WEIR_UDP_TRACK ? 1 + random_below(UDP_IDLE_MAX_S) : 0;
	s->settle_s = SETTLE_DEFAULT_S;
	if ((s->udp == WEIR_UDP_TRACK && !random_translates(s)) ||
	    (tcp && s->track != WEIR_TRACK_NONE))
		s->settle_s = 1 + random_below(SETTLE_MAX_S);
	if (tcp && one_in(3)) {
		s->mss_mode = MSS_FIXED;
		s->mss = (__u16)(MSS_LEAST + random_below(MSS_MOST - MSS_LEAST + 1));
	}
	if (tcp && one_in(3) &&
	    (s->forward == WEIR_FORWARD_IPIP || s->forward == WEIR_FORWARD_GUE)) {
		s->mss_mode = MSS_AUTO;
		s->mss = 0;
	}
	if (tcp)
		s->syncookie = (enum syncookie_mode)random_below(SYNCOOKIE_ALWAYS + 1);
	s->syncookie_above = s->syncookie == SYNCOOKIE_ABOVE ? 1 + random_below(LIMIT_RATE_MAX) : 0;
	s->empty = (enum weir_empty)random_below(WEIR_EMPTY_KINDS);
}

static inline struct limit random_service_limit(__u8 per_saddr)
{
	static const __u16 units[] = { 1, 60, 3600 };
	struct limit l = { .rate = 1 + random_below(100000),
			   .burst = 1 + random_below(100000),
			   .per_s = units[random_below(3)],
			   .per_saddr = per_saddr };

	if (per_saddr) {
		l.v4_bits = (__u8)(1 + random_below(32));
		l.v6_bits = (__u8)(1 + random_below(128));
	}
	return l;
}

static inline void random_admission(const struct model *m, struct service *s)
{
	__u8 counts = s->udp != WEIR_UDP_RING || random_translates(s);
	struct match *allow = &s->allow;

	for (size_t i = 0; i < s->ports_count; i++)
		counts |= s->ports[i].proto != IPPROTO_UDP;
	if (counts && one_in(3))
		s->limit = random_service_limit(0);
	if (counts && one_in(3))
		s->limit_source = random_service_limit(1);
	if (!one_in(3))
		return;
	allow->present = true;
	if (one_in(2)) {
		size_t count = 0;

		random_addresses(&allow->ranges, &count, BOTH);
		allow->ranges_count = (__u32)count;
	}
	for (size_t i = 0; i < m->sets_count && !allow->sets_count; i++) {
		if (m->sets[i].type != SET_PREFIX && m->sets[i].type != SET_ADDRESS)
			continue;
		allow->sets = calloc(1, sizeof(*allow->sets));
		allow->sets[0] = strdup(m->sets[i].name);
		allow->sets_count = 1;
	}
	allow->present = allow->ranges_count || allow->sets_count;
}

static inline void random_service(const struct model *m, struct service *s, size_t index)
{
	__u8 mixes;
	enum family family;

	snprintf(s->name, sizeof(s->name), "web%zu", index);
	s->forward = (enum weir_forward)random_below(WEIR_FORWARD_KINDS);
	mixes = s->forward == WEIR_FORWARD_IPIP || s->forward == WEIR_FORWARD_GUE;
	family = mixes ? BOTH : one_in(2) ? V4_ONLY : V6_ONLY;
	s->gue_checksum = s->forward == WEIR_FORWARD_GUE && one_in(2);
	random_vips(s, index, family);
	random_sources(s, family);
	random_choice(s);
	random_admission(m, s);
	if (m->pools_count && mixes && one_in(2)) {
		s->pool_index = random_below((__u32)m->pools_count);
		snprintf(s->pool, sizeof(s->pool), "%s", m->pools[s->pool_index].name);
		return;
	}
	random_backends(&s->backends, &s->backends_count, family,
			s->forward == WEIR_FORWARD_NAT || s->forward == WEIR_FORWARD_LOCAL);
}

#endif
