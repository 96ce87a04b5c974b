// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser_build.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "interface_name.h"
#include "own.h"
#include "weir/abi.h"

static const char *path_of(const struct build *b, const struct loc *at)
{
	if (at->line || !at->column || at->column > b->paths_count)
		return NULL;
	return b->paths[at->column - 1];
}

static void add(struct build *b, enum diag_level level, struct loc at, const char *hint,
		const char *format, va_list args)
{
	OWN_FREE char *message = NULL;
	const char *path = path_of(b, &at);

	if (level == DIAG_ERROR && b->diags->errors >= DIAG_MAX) { /* will not be kept */
		b->diags->errors++;
		return;
	}
	if (vasprintf(&message, format, args) < 0) {
		message = NULL;
		b->out_of_memory = true;
		return;
	}
	if (path && *path)
		diag_add(b->diags, level, at, NULL, 0, hint, "%s: %s", path, message);
	else
		diag_add(b->diags, level, at, at.line ? b->text : NULL, b->size, hint, "%s",
			 message);
}

#define SPOT_COLUMN_MAX ((1U << 24) - 1)
#define SPOT_WIDTH_MAX 255U

/* A column that does not fit, in a line or a list of paths that long, is none. */
struct spot build_spot(struct loc at)
{
	return (struct spot){ .line = at.line,
			      .column = at.column <= SPOT_COLUMN_MAX ? at.column : at.line != 0,
			      .width = at.width < SPOT_WIDTH_MAX ? at.width : SPOT_WIDTH_MAX };
}

struct loc build_loc(const struct build *b, struct spot at)
{
	return (struct loc){
		.file = b->file, .line = at.line, .column = at.column, .width = at.width
	};
}

void build_error(struct build *b, struct loc at, const char *hint, const char *format, ...)
{
	va_list args;

	if (b->failed)
		return;
	b->failed = true;
	va_start(args, format);
	add(b, DIAG_ERROR, at, hint, format, args);
	va_end(args);
}

void build_warn(struct build *b, struct loc at, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(b, DIAG_WARNING, at, hint, format, args);
	va_end(args);
}

void build_problem(struct build *b, const struct word *w, const struct problem *why)
{
	char hint[sizeof(why->hint) + NAME_BYTES + 64];
	const char *hint_or_null = why->hint[0] ? hint : NULL;

	snprintf(hint, sizeof(hint), "%s", why->hint);
	if (w->define) {
		snprintf(hint, sizeof(hint), "%s%s$%.*s is defined on line %u", why->hint,
			 why->hint[0] ? "; " : "",
			 (int)(w->define_size < NAME_BYTES ? w->define_size : NAME_BYTES),
			 w->define, w->define_line);
		hint_or_null = hint;
	}
	build_error(b, w->loc, hint_or_null, "%s", why->message);
}

const char *build_place(const struct build *b, const struct loc *at, char *buf, size_t size)
{
	const char *path = path_of(b, at);

	if (at->line)
		snprintf(buf, size, "line %u", at->line);
	else
		snprintf(buf, size, "%s", path ? path : "elsewhere");
	return buf;
}

/* Capacities are powers of two, so a count that is none has room. */
bool build_reserve(struct build *b, void **array, size_t count, size_t element_bytes)
{
	void *grown;

	if (count & (count - 1))
		return true;
	if (*array && *array == b->roomy) {
		if (2 * count * element_bytes <= b->roomy_bytes)
			return true;
		b->roomy = NULL;
	}
	grown = reallocarray(*array, count ? 2 * count : 1, element_bytes);
	if (!grown) {
		b->out_of_memory = true;
		return false;
	}
	*array = grown;
	return true;
}

char *build_copy(struct build *b, const struct word *w)
{
	char *copy = strndup(w->text, w->size);

	if (!copy)
		b->out_of_memory = true;
	return copy;
}

bool build_ref(struct build *b, enum ref_kind kind, const struct word *w)
{
	if (!RESERVE(b, b->refs, b->refs_count))
		return false;
	b->refs[b->refs_count++] =
		(struct ref){ .kind = kind, .text = w->text, .size = w->size, .loc = w->loc };
	return true;
}

bool build_interface_name(struct build *b, const struct word *w)
{
	const char *wrong = w->kind == WORD_SET ? "is no interface name"
						: interface_name_wrong(w->text, w->size);

	if (wrong)
		build_error(b, w->loc, NULL, WORD_FMT " %s", WORD_ARGS(w), wrong);
	return !wrong;
}

struct interface *build_interface(struct build *b, const struct word *pattern)
{
	struct interface *i;

