// SPDX-License-Identifier: GPL-2.0-or-later
/* pool and service */
#include "parser.h"

#include <string.h>

/* Values with commas between them, where braces may be left out. */
static void take_comma_list(struct parser *p, const char *what, word_fn each, void *arg)
{
	for (;;) {
		parser_take_values(p, what, each, arg);
		if (p->token.kind != TOKEN_COMMA)
			return;
		parser_next(p);
	}
}

static void add_address(struct parser *p, void *arg, const struct word *w)
{
	build_service_address(&p->build, arg, w);
}

static void add_source(struct parser *p, void *arg, const struct word *w)
{
	build_service_source(&p->build, arg, w);
}

static void add_allowed(struct parser *p, void *arg, const struct word *w)
{
	build_service_allow(&p->build, arg, w);
}

struct port_list {
	struct service *service;
	const struct word *proto;
};

static void add_port(struct parser *p, void *arg, const struct word *w)
{
	struct port_list *list = arg;

	build_service_port(&p->build, list->service, list->proto, w);
}

/* "tcp 443", "udp { 80, 443 }", "tcp any", "any". */
static bool take_port(struct parser *p, struct service *s)
{
	struct word proto;
	struct port_list list = { s, &proto };
	int index;

	if (p->token.kind == TOKEN_WORD && p->token.text[0] >= '0' && p->token.text[0] <= '9')
		build_error(&p->build, p->token.loc, NULL,
			    "port %.*s has no protocol; write \"tcp %.*s\" or \"udp %.*s\"",
			    (int)p->token.size, p->token.text, (int)p->token.size, p->token.text,
			    (int)p->token.size, p->token.text);
	if (!parser_take_word(p, "tcp, udp or any", &proto))
		return false;
	index = build_keyword(&p->build, &proto, &words_port_proto);
	if (index == PORT_ANY && p->token.kind != TOKEN_WORD)
		build_service_port(&p->build, s, &proto, NULL);
	else if (index == PORT_ANY)
		build_error(
			&p->build, p->token.loc, NULL,
			"\"port any\" is every protocol and port; write \"tcp %.*s\", or \"any\" "
			"alone",
			(int)(p->token.size < WORD_SHOWN ? p->token.size : WORD_SHOWN),
			p->token.text);
	else if (index >= 0)
		parser_take_values(p, "a port", add_port, &list);
	return index >= 0;
}

static void take_ports(struct parser *p, struct service *s)
{
	while (take_port(p, s) && p->token.kind == TOKEN_COMMA)
		parser_next(p);
}

static void take_property(struct parser *p, struct backend *backend, int property)
{
	static const char *const wanted[] = { [BACKEND_WEIGHT] = "a weight",
					      [BACKEND_QUIC_ID] = "a server ID",
					      [BACKEND_RESOLVED] = "an address" };
	static void (*const build[])(struct build *, struct backend *, const struct word *) = {
		[BACKEND_WEIGHT] = build_backend_weight,
		[BACKEND_QUIC_ID] = build_backend_quic_id,
		[BACKEND_RESOLVED] = build_backend_resolved,
	};
	struct word w;

	if (property == BACKEND_DRAIN)
		backend->drain = true;
	else if (parser_take_value(p, wanted[property], &w))
		build[property](&p->build, backend, &w);
}

/* "backend b 10.0.0.1 port 80", which is how others write it. */
static bool refuse_port(struct parser *p, const struct word *w, const struct word *address)
{
	struct word port;

	if (w->size != 4 || memcmp(w->text, "port", 4) != 0)
		return false;
	parser_next(p);
	port = parser_word(&p->token);
	build_backend_port(&p->build, w, address, p->token.kind == TOKEN_WORD ? &port : NULL);
	return true;
}

static void take_backend(struct parser *p, const struct backend_list *to)
{
	struct word name, address, w;
	struct backend *backend;
	unsigned int written = 0;

	if (!parser_take_word(p, "a backend name", &name) ||
	    !build_backend_has_name(&p->build, &name) ||
	    !parser_take_value(p, "an address", &address))
		return;
	backend = build_backend(&p->build, to, &name, &address);
	while (backend && !p->build.failed && p->token.kind == TOKEN_WORD) {
		int property;

		w = parser_word(&p->token);
		if (refuse_port(p, &w, &address))
			return;
		property = build_keyword(&p->build, &w, &words_backend);
		if (property < 0)
			return;
		if (written & 1U << property)
			build_error(&p->build, w.loc, NULL, "backend %s has %s twice; keep one",
				    backend->name, words_backend.words[property]);
		written |= 1U << property;
		parser_next(p);
		take_property(p, backend, property);
	}
	if (backend && !p->build.failed)
		build_backend_end(&p->build, backend);
}

