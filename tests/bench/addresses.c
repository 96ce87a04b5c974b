// SPDX-License-Identifier: GPL-2.0-or-later
#include "addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* Out of a hundred. */
struct share {
	__u8 upto, bits;
};

static const struct share shares4[] = {
	{ 2, 16 },  { 5, 18 },	{ 9, 19 },  { 16, 20 }, { 23, 21 },
	{ 35, 22 }, { 45, 23 }, { 88, 24 }, { 92, 28 }, { 100, 32 }
};
static const struct share shares6[] = { { 10, 32 }, { 20, 36 }, { 32, 40 }, { 40, 44 },
					{ 80, 48 }, { 85, 56 }, { 95, 64 }, { 100, 128 } };

static number random_128(void)
{
	number high = random_64();

	return high << 64 | random_64();
}

static unsigned int draw_bits(int family, enum set_kind kind)
{
	const struct share *s = family == 4 ? shares4 : shares6;
	__u32 hundredth = random_below(100);

	if (kind == SET_EXACT)
		return family == 4 ? 32 : 128;
	while (hundredth >= s->upto)
		s++;
	return s->bits;
}

/* Global unicast of IPv6 is an eighth of it, of which registries gave out little. */
static number draw_address(int family)
{
	if (family == 4)
		return (__u32)random_64() % 0xdf000000U + 0x01000000U;
	return (random_128() & ~((number)0x3fff << 114)) | (number)(0x2000 + random_below(0x1000))
								   << 112;
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

static __u32 join(struct span *spans, __u32 count)
{
	__u32 kept = 0;

	for (__u32 i = 1; i < count; i++) {
		if (spans[i].first > spans[kept].last)
			spans[++kept] = spans[i];
		else if (spans[i].last > spans[kept].last)
			spans[kept].last = spans[i].last;
	}
	return count ? kept + 1 : 0;
}

/* Drop what was drawn twice, which weir would warn of. Returns how many are left. */
static __u32 drop_doubles(struct span *spans, __u32 count)
{
	__u32 kept = 0;

	qsort(spans, count, sizeof(*spans), by_first);
	for (__u32 i = 1; i < count; i++) {
		if (by_first(&spans[i], &spans[kept]))
			spans[++kept] = spans[i];
	}
	return kept + 1;
}

void addresses_make(struct addresses *a, __u32 count, int family, enum set_kind kind)
{
	unsigned int width = family == 4 ? 32 : 128;
	__u32 made = 0;

	a->family = family;
	a->count = count;
	a->drawn = calloc(count, sizeof(*a->drawn));
	a->sorted = calloc(count, sizeof(*a->sorted));
	if (!a->drawn || !a->sorted)
		abort();
	while (made < count) {
		for (; made < count; made++) {
			unsigned int host = width - draw_bits(family, kind);
			number rest = host >= 128 ? ~(number)0 : ((number)1 << host) - 1;

			a->drawn[made].first = draw_address(family) & ~rest;
			a->drawn[made].last = a->drawn[made].first | rest;
		}
		made = drop_doubles(a->drawn, count);
	}
	memcpy(a->sorted, a->drawn, count * sizeof(*a->drawn));
	a->sorted_count = join(a->sorted, count);
}

void addresses_free(struct addresses *a)
{
	free(a->drawn);
	free(a->sorted);
	*a = (struct addresses){};
}

static void to_bytes(number n, __u8 addr[16])
{
	for (int i = 15; i >= 0; i--, n >>= 8)
		addr[i] = (__u8)n;
}

static number from_bytes(const __u8 addr[16])
{
	number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | addr[i];
	return n;
}

void addresses_print(const struct addresses *a, FILE *out)
{
	unsigned int width = a->family == 4 ? 32 : 128;

	for (__u32 i = 0; i < a->count; i++) {
		const struct span *s = &a->drawn[i];
		unsigned int bits = width;
		char text[INET6_ADDRSTRLEN];
		__u8 addr[16];

		for (number rest = s->first ^ s->last; rest; rest >>= 1)
			bits--;
		to_bytes(s->first, addr);
		inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->family == 4 ? addr + 12 : addr,
			  text, sizeof(text));
		if (bits == width)
			fprintf(out, "%s\n", text);
		else
			fprintf(out, "%s/%u\n", text, bits);
	}
}

/* Outside, an address may still share its first bits with an element. */
static number draw_source(const struct addresses *a)
{
	const struct span *s = &a->drawn[random_below(a->count)];
	number rest = s->first ^ s->last;
	__u32 what = random_below(4);

	if (what < 2)
		return s->first | (random_128() & rest);
	if (what == 2 && a->family == 6)
		return s->first ^ (random_128() >> 36);
	return draw_address(a->family);
}

void addresses_trace4(const struct addresses *a, struct trace4 *trace)
{
	for (__u32 i = 0; i < TRACE_HEADERS; i++)
		trace->header[i] = (struct trace_header4){ .saddr = htonl((__u32)draw_source(a)),
							   .daddr = htonl((__u32)draw_address(4)),
							   .sport = (__be16)random_64(),
							   .dport = (__be16)random_64(),
							   .proto = IPPROTO_TCP };
}

void addresses_trace6(const struct addresses *a, struct trace6 *trace)
{
	for (__u32 i = 0; i < TRACE_HEADERS; i++) {
		struct trace_header6 *h = &trace->header[i];

		h->sport = (__be16)random_64();
		h->dport = (__be16)random_64();
		h->proto = IPPROTO_TCP;
		to_bytes(draw_source(a), h->saddr);
		to_bytes(draw_address(6), h->daddr);
	}
}

static bool holds(const struct addresses *a, number address)
{
	__u32 low = 0, n = a->sorted_count;

	while (n > 1) {
		__u32 half = n / 2;

		if (a->sorted[low + half].first <= address)
			low += half;
		n -= half;
	}
	return n && a->sorted[low].first <= address && address <= a->sorted[low].last;
}

bool addresses_hold4(const struct addresses *a, const struct trace_header4 *h)
{
	return holds(a, ntohl(h->saddr));
}

bool addresses_hold6(const struct addresses *a, const struct trace_header6 *h)
{
	return holds(a, from_bytes(h->saddr));
}
