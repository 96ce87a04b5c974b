// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "diff_internal.h"
#include "own.h"
#include "print.h"
#include "set_text.h"

/* Words in order, to see which come and go: addresses and ports. */
struct words {
	char (*list)[PREFIX_TEXT_BYTES];
	size_t count;
};

static void free_words(struct words *w)
{
	free(w->list);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct words address_words(const struct service *s)
{
	struct words w = { calloc(s->addrs_count + 1, PREFIX_TEXT_BYTES), 0 };

	for (; w.list && w.count < s->addrs_count; w.count++)
		prefix_text(&s->addrs[w.count], w.list[w.count]);
	return w;
}

static struct words port_words(const struct service *s)
{
	struct words w = { calloc(s->ports_count + 1, PREFIX_TEXT_BYTES), 0 };
	char port[PORT_TEXT_BYTES];

	for (; w.list && w.count < s->ports_count; w.count++) {
		port_text(&s->ports[w.count], port);
		snprintf(w.list[w.count], PREFIX_TEXT_BYTES, "%s%s%s",
			 print_port_proto(s->ports[w.count].proto), port[0] ? " " : "", port);
	}
	return w;
}

/* Words of @these that @others lack, in the order that they were written in. */
static void diff_words(struct diff *d, char sign, const char *service, const char *what,
		       const struct words *these, const struct words *others)
{
	OWN(free_words)
	struct words sorted = { calloc(others->count + 1, PREFIX_TEXT_BYTES), others->count };

	if (!sorted.list || !these->list || !others->list)
		return;
	memcpy(sorted.list, others->list, others->count * PREFIX_TEXT_BYTES);
	if (sorted.count)
		qsort(sorted.list, sorted.count, PREFIX_TEXT_BYTES, compare_words);
	for (size_t i = 0; i < these->count; i++) {
		if (sorted.count && bsearch(these->list[i], sorted.list, sorted.count,
					    PREFIX_TEXT_BYTES, compare_words))
			continue;
		diff_line(d, sign, "service", service);
		fprintf(d->out, "   %s %s\n", what, these->list[i]);
	}
}

static void diff_vips(struct diff *d, const struct service *a, const struct service *b)
{
	OWN(free_words) struct words a_addrs = address_words(a), b_addrs = address_words(b);
	OWN(free_words) struct words a_ports = port_words(a), b_ports = port_words(b);

	diff_words(d, '-', b->name, "address", &a_addrs, &b_addrs);
	diff_words(d, '-', b->name, "port", &a_ports, &b_ports);
	diff_words(d, '+', b->name, "address", &b_addrs, &a_addrs);
	diff_words(d, '+', b->name, "port", &b_ports, &a_ports);
}

/* Settings as words: the difference compares these. NULL: out of memory. */
typedef void (*setting_fn)(const struct service *s, FILE *out);

static void forward_words(const struct service *s, FILE *out)
{
	fprintf(out, "%s%s", print_forward[s->forward], s->gue_checksum ? " checksum" : "");
}

static void source_words(const struct service *s, FILE *out)
{
	struct print_list l = { .out = out };
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->sources_count; i++)
		print_joined(&l, addr_text(s->sources[i], addr, sizeof(addr)));
	fputs(s->sources_count ? "" : "by route", out);
}

static void hash_words(const struct service *s, FILE *out)
{
	char text[HASH_TEXT_BYTES];

	fputs(hash_text(s, text), out);
}

static void track_words(const struct service *s, FILE *out)
{
	fputs(print_track[s->track], out);
}

static void udp_words(const struct service *s, FILE *out)
{
	char text[SET_TEXT_BYTES];

	fputs(print_udp[s->udp], out);
	if (s->udp == WEIR_UDP_TRACK)
		fprintf(out, " %s", set_timeout_text(s->udp_idle_s, text));
}

static void settle_words(const struct service *s, FILE *out)
{
	char text[SET_TEXT_BYTES];

	fputs(set_timeout_text(s->settle_s, text), out);
}

static void mss_words(const struct service *s, FILE *out)
{
	if (s->mss_mode == MSS_FIXED)
		fprintf(out, "%u", s->mss);
	else
		fputs(s->mss_mode == MSS_AUTO ? "auto" : "off", out);
}

static void allow_words(const struct service *s, FILE *out)
{
	if (s->allow.present)
		print_sources(&s->allow, out);
	else
		fputs("all", out);
}

static void limit_words(const struct limit *l, FILE *out)
{
	if (l->per_s)
		print_limit(l, out);
	else
		fputs("none", out);
}

static void service_limit_words(const struct service *s, FILE *out)
{
	limit_words(&s->limit, out);
}

static void source_limit_words(const struct service *s, FILE *out)
{
	limit_words(&s->limit_source, out);
}

static void syncookie_words(const struct service *s, FILE *out)
{
	if (s->syncookie == SYNCOOKIE_ABOVE)
		fprintf(out, "above %u/s", s->syncookie_above);
	else
		fputs(s->syncookie == SYNCOOKIE_ALWAYS ? "always" : "off", out);
}

static void empty_words(const struct service *s, FILE *out)
{
	fputs(print_empty[s->empty], out);
}

static void pool_words(const struct service *s, FILE *out)
{
	fputs(s->pool[0] ? s->pool : "its own", out);
}

static char *setting_text(const struct service *s, setting_fn words)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	words(s, out);
	return fclose(out) ? NULL : text;
}

static void diff_settings(struct diff *d, const struct service *a, const struct service *b)
{
	static const struct {
		const char *name;
		setting_fn words;
	} settings[] = {
		{ "forward", forward_words },
		{ "source", source_words },
		{ "hash", hash_words },
		{ "track", track_words },
		{ "udp", udp_words },
		{ "settle", settle_words },
		{ "mss", mss_words },
		{ "allow", allow_words },
		{ "limit", service_limit_words },
		{ "limit per source", source_limit_words },
		{ "syncookie", syncookie_words },
		{ "empty", empty_words },
		{ "backends", pool_words },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		OWN_FREE char *from = setting_text(a, settings[i].words);
		OWN_FREE char *to = setting_text(b, settings[i].words);

		if (from && to && strcmp(from, to) != 0)
			diff_change(d, "service", b->name, "%s %s -> %s", settings[i].name, from,
				    to);
	}
}

void diff_pool(struct diff *d, const struct pool *a, const struct pool *b)
{
	const struct backend_group from = { a->name, true, a->backends, a->backends_count };
	const struct backend_group to = { b->name, true, b->backends, b->backends_count };

	diff_backends(d, &from, &to);
}

void diff_service(struct diff *d, const struct service *a, const struct service *b)
{
	const struct backend_group from = { a->name, false, a->backends, a->backends_count };
	const struct backend_group to = { b->name, false, b->backends, b->backends_count };

	/* What takes time is to write what is said to be the same. */
	if (service_equal(a, b))
		return;
	diff_vips(d, a, b);
	diff_settings(d, a, b);
	diff_backends(d, &from, &to);
}
