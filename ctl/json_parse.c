// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON twin to a model, through the setters that the text parser uses. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "parser_build.h"

static const char *const no_words[] = { NULL };

#define KEYS(name, ...)                                                                     \
	static const struct vocabulary name = { "key", "keys",                              \
						(const char *const[]){ __VA_ARGS__, NULL }, \
						no_words, "" }

KEYS(root_keys, "interfaces", "sets", "filters", "services");
KEYS(interface_keys, "name", "xdp", "tc", "filter", "balance", "decap", "measure");
KEYS(set_keys, "name", "type", "file", "elements", "timeout");
KEYS(filter_keys, "name", "default", "rules");
KEYS(rule_keys, "name", "action", "saddr", "daddr", "proto", "sport", "dport", "type", "flags");
KEYS(match_keys, "not", "in");
KEYS(service_keys, "name", "address", "port", "forward", "backends");
KEYS(port_keys, "proto", "port");
KEYS(backend_keys, "name", "address", "weight", "drain");

/* An object or a member, and where it is. */
struct node {
	json_t *json; /* NULL: there is none, or it was refused */
	struct loc at; /* line 0, the column names the path */
};

static struct loc make_place(struct build *b, char *path)
{
	struct loc at = { .file = b->file };

	if (!path || !RESERVE(b, b->paths, b->paths_count)) {
		b->out_of_memory = true;
		free(path);
		return at;
	}
	b->paths[b->paths_count++] = path;
	at.column = (unsigned int)b->paths_count;
	return at;
}

static const char *path_of(const struct build *b, struct loc at)
{
	return at.column ? b->paths[at.column - 1] : "";
}

static struct loc member_place(struct build *b, struct loc up, const char *key)
{
	const char *path = path_of(b, up);
	char *longer;

	if (asprintf(&longer, "%s%s%s", path, *path ? "." : "", key) < 0)
		longer = NULL;
	return make_place(b, longer);
}

static struct loc item_place(struct build *b, struct loc up, size_t index)
{
	char *longer;

	if (asprintf(&longer, "%s[%zu]", path_of(b, up), index) < 0)
		longer = NULL;
	return make_place(b, longer);
}

static const char *type_text(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a fraction";
	case JSON_NULL:
		return "null";
	default:
		return "true or false";
	}
}

static bool is_of(struct build *b, const struct node *n, json_type type)
{
	bool fits = json_typeof(n->json) == type ||
		    (type == JSON_TRUE && json_typeof(n->json) == JSON_FALSE);

	if (!fits)
		build_error(b, n->at, NULL, "this is %s; write %s", type_text(json_typeof(n->json)),
			    type_text(type));
	return fits;
}

static bool has_only(struct build *b, const struct node *object, const struct vocabulary *keys)
{
	const char *key;
	json_t *value;

	if (!is_of(b, object, JSON_OBJECT))
		return false;
	json_object_foreach(object->json, key, value)
	{
		struct word w = { .text = key, .size = strlen(key), .loc = object->at };

		if (build_keyword(b, &w, keys) < 0)
			return false;
	}
	return true;
}

static struct node member(struct build *b, const struct node *object, const char *key)
{
	struct node n = { .json = json_object_get(object->json, key) };

	if (n.json)
		n.at = member_place(b, object->at, key);
	return n;
}

static struct node member_of(struct build *b, const struct node *object, const char *key,
			     json_type type)
{
	struct node n = member(b, object, key);

	if (n.json && !is_of(b, &n, type))
		n.json = NULL;
	return n;
}

static struct word plain_word(const struct node *n)
{
	return (struct word){ .text = json_string_value(n->json),
			      .size = json_string_length(n->json),
			      .loc = n->at };
}

/* A string that must be there. */
static bool required(struct build *b, const struct node *object, const char *key, struct word *out)
{
	struct node n = member_of(b, object, key, JSON_STRING);

	if (!n.json) {
		build_error(b, object->at, NULL, "\"%s\" is missing; add it", key);
		return false;
	}
	*out = plain_word(&n);
	return true;
}

static bool optional(struct build *b, const struct node *object, const char *key, struct word *out)
{
	struct node n = member_of(b, object, key, JSON_STRING);

	if (n.json)
		*out = plain_word(&n);
	return n.json;
}

static bool is_true(struct build *b, const struct node *object, const char *key)
{
	struct node n = member_of(b, object, key, JSON_TRUE);

	return n.json && json_is_true(n.json);
}

/* @each of the objects in list @key of @object; a list that is missing is empty. */
static void each_object(struct build *b, const struct node *object, const char *key,
			void (*each)(struct build *, void *, const struct node *), void *arg)
{
	struct node list = member_of(b, object, key, JSON_ARRAY);

	for (size_t i = 0; list.json && i < json_array_size(list.json); i++) {
		struct node item = { json_array_get(list.json, i), item_place(b, list.at, i) };

		b->failed = false;
		if (!b->out_of_memory)
			each(b, arg, &item);
	}
	b->failed = false;
}

