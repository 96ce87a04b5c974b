// SPDX-License-Identifier: GPL-2.0-or-later
/* Backends, and the pools that services share. */
#include <string.h>

#include "own.h"
#include "parser_build.h"

#define ENDPOINT_BYTES (HOST_BYTES + 8) /* a longer word is none */

struct pool *build_pool(struct build *b, const struct word *name)
{
	struct pool p = { .loc = name->loc };

	if (!build_name(b, name, "pool", p.name) ||
	    !RESERVE(b, b->model.pools, b->model.pools_count))
		return NULL;
	b->model.pools[b->model.pools_count] = p;
	return &b->model.pools[b->model.pools_count++];
}

static bool read_endpoint(struct build *b, const struct word *w, struct endpoint *out)
{
	struct problem why;
	char text[ENDPOINT_BYTES];

	word_text(w, text, sizeof(text));
	if (w->kind == WORD_SET) {
		build_error(b, w->loc, NULL, "a set cannot stand here; write the address");
		return false;
	}
	if (vocabulary_find(&words_backend, w) >= 0) {
		build_error(b, w->loc, NULL, "expected an address before " WORD_FMT, WORD_ARGS(w));
		return false;
	}
	if (value_endpoint(text, out, &why))
		return true;
	build_problem(b, w, &why);
	return false;
}

bool build_backend_has_name(struct build *b, const struct word *name)
{
	struct endpoint e;
	struct problem why;
	char text[ENDPOINT_BYTES];

	word_text(name, text, sizeof(text));
	if (name->kind == WORD_SET || !value_endpoint(text, &e, &why) || e.host[0])
		return true;
	build_error(b, name->loc, NULL,
		    "a backend has a name before its address; write \"backend NAME %s\"", text);
	return false;
}

void build_backend_port(struct build *b, const struct word *at, const struct word *address,
			const struct word *port)
{
	bool is_v6 = address->kind != WORD_SET && memchr(address->text, ':', address->size);

	build_error(b, at->loc, NULL,
		    "the port of a backend stands behind its address; write %s%.*s%s:%.*s",
		    is_v6 ? "[" : "", (int)address->size, address->text, is_v6 ? "]" : "",
		    port ? (int)port->size : 4, port ? port->text : "PORT");
}

struct backend *build_backend(struct build *b, const struct backend_list *to,
			      const struct word *name, const struct word *address)
{
	struct backend backend = { .weight = 1, .loc = name->loc };
	OWN_FREE char *host = NULL;
	struct endpoint e;

	if (!build_name(b, name, "backend", backend.name) || !read_endpoint(b, address, &e))
		return NULL;
	if (e.host[0] &&
	    !(host = build_copy(b, &(struct word){ .text = e.host, .size = strlen(e.host) })))
		return NULL;
	if (!RESERVE(b, *to->list, *to->count))
		return NULL;
	memcpy(backend.addr, e.addr, sizeof(e.addr));
	backend.port = e.port;
	backend.host = TAKE_PTR(host);
	(*to->list)[*to->count] = backend;
	return *to->list + (*to->count)++;
}

void build_backend_weight(struct build *b, struct backend *backend, const struct word *w)
{
	unsigned int weight;

	if (build_number(b, w, "weight", 0, WEIGHT_MAX, &weight))
		backend->weight = (__u16)weight;
}

void build_backend_quic_id(struct build *b, struct backend *backend, const struct word *w)
{
	unsigned int id;

	if (!build_number(b, w, "quic-id", 0, 65535, &id))
		return;
	backend->has_quic_id = true;
	backend->quic_id = (__u16)id;
}

void build_backend_resolved(struct build *b, struct backend *backend, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	word_text(w, text, sizeof(text));
	if (b->files == MODEL_FILES_READ)
		build_error(b, w->loc, NULL,
			    "a name is resolved when it is applied; leave out \"resolved\", or "
			    "write the address in place of the name");
	else if (!backend->host)
		build_error(b, w->loc, NULL, "backend %s has an address; leave out \"resolved\"",
			    backend->name);
	else if (!value_address(text, backend->addr, &why))
		build_problem(b, w, &why);
}

void build_backend_end(struct build *b, const struct backend *backend)
{
	if (b->files == MODEL_FILES_STORED && !backend_has_addr(backend))
		build_error(b, backend->loc, NULL,
			    "backend %s is not resolved; a stored configuration has its address",
			    backend->name);
}
