// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parser_value_internal.h"
#include "ranges.h"

#define V4_BITS 32
#define V6_BITS 128
const struct small_kind small_kinds[] = {
	[VALUE_PORT] = { "port", 65535, names_none, .has_order = true },
	[VALUE_PROTO] = { "protocol", 255, names_proto },
	[VALUE_ICMP_TYPE] = { "ICMP type", 255, names_icmp },
	[VALUE_ICMPV6_TYPE] = { "ICMPv6 type", 255, names_icmpv6 },
	[VALUE_TYPE_NUMBER] = { "ICMP type", 255, names_none },
	[VALUE_ICMP_CODE] = { "ICMP code", 255, names_none },
	[VALUE_LENGTH] = { "length", 40 + 65535, names_none, .has_order = true },
	[VALUE_TTL] = { "TTL", 255, names_none, .has_order = true },
	[VALUE_DSCP] = { "DSCP", 63, names_dscp, .has_order = true },
	[VALUE_ETHERTYPE] = { "ethertype", 65535, names_ethertype, .in_hex = true },
	[VALUE_VLAN] = { "VLAN ID", 4095, names_none, .has_order = true },
};

bool value_refuse(struct problem *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->message, sizeof(why->message), format, args);
	va_end(args);
	why->hint[0] = 0;
	return false;
}

bool value_hint(struct problem *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->hint, sizeof(why->hint), format, args);
	va_end(args);
	return false;
}

/* The first part of a word, which is known to be short. */
static void copy_until(char out[WORD_BYTES], const char *word, const char *end)
{
	size_t bytes = (size_t)(end - word);

	memcpy(out, word, bytes);
	out[bytes] = 0;
}

bool value_digits(const char *word, size_t size, unsigned int *out)
{
	unsigned int number = 0;

	if (!size)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		number = number < DIGITS_MAX / 10 ? number * 10 + (unsigned int)(word[i] - '0')
						  : DIGITS_MAX;
	}
	*out = number;
	return true;
}

/* "0x" and up to 8 hex digits. */
static bool hex_digits(const char *word, size_t size, unsigned int *out)
{
	unsigned int number = 0;

	if (size < 3 || size > 10 || word[0] != '0' || (word[1] != 'x' && word[1] != 'X'))
		return false;
	for (size_t i = 2; i < size; i++) {
		if (!isxdigit((unsigned char)word[i]))
			return false;
		number = number << 4 | (unsigned int)(isdigit((unsigned char)word[i])
							      ? word[i] - '0'
							      : (word[i] | 0x20) - 'a' + 10);
	}
	*out = number;
	return true;
}

static bool kind_digits(const struct small_kind *kind, const char *word, size_t size,
			unsigned int *out)
{
	return value_digits(word, size, out) || (kind->in_hex && hex_digits(word, size, out));
}

static bool in_range(const char *word, const char *what, unsigned int number, unsigned int least,
		     unsigned int most, struct problem *why)
{
	if (number < least || number > most)
		return value_refuse(why, "%s %.60s is out of range; it goes from %u to %u", what,
				    word, least, most);
	return true;
}

bool value_number(const char *word, const char *what, unsigned int least, unsigned int most,
		  unsigned int *out, struct problem *why)
{
	unsigned int number;

	if (!value_digits(word, strlen(word), &number))
		return value_refuse(why, "\"%.60s\" is no %s; write a number from %u to %u", word,
				    what, least, most);
	if (!in_range(word, what, number, least, most, why))
		return false;
	*out = number;
	return true;
}

bool value_mark(const char *word, __u32 *out, struct problem *why)
{
	char *end;
	unsigned long number;

	if (hex_digits(word, strlen(word), out))
		return true;
	number = word[0] >= '0' && word[0] <= '9' && strlen(word) <= 10 ? strtoul(word, &end, 10)
									: ~0UL;
	if (number > 0xffffffff || *end)
		return value_refuse(why,
				    "\"%.60s\" is no mark; write a number from 0 to 4294967295, "
				    "decimal or as 0x1f",
				    word);
	*out = (__u32)number;
	return true;
}

static bool refuse_small(const struct small_kind *kind, const char *word, struct problem *why)
{
	const struct name *known =
		kind == &small_kinds[VALUE_PORT] ? name_find(names_port, word) : NULL;
	const char *near = name_suggest(kind->names, word);

	if (kind->names != names_none)
		value_refuse(why,
			     "\"%.60s\" is no known %s; write its name or a number from 0 to %u",
			     word, kind->what, kind->most);
	else
		value_refuse(why, "\"%.60s\" is no %s; write a number from 0 to %u", word,
			     kind->what, kind->most);
	if (known)
		value_hint(why, "%s is %s %u", known->text, kind->what, known->number);
	else if (kind == &small_kinds[VALUE_TYPE_NUMBER])
		value_hint(
			why,
			"type names differ between icmp and icmpv6; name one of them in the rule");
	else if (near)
		value_hint(why, "did you mean \"%s\"?", near);
	return false;
}

