// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of VIPs: addresses, and the ports of each that services answer for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balance.h"
#include "own.h"

/* The table grows until every VIP lies within reach of its hash. */
#define VIPS_MIN 16
#define VIPS_MAX (1U << 20)

/* What a service says of one address. */
struct claim {
	__u8 addr[16];
	__u8 length;
	struct weir_vip_port port;
};

static int by_vip(const struct claim *a, const struct claim *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : a->length - b->length;
}

/* Of one VIP: as the datapath wants it, the protocol that means all of them last. */
static int by_port(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = by_vip(x, y);

	if (order)
		return order;
	if (x->port.proto != y->port.proto)
		return (__u8)(x->port.proto - 1) - (__u8)(y->port.proto - 1);
	if (x->port.first != y->port.first)
		return x->port.first - y->port.first;
	return y->port.last - x->port.last; /* the wider one first */
}

static size_t count_claims(const struct model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->services_count; i++)
		count += m->services[i].addrs_count * m->services[i].ports_count;
	return count;
}

/* All claims in order; NULL without memory. */
static struct claim *collect(const struct model *m)
{
	size_t count = count_claims(m);
	struct claim *claims = calloc(count + 1, sizeof(*claims)), *c = claims;

	for (size_t i = 0; claims && i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		for (size_t a = 0; a < s->addrs_count; a++) {
			for (size_t p = 0; p < s->ports_count; p++, c++) {
				memcpy(c->addr, s->addrs[a].addr, sizeof(c->addr));
				c->length = s->addrs[a].length;
				c->port = (struct weir_vip_port){ .first = s->ports[p].first,
								  .last = s->ports[p].last,
								  .service = i,
								  .proto = s->ports[p].proto };
			}
		}
	}
	if (claims)
		qsort(claims, count, sizeof(*claims), by_port);
	return claims;
}

/* Ranges cut at the narrower ones inside of them; these are on the way in from the widest. */
struct cut {
	struct weir_vip_port *list;
	size_t count;
	const struct weir_vip_port **open;
	size_t depth;
	__u32 next; /* the first port that is not in the list */
};

static void own_cut(struct cut *c)
{
	free(c->list);
	free(c->open);
}

/* The innermost range up to @last, as far as it is not in the list. */
static void cut_piece(struct cut *c, __u32 last)
{
	const struct weir_vip_port *inner = c->open[c->depth - 1];
	__u32 first = c->next > inner->first ? c->next : inner->first;

	if (first > last)
		return;
	c->list[c->count] = *inner;
	c->list[c->count].first = first;
	c->list[c->count++].last = last;
	c->next = last + 1;
}

/* Past every range that ends below @first. */
static void close_until(struct cut *c, __u32 first)
{
	while (c->depth && c->open[c->depth - 1]->last < first) {
		cut_piece(c, c->open[c->depth - 1]->last);
		c->depth--;
	}
}

static void close_protocol(struct cut *c)
{
	close_until(c, 1U << 16);
	c->next = 0;
}

/* Ranges nest, or have nothing in common. Returns 0 or -ENOMEM. */
static int cut_ports(const struct claim *claims, size_t count, struct cut *c)
{
	/* A range adds the rest of one around it. */
	c->list = calloc(2 * count, sizeof(*c->list));
	c->open = calloc(count, sizeof(struct weir_vip_port *));
	if (!c->list || !c->open)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct weir_vip_port *port = &claims[i].port;

		if (i && port->proto != claims[i - 1].port.proto)
			close_protocol(c);
		close_until(c, port->first);
		if (c->depth && port->first)
			cut_piece(c, port->first - 1U);
		c->open[c->depth++] = port;
	}
	close_protocol(c);
	return 0;
}

/* Ports of one VIP, in its entry or behind it. */
static void put_ports(struct builder *b, const struct claim *claims, size_t count,
		      struct weir_vip *vip)
{
	OWN(own_cut) struct cut cut = {};
	int error = cut_ports(claims, count, &cut);

	if (!error && cut.count > 0xffff)
		error = -E2BIG;
	if (error)
		b->error = error;
	if (b->error)
		return;
	vip->ports_count = cut.count;
	if (cut.count <= WEIR_VIP_PORTS)
		memcpy(vip->port, cut.list, cut.count * sizeof(*cut.list));
	else
		vip->ports_offset = builder_copy(b, cut.list, cut.count * sizeof(*cut.list));
}

/* The VIPs of sorted claims; NULL after an error. */
static struct weir_vip *make_vips(struct builder *b, const struct claim *claims, size_t count,
				  size_t *vips_count)
{
	struct weir_vip *vips = calloc(count + 1, sizeof(*vips)), *vip = vips;

	if (!vips)
		b->error = -ENOMEM;
	for (size_t i = 0, end; i < count && !b->error; i = end, vip++) {
		for (end = i + 1; end < count && !by_vip(&claims[i], &claims[end]);)
			end++;
		memcpy(vip->addr, claims[i].addr, sizeof(vip->addr));
		vip->length = claims[i].length;
		put_ports(b, claims + i, end - i, vip);
	}
	*vips_count = vip - vips;
	return vips;
}