typedef void (*value_fn)(struct build *b, void *arg, const struct word *w);

/* A string, "@set" among them, or a number, as the word that the language has for it. */
static void one_value(struct build *b, const struct node *n, value_fn each, void *arg)
{
	struct word w;
	char number[24];

	if (json_is_integer(n->json)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(n->json));
		w = (struct word){ .text = number, .size = strlen(number), .loc = n->at };
	} else {
		if (!is_of(b, n, JSON_STRING))
			return;
		w = plain_word(n);
		if (w.text[0] == '@') {
			w.kind = WORD_SET;
			w.text++;
			w.size--;
		}
	}
	each(b, arg, &w);
}

/* A value or a list of values. */
static void each_value(struct build *b, const struct node *n, value_fn each, void *arg)
{
	if (!json_is_array(n->json)) {
		one_value(b, n, each, arg);
		return;
	}
	for (size_t i = 0; i < json_array_size(n->json); i++)
		one_value(b, &(struct node){ json_array_get(n->json, i), n->at }, each, arg);
}

static void import_interface(struct build *b, void *arg, const struct node *n)
{
	struct interface *i;
	struct word w;
	int mode;

	(void)arg;
	if (!has_only(b, n, &interface_keys) || !required(b, n, "name", &w))
		return;
	i = build_interface(b, &w);
	if (!i)
		return;
	if (optional(b, n, "xdp", &w)) {
		mode = build_keyword(b, &w, &words_xdp);
		i->xdp = XDP_MODE_AUTO + (enum xdp_mode)(mode < 0 ? 0 : mode);
	}
	if (optional(b, n, "tc", &w)) {
		mode = build_keyword(b, &w, &words_tc);
		i->tc = TC_MODE_AUTO + (enum tc_mode)(mode < 0 ? 0 : mode);
	}
	if (optional(b, n, "filter", &w))
		build_interface_filter(b, i, &w);
	i->balance = is_true(b, n, "balance");
	i->decap = is_true(b, n, "decap");
	i->measure = is_true(b, n, "measure");
	build_interface_end(b, i);
}

static void add_element(struct build *b, void *arg, const struct word *w)
{
	build_set_element(b, arg, w);
}

static void import_set(struct build *b, void *arg, const struct node *n)
{
	struct node elements;
	unsigned int written = 0;
	struct set *s;
	struct word w;
	int type;

	(void)arg;
	if (!has_only(b, n, &set_keys) || !required(b, n, "name", &w) || !(s = build_set(b, &w))) {
		b->names_lost = true;
		return;
	}
	if (required(b, n, "type", &w)) {
		type = build_keyword(b, &w, &words_set_type);
		s->type = type < 0 ? SET_TYPE_REFUSED : (enum set_type)type;
	}
	elements = member_of(b, n, "elements", JSON_ARRAY);
	if (elements.json) {
		written |= 1U << SET_WORD_ELEMENTS;
		each_value(b, &elements, add_element, s);
	}
	if (optional(b, n, "file", &w)) {
		written |= 1U << SET_WORD_FILE;
		build_set_file(b, s, &w);
	}
	if (optional(b, n, "timeout", &w))
		build_set_timeout(b, s, &w);
	/* with its elements beside it, a file need not be read */
	b->files = elements.json ? MODEL_FILES_STORED : MODEL_FILES_READ;
	if (!b->failed)
		build_set_end(b, s, written);
}

struct match_target {
	struct rule *rule;
	int word; /* enum match_word */
	bool negated;
	struct loc at;
};

static void add_match_value(struct build *b, void *arg, const struct word *w)
{
	struct match_target *t = arg;

	if (t->word != MATCH_FLAGS) {
		build_match_value(b, t->rule, (enum weir_field)t->word, w);
		return;
	}
	if (build_flags(b, t->rule, w, t->at))
		t->rule->tcp_flags.negated = t->negated;
}

static void import_match(struct build *b, struct rule *r, int word, const struct node *n)
{
	struct match_target target = { r, word, false, n->at };
	struct node in = *n;
	struct match *m;

	if (json_is_object(n->json)) {
		if (!has_only(b, n, &match_keys))
			return;
		target.negated = is_true(b, n, "not");
		in = member(b, n, "in");
		if (!in.json) {
			build_error(b, n->at, NULL, "\"in\" is missing; add a list of values");
			return;
		}
	}
	if (word != MATCH_FLAGS) {
		m = build_match(b, r, (enum weir_field)word, n->at);
		if (!m)
			return;
		m->negated = target.negated;
	} else if (json_is_array(in.json) && json_array_size(in.json) != 1) {
		build_error(b, in.at, NULL, "flags takes one value; write \"FLAGS/MASK\"");
		return;
	}
	each_value(b, &in, add_match_value, &target);
}

