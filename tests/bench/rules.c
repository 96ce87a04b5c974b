// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* A pool that addresses or ports are drawn from, so that rules overlap as real ones do. */
#define POOL_MAX 2000

struct pools {
	__u32 sources[POOL_MAX], targets[POOL_MAX]; /* networks, /16 */
	__u32 networks;
	__u16 ports[256];
	__u32 ports_count;
};

/* Out of a hundred: rules whose prefix is at most so long. In order, the last is 100. */
struct lengths {
	__u8 upto, from_bits, to_bits;
};

static const struct lengths source_acl[] = { { 15, 0, 0 },   { 25, 8, 15 },  { 35, 16, 16 },
					     { 60, 24, 24 }, { 68, 17, 31 }, { 100, 32, 32 } };
static const struct lengths source_fw[] = { { 35, 0, 0 },   { 45, 8, 15 },  { 50, 16, 16 },
					    { 65, 24, 24 }, { 72, 17, 31 }, { 100, 32, 32 } };
static const struct lengths target_acl[] = {
	{ 5, 0, 0 }, { 15, 16, 16 }, { 40, 24, 24 }, { 48, 17, 31 }, { 100, 32, 32 }
};
static const struct lengths target_fw[] = {
	{ 30, 0, 0 }, { 45, 24, 24 }, { 48, 17, 31 }, { 100, 32, 32 }
};

static __u64 random_state = 1;

void random_seed(__u64 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ULL + 99991;
	for (int i = 0; i < 16; i++)
		random_64();
}

/* xorshift64* */
__u64 random_64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

__u32 random_below(__u32 limit)
{
	return (__u32)((random_64() >> 32) * limit >> 32);
}

static __u32 mask_of(__u8 bits)
{
	return bits ? 0xffffffffU << (32 - bits) : 0;
}

static void fill_pools(struct pools *p, __u32 count)
{
	p->networks = count / 64 < 4 ? 4 : count / 64 > POOL_MAX ? POOL_MAX : count / 64;
	for (__u32 i = 0; i < p->networks; i++) {
		p->sources[i] = (random_below(220) + 1) << 24 | random_below(256) << 16;
		p->targets[i] = (random_below(16) + 10) << 24 | random_below(256) << 16;
	}
	p->ports_count = count < 500 ? 40 : 200;
	for (__u32 i = 0; i < p->ports_count; i++)
		p->ports[i] = (__u16)random_below(random_below(20) ? 10000 : 65536);
}

static __u8 draw_bits(const struct lengths *l)
{
	__u32 hundredth = random_below(100);

	while (hundredth >= l->upto)
		l++;
	return (__u8)(l->from_bits + random_below(l->to_bits - l->from_bits + 1U));
}

/* Hosts stand close together at the beginning of their subnets. */
static __u32 draw_address(const __u32 *networks, __u32 count, __u8 bits)
{
	__u32 host = random_below(32) << 11 | (random_below(16) << 4) | random_below(4);

	return (networks[random_below(count)] | host) & mask_of(bits);
}

static void draw_ports(const struct pools *p, struct bench_rule *r)
{
	__u32 x = random_below(100);

	r->sport[0] = x < 6 ? 1024 : 0;
	r->sport[1] = 65535;
	if (x >= 6 && x < 12)
		r->sport[0] = r->sport[1] = p->ports[random_below(p->ports_count)];
	x = random_below(100);
	r->dport[0] = x >= 50 && x < 60 ? 1024 : 0;
	r->dport[1] = 65535;
	if (x < 50)
		r->dport[0] = r->dport[1] = p->ports[random_below(p->ports_count)];
	if (x >= 60 && x < 72) {
		__u32 first = p->ports[random_below(p->ports_count)];
		__u32 last = first + (1U << random_below(10));

		r->dport[0] = (__u16)first;
		r->dport[1] = (__u16)(last > 65535 ? 65535 : last);
	}
}

static struct bench_rule draw_rule(const struct pools *p, enum profile profile)
{
	bool fw = profile == PROFILE_FW;
	struct bench_rule r = { .drops = random_below(2) };
	__u32 x = random_below(100);

	r.saddr_bits = draw_bits(fw ? source_fw : source_acl);
	r.daddr_bits = draw_bits(fw ? target_fw : target_acl);
	r.saddr = draw_address(p->sources, p->networks, r.saddr_bits);
	r.daddr = draw_address(p->targets, p->networks, r.daddr_bits);
	r.proto = x < 60 ? IPPROTO_TCP : x < 85 ? IPPROTO_UDP : x < 90 ? IPPROTO_ICMP : PROTO_ANY;
	draw_ports(p, &r);
	if (r.proto == IPPROTO_ICMP || r.proto == PROTO_ANY) {
		r.sport[0] = r.dport[0] = 0;
		r.sport[1] = r.dport[1] = 65535;
	}
	return r;
}

/* A rule for everything would make all those behind it unreachable. */
static bool says_little(const struct bench_rule *r)
{
	return !r->saddr_bits && !r->daddr_bits && !r->dport[0] && r->dport[1] == 65535;
}

