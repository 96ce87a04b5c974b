// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_text.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "interface_name.h"
#include "ranges.h"
#include "set_tree.h"
#include "weir/set.h"

#define WORD_BYTES 128

__attribute__((format(printf, 2, 3))) static int refuse(struct problem *why, const char *format,
							...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->message, sizeof(why->message), format, args);
	va_end(args);
	why->hint[0] = 0;
	return -EINVAL;
}

/* The key of an address in network order. */
static void address_key(const __u8 *addr, bool is_v6, struct set_element *e)
{
	__u64 half[2];

	e->is_v6 = is_v6;
	if (is_v6) {
		memcpy(half, addr, sizeof(half));
		e->hi = be64toh(half[0]);
		e->lo = be64toh(half[1]);
	} else {
		e->hi = (__u64)addr[0] << 56 | (__u64)addr[1] << 48 | (__u64)addr[2] << 40 |
			(__u64)addr[3] << 32;
		e->lo = 0;
	}
}

/* Decimal digits and nothing else, without a leading zero; at most @most. */
static bool small_number(const char *word, __u32 most, __u32 *out)
{
	__u32 number = 0;

	if (!word[0] || (word[0] == '0' && word[1]) || strlen(word) > 5)
		return false;
	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return false;
		number = number * 10 + (__u32)(*word - '0');
	}
	*out = number;
	return number <= most;
}

/* Without a message: whoever calls this and fails asks value_ranges() what is wrong. */
static bool read_address(const char *word, struct set_element *e)
{
	__u8 addr[16];

	if (inet_pton(AF_INET, word, addr) == 1) {
		address_key(addr, false, e);
		return true;
	}
	if (inet_pton(AF_INET6, word, addr) != 1 || addr_is_v4(addr))
		return false;
	address_key(addr, true, e);
	return true;
}

static bool read_prefix(const char *word, struct set_element *e)
{
	const char *slash = strchr(word, '/');
	char start[WORD_BYTES];
	u128 key;

	if (!slash) {
		e->detail = 0;
		if (!read_address(word, e))
			return false;
		e->detail = e->is_v6 ? 128 : 32;
		return true;
	}
	memcpy(start, word, (size_t)(slash - word));
	start[slash - word] = 0;
	if (!read_address(start, e) || !small_number(slash + 1, e->is_v6 ? 128 : 32, &e->detail))
		return false;
	key = (u128)e->hi << 64 | e->lo;
	return e->detail == 128 || !(key << e->detail);
}

/* The prefixes that make up a range. */
static int add_range(const range *r, struct set_elements *out)
{
	u128 first = range_first(r), last = range_last(r);

	for (;;) {
		u128 size = first ? first & -first : 0, next;
		struct set_element e = { .detail = 128 };
		__u8 addr[16];

		while (!size || first + (size - 1) > last || first + (size - 1) < first)
			size = size ? size >> 1 : (u128)1 << 127;
		for (u128 s = size; s > 1; s >>= 1)
			e.detail--;
		number_addr(first, addr);
		if (addr_is_v4(addr)) {
			address_key(addr + 12, false, &e);
			e.detail -= 96;
		} else {
			address_key(addr, true, &e);
		}
		if (set_elements_add(out, &e))
			return -ENOMEM;
		next = first + size;
		if (next > last || !next)
			return 0;
		first = next;
	}
}

static int add_prefix(const char *word, struct set_elements *out, struct problem *why)
{
	struct set_element e = {};
	range ranges[VALUE_RANGES];
	size_t count;
	int error = 0;

	if (read_prefix(word, &e))
		return set_elements_add(out, &e);
	count = value_ranges(VALUE_ADDR, word, ranges, why);
	if (!count)
		return -EINVAL;
	for (size_t i = 0; i < count && !error; i++)
		error = add_range(&ranges[i], out);
	return error;
}

static int add_address(const char *word, struct set_elements *out, struct problem *why)
{
	struct set_element e = {};
	__u8 addr[16];

	if (strpbrk(word, "/-"))
		return refuse(why,
			      "\"%.60s\" is more than one address; write one, or give the set "
			      "\"type prefix\"",
			      word);
	if (!read_address(word, &e)) {
		value_address(word, addr, why);
		return -EINVAL;
	}
	e.detail = e.is_v6 ? WEIR_SET_V6 : 0;
	return set_elements_add(out, &e);
}