	if (!build_interface_name(b, pattern) ||
	    !RESERVE(b, b->model.interfaces, b->model.interfaces_count))
		return NULL;
	i = &b->model.interfaces[b->model.interfaces_count++];
	*i = (struct interface){ .loc = pattern->loc };
	memcpy(i->pattern, pattern->text, pattern->size);
	return i;
}

void build_interface_filter(struct build *b, struct interface *i, const struct word *name)
{
	if (build_name(b, name, "filter", i->filter))
		build_ref(b, REF_FILTER, name);
}

void build_interface_egress(struct build *b, struct interface *i, const struct word *name)
{
	if (build_name(b, name, "filter", i->filter_egress))
		build_ref(b, REF_FILTER, name);
}

void build_interface_end(struct build *b, struct interface *i)
{
	if (i->tc != TC_MODE_NONE && i->xdp == XDP_MODE_NONE && (i->balance || i->decap))
		build_error(b, i->loc, NULL,
			    "interface %s has tc alone, but %s needs xdp; add \"xdp\"", i->pattern,
			    i->balance ? "balance" : "decap");
	if (i->xdp != XDP_MODE_NONE || i->tc != TC_MODE_NONE)
		return;
	if (i->filter[0] || i->balance || i->decap || i->measure)
		i->xdp = XDP_MODE_AUTO;
	else if (i->filter_egress[0] || i->takes_returns)
		i->tc = TC_MODE_AUTO;
}

void word_text(const struct word *w, char *buf, size_t size)
{
	size_t bytes = w->size < size ? w->size : size - 1;

	memcpy(buf, w->text, bytes);
	buf[bytes] = 0;
}

bool build_count_value(struct build *b, const struct word *w)
{
	if (++b->values <= VALUES_MAX)
		return true;
	build_error(b, w->loc, NULL, "over %u values in all; use fewer or larger ranges",
		    VALUES_MAX);
	return false;
}

void build_ranges(struct build *b, range **ranges, size_t *count, enum value_kind kind,
		  const struct word *w)
{
	range parsed[VALUE_RANGES];
	struct problem why;
	char text[WORD_TEXT_BYTES];
	size_t n;

	word_text(w, text, sizeof(text));
	if (!build_count_value(b, w))
		return;
	n = value_ranges(kind, text, parsed, &why);
	if (!n)
		build_problem(b, w, &why);
	for (size_t i = 0; i < n; i++) {
		if (!RESERVE(b, *ranges, *count))
			return;
		(*ranges)[(*count)++] = parsed[i];
	}
}

struct filter *build_filter(struct build *b, const struct word *name)
{
	struct filter f = { .default_action = WEIR_ACTION_PASS, .loc = name->loc };

	if (!build_name(b, name, "filter", f.name) ||
	    !RESERVE(b, b->model.filters, b->model.filters_count))
		return NULL;
	b->model.filters[b->model.filters_count] = f;
	return &b->model.filters[b->model.filters_count++];
}

/* Fewer rules are moved while they grow sooner than they are counted. */
#define RULES_EXPECTED_MIN 512

void build_expect_rules(struct build *b, struct filter *f, size_t count)
{
	size_t room = RULES_EXPECTED_MIN;

	if (count < RULES_EXPECTED_MIN)
		return;
	while (room < count && room < WEIR_MAX_RULES)
		room *= 2;
	f->rules = heap_large(room * sizeof(*f->rules));
	if (!f->rules)
		return;
	b->roomy = f->rules;
	b->roomy_bytes = room * sizeof(*f->rules);
}

bool build_number(struct build *b, const struct word *w, const char *what, unsigned int least,
		  unsigned int most, unsigned int *out)
{
	struct problem why;
	char text[WORD_TEXT_BYTES];

	word_text(w, text, sizeof(text));
	if (w->kind != WORD_SET && value_number(text, what, least, most, out, &why))
		return true;
	if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "a set cannot stand here; write the %s", what);
	else
		build_problem(b, w, &why);
	return false;
}

static void free_work(struct build *b)
{
	for (size_t i = 0; i < b->paths_count; i++)
		free(b->paths[i]);
	free(b->paths);
	free(b->refs);
	model_free(&b->model);
}

int build_finish(struct build *b, struct model *out)
{
	int err = 0;

	b->failed = false;
	if (!b->out_of_memory)
		build_check(b);
	diag_sort(b->diags);
	if (b->out_of_memory)
		err = -ENOMEM;
	else if (b->diags->errors)
		err = -EINVAL;
	if (!err) {
		*out = b->model;
		b->model = (struct model){ 0 };
	}
	free_work(b);
	return err;
}
