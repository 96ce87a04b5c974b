// SPDX-License-Identifier: GPL-2.0-or-later
/* MAC addresses: words to 48-bit numbers, and back. */
#include <ctype.h>
#include <string.h>

#include "parser_value_internal.h"
#include "ranges.h"

#define MAC_BITS 48
#define MAC_ALL ((1ULL << MAC_BITS) - 1)
#define MAC_TEXT_BYTES 17 /* "02:00:00:00:00:01" */

static unsigned int hex_value(char c)
{
	return (unsigned int)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Six bytes of two digits, ":" between. */
static bool parse_mac(const char *text, size_t size, __u64 *out)
{
	__u64 number = 0;

	if (size != MAC_TEXT_BYTES)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (i % 3 == 2 && text[i] != ':')
			return false;
		if (i % 3 == 2)
			continue;
		if (!isxdigit((unsigned char)text[i]))
			return false;
		number = number << 4 | hex_value(text[i]);
	}
	*out = number;
	return true;
}

static size_t refuse_mac(const char *word, struct problem *why)
{
	value_refuse(why,
		     "\"%.60s\" is no MAC address; write one as 02:00:00:00:00:01, or a vendor's "
		     "as 02:00:00:00:00:00/24",
		     word);
	if (strchr(word, '-') && !strchr(word, ':'))
		value_hint(why, "write \":\" between the bytes");
	return 0;
}

static void mac_text(__u64 mac, char out[MAC_TEXT_BYTES + 1])
{
	snprintf(out, MAC_TEXT_BYTES + 1, "%02x:%02x:%02x:%02x:%02x:%02x",
		 (unsigned int)(mac >> 40 & 0xff), (unsigned int)(mac >> 32 & 0xff),
		 (unsigned int)(mac >> 24 & 0xff), (unsigned int)(mac >> 16 & 0xff),
		 (unsigned int)(mac >> 8 & 0xff), (unsigned int)(mac & 0xff));
}

static size_t mac_prefix(const char *word, const char *slash, range *out, struct problem *why)
{
	char text[MAC_TEXT_BYTES + 1];
	unsigned int length;
	__u64 mac, hosts;

	if (!parse_mac(word, (size_t)(slash - word), &mac))
		return refuse_mac(word, why);
	if (!value_digits(slash + 1, strlen(slash + 1), &length) || length > MAC_BITS) {
		value_refuse(why, "\"%.60s\" has no valid prefix length; a MAC address has 0 to %d",
			     word, MAC_BITS);
		return 0;
	}
	hosts = MAC_ALL >> length;
	if (mac & hosts) {
		mac_text(mac & ~hosts, text);
		value_refuse(why, "%s has bits set behind its length; write %s/%u", word, text,
			     length);
		return 0;
	}
	range_set(out, mac, mac | hosts);
	return 1;
}

size_t value_mac_ranges(const char *word, range *out, struct problem *why)
{
	const char *slash = strchr(word, '/'), *dash = strchr(word, ':') ? strchr(word, '-') : NULL;
	__u64 first, last;

	if (slash)
		return mac_prefix(word, slash, out, why);
	if (!parse_mac(word, dash ? (size_t)(dash - word) : strlen(word), &first))
		return refuse_mac(word, why);
	last = first;
	if (dash && !parse_mac(dash + 1, strlen(dash + 1), &last))
		return refuse_mac(dash + 1, why);
	if (first > last) {
		value_refuse(why, "range %s is upside down; write %s-%.*s", word, dash + 1,
			     MAC_TEXT_BYTES, word);
		return 0;
	}
	range_set(out, first, last);
	return 1;
}

/* Prefix length of an interval, or -1 when it is no prefix. */
static int prefix_length(__u64 first, __u64 last)
{
	__u64 hosts = first ^ last;

	if ((hosts & (hosts + 1)) || (first & hosts))
		return -1;
	return hosts ? __builtin_clzll(hosts) - (64 - MAC_BITS) : MAC_BITS;
}

void value_mac_text(const range *ranges, size_t count, value_text_fn each, void *arg)
{
	char first[MAC_TEXT_BYTES + 1], last[MAC_TEXT_BYTES + 1];
	char word[2 * MAC_TEXT_BYTES + 2];

	for (size_t i = 0; i < count; i++) {
		int length = prefix_length(ranges[i].first_lo, ranges[i].last_lo);

		mac_text(ranges[i].first_lo, first);
		mac_text(ranges[i].last_lo, last);
		if (length == MAC_BITS)
			snprintf(word, sizeof(word), "%s", first);
		else if (length >= 0)
			snprintf(word, sizeof(word), "%s/%d", first, length);
		else
			snprintf(word, sizeof(word), "%s-%s", first, last);
		each(arg, word);
	}
}
