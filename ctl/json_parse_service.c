// SPDX-License-Identifier: GPL-2.0-or-later
/* Pools and services of the JSON twin, through the setters that the text parser uses. */
#include <stdlib.h>
#include <string.h>

#include "json_node.h"

NODE_KEYS(pool_keys, "name", "backends");
NODE_KEYS(service_keys, "name", "address", "port", "forward", "checksum", "source", "mss", "hash",
	  "track", "udp", "udp_idle", "settle", "allow", "limits", "syncookie", "empty", "pool",
	  "backends");
NODE_KEYS(port_keys, "proto", "port");
NODE_KEYS(backend_keys, "name", "address", "resolved", "weight", "quic_id", "drain");

struct port_target {
	struct service *service;
	const struct word *proto;
};

static void set_port(struct build *b, void *arg, const struct word *w)
{
	struct port_target *t = arg;

	build_service_port(b, t->service, t->proto, w);
}

static void import_port(struct build *b, void *arg, const struct node *n)
{
	struct word proto;
	struct port_target target = { arg, &proto };
	struct node port;
	int index;

	if (!node_has_only(b, n, &port_keys) || !node_required(b, n, "proto", &proto))
		return;
	port = node_member(b, n, "port");
	index = vocabulary_find(&words_port_proto, &proto);
	if (port.json && index == PORT_ANY)
		build_error(b, port.at, NULL,
			    "protocol any is every port; leave out \"port\", or write \"tcp\"");
	else if (port.json)
		node_one_value(b, &port, set_port, &target);
	else if (index == PORT_ANY)
		build_service_port(b, arg, &proto, NULL);
	else if (build_keyword(b, &proto, &words_port_proto) >= 0)
		build_error(b, n->at, NULL, "\"port\" is missing; add a number");
}

static void set_weight(struct build *b, void *arg, const struct word *w)
{
	build_backend_weight(b, arg, w);
}

static void set_quic_id(struct build *b, void *arg, const struct word *w)
{
	build_backend_quic_id(b, arg, w);
}

static void import_backend(struct build *b, void *arg, const struct node *n)
{
	const struct backend_list *to = arg;
	struct word name, address, resolved;
	struct backend *backend;
	struct node number;

	if (!node_has_only(b, n, &backend_keys) || !node_required(b, n, "name", &name) ||
	    !node_required(b, n, "address", &address) ||
	    !(backend = build_backend(b, to, &name, &address)))
		return;
	number = node_member_of(b, n, "weight", JSON_INTEGER);
	if (number.json)
		node_one_value(b, &number, set_weight, backend);
	number = node_member_of(b, n, "quic_id", JSON_INTEGER);
	if (number.json)
		node_one_value(b, &number, set_quic_id, backend);
	backend->drain = node_is_true(b, n, "drain");
	if (!node_optional(b, n, "resolved", &resolved))
		return;
	b->files = MODEL_FILES_STORED;
	build_backend_resolved(b, backend, &resolved);
	b->files = MODEL_FILES_READ;
}

void json_import_pool(struct build *b, void *arg, const struct node *n)
{
	struct pool *pool;
	struct word w;

	(void)arg;
	if (!node_has_only(b, n, &pool_keys) || !node_required(b, n, "name", &w) ||
	    !(pool = build_pool(b, &w))) {
		b->names_lost = true;
		return;
	}
	node_each_object(b, n, "backends", import_backend,
			 &(struct backend_list){ &pool->backends, &pool->backends_count });
}

struct setting {
	const char *key;
	void (*build)(struct build *, struct service *, const struct word *);
};

struct setting_target {
	struct service *service;
	const struct setting *setting;
};

static void set_setting(struct build *b, void *arg, const struct word *w)
{
	const struct setting_target *t = arg;

	t->setting->build(b, t->service, w);
}