static int add_address_port(const char *word, struct set_elements *out, struct problem *why)
{
	const char *colon = strrchr(word, ':');
	bool has_brackets = word[0] == '[';
	struct set_element e = {};
	char start[WORD_BYTES];
	__u8 addr[16];
	size_t size;

	if (!colon || (has_brackets && (colon == word || colon[-1] != ']')) ||
	    (!has_brackets && strchr(word, ':') != colon))
		return refuse(why,
			      "\"%.60s\" is no address and port; write 192.0.2.1:443 or "
			      "[2001:db8::1]:443",
			      word);
	size = (size_t)(colon - word) - (has_brackets ? 2 : 0);
	memcpy(start, word + has_brackets, size);
	start[size] = 0;
	if (!read_address(start, &e)) {
		value_address(start, addr, why);
		return -EINVAL;
	}
	if (has_brackets != e.is_v6)
		return refuse(why, "%.60s: brackets are for IPv6 alone; write 192.0.2.1:443", word);
	if (!small_number(colon + 1, 65535, &e.detail))
		return refuse(why, "%.60s: the port goes from 0 to 65535", word);
	e.detail |= e.is_v6 ? WEIR_SET_V6 : 0;
	return set_elements_add(out, &e);
}

static int add_interface(const char *word, struct set_elements *out, struct problem *why)
{
	struct set_element e = {};

	if (interface_name_wrong(word, strlen(word)) || interface_name_is_pattern(word))
		return refuse(why, "\"%.60s\" is no interface name; a set has names, no patterns",
			      word);
	set_interface_key(word, &e);
	return set_elements_add(out, &e);
}

int set_element_parse(enum set_type type, const char *word, struct set_elements *out,
		      struct problem *why)
{
	if (strlen(word) >= WORD_BYTES)
		return refuse(why, "\"%.60s...\" is too long to be an element", word);
	switch (type) {
	case SET_PREFIX:
		return add_prefix(word, out, why);
	case SET_ADDRESS:
		return add_address(word, out, why);
	case SET_ADDRESS_PORT:
		return add_address_port(word, out, why);
	case SET_INTERFACE:
		return add_interface(word, out, why);
	default:
		return refuse(why, "a set of ports is changed by apply alone; edit its definition");
	}
}

const char *set_element_text(enum set_type type, const struct set_element *e,
			     char text[SET_TEXT_BYTES])
{
	char addr[INET6_ADDRSTRLEN];
	__u64 key[2] = { htobe64(e->hi), htobe64(e->lo) };
	__u32 most = e->is_v6 ? 128 : 32;

	if (type == SET_INTERFACE) {
		memcpy(text, key, IFNAMSIZ);
		text[IFNAMSIZ] = 0;
		return text;
	}
	inet_ntop(e->is_v6 ? AF_INET6 : AF_INET, key, addr, sizeof(addr));
	if (type == SET_ADDRESS_PORT)
		snprintf(text, SET_TEXT_BYTES, e->is_v6 ? "[%s]:%u" : "%s:%u", addr,
			 e->detail & 0xffff);
	else if (type == SET_PREFIX && e->detail != most)
		snprintf(text, SET_TEXT_BYTES, "%s/%u", addr, e->detail);
	else
		snprintf(text, SET_TEXT_BYTES, "%s", addr);
	return text;
}

static const struct {
	char letter;
	__u32 seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

#define UNITS (sizeof(units) / sizeof(*units))

bool set_timeout_parse(const char *word, __u32 *seconds, struct problem *why)
{
	unsigned long long total = 0;
	const char *at = word;

	while (*at && total <= SET_TIMEOUT_MAX) {
		unsigned long long number = 0;
		const char *digits = at;
		size_t unit = 0;

		for (; *at >= '0' && *at <= '9' && number <= SET_TIMEOUT_MAX; at++)
			number = number * 10 + (unsigned int)(*at - '0');
		while (unit < UNITS && units[unit].letter != *at)
			unit++;
		if (at == digits || unit == UNITS) {
			total = 0;
			break;
		}
		total += number * units[unit].seconds;
		at++;
	}
	if (!total || total > SET_TIMEOUT_MAX) {
		refuse(why, "\"%.60s\" is no timeout; write 30s, 10m, 1h30m or 7d, at most 365d",
		       word);
		return false;
	}
	*seconds = (__u32)total;
	return true;
}

const char *set_timeout_text(__u32 seconds, char text[SET_TEXT_BYTES])
{
	size_t used = 0;

	snprintf(text, SET_TEXT_BYTES, "0s");
	for (size_t i = 0; i < UNITS; i++) {
		if (seconds >= units[i].seconds)
			used += (size_t)snprintf(text + used, SET_TEXT_BYTES - used, "%u%c",
						 seconds / units[i].seconds, units[i].letter);
		seconds %= units[i].seconds;
	}
	return text;
}

bool set_comment_check(const char *text, struct problem *why)
{
	if (strlen(text) >= SET_COMMENT_BYTES) {
		refuse(why, "the comment is longer than %d bytes; shorten it",
		       SET_COMMENT_BYTES - 1);
		return false;
	}
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == '"') {
			refuse(why, "a comment has no control characters and no quotes");
			return false;
		}
	}
	return true;
}