bool value_small(const struct small_kind *kind, const char *word, unsigned int *out,
		 struct problem *why)
{
	const struct name *name = name_find(kind->names, word);

	if (name) {
		*out = name->number;
		return true;
	}
	if (!kind_digits(kind, word, strlen(word), out))
		return refuse_small(kind, word, why);
	return in_range(word, kind->what, *out, 0, kind->most, why);
}

static size_t small_ranges(const struct small_kind *kind, const char *word, range *out,
			   struct problem *why)
{
	const char *dash = strchr(word, '-');
	unsigned int first, last;
	char start[WORD_BYTES];

	/* names have dashes, too: a range begins with a number */
	if (!dash || !kind_digits(kind, word, (size_t)(dash - word), &first)) {
		if (!value_small(kind, word, &first, why))
			return 0;
		range_set(out, first, first);
		return 1;
	}
	copy_until(start, word, dash);
	if (!value_small(kind, start, &first, why))
		return 0;
	if (!kind_digits(kind, dash + 1, strlen(dash + 1), &last)) {
		value_refuse(why, "\"%.60s\" is not a range of %ss; write FIRST-LAST, two numbers",
			     word, kind->what);
		return 0;
	}
	if (!in_range(dash + 1, kind->what, last, 0, kind->most, why))
		return 0;
	if (first > last) {
		value_refuse(why, "range %s is upside down; write %s-%s", word, dash + 1, start);
		return 0;
	}
	range_set(out, first, last);
	return 1;
}

/*
 * Four numbers without leading zeros, as inet_pton() takes them; false of what
 * it may refuse.
 */
bool value_v4(const char *word, __u8 out[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned int number = 0, digits = 0;

		for (; *word >= '0' && *word <= '9' && digits < 3; word++, digits++)
			number = number * 10 + (unsigned int)(*word - '0');
		if (!digits || number > 255 || *word++ != (i < 3 ? '.' : 0))
			return false;
		if (digits > 1 && number < (digits > 2 ? 100 : 10))
			return false;
		out[i] = (__u8)number;
	}
	return true;
}

/* 16 bytes, v4-mapped for IPv4; @bits is the size of its family. */
static bool parse_address(const char *word, __u8 out[16], unsigned int *bits, struct problem *why)
{
	__u8 addr[16] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	*bits = V4_BITS;
	if (!value_v4(word, addr + 12) && inet_pton(AF_INET, word, addr + 12) != 1) {
		*bits = V6_BITS;
		if (inet_pton(AF_INET6, word, addr) != 1) {
			value_refuse(why, "\"%.60s\" is not an address", word);
			if (strpbrk(word, "ghijklmnopqrstuvwxyz") && strchr(word, '.'))
				value_hint(why, "names are not looked up; write the address");
			else if (strchr(word, '%'))
				value_hint(why, "leave out the interface behind the %%");
			return false;
		}
		if (addr_is_v4(addr))
			return value_refuse(why, "%s is IPv4 written as IPv6; write %s", word,
					    addr_text(addr, text, sizeof(text)));
	}
	memcpy(out, addr, 16);
	return true;
}

bool value_address(const char *word, __u8 out[16], struct problem *why)
{
	unsigned int bits;

	if (strchr(word, '/') && strlen(word) < WORD_BYTES)
		return value_refuse(why, "\"%s\" is a prefix; write one address", word);
	return parse_address(word, out, &bits, why);
}

static bool refuse_host_bits(const char *word, u128 first, unsigned int bits, unsigned int length,
			     struct problem *why)
{
	char text[INET6_ADDRSTRLEN];
	__u8 addr[16];

	number_addr(first, addr);
	return value_refuse(why, "%s has host bits set; write %s/%u or %.*s/%u", word,
			    addr_text(addr, text, sizeof(text)), length, (int)strcspn(word, "/"),
			    word, bits);
}

