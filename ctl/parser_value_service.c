// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of services: prefixes, addresses with ports, names of hosts, times. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "parser_value_internal.h"
#include "ranges.h"
#include "set_text.h"

#define LABEL_BYTES 63

bool value_prefix(const char *word, struct prefix *out, struct problem *why)
{
	const char *slash = strchr(word, '/');
	struct prefix prefix = { .length = 128 };
	range covers[VALUE_RANGES];
	char start[WORD_BYTES];
	unsigned int bits;

	if (strlen(word) >= WORD_BYTES)
		return value_refuse(why, "\"%.60s...\" is too long to be a value", word);
	if (!slash) {
		if (strchr(word, '-') && value_ranges(VALUE_ADDR, word, covers, why))
			return value_refuse(
				why, "\"%s\" is a range; write its prefixes, as 192.0.2.0/28",
				word);
		if (!value_address(word, prefix.addr, why))
			return false;
		*out = prefix;
		return true;
	}
	/* what is wrong with it is value_ranges()'s to say */
	if (!value_ranges(VALUE_ADDR, word, covers, why))
		return false;
	memcpy(start, word, (size_t)(slash - word));
	start[slash - word] = 0;
	if (!value_address(start, prefix.addr, why) ||
	    !value_digits(slash + 1, strlen(slash + 1), &bits))
		return false;
	if (!bits)
		return value_refuse(why, "%s is every address; a service has prefixes from /1 on",
				    word);
	prefix.length = (__u8)(bits + (addr_is_v4(prefix.addr) ? V4_FIRST_BIT : 0));
	*out = prefix;
	return true;
}

/* RFC 1123; the last label begins with a letter, or it would be a broken address. */
static bool is_host(const char *word)
{
	size_t size = strlen(word), label = 0;

	if (!size || size >= HOST_BYTES)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)word[i];

		if (c == '.' && (!label || word[i - 1] == '-'))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_BYTES || (label == 1 && c == '-') ||
		    (c != '.' && c != '-' && c != '_' && (!isascii(c) || !isalnum(c))))
			return false;
	}
	if (word[size - 1] == '-')
		return false;
	if (word[size - 1] == '.')
		size--;
	for (label = size; label && word[label - 1] != '.'; label--)
		;
	return isalpha((unsigned char)word[label]) || word[label] == '_';
}

static bool read_port(const char *word, struct endpoint *out, struct problem *why)
{
	unsigned int port;

	if (!value_number(word, "port", 1, 65535, &port, why))
		return false;
	out->port = (__u16)port;
	return true;
}

/* "[2001:db8::2]:8443" */
static bool read_bracketed(const char *word, struct endpoint *out, struct problem *why)
{
	const char *close = strchr(word, ']');
	char start[WORD_BYTES];
	size_t size = close ? (size_t)(close - word) - 1 : 0;

	if (!close || size >= sizeof(start) || close[1] != ':')
		return value_refuse(why,
				    "\"%.60s\" is no address and port; write [2001:db8::1]:443, or "
				    "the address without brackets",
				    word);
	memcpy(start, word + 1, size);
	start[size] = 0;
	if (!value_address(start, out->addr, why))
		return false;
	if (addr_is_v4(out->addr))
		return value_refuse(why, "brackets are for IPv6 alone; write %s%.20s", start,
				    close + 1);
	return read_port(close + 2, out, why);
}

/* What most backends have. */
static bool read_plain_v4(const char *word, struct endpoint *out)
{
	__u8 addr[16] = { [10] = 0xff, [11] = 0xff };

	if (!value_v4(word, addr + 12))
		return false;
	memcpy(out->addr, addr, sizeof(out->addr));
	out->host[0] = '\0';
	out->port = 0;
	return true;
}

static bool read_endpoint(const char *word, struct endpoint *out, struct problem *why)
{
	const char *colon = strchr(word, ':');
	struct endpoint e = {};

	if (word[0] == '[') {
		if (!read_bracketed(word, &e, why))
			return false;
		*out = e;
		return true;
	}
	if (colon && strchr(colon + 1, ':'))
		colon = NULL; /* IPv6 */
	if ((colon ? (size_t)(colon - word) : strlen(word)) >= sizeof(e.host))
		return value_refuse(why, "\"%.60s...\" is too long to be the name of a host", word);
	snprintf(e.host, sizeof(e.host), "%.*s",
		 colon ? (int)(colon - word) : (int)sizeof(e.host) - 1, word);
	if (colon && !read_port(colon + 1, &e, why))
		return false;
	if (!is_host(e.host)) {
		if (!value_address(e.host, e.addr, why))
			return strpbrk(e.host, "ghijklmnopqrstuvwxyz") && !strpbrk(e.host, "/%")
				       ? value_refuse(
						 why,
						 "\"%.60s\" is neither an address nor the name "
						 "of a host",
						 e.host)
				       : false;
		e.host[0] = 0;
	}
	*out = e;
	return true;
}

bool value_endpoint(const char *word, struct endpoint *out, struct problem *why)
{
	return read_plain_v4(word, out) || read_endpoint(word, out, why);
}

bool value_span(const char *word, const char *what, __u32 most_s, __u32 *out, struct problem *why)
{
	char most[SET_TEXT_BYTES];
	__u32 seconds;

	if (!set_timeout_parse(word, &seconds, why) || seconds > most_s)
		return value_refuse(why, "\"%.60s\" is no %s; write 30s, 10m or 1h30m, at most %s",
				    word, what, set_timeout_text(most_s, most));
	*out = seconds;
	return true;
}

bool value_hash(const char *word, struct service *out, struct problem *why)
{
	__u8 v4_bits = 0, v6_bits = 0;
	bool by_source = value_source_bits(word, "source", &v4_bits, &v6_bits);

	if (!by_source && strcmp(word, "tuple") != 0)
		return value_refuse(
			why,
			"\"%.60s\" is nothing to hash; write tuple, source, or with the "
			"prefix lengths of IPv4 and IPv6 source/24/64",
			word);
	out->hash = by_source ? WEIR_HASH_SOURCE : WEIR_HASH_TUPLE;
	out->hash_v4_bits = v4_bits;
	out->hash_v6_bits = v6_bits;
	return true;
}
