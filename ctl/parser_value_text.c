// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <netinet/in.h>

#include "decimal.h"
#include "parser_value_internal.h"
#include "ranges.h"

#define V6_BITS 128

/* Prefix length of an interval, or -1 when it is no prefix. */
static int prefix_length(u128 first, u128 last)
{
	u128 hosts = first ^ last;
	int length = V6_BITS;

	if ((hosts & (hosts + 1)) || (first & hosts) || (last & hosts) != hosts)
		return -1;
	for (; hosts; hosts >>= 1)
		length--;
	return length;
}

static void addr_interval(u128 first, u128 last, value_text_fn each, void *arg)
{
	char start[INET6_ADDRSTRLEN], end[INET6_ADDRSTRLEN];
	char word[2 * INET6_ADDRSTRLEN];
	int length;
	__u8 addr[16];

	number_addr(first, addr);
	addr_text(addr, start, sizeof(start));
	if (first == last) {
		each(arg, start);
		return;
	}
	length = prefix_length(first, last);
	if (addr_is_v4(addr))
		length -= V4_FIRST_BIT;
	number_addr(last, addr);
	addr_text(addr, end, sizeof(end));
	if (length >= 0)
		snprintf(word, sizeof(word), "%s/%d", start, length);
	else
		snprintf(word, sizeof(word), "%s-%s", start, end);
	each(arg, word);
}

/*
 * IPv6 below the v4-mapped block, ending right before it: an interval whose
 * other part may lie behind the block.
 */
struct pending {
	bool present;
	u128 first;
};

static void flush_pending(struct pending *p, value_text_fn each, void *arg)
{
	if (!p->present)
		return;
	if (prefix_length(p->first, V4_LAST) >= 0)
		addr_interval(p->first, V4_LAST, each, arg);
	else
		addr_interval(p->first, V4_FIRST - 1, each, arg);
	p->present = false;
}

static void v6_interval(struct pending *p, u128 first, u128 last, value_text_fn each, void *arg)
{
	if (first < V4_FIRST && last >= V4_FIRST - 1) {
		p->present = true;
		p->first = first;
	} else if (first < V4_FIRST) {
		addr_interval(first, last, each, arg);
	}
	if (last <= V4_LAST)
		return;
	if (first <= V4_LAST + 1)
		first = V4_LAST + 1;
	if (p->present && first == V4_LAST + 1) {
		addr_interval(p->first, last, each, arg);
		p->present = false;
		return;
	}
	flush_pending(p, each, arg);
	addr_interval(first, last, each, arg);
}

static void addr_words(const range *ranges, size_t count, value_text_fn each, void *arg)
{
	struct pending pending = { 0 };

	for (size_t i = 0; i < count; i++) {
		u128 first = range_first(&ranges[i]), last = range_last(&ranges[i]);

		if (first <= V4_LAST && last >= V4_FIRST)
			addr_interval(first < V4_FIRST ? V4_FIRST : first,
				      last > V4_LAST ? V4_LAST : last, each, arg);
	}
	for (size_t i = 0; i < count; i++)
		v6_interval(&pending, range_first(&ranges[i]), range_last(&ranges[i]), each, arg);
	flush_pending(&pending, each, arg);
}

#define NUMBER_WORD_BYTES (2 * DECIMAL_BYTES)

static void number_word(char word[NUMBER_WORD_BYTES], const struct small_kind *kind,
			unsigned int first, unsigned int last)
{
	if (kind->in_hex && first == last) {
		snprintf(word, NUMBER_WORD_BYTES, "0x%04x", first);
	} else if (kind->in_hex) {
		snprintf(word, NUMBER_WORD_BYTES, "0x%04x-0x%04x", first, last);
	} else {
		word = decimal(word, first);
		if (first == last)
			return;
		*word++ = '-';
		decimal(word, last);
	}
}

void value_text(enum value_kind kind, const range *ranges, size_t count, value_text_fn each,
		void *arg)
{
	const struct small_kind *small = &small_kinds[kind];
	char word[NUMBER_WORD_BYTES];

	if (kind == VALUE_ADDR) {
		addr_words(ranges, count, each, arg);
		return;
	}
	if (kind == VALUE_MAC) {
		value_mac_text(ranges, count, each, arg);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		unsigned int first = (unsigned int)ranges[i].first_lo;
		unsigned int last = (unsigned int)ranges[i].last_lo;
		const char *name = first == last ? name_of(small->names, first) : NULL;

		if (!name)
			number_word(word, small, first, last);
		each(arg, name ? name : word);
	}
}

static size_t append_flags(char *text, size_t size, __u8 flags)
{
	size_t used = 0;

	if (!flags)
		return (size_t)snprintf(text, size, "none");
	for (const struct name *n = names_flag; n->text; n++) {
		if (flags & n->number)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "",
						 n->text);
	}
	return used;
}

void value_tcp_flags_text(__u8 value, __u8 mask, value_text_fn each, void *arg)
{
	char word[80];
	size_t used = append_flags(word, sizeof(word), value);

	if (value != mask) {
		word[used++] = '/';
		append_flags(word + used, sizeof(word) - used, mask);
	}
	each(arg, word);
}

bool match_is_only(const struct match *m, unsigned int number)
{
	return m->present && !m->negated && m->ranges_count == 1 &&
	       m->ranges[0].first_lo == number && m->ranges[0].last_lo == number;
}

enum value_kind rule_value_kind(const struct rule *r, enum weir_field field)
{
	static const enum value_kind kinds[WEIR_FIELD_COUNT] = {
		[WEIR_FIELD_SADDR] = VALUE_ADDR,    [WEIR_FIELD_DADDR] = VALUE_ADDR,
		[WEIR_FIELD_PROTO] = VALUE_PROTO,   [WEIR_FIELD_SPORT] = VALUE_PORT,
		[WEIR_FIELD_DPORT] = VALUE_PORT,    [WEIR_FIELD_ICMP_CODE] = VALUE_ICMP_CODE,
		[WEIR_FIELD_LENGTH] = VALUE_LENGTH, [WEIR_FIELD_TTL] = VALUE_TTL,
		[WEIR_FIELD_DSCP] = VALUE_DSCP,	    [WEIR_FIELD_ETHERTYPE] = VALUE_ETHERTYPE,
		[WEIR_FIELD_SMAC] = VALUE_MAC,	    [WEIR_FIELD_DMAC] = VALUE_MAC,
		[WEIR_FIELD_VLAN] = VALUE_VLAN,
	};

	if (field != WEIR_FIELD_ICMP_TYPE)
		return kinds[field];
	return match_is_only(&r->match[WEIR_FIELD_PROTO], IPPROTO_ICMP)	    ? VALUE_ICMP_TYPE
	       : match_is_only(&r->match[WEIR_FIELD_PROTO], IPPROTO_ICMPV6) ? VALUE_ICMPV6_TYPE
									    : VALUE_TYPE_NUMBER;
}