static void import_rule(struct build *b, void *arg, const struct node *n)
{
	struct word name, action;
	struct rule *r;

	if (!has_only(b, n, &rule_keys) || !required(b, n, "name", &name) ||
	    !required(b, n, "action", &action) || !(r = build_rule(b, arg, &name, &action)))
		return;
	/* proto comes before type, whose names depend on it */
	for (int i = 0; i <= MATCH_FLAGS; i++) {
		struct node match = member(b, n, words_match.words[i]);

		if (match.json)
			import_match(b, r, i, &match);
	}
	if (!b->failed)
		build_rule_end(b, r);
}

static void import_filter(struct build *b, void *arg, const struct node *n)
{
	struct filter *f;
	struct word w;

	(void)arg;
	if (!has_only(b, n, &filter_keys) || !required(b, n, "name", &w) ||
	    !(f = build_filter(b, &w))) {
		b->names_lost = true;
		return;
	}
	if (optional(b, n, "default", &w))
		f->default_action = build_default(build_keyword(b, &w, &words_default));
	each_object(b, n, "rules", import_rule, f);
}

static void import_port(struct build *b, void *arg, const struct node *n)
{
	struct word proto, port = { 0 };
	struct node number;
	char text[24];

	if (!has_only(b, n, &port_keys) || !required(b, n, "proto", &proto))
		return;
	number = member_of(b, n, "port", JSON_INTEGER);
	if (!number.json) {
		build_error(b, n->at, NULL, "\"port\" is missing; add a number");
		return;
	}
	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(number.json));
	port = (struct word){ .text = text, .size = strlen(text), .loc = number.at };
	build_service_port(b, arg, &proto, &port);
}

static void set_weight(struct build *b, void *arg, const struct word *w)
{
	build_backend_weight(b, arg, w);
}

static void import_backend(struct build *b, void *arg, const struct node *n)
{
	struct word name, address;
	struct backend *backend;
	struct node weight;

	if (!has_only(b, n, &backend_keys) || !required(b, n, "name", &name) ||
	    !required(b, n, "address", &address) ||
	    !(backend = build_backend(b, arg, &name, &address)))
		return;
	weight = member_of(b, n, "weight", JSON_INTEGER);
	if (weight.json)
		one_value(b, &weight, set_weight, backend);
	backend->drain = is_true(b, n, "drain");
}

static void add_address(struct build *b, void *arg, const struct word *w)
{
	build_service_address(b, arg, w);
}

static void import_service(struct build *b, void *arg, const struct node *n)
{
	size_t errors = b->diags->errors;
	struct node addresses;
	struct service *s;
	struct word w;
	int forward;

	(void)arg;
	if (!has_only(b, n, &service_keys) || !required(b, n, "name", &w) ||
	    !(s = build_service(b, &w)))
		return;
	addresses = member(b, n, "address");
	if (addresses.json)
		each_value(b, &addresses, add_address, s);
	b->failed = false;
	if (optional(b, n, "forward", &w)) {
		forward = build_keyword(b, &w, &words_forward);
		s->forward = (enum weir_forward)(forward < 0 ? 0 : forward);
	}
	each_object(b, n, "port", import_port, s);
	each_object(b, n, "backends", import_backend, s);
	if (errors == b->diags->errors)
		build_service_end(b, s);
}

static void import_root(struct build *b, const struct node *root)
{
	if (!has_only(b, root, &root_keys))
		return;
	each_object(b, root, "interfaces", import_interface, NULL);
	each_object(b, root, "sets", import_set, NULL);
	each_object(b, root, "filters", import_filter, NULL);
	each_object(b, root, "services", import_service, NULL);
}

static int refuse_syntax(const char *file, const char *text, size_t size, const json_error_t *e,
			 struct diags *d)
{
	struct loc at = { .file = file,
			  .line = e->line > 0 ? (unsigned int)e->line : 1,
			  .column = e->column > 0 ? (unsigned int)e->column : 1,
			  .width = 1 };

	if (json_error_code((json_error_t *)e) == json_error_out_of_memory)
		return -ENOMEM;
	diag_add(d, DIAG_ERROR, at, text, size, NULL, "this is no valid JSON: %s", e->text);
	return -EINVAL;
}

int model_parse_json(const char *file, const char *text, size_t size, struct diags *d,
		     struct model *out)
{
	struct build b = { .file = file, .text = text, .size = size, .diags = d };
	json_error_t e;
	struct node root = {
		.json = json_loadb(size ? text : "", size, JSON_REJECT_DUPLICATES, &e),
	};
	int err;

	if (!root.json)
		return refuse_syntax(file, text, size, &e, d);
	root.at.file = file;
	import_root(&b, &root);
	err = build_finish(&b, out);
	json_decref(root.json);
	return err;
}
