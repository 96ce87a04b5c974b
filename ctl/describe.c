// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of a packet.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe_internal.h"
#include "diag.h"
#include "model.h"
#include "parser_names.h"
#include "weir/filter.h"

struct words {
	char *const *next;
	struct failure *why;
};

static const char *take(struct words *w)
{
	return *w->next ? *w->next++ : NULL;
}

static int parse_addr(const char *text, __u8 addr[16])
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		memset(addr, 0, 10);
		memset(addr + 10, 0xff, 2);
		memcpy(addr + 12, &v4, 4);
		return 0;
	}
	return inet_pton(AF_INET6, text, addr) == 1 ? 0 : -1;
}

static int parse_number(const char *text, int most, int *out)
{
	char *end;
	long number;

	if (!text || !isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	number = strtol(text, &end, 0);
	if (*end || errno || number > most)
		return -1;
	*out = (int)number;
	return 0;
}

/*
 * "192.0.2.1", "192.0.2.1:22", "2001:db8::1", "[2001:db8::1]:22": where the
 * port begins, or NULL. @addr gets what is before it.
 */
static const char *split_port(const char *text, char *addr, size_t size)
{
	const char *colon = strchr(text, ':');
	const char *end = *text == '[' ? strstr(text, "]:") : NULL;

	if (end) {
		snprintf(addr, size, "%.*s", (int)(end - text - 1), text + 1);
		return end + 2;
	}
	if (colon && !strchr(colon + 1, ':')) {
		snprintf(addr, size, "%.*s", (int)(colon - text), text);
		return colon + 1;
	}
	snprintf(addr, size, "%s", text);
	return NULL;
}

static int parse_endpoint(struct words *w, const char *which, const char *text, struct endpoint *e)
{
	const char *port = NULL;
	char addr[64] = "";
	int number = 0;

	if (text)
		port = split_port(text, addr, sizeof(addr));
	if (!text || parse_addr(addr, e->addr) || (port && parse_number(port, 65535, &number)))
		return fail(w->why, EXIT_USAGE,
			    "\"%s%s\": write an address, as 192.0.2.1:22, 192.0.2.1, "
			    "[2001:db8::1]:22 or 2001:db8::1",
			    which, text ? text : "");
	e->is_set = true;
	e->has_port = port != NULL;
	e->port = number;
	return 0;
}

/* The short form, "tcp 198.51.100.7:4444 192.0.2.1:22": from one, to the other. */
static int parse_bare_endpoint(struct words *w, const char *word, struct description *d)
{
	if (!d->from.is_set)
		return parse_endpoint(w, "", word, &d->from);
	if (!d->to.is_set)
		return parse_endpoint(w, "", word, &d->to);
	return fail(w->why, EXIT_USAGE,
		    "\"%s\" is one address too many; a packet is from one and to another", word);
}

static int parse_named(struct words *w, const char *field, const struct name *names, int most,
		       int *out)
{
	const char *text = take(w);
	const struct name *named = text ? name_find(names, text) : NULL;

	if (named)
		*out = named->number;
	else if (parse_number(text, most, out))
		return fail(w->why, EXIT_USAGE, "\"%s %s\": write a number from 0 to %d%s", field,
			    text ? text : "", most, names->text ? ", or its name" : "");
	return 0;
}

static int parse_mac(struct words *w, const char *field, __u8 mac[6])
{
	const char *text = take(w);
	int end = 0;

	if (text &&
	    sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		   &mac[3], &mac[4], &mac[5], &end) == 6 &&
	    !text[end])
		return 0;
	return fail(w->why, EXIT_USAGE, "\"%s %s\": write an address as 02:00:00:00:00:01", field,
		    text ? text : "");
}

/* "syn", "syn,ack", "none" */
static bool parse_flags(const char *word, struct description *d)
{
	char copy[64], *at = copy, *one;
	__u8 flags = 0;

	if (strlen(word) >= sizeof(copy))
		return false;
	strcpy(copy, word);
	while ((one = strsep(&at, ","))) {
		const struct name *flag = name_find(names_flag, one);

		if (!flag && strcmp(one, "none") != 0)
			return false;
		flags |= flag ? flag->number : 0;
	}
	d->flags |= flags;
	d->has_flags = true;
	return true;
}

bool describe_is_protocol(const char *word)
{
	return name_find(names_proto, word) || !strcmp(word, "proto");
}

static bool parse_protocol(const char *word, struct description *d)
{
	const struct name *proto = name_find(names_proto, word);

	if (!proto || d->proto >= 0)
		return false;
	d->proto = proto->number;
	return true;
}

