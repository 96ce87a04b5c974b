// SPDX-License-Identifier: GPL-2.0-or-later
/* Pools and services as canonical text. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "decimal.h"
#include "parser_value.h"
#include "print.h"
#include "set_text.h"

#define KEYWORD(sym, keyword, ...) keyword,

const char *const print_forward[] = { WEIR_FORWARDS(KEYWORD) };
const char *const print_track[] = { WEIR_TRACKS(KEYWORD) };
const char *const print_udp[] = { WEIR_UDPS(KEYWORD) };
const char *const print_empty[] = { WEIR_EMPTIES(KEYWORD) };

const char *print_port_proto(__u8 proto)
{
	return proto == IPPROTO_UDP ? "udp" : proto == IPPROTO_TCP ? "tcp" : "any";
}

/* By hand, as is print_resolved_backend(): there may be a million of them. */
const char *endpoint_text(const struct backend *b, char text[ENDPOINT_TEXT_BYTES])
{
	bool has_brackets = b->port && !b->host && !addr_is_v4(b->addr);
	char addr[INET6_ADDRSTRLEN], *at = text;

	if (has_brackets)
		*at++ = '[';
	at = stpcpy(at, b->host ? b->host : addr_text(b->addr, addr, sizeof(addr)));
	if (has_brackets)
		*at++ = ']';
	if (b->port) {
		*at++ = ':';
		at = decimal(at, b->port);
	}
	*at = 0;
	return text;
}

const char *backend_place(const struct backend *b, char text[PLACE_TEXT_BYTES])
{
	char addr[INET6_ADDRSTRLEN];
	size_t used;

	endpoint_text(b, text);
	used = strlen(text);
	if (b->host && backend_has_addr(b))
		snprintf(text + used, PLACE_TEXT_BYTES - used, " (%s)",
			 addr_text(b->addr, addr, sizeof(addr)));
	return text;
}

const char *prefix_text(const struct prefix *p, char text[PREFIX_TEXT_BYTES])
{
	char addr[INET6_ADDRSTRLEN];

	addr_text(p->addr, addr, sizeof(addr));
	if (p->length == 128)
		snprintf(text, PREFIX_TEXT_BYTES, "%s", addr);
	else
		snprintf(text, PREFIX_TEXT_BYTES, "%s/%d", addr,
			 addr_is_v4(p->addr) ? p->length - 96 : p->length);
	return text;
}

const char *port_text(const struct vip_port *p, char text[PORT_TEXT_BYTES])
{
	if (!p->proto)
		text[0] = 0;
	else if (!p->first && p->last == 65535)
		snprintf(text, PORT_TEXT_BYTES, "any");
	else if (p->first == p->last)
		snprintf(text, PORT_TEXT_BYTES, "%u", p->first);
	else
		snprintf(text, PORT_TEXT_BYTES, "%u-%u", p->first, p->last);
	return text;
}

const char *hash_text(const struct service *s, char text[HASH_TEXT_BYTES])
{
	if (s->hash == WEIR_HASH_TUPLE)
		snprintf(text, HASH_TEXT_BYTES, "tuple");
	else if (s->hash_v4_bits == 32 && s->hash_v6_bits == 128)
		snprintf(text, HASH_TEXT_BYTES, "source");
	else
		snprintf(text, HASH_TEXT_BYTES, "source/%u/%u", s->hash_v4_bits, s->hash_v6_bits);
	return text;
}

#define BACKEND_TEXT_BYTES (NAME_BYTES + ENDPOINT_TEXT_BYTES + 160)

static void print_resolved_backend(const struct backend *b, bool resolved, FILE *out)
{
	char line[BACKEND_TEXT_BYTES], text[ENDPOINT_TEXT_BYTES], addr[INET6_ADDRSTRLEN];
	char *at = stpcpy(line, "backend ");

	at = stpcpy(at, b->name);
	*at++ = ' ';
	at = stpcpy(at, endpoint_text(b, text));
	at = decimal(stpcpy(at, " weight "), b->weight);
	if (b->has_quic_id)
		at = decimal(stpcpy(at, " quic-id "), b->quic_id);
	if (b->drain)
		at = stpcpy(at, " drain");
	if (resolved && b->host && backend_has_addr(b)) {
		at = stpcpy(at, " resolved ");
		at = stpcpy(at, addr_text(b->addr, addr, sizeof(addr)));
	}
	fwrite(line, 1, (size_t)(at - line), out);
}

void print_backend(const struct backend *b, FILE *out)
{
	print_resolved_backend(b, false, out);
}