static int weight(const struct bench_rule *r)
{
	return r->saddr_bits + r->daddr_bits + (r->dport[0] == r->dport[1] ? 8 : 0);
}

static int by_weight(const void *a, const void *b)
{
	const struct bench_rule *x = a, *y = b;
	int order = weight(y) - weight(x);

	/* A total order, so that a seed gives the same rules everywhere. */
	return order ? order : memcmp(x, y, sizeof(*x));
}

static bool says_the_same(const struct bench_rule *a, const struct bench_rule *b)
{
	return a->saddr == b->saddr && a->daddr == b->daddr && a->saddr_bits == b->saddr_bits &&
	       a->daddr_bits == b->daddr_bits && a->proto == b->proto &&
	       !memcmp(a->sport, b->sport, sizeof(a->sport)) &&
	       !memcmp(a->dport, b->dport, sizeof(a->dport));
}

void rules_make(struct bench_rule *rules, __u32 count, enum profile profile)
{
	static struct pools pools;
	__u32 made = 0;

	fill_pools(&pools, count);
	while (made < count) {
		while (made < count) {
			rules[made] = draw_rule(&pools, profile);
			made += !says_little(&rules[made]);
		}
		qsort(rules, count, sizeof(*rules), by_weight);
		made = 1;
		for (__u32 i = 1; i < count; i++) {
			if (!says_the_same(&rules[i], &rules[made - 1]))
				rules[made++] = rules[i];
		}
	}
}

static struct trace_header4 draw_header(void)
{
	return (struct trace_header4){ .saddr = (__be32)random_64(),
				       .daddr = (__be32)random_64(),
				       .sport = (__be16)random_64(),
				       .dport = (__be16)random_64(),
				       .proto = random_below(2) ? IPPROTO_TCP : IPPROTO_UDP };
}

static struct trace_header4 draw_hit(const struct bench_rule *r)
{
	struct trace_header4 h = draw_header();

	h.saddr = htonl(r->saddr | (ntohl(h.saddr) & ~mask_of(r->saddr_bits)));
	h.daddr = htonl(r->daddr | (ntohl(h.daddr) & ~mask_of(r->daddr_bits)));
	h.sport = htons((__u16)(r->sport[0] + random_below(r->sport[1] - r->sport[0] + 1U)));
	h.dport = htons((__u16)(r->dport[0] + random_below(r->dport[1] - r->dport[0] + 1U)));
	if (r->proto != PROTO_ANY)
		h.proto = (__u8)r->proto;
	return h;
}

void rules_trace(const struct bench_rule *rules, __u32 count, struct trace4 *trace)
{
	for (__u32 i = 0; i < TRACE_HEADERS; i++)
		trace->header[i] = count && random_below(20) ? draw_hit(&rules[random_below(count)])
							     : draw_header();
}

bool rule_matches(const struct bench_rule *r, const struct trace_header4 *h)
{
	__u16 sport = ntohs(h->sport), dport = ntohs(h->dport);

	return !((ntohl(h->saddr) ^ r->saddr) & mask_of(r->saddr_bits)) &&
	       !((ntohl(h->daddr) ^ r->daddr) & mask_of(r->daddr_bits)) &&
	       (r->proto == PROTO_ANY || r->proto == h->proto) && sport >= r->sport[0] &&
	       sport <= r->sport[1] && dport >= r->dport[0] && dport <= r->dport[1];
}

__u32 rules_match(const struct bench_rule *rules, __u32 count, const struct trace_header4 *h)
{
	__u32 i = 0;

	while (i < count && !rule_matches(&rules[i], h))
		i++;
	return i;
}

static void print_prefix(const char *word, __u32 addr, __u8 bits, FILE *out)
{
	if (bits)
		fprintf(out, " %s %u.%u.%u.%u/%u", word, addr >> 24, addr >> 16 & 255,
			addr >> 8 & 255, addr & 255, bits);
}

static void print_ports(const char *word, const __u16 port[2], FILE *out)
{
	if (port[0] == port[1])
		fprintf(out, " %s %u", word, port[0]);
	else if (port[0] || port[1] != 65535)
		fprintf(out, " %s %u-%u", word, port[0], port[1]);
}

void rules_print_weir(const struct bench_rule *rules, __u32 count, FILE *out)
{
	fputs("filter edge {\ndefault drop\n", out);
	for (__u32 i = 0; i < count; i++) {
		const struct bench_rule *r = &rules[i];

		fprintf(out, "rule r%u %s%s", i, r->drops ? "drop" : "pass",
			r->proto == IPPROTO_TCP	   ? " tcp"
			: r->proto == IPPROTO_UDP  ? " udp"
			: r->proto == IPPROTO_ICMP ? " icmp"
						   : "");
		print_prefix("saddr", r->saddr, r->saddr_bits, out);
		print_prefix("daddr", r->daddr, r->daddr_bits, out);
		print_ports("sport", r->sport, out);
		print_ports("dport", r->dport, out);
		fputc('\n', out);
	}
	fputs("}\n", out);
}
