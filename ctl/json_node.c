// SPDX-License-Identifier: GPL-2.0-or-later
#include "json_node.h"

#include <stdlib.h>
#include <string.h>

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

bool node_is(struct build *b, const struct node *n, json_type type)
{
	bool fits = json_typeof(n->json) == type ||
		    (type == JSON_TRUE && json_typeof(n->json) == JSON_FALSE);

	if (!fits)
		build_error(b, n->at, NULL, "this is %s; write %s", type_text(json_typeof(n->json)),
			    type_text(type));
	return fits;
}

bool node_has_only(struct build *b, const struct node *object, const struct vocabulary *keys)
{
	const char *key;
	json_t *value;

	if (!node_is(b, object, JSON_OBJECT))
		return false;
	json_object_foreach(object->json, key, value)
	{
		struct word w = { .text = key, .size = strlen(key), .loc = object->at };

		if (build_keyword(b, &w, keys) < 0)
			return false;
	}
	return true;
}

struct node node_member(struct build *b, const struct node *object, const char *key)
{
	struct node n = { .json = json_object_get(object->json, key) };

	if (n.json)
		n.at = member_place(b, object->at, key);
	return n;
}

struct node node_member_of(struct build *b, const struct node *object, const char *key,
			   json_type type)
{
	struct node n = node_member(b, object, key);

	if (n.json && !node_is(b, &n, type))
		n.json = NULL;
	return n;
}

struct word node_word(const struct node *n)
{
	return (struct word){ .text = json_string_value(n->json),
			      .size = json_string_length(n->json),
			      .loc = n->at };
}

bool node_required(struct build *b, const struct node *object, const char *key, struct word *out)
{
	struct node n = node_member_of(b, object, key, JSON_STRING);

	if (!n.json) {
		build_error(b, object->at, NULL, "\"%s\" is missing; add it", key);
		return false;
	}
	*out = node_word(&n);
	return true;
}

bool node_optional(struct build *b, const struct node *object, const char *key, struct word *out)
{
	struct node n = node_member_of(b, object, key, JSON_STRING);

	if (n.json)
		*out = node_word(&n);
	return n.json;
}

bool node_is_true(struct build *b, const struct node *object, const char *key)
{
	struct node n = node_member_of(b, object, key, JSON_TRUE);

	return n.json && json_is_true(n.json);
}

void node_each_object(struct build *b, const struct node *object, const char *key,
		      node_object_fn each, void *arg)
{
	struct node list = node_member_of(b, object, key, JSON_ARRAY);

	for (size_t i = 0; list.json && i < json_array_size(list.json); i++) {
		struct node item = { json_array_get(list.json, i), item_place(b, list.at, i) };

		b->failed = false;
		if (!b->out_of_memory)
			each(b, arg, &item);
	}
	b->failed = false;
}

void node_one_value(struct build *b, const struct node *n, node_value_fn each, void *arg)
{
	struct word w;
	char number[24];

	if (json_is_integer(n->json)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(n->json));
		w = (struct word){ .text = number, .size = strlen(number), .loc = n->at };
	} else {
		if (!node_is(b, n, JSON_STRING))
			return;
		w = node_word(n);
		if (w.text[0] == '@') {
			w.kind = WORD_SET;
			w.text++;
			w.size--;
		}
	}
	each(b, arg, &w);
}

void node_each_value(struct build *b, const struct node *n, node_value_fn each, void *arg)
{
	if (!json_is_array(n->json)) {
		node_one_value(b, n, each, arg);
		return;
	}
	for (size_t i = 0; i < json_array_size(n->json); i++)
		node_one_value(b, &(struct node){ json_array_get(n->json, i), n->at }, each, arg);
}