void print_addresses(const struct service *s, FILE *out)
{
	struct print_list l = { .out = out };
	char text[PREFIX_TEXT_BYTES];

	for (size_t i = 0; i < s->addrs_count; i++)
		print_joined(&l, prefix_text(&s->addrs[i], text));
}

void print_ports(const struct service *s, FILE *out)
{
	char text[PORT_TEXT_BYTES];

	for (size_t i = 0; i < s->ports_count; i++) {
		port_text(&s->ports[i], text);
		fprintf(out, "%s%s%s%s", i ? ", " : "", print_port_proto(s->ports[i].proto),
			text[0] ? " " : "", text);
	}
}

static void count_word(void *arg, const char *word)
{
	(void)word;
	++*(size_t *)arg;
}

void print_sources(const struct match *m, FILE *out)
{
	struct print_list l = { .out = out };
	size_t words = m->sets_count;

	value_text(VALUE_ADDR, m->ranges, m->ranges_count, count_word, &words);
	fputs(words == 1 ? "" : "{ ", out);
	value_text(VALUE_ADDR, m->ranges, m->ranges_count, print_joined, &l);
	for (size_t i = 0; i < m->sets_count; i++)
		fprintf(out, "%s@%s", l.count++ ? ", " : "", m->sets[i]);
	fputs(words == 1 ? "" : " }", out);
}

static void print_backends(const struct backend *list, size_t count, enum model_print how,
			   FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		fputs("    ", out);
		print_resolved_backend(&list[i], how != MODEL_PRINT_USER, out);
		fputc('\n', out);
	}
}

void print_pool_block(const struct pool *p, enum model_print how, FILE *out)
{
	fprintf(out, "pool %s {\n", p->name);
	print_backends(p->backends, p->backends_count, how, out);
	fputs("}\n", out);
}

static void print_forwarding(const struct service *s, FILE *out)
{
	struct print_list l = { .out = out };
	char addr[INET6_ADDRSTRLEN];

	fprintf(out, "\n    forward %s%s\n", print_forward[s->forward],
		s->gue_checksum ? " checksum" : "");
	if (s->sources_count) {
		fputs("    source ", out);
		for (size_t i = 0; i < s->sources_count; i++)
			print_joined(&l, addr_text(s->sources[i], addr, sizeof(addr)));
		fputc('\n', out);
	}
}

/* What is not as it is without being written. */
static void print_choice(const struct service *s, FILE *out)
{
	char text[SET_TEXT_BYTES];

	if (s->hash != WEIR_HASH_TUPLE)
		fprintf(out, "    hash %s\n", hash_text(s, text));
	if (s->track != WEIR_TRACK_MOVED)
		fprintf(out, "    track %s\n", print_track[s->track]);
	if (s->udp == WEIR_UDP_TRACK)
		fprintf(out, "    udp track %s\n", set_timeout_text(s->udp_idle_s, text));
	else if (s->udp != WEIR_UDP_RING)
		fprintf(out, "    udp %s\n", print_udp[s->udp]);
	if (s->settle_s != SETTLE_DEFAULT_S)
		fprintf(out, "    settle %s\n", set_timeout_text(s->settle_s, text));
	if (s->mss_mode == MSS_AUTO)
		fputs("    mss auto\n", out);
	else if (s->mss_mode == MSS_FIXED)
		fprintf(out, "    mss %u\n", s->mss);
}

static void print_admission(const struct service *s, FILE *out)
{
	const struct limit *limits[] = { &s->limit, &s->limit_source };

	if (s->allow.present) {
		fputs("    allow ", out);
		print_sources(&s->allow, out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (!limits[i]->per_s)
			continue;
		fputs("    limit ", out);
		print_limit(limits[i], out);
		fputc('\n', out);
	}
	if (s->syncookie == SYNCOOKIE_ALWAYS)
		fputs("    syncookie always\n", out);
	else if (s->syncookie == SYNCOOKIE_ABOVE)
		fprintf(out, "    syncookie above %u/s\n", s->syncookie_above);
	if (s->empty != WEIR_EMPTY_DROP)
		fprintf(out, "    empty %s\n", print_empty[s->empty]);
}

void print_service_block(const struct service *s, enum model_print how, FILE *out)
{
	fprintf(out, "service %s {\n    address ", s->name);
	print_addresses(s, out);
	fputs("\n    port ", out);
	print_ports(s, out);
	print_forwarding(s, out);
	print_choice(s, out);
	print_admission(s, out);
	if (s->pool[0])
		fprintf(out, "    backends %s\n", s->pool);
	print_backends(s->backends, s->backends_count, how, out);
	fputs("}\n", out);
}
