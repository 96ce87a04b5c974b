// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser_value.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parser_names.h"
#include "ranges.h"

#define V4_BITS 32
#define V6_BITS 128
#define WORD_BYTES 128 /* longer than any value; longer ones are none */

struct small_kind {
	const char *what;
	unsigned int most;
	const struct name *names;
};

static const struct small_kind small_kinds[] = {
	[VALUE_PORT] = { "port", 65535, names_none },
	[VALUE_PROTO] = { "protocol", 255, names_proto },
	[VALUE_ICMP_TYPE] = { "ICMP type", 255, names_icmp },
	[VALUE_ICMPV6_TYPE] = { "ICMPv6 type", 255, names_icmpv6 },
	[VALUE_TYPE_NUMBER] = { "ICMP type", 255, names_none },
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct problem *why, const char *format,
							 ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->message, sizeof(why->message), format, args);
	va_end(args);
	why->hint[0] = 0;
	return false;
}

__attribute__((format(printf, 2, 3))) static bool hint(struct problem *why, const char *format, ...)
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

/* Decimal digits to their end; what is too large stays too large. */
static bool digits(const char *word, size_t size, unsigned int *out)
{
	unsigned int number = 0;

	if (!size)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		if (number < 100000000)
			number = number * 10 + (unsigned int)(word[i] - '0');
	}
	*out = number;
	return true;
}

bool value_number(const char *word, const char *what, unsigned int least, unsigned int most,
		  unsigned int *out, struct problem *why)
{
	unsigned int number;

	if (!digits(word, strlen(word), &number))
		return refuse(why, "\"%.60s\" is no %s; write a number from %u to %u", word, what,
			      least, most);
	if (number < least || number > most)
		return refuse(why, "%s %.60s is out of range; it goes from %u to %u", what, word,
			      least, most);
	*out = number;
	return true;
}

static bool refuse_small(const struct small_kind *kind, const char *word, struct problem *why)
{
	const struct name *known =
		kind == &small_kinds[VALUE_PORT] ? name_find(names_port, word) : NULL;
	const char *near = name_suggest(kind->names, word);

	if (kind->names != names_none)
		refuse(why, "\"%.60s\" is no known %s; write its name or a number from 0 to %u",
		       word, kind->what, kind->most);
	else
		refuse(why, "\"%.60s\" is no %s; write a number from 0 to %u", word, kind->what,
		       kind->most);
	if (known)
		hint(why, "%s is %s %u", known->text, kind->what, known->number);
	else if (kind == &small_kinds[VALUE_TYPE_NUMBER])
		hint(why,
		     "type names differ between icmp and icmpv6; name one of them in the rule");
	else if (near)
		hint(why, "did you mean \"%s\"?", near);
	return false;
}

static bool small_value(const struct small_kind *kind, const char *word, unsigned int *out,
			struct problem *why)
{
	const struct name *name = name_find(kind->names, word);

	if (name) {
		*out = name->number;
		return true;
	}
	if (!digits(word, strlen(word), out))
		return refuse_small(kind, word, why);
	return value_number(word, kind->what, 0, kind->most, out, why);
}

static size_t small_ranges(const struct small_kind *kind, const char *word, range *out,
			   struct problem *why)
{
	const char *dash = strchr(word, '-');
	unsigned int first, last;
	char start[WORD_BYTES];

	/* names have dashes, too: a range begins with a number */
	if (!dash || !digits(word, (size_t)(dash - word), &first)) {
		if (!small_value(kind, word, &first, why))
			return 0;
		range_set(out, first, first);
		return 1;
	}
	copy_until(start, word, dash);
	if (!small_value(kind, start, &first, why))
		return 0;
	if (!digits(dash + 1, strlen(dash + 1), &last)) {
		refuse(why, "\"%.60s\" is not a range of %ss; write FIRST-LAST, two numbers", word,
		       kind->what);
		return 0;
	}
	if (!value_number(dash + 1, kind->what, 0, kind->most, &last, why))
		return 0;
	if (first > last) {
		refuse(why, "range %s is upside down; write %u-%u", word, last, first);
		return 0;
	}
	range_set(out, first, last);
	return 1;
}

/* 16 bytes, v4-mapped for IPv4; @bits is the size of its family. */
static bool parse_address(const char *word, __u8 out[16], unsigned int *bits, struct problem *why)
{
	__u8 addr[16] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	*bits = V4_BITS;
	if (inet_pton(AF_INET, word, addr + 12) != 1) {
		*bits = V6_BITS;
		if (inet_pton(AF_INET6, word, addr) != 1) {
			refuse(why, "\"%.60s\" is not an address", word);
			if (strpbrk(word, "ghijklmnopqrstuvwxyz") && strchr(word, '.'))
				hint(why, "names are not looked up; write the address");
			else if (strchr(word, '%'))
				hint(why, "leave out the interface behind the %%");
			return false;
		}
		if (addr_is_v4(addr))
			return refuse(why, "%s is IPv4 written as IPv6; write %s", word,
				      addr_text(addr, text, sizeof(text)));
	}
	memcpy(out, addr, 16);
	return true;
}

bool value_address(const char *word, __u8 out[16], struct problem *why)
{
	unsigned int bits;

	if (strchr(word, '/') && strlen(word) < WORD_BYTES)
		return refuse(why, "\"%s\" is a prefix; write one address", word);
	return parse_address(word, out, &bits, why);
}

static bool refuse_host_bits(const char *word, u128 first, unsigned int bits, unsigned int length,
			     struct problem *why)
{
	char text[INET6_ADDRSTRLEN];
	__u8 addr[16];

	number_addr(first, addr);
	return refuse(why, "%s has host bits set; write %s/%u or %.*s/%u", word,
		      addr_text(addr, text, sizeof(text)), length, (int)strcspn(word, "/"), word,
		      bits);
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
	if (!digits(slash + 1, strlen(slash + 1), &length) || length > bits) {
		refuse(why, "\"%s\" has no valid prefix length; IPv%d has 0 to %u", word,
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
		refuse(why, "range %s mixes IPv4 and IPv6; write two ranges", word);
		return 0;
	}
	if (addr_number(first) > addr_number(last)) {
		refuse(why, "range %s is upside down; write %s-%s", word, dash + 1, start);
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
		refuse(why, "\"%.60s...\" is too long to be a value", word);
		return 0;
	}
	if (kind == VALUE_ADDR)
		return address_ranges(word, out, why);
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

			refuse(why,
			       "\"%s\" is not a TCP flag; flags are fin, syn, rst, psh, ack, "
			       "urg, ece, cwr, none",
			       text);
			return near ? hint(why, "did you mean \"%s\"?", near) : false;
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
		return refuse(why,
			      "a mask of no flags matches everything; name the flags to look at");
	if (flags & ~looked_at)
		return refuse(why,
			      "\"%.60s\" can never match; the mask behind the / leaves out a "
			      "flag that must be set",
			      word);
	*value = flags;
	*mask = looked_at;
	return true;
}