static size_t parse_prefix(const char *word, const char *slash, range *out, struct problem *why)
{
	unsigned int bits, length;
	struct prefix prefix;
	char start[WORD_BYTES];
	u128 number, hosts;

	copy_until(start, word, slash);
	if (!parse_address(start, prefix.addr, &bits, why))
		return 0;
	if (!value_digits(slash + 1, strlen(slash + 1), &length) || length > bits) {
		value_refuse(why, "\"%s\" has no valid prefix length; IPv%d has 0 to %u", word,
			     bits == V4_BITS ? 4 : 6, bits);
		return 0;
	}
	number = addr_number(prefix.addr);
	prefix.length = (__u8)(length + V6_BITS - bits);
	hosts = prefix.length == V6_BITS ? 0 : ~(u128)0 >> prefix.length;
	if (number & hosts) {
		refuse_host_bits(word, number & ~hosts, bits, length, why);
		return 0;
	}
	return prefix_to_ranges(&prefix, out);
}

static size_t parse_address_range(const char *word, const char *dash, range *out,
				  struct problem *why)
{
	unsigned int first_bits, last_bits;
	char start[WORD_BYTES];
	__u8 first[16], last[16];

	copy_until(start, word, dash);
	if (!parse_address(start, first, &first_bits, why) ||
	    !parse_address(dash + 1, last, &last_bits, why))
		return 0;
	if (first_bits != last_bits) {
		value_refuse(why, "range %s mixes IPv4 and IPv6; write two ranges", word);
		return 0;
	}
	if (addr_number(first) > addr_number(last)) {
		value_refuse(why, "range %s is upside down; write %s-%s", word, dash + 1, start);
		return 0;
	}
	if (first_bits == V6_BITS)
		return v6_to_ranges(addr_number(first), addr_number(last), out);
	range_set(out, addr_number(first), addr_number(last));
	return 1;
}

static size_t address_ranges(const char *word, range *out, struct problem *why)
{
	const char *slash = strchr(word, '/'), *dash = strchr(word, '-');
	unsigned int bits;
	__u8 addr[16];

	if (slash && dash && strpbrk(word, ".:")) {
		value_refuse(why,
			     "\"%s\" has a prefix in a range; write the range's two addresses, or "
			     "the prefix alone",
			     word);
		return 0;
	}
	if (slash)
		return parse_prefix(word, slash, out, why);
	if (dash && strpbrk(word, ".:") && !strpbrk(word, "ghijklmnopqrstuvwxyz"))
		return parse_address_range(word, dash, out, why);
	if (!parse_address(word, addr, &bits, why))
		return 0;
	range_set(out, addr_number(addr), addr_number(addr));
	return 1;
}

size_t value_ranges(enum value_kind kind, const char *word, range *out, struct problem *why)
{
	if (strlen(word) >= WORD_BYTES) {
		value_refuse(why, "\"%.60s...\" is too long to be a value", word);
		return 0;
	}
	if (kind == VALUE_ADDR)
		return address_ranges(word, out, why);
	if (kind == VALUE_MAC)
		return value_mac_ranges(word, out, why);
	return small_ranges(&small_kinds[kind], word, out, why);
}

#define ALL_FLAGS 0xff

/* Comma-separated names up to @end, or "none". */
static bool parse_flags(const char *word, const char *end, __u8 *out, struct problem *why)
{
	__u8 flags = 0;

	*out = 0;
	if (end - word == 4 && !strncasecmp(word, "none", 4))
		return true;
	for (;;) {
		size_t size = (size_t)(end - word), comma = 0;
		const struct name *flag;
		char text[16];

		while (comma < size && word[comma] != ',')
			comma++;
		snprintf(text, sizeof(text), "%.*s", comma < 15 ? (int)comma : 15, word);
		flag = name_find(names_flag, text);
		if (!flag) {
			const char *near = name_suggest(names_flag, text);

			value_refuse(why,
				     "\"%s\" is not a TCP flag; flags are fin, syn, rst, psh, ack, "
				     "urg, ece, cwr, none",
				     text);
			return near ? value_hint(why, "did you mean \"%s\"?", near) : false;
		}
		flags |= (__u8)flag->number;
		if (comma == size)
			break;
		word += comma + 1;
	}
	*out = flags;
	return true;
}

bool value_tcp_flags(const char *word, __u8 *value, __u8 *mask, struct problem *why)
{
	const char *end = word + strlen(word), *slash = strchr(word, '/');
	__u8 flags, looked_at;

	if (!parse_flags(word, slash ? slash : end, &flags, why))
		return false;
	looked_at = flags ? flags : ALL_FLAGS;
	if (slash && !parse_flags(slash + 1, end, &looked_at, why))
		return false;
	if (!looked_at)
		return value_refuse(
			why, "a mask of no flags matches everything; name the flags to look at");
	if (flags & ~looked_at)
		return value_refuse(why,
				    "\"%.60s\" can never match; the mask behind the / leaves out a "
				    "flag that must be set",
				    word);
	*value = flags;
	*mask = looked_at;
	return true;
}
