/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON twin's objects on their way to the setters of the text parser. What
 * is wrong is reported with the path of the member that has it.
 */
#ifndef WEIR_JSON_NODE_H
#define WEIR_JSON_NODE_H

#include <jansson.h>

#include "parser_build.h"

#define NODE_KEYS(name, ...)                                                                \
	static const struct vocabulary name = { "key", "keys",                              \
						(const char *const[]){ __VA_ARGS__, NULL }, \
						(const char *const[]){ NULL }, "" }

/* An object or a member, and where it is. */
struct node {
	json_t *json; /* NULL: there is none, or it was refused */
	struct loc at; /* line 0, the column names the path */
};

bool node_is(struct build *b, const struct node *n, json_type type);

/* True for an object that has no key but those of @keys. */
bool node_has_only(struct build *b, const struct node *object, const struct vocabulary *keys);

struct node node_member(struct build *b, const struct node *object, const char *key);
struct node node_member_of(struct build *b, const struct node *object, const char *key,
			   json_type type);

/* A string as a word. */
struct word node_word(const struct node *n);

/* A string that must be there, and one that need not. */
bool node_required(struct build *b, const struct node *object, const char *key, struct word *out);
bool node_optional(struct build *b, const struct node *object, const char *key, struct word *out);

bool node_is_true(struct build *b, const struct node *object, const char *key);

typedef void (*node_object_fn)(struct build *b, void *arg, const struct node *n);
typedef void (*node_value_fn)(struct build *b, void *arg, const struct word *w);

/* @each of the objects in list @key of @object; a list that is missing is empty. */
void node_each_object(struct build *b, const struct node *object, const char *key,
		      node_object_fn each, void *arg);

/* A string, "@set" among them, or a number, as the word that the language has for it. */
void node_one_value(struct build *b, const struct node *n, node_value_fn each, void *arg);

/* A value or a list of values. */
void node_each_value(struct build *b, const struct node *n, node_value_fn each, void *arg);

/* One object of "filters", "pools", "services". */
void json_import_filter(struct build *b, void *arg, const struct node *n);
void json_import_pool(struct build *b, void *arg, const struct node *n);
void json_import_service(struct build *b, void *arg, const struct node *n);

/* The object that a limit is. */
void json_import_limit(struct build *b, struct limit *l, const struct node *n);

#endif