static void set_syncookie(struct build *b, struct service *s, const struct word *w)
{
	static const char above[] = "above";
	struct word mode = { .text = above, .size = sizeof(above) - 1, .loc = w->loc };
	struct word rate = *w;
	char text[WORD_TEXT_BYTES];

	if (!w->size || w->text[0] < '0' || w->text[0] > '9') {
		build_service_syncookie(b, s, w, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%.*s/s", (int)(w->size < 64 ? w->size : 64), w->text);
	rate.text = text;
	rate.size = strlen(text);
	build_service_syncookie(b, s, &mode, &rate);
}

/* Where each statement of the language is. */
static void note_places(struct build *b, struct service *s, const struct node *n)
{
	for (int word = 0; words_service.words[word]; word++) {
		const char *key = word == SERVICE_LIMIT	     ? "limits"
				  : word == SERVICE_BACKEND  ? "backends"
				  : word == SERVICE_BACKENDS ? "pool"
							     : words_service.words[word];
		struct node value = node_member(b, n, key);

		if (value.json)
			build_service_statement(s, (enum service_word)word, value.at);
	}
}

static void import_settings(struct build *b, struct service *s, const struct node *n)
{
	static const struct setting settings[] = {
		{ "address", build_service_address }, { "source", build_service_source },
		{ "mss", build_service_mss },	      { "hash", build_service_hash },
		{ "track", build_service_track },     { "settle", build_service_settle },
		{ "allow", build_service_allow },     { "syncookie", set_syncookie },
		{ "empty", build_service_empty },     { "pool", build_service_pool },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		struct setting_target target = { s, &settings[i] };
		struct node value = node_member(b, n, settings[i].key);

		b->failed = false;
		if (!value.json)
			continue;
		if (settings[i].build == build_service_address ||
		    settings[i].build == build_service_source ||
		    settings[i].build == build_service_allow)
			node_each_value(b, &value, set_setting, &target);
		else
			node_one_value(b, &value, set_setting, &target);
	}
	b->failed = false;
}

static void import_forward(struct build *b, struct service *s, const struct node *n)
{
	static const char text[] = "checksum";
	struct node checksum = node_member_of(b, n, "checksum", JSON_TRUE);
	struct word forward, word = { .text = text, .size = sizeof(text) - 1, .loc = checksum.at };

	if (node_optional(b, n, "forward", &forward))
		build_service_forward(b, s, &forward,
				      checksum.json && json_is_true(checksum.json) ? &word : NULL);
	b->failed = false;
}

static void import_udp(struct build *b, struct service *s, const struct node *n)
{
	struct word udp, idle;
	bool has_idle = node_optional(b, n, "udp_idle", &idle);

	if (node_optional(b, n, "udp", &udp))
		build_service_udp(b, s, &udp, has_idle ? &idle : NULL);
	else if (has_idle)
		build_error(b, idle.loc, NULL, "only \"udp\": \"track\" has a time; leave it out");
	b->failed = false;
}

static void import_limit(struct build *b, void *arg, const struct node *n)
{
	struct limit limit = { 0 };

	json_import_limit(b, &limit, n);
	if (!b->failed)
		build_service_limit(b, arg, &limit, n->at);
}

void json_import_service(struct build *b, void *arg, const struct node *n)
{
	size_t errors = b->diags->errors;
	struct service *s;
	struct word w;

	(void)arg;
	if (!node_has_only(b, n, &service_keys) || !node_required(b, n, "name", &w) ||
	    !(s = build_service(b, &w)))
		return;
	note_places(b, s, n);
	import_settings(b, s, n);
	import_forward(b, s, n);
	import_udp(b, s, n);
	node_each_object(b, n, "port", import_port, s);
	node_each_object(b, n, "limits", import_limit, s);
	node_each_object(b, n, "backends", import_backend,
			 &(struct backend_list){ &s->backends, &s->backends_count });
	if (errors == b->diags->errors)
		build_service_end(b, s);
}