static int unknown(const char *word, struct failure *why)
{
	static const char *const words[] = { "tcp",
					     "udp",
					     "icmp",
					     "icmpv6",
					     "proto",
					     "from",
					     "to",
					     "type",
					     "code",
					     "length",
					     "ttl",
					     "dscp",
					     "vlan",
					     "ethertype",
					     "smac",
					     "dmac",
					     "first",
					     "fragment",
					     "later",
#define X(sym, keyword, bit) keyword,
					     WEIR_TCP_FLAGS(X)
#undef X
						     NULL };
	const char *near = diag_suggest(word, words);

	if (near)
		return fail(why, EXIT_USAGE, "a packet has no \"%s\"; did you mean \"%s\"?", word,
			    near);
	return fail(why, EXIT_USAGE,
		    "a packet has no \"%s\"; it has tcp, udp, icmp, icmpv6 or proto N, from "
		    "ADDRESS[:PORT], to ADDRESS[:PORT], TCP flags, type, code, length, ttl, dscp, "
		    "vlan, ethertype, smac, dmac, fragment first|later",
		    word);
}

static int parse_fragment(struct words *w, struct description *d)
{
	const char *part = *w->next;

	d->fragment = FRAGMENT_FIRST;
	if (part && !strcmp(part, "later"))
		d->fragment = FRAGMENT_LATER;
	if (part && (!strcmp(part, "later") || !strcmp(part, "first")))
		w->next++;
	return 0;
}

static int parse_type(struct words *w, struct description *d)
{
	const struct name *names = d->proto == IPPROTO_ICMPV6 ? names_icmpv6 : names_icmp;

	return parse_named(w, "type", names, 255, &d->type);
}

static int parse_word(struct words *w, const char *word, struct description *d)
{
	if (!strcmp(word, "from"))
		return parse_endpoint(w, "from ", take(w), &d->from);
	if (!strcmp(word, "to"))
		return parse_endpoint(w, "to ", take(w), &d->to);
	if (!strcmp(word, "proto"))
		return parse_named(w, word, names_proto, 255, &d->proto);
	if (!strcmp(word, "type"))
		return parse_type(w, d);
	if (!strcmp(word, "code"))
		return parse_named(w, word, names_none, 255, &d->code);
	if (!strcmp(word, "length"))
		return parse_named(w, word, names_none, 65535, &d->length);
	if (!strcmp(word, "ttl"))
		return parse_named(w, word, names_none, 255, &d->ttl);
	if (!strcmp(word, "dscp"))
		return parse_named(w, word, names_dscp, 63, &d->dscp);
	if (!strcmp(word, "vlan"))
		return parse_named(w, word, names_none, 4095, &d->vlan);
	if (!strcmp(word, "ethertype"))
		return parse_named(w, word, names_ethertype, 65535, &d->ethertype);
	if (!strcmp(word, "smac"))
		return parse_mac(w, word, d->smac);
	if (!strcmp(word, "dmac"))
		return parse_mac(w, word, d->dmac);
	if (!strcmp(word, "fragment"))
		return parse_fragment(w, d);
	if (parse_protocol(word, d) || parse_flags(word, d))
		return 0;
	if (strpbrk(word, ".:"))
		return parse_bare_endpoint(w, word, d);
	return unknown(word, w->why);
}

int describe_parse(char *const *words, struct description *d, struct failure *why)
{
	struct words w = { .next = words, .why = why };
	const char *word;

	*d = (struct description){
		.proto = -1,
		.ethertype = -1,
		.type = -1,
		.code = -1,
		.length = -1,
		.ttl = -1,
		.dscp = -1,
		.vlan = -1,
		.smac = { 2, 0, 0, 0, 0, 1 },
		.dmac = { 2, 0, 0, 0, 0, 2 },
	};
	while ((word = take(&w))) {
		if (parse_word(&w, word, d))
			return -1;
	}
	return 0;
}

int describe_frame(char *const *words, struct frame *out, struct failure *why)
{
	struct description d;

	if (describe_parse(words, &d, why))
		return -1;
	return describe_build(&d, out, why);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_frame(const char *text, struct frame *out, struct failure *why)
{
	size_t size = 0;

	for (const char *at = text; *at;) {
		int high, low;

		if (isspace((unsigned char)*at) || *at == ':') {
			at++;
			continue;
		}
		high = nibble(at[0]);
		low = high < 0 ? -1 : nibble(at[1]);
		if (low < 0)
			return fail(why, EXIT_USAGE,
				    "--hex: \"%.8s\" is no pair of hexadecimal digits", at);
		if (size == FRAME_BYTES)
			return fail(why, EXIT_USAGE, "--hex: more than %u bytes", FRAME_BYTES);
		out->bytes[size++] = high << 4 | low;
		at += 2;
	}
	out->size = size;
	return 0;
}