static __u32 hash_of(const struct weir_vip *vip)
{
	__u64 half[2];

	memcpy(half, vip->addr, sizeof(half));
	return weir_vip_hash(half[0], half[1], vip->length);
}

/* Returns 0, or -1 when the VIP would lie out of reach. */
static int place_vip(struct weir_vip *table, __u32 mask, const struct weir_vip *vip)
{
	__u32 hash = hash_of(vip);

	for (__u32 probe = 0; probe < WEIR_VIP_PROBES; probe++) {
		struct weir_vip *entry = &table[(hash + probe) & mask];

		if (!entry->length) {
			*entry = *vip;
			return 0;
		}
	}
	return -1;
}

/* Returns 0 with @out, freed by the caller, -ENOMEM, or -E2BIG. */
static int hash_vips(const struct weir_vip *vips, size_t count, struct weir_vip **out, __u32 *size)
{
	__u32 n = VIPS_MIN;

	while (n < 2 * count)
		n *= 2;
	for (; n <= VIPS_MAX; n *= 2) {
		OWN_FREE struct weir_vip *table = calloc(n, sizeof(*table));
		size_t i = 0;

		if (!table)
			return -ENOMEM;
		while (i < count && !place_vip(table, n - 1, &vips[i]))
			i++;
		if (i == count) {
			*out = TAKE_PTR(table);
			*size = n;
			return 0;
		}
	}
	return -E2BIG;
}

/* Longest first. */
static void note_length(__u8 lengths[WEIR_VIP_LENGTHS], __u8 length, int *error)
{
	int i = 0;

	while (i < WEIR_VIP_LENGTHS && lengths[i] > length)
		i++;
	if (i < WEIR_VIP_LENGTHS && lengths[i] == length)
		return;
	if (i == WEIR_VIP_LENGTHS || lengths[WEIR_VIP_LENGTHS - 1]) {
		*error = -E2BIG;
		return;
	}
	memmove(lengths + i + 1, lengths + i, WEIR_VIP_LENGTHS - i - 1);
	lengths[i] = length;
}

static void note_lengths(struct builder *b, const struct weir_vip *vips, size_t count)
{
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);

	for (size_t i = 0; i < count && !b->error; i++)
		note_length(addr_is_v4(vips[i].addr) ? header->vip_lengths_v4
						     : header->vip_lengths_v6,
			    vips[i].length, &b->error);
}

static struct weir_vip *find_vip(struct weir_vip *vips, size_t count, const __u8 addr[16])
{
	for (size_t i = 0; i < count; i++) {
		if (vips[i].length == 128 && !memcmp(vips[i].addr, addr, 16))
			return &vips[i];
	}
	return NULL;
}

/*
 * Sources of translated flows are VIPs without ports, so that the one look at a
 * packet's destination, after which most are let go, tells those apart, too.
 * Returns the list, which may have grown and moved.
 */
static struct weir_vip *add_sources(struct builder *b, struct weir_vip *vips, size_t *count)
{
	static const __u8 none[16];
	const struct weir_nat *nat = b->error ? NULL : &BUILDER_AT(b, 0, struct weir_image)->nat;
	const __u8(*source)[16];
	struct weir_vip *grown, *vip;

	if (b->error || !nat->ports_count)
		return vips;
	grown = realloc(vips, (*count + nat->sources_mask + 2) * sizeof(*vips));
	if (!grown) {
		b->error = -ENOMEM;
		return vips;
	}
	source = (const __u8(*)[16])BUILDER_AT(b, nat->sources_offset, char);
	for (__u32 i = 0; i <= nat->sources_mask; i++) {
		if (!memcmp(source[i], none, 16))
			continue;
		vip = find_vip(grown, *count, source[i]);
		if (!vip) {
			vip = &grown[(*count)++];
			*vip = (struct weir_vip){ .length = 128 };
			memcpy(vip->addr, source[i], 16);
		}
		vip->flags |= WEIR_VIP_SOURCE;
	}
	return grown;
}

void build_vips(struct builder *b, const struct model *m)
{
	OWN_FREE struct claim *claims = collect(m);
	OWN_FREE struct weir_vip *vips = NULL, *table = NULL;
	__u32 size = 0, offset;
	size_t count = 0;

	if (!claims && !b->error)
		b->error = -ENOMEM;
	if (b->error)
		return;
	vips = make_vips(b, claims, count_claims(m), &count);
	vips = add_sources(b, vips, &count);
	note_lengths(b, vips, count);
	if (!b->error)
		b->error = hash_vips(vips, count, &table, &size);
	if (b->error)
		return;
	offset = builder_copy(b, table, size * sizeof(*table));
	if (b->error)
		return;
	BUILDER_AT(b, 0, struct weir_image)->vips_offset = offset;
	BUILDER_AT(b, 0, struct weir_image)->vips_mask = size - 1;
}