/* A value that may have a second one behind it. */
static void take_pair(struct parser *p, struct service *s, const char *what,
		      void (*build)(struct build *, struct service *, const struct word *,
				    const struct word *))
{
	struct word first, second;
	bool has_second;

	if (!parser_take_value(p, what, &first))
		return;
	has_second = p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_DEFINE;
	if (has_second && !parser_take_value(p, what, &second))
		return;
	build(&p->build, s, &first, has_second ? &second : NULL);
}

static void take_limit(struct parser *p, struct service *s, struct loc at)
{
	struct limit limit = { 0 };

	parser_take_limit(p, &limit, "service", s->name);
	if (!p->build.failed)
		build_service_limit(&p->build, s, &limit, at);
}

/* Statements of one value. */
static void take_setting(struct parser *p, struct service *s, int word)
{
	static const struct {
		const char *what;
		void (*build)(struct build *, struct service *, const struct word *);
	} settings[] = {
		[SERVICE_HASH] = { "tuple or source", build_service_hash },
		[SERVICE_TRACK] = { "a way to track", build_service_track },
		[SERVICE_SETTLE] = { "a time", build_service_settle },
		[SERVICE_MSS] = { "a number of bytes or auto", build_service_mss },
		[SERVICE_EMPTY] = { "drop or reject", build_service_empty },
		[SERVICE_BACKENDS] = { "the name of a pool", build_service_pool },
	};
	struct word w;

	if (parser_take_value(p, settings[word].what, &w))
		settings[word].build(&p->build, s, &w);
}

static void service_statement(struct parser *p, void *object, int word, struct loc at)
{
	struct service *s = object;

	build_service_statement(s, (enum service_word)word, at);
	switch (word) {
	case SERVICE_ADDRESS:
		take_comma_list(p, "an address", add_address, s);
		break;
	case SERVICE_PORT:
		take_ports(p, s);
		break;
	case SERVICE_FORWARD:
		take_pair(p, s, "a way to forward", build_service_forward);
		break;
	case SERVICE_SOURCE:
		take_comma_list(p, "an address", add_source, s);
		break;
	case SERVICE_UDP:
		take_pair(p, s, "a way to balance UDP", build_service_udp);
		break;
	case SERVICE_ALLOW:
		take_comma_list(p, "an address", add_allowed, s);
		break;
	case SERVICE_LIMIT:
		take_limit(p, s, at);
		break;
	case SERVICE_SYNCOOKIE:
		take_pair(p, s, "above or always", build_service_syncookie);
		break;
	case SERVICE_BACKEND:
		take_backend(p, &(struct backend_list){ &s->backends, &s->backends_count });
		break;
	default:
		take_setting(p, s, word);
	}
}

void parser_service(struct parser *p)
{
	static const struct block block = { &words_service,
					    ~(1U << SERVICE_ADDRESS | 1U << SERVICE_PORT |
					      1U << SERVICE_SOURCE | 1U << SERVICE_ALLOW |
					      1U << SERVICE_LIMIT | 1U << SERVICE_BACKEND),
					    service_statement };
	size_t errors = p->build.diags->errors;
	struct word name;
	struct service *s;

	if (!parser_take_header(p, "a service name", &name))
		return;
	s = build_service(&p->build, &name);
	parser_take_block(p, &block, &name, s);
	if (s && errors == p->build.diags->errors)
		build_service_end(&p->build, s);
}

static void pool_statement(struct parser *p, void *object, int word, struct loc at)
{
	struct pool *pool = object;

	(void)word;
	(void)at;
	take_backend(p, &(struct backend_list){ &pool->backends, &pool->backends_count });
}

void parser_pool(struct parser *p)
{
	static const struct block block = { &words_pool, 0, pool_statement };
	struct word name;

	if (parser_take_header(p, "a pool name", &name))
		parser_take_block(p, &block, &name, build_pool(&p->build, &name));
}
