// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "own.h"
#include "resolve_ask.h"

/* Families that services leave a group's backends. */
struct wanted {
	bool only_v4, only_v6; /* a forward keeps the family */
	bool v4, v6; /* of the services' own addresses */
};

/* A backend without an address, and what is known of its host. */
struct question {
	struct backend *backend;
	struct wanted wanted;
	size_t answer; /* index: hosts are asked for once */
};

struct work {
	struct question *list;
	size_t count;
	const char **hosts; /* borrowed, sorted */
	size_t hosts_count;
	struct answer *answers; /* of the hosts */
	char resolver[RESOLVER_BYTES];
};

static void free_work(struct work *w)
{
	free(w->list);
	free(w->hosts);
	free(w->answers);
}

static void want(struct wanted *w, const struct service *s)
{
	bool keeps = s->forward == WEIR_FORWARD_NAT || s->forward == WEIR_FORWARD_LOCAL;

	for (size_t i = 0; i < s->addrs_count; i++) {
		bool v4 = addr_is_v4(s->addrs[i].addr);

		w->v4 |= v4;
		w->v6 |= !v4;
		w->only_v4 |= keeps && v4;
		w->only_v6 |= keeps && !v4;
	}
}

static struct wanted wanted_of(const struct model *m, size_t group)
{
	struct wanted w = {};

	if (group >= m->pools_count) {
		want(&w, &m->services[group - m->pools_count]);
		return w;
	}
	for (size_t i = 0; i < m->services_count; i++) {
		if (m->services[i].pool[0] && m->services[i].pool_index == group)
			want(&w, &m->services[i]);
	}
	return w;
}

static int compare_hosts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each host once, and each question with its host's number. */
static void number_hosts(struct work *w)
{
	qsort(w->hosts, w->count, sizeof(*w->hosts), compare_hosts);
	for (size_t i = 0; i < w->count; i++) {
		if (!i || strcmp(w->hosts[i], w->hosts[w->hosts_count - 1]) != 0)
			w->hosts[w->hosts_count++] = w->hosts[i];
	}
	for (size_t i = 0; i < w->count; i++) {
		const char *host = w->list[i].backend->host;
		const char **found =
			bsearch(&host, w->hosts, w->hosts_count, sizeof(host), compare_hosts);

		w->list[i].answer = (size_t)(found - w->hosts);
	}
}

static size_t count_unknown(const struct model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < model_groups_count(m); i++) {
		const struct backend_group g = model_group(m, i);

		for (size_t k = 0; k < g.backends_count; k++)
			count += !backend_has_addr(&g.backends[k]);
	}
	return count;
}

static int collect(const struct model *m, size_t count, struct work *w)
{
	w->list = calloc(count, sizeof(*w->list));
	w->hosts = calloc(count, sizeof(*w->hosts));
	w->answers = calloc(count, sizeof(*w->answers));
	if (!w->list || !w->hosts || !w->answers)
		return -1;
	for (size_t i = 0; i < model_groups_count(m); i++) {
		const struct backend_group g = model_group(m, i);

		for (size_t k = 0; k < g.backends_count; k++) {
			if (backend_has_addr(&g.backends[k]))
				continue;
			w->hosts[w->count] = g.backends[k].host;
			w->list[w->count].wanted = wanted_of(m, i);
			w->list[w->count++].backend = &g.backends[k];
		}
	}
	number_hosts(w);
	return 0;
}

static void refuse(const struct model *m, struct diags *d, const struct backend *b,
		   const char *hint, const char *message)
{
	diag_add(d, DIAG_ERROR, b->loc, b->loc.line ? m->source : NULL, m->source_bytes, hint,
		 "backend %s: %s %s", b->name, b->host, message);
}

/* Why there is no address at all. False: there is one. */
static bool refuse_silence(const struct model *m, struct diags *d, const struct work *w,
			   const struct question *q)
{
	const struct answer *a = &w->answers[q->answer];
	char message[RESOLVER_BYTES + 160], hint[RESOLVER_BYTES + 32];

	snprintf(hint, sizeof(hint), "the resolver is %s", w->resolver);
	if (!a->is_done)
		snprintf(message, sizeof(message),
			 "has no answer within %d s; try again, or write the address",
			 RESOLVE_TIMEOUT_S);
	else if (a->error == EAI_NONAME || a->error == EAI_NODATA)
		snprintf(message, sizeof(message),
			 "is not known; correct the name, or write the address");
	else if (a->error)
		snprintf(message, sizeof(message),
			 "cannot be resolved: %s; try again, or write the address",
			 gai_strerror(a->error));
	else if (!a->v4_count && !a->v6_count)
		snprintf(
			message, sizeof(message),
			"has a loopback address alone, which no packet reaches; write the address");
	else
		return false;
	refuse(m, d, q->backend, hint, message);
	return true;
}

/* Whether IPv4 is taken; -1: neither family will do. */
static int choose_family(const struct question *q, const struct answer *a)
{
	const struct wanted *w = &q->wanted;
	bool prefers_v6 = w->v6 && !w->v4;

	if (w->only_v4)
		return a->v4_count ? 1 : -1;
	if (w->only_v6)
		return a->v6_count ? 0 : -1;
	return prefers_v6 ? !a->v6_count : a->v4_count != 0;
}

static void settle_one(const struct model *m, struct diags *d, const struct work *w,
		       const struct question *q)
{
	const struct answer *a = &w->answers[q->answer];
	struct backend *b = q->backend;
	char text[INET6_ADDRSTRLEN];
	int v4;

	if (refuse_silence(m, d, w, q))
		return;
	v4 = choose_family(q, a);
	if (v4 < 0) {
		refuse(m, d, b, NULL,
		       q->wanted.only_v4
			       ? "has no IPv4 address, and its service's forward keeps the family; "
				 "write an address of IPv4"
			       : "has no IPv6 address, and its service's forward keeps the family; "
				 "write an address of IPv6");
		return;
	}
	memcpy(b->addr, v4 ? a->v4 : a->v6, sizeof(b->addr));
	if ((v4 ? a->v4_count : a->v6_count) > 1)
		diag_add(d, DIAG_WARNING, b->loc, b->loc.line ? m->source : NULL, m->source_bytes,
			 NULL, "backend %s: %s has %u addresses of IPv%d; the lowest, %s, is taken",
			 b->name, b->host, v4 ? a->v4_count : a->v6_count, v4 ? 4 : 6,
			 addr_text(b->addr, text, sizeof(text)));
}

int resolve_backends(struct model *m, struct diags *d, struct failure *why)
{
	size_t unknown = count_unknown(m), errors = d->errors;
	OWN(free_work) struct work w = {};

	if (!unknown)
		return 0;
	if (collect(m, unknown, &w))
		return fail_errno(why, ENOMEM, "cannot resolve names");
	resolver_text(w.resolver);
	note("%zu host name%s: asked %s", w.hosts_count, w.hosts_count == 1 ? "" : "s", w.resolver);
	if (resolve_ask(w.hosts, w.hosts_count, RESOLVE_TIMEOUT_S, w.answers, why))
		return -1;
	for (size_t i = 0; i < w.count; i++)
		settle_one(m, d, &w, &w.list[i]);
	if (d->errors == errors && model_check_addresses(m, d))
		return fail_errno(why, ENOMEM, "cannot resolve names");
	diag_sort(d);
	if (d->errors == errors)
		return 0;
	why->code = EXIT_USAGE;
	return -1;
}
