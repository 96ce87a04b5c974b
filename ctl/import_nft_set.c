// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets and maps of a table of nft. */
#include <string.h>

#include "import_nft.h"
#include "interface_name.h"

struct nft_set *nft_set_find(struct nft_file *f, const char *table, const char *name)
{
	for (size_t i = 0; i < f->sets_count; i++) {
		if (!strcmp(f->sets[i].name, name) && !strcmp(f->sets[i].table, table))
			return &f->sets[i];
	}
	return NULL;
}

/* "ipv4_addr . inet_service", up to the end of the statement or ":" of a map. */
static void take_type(struct nft_set *s, struct nft_cursor *c)
{
	for (size_t i = 0; i < 2; i++) {
		s->types[i] = nft_type_named(nft_next(c)->text);
		if (!nft_take(c, "."))
			return;
	}
	s->types[0] = NFT_TYPE_NONE; /* three parts */
}

/* "ip saddr . tcp dport" */
static void take_typeof(struct nft_set *s, struct nft_cursor *c)
{
	for (size_t i = 0; i < 2; i++) {
		const char *header = nft_next(c)->text, *field = header;
		bool more = nft_peek(c)->kind == NFT_WORD && !nft_is(nft_peek(c), ".");

		if (more)
			field = nft_next(c)->text;
		s->types[i] = nft_type_of(header, field);
		if (!nft_take(c, "."))
			return;
	}
	s->types[0] = NFT_TYPE_NONE;
}

/* The set of weir for elements of these types; false when it has none. */
static bool target_type(const struct nft_set *s, bool interval, enum set_type *out)
{
	bool address = s->types[0] == NFT_TYPE_ADDR4 || s->types[0] == NFT_TYPE_ADDR6;

	if (s->is_map)
		return false;
	if (s->types[1]) {
		*out = SET_ADDRESS_PORT;
		return address && s->types[1] == NFT_TYPE_PORT && !interval;
	}
	*out = address			      ? interval ? SET_PREFIX : SET_ADDRESS
	       : s->types[0] == NFT_TYPE_PORT ? SET_PORT
					      : SET_INTERFACE;
	return address || s->types[0] == NFT_TYPE_PORT || s->types[0] == NFT_TYPE_NAME;
}

/* The element as weir writes it: "192.0.2.1:80", "[2001:db8::1]:80". */
static const char *pair_text(struct nft_file *f, const char *address, const char *port)
{
	range r, p;
	__u8 addr[16];
	char text[64];

	if (!import_address(address, &r) || range_first(&r) != range_last(&r) ||
	    !nft_value(NFT_TYPE_PORT, port, &p) || p.first_lo != p.last_lo)
		return NULL;
	number_addr(range_first(&r), addr);
	addr_text(addr, text, sizeof(text));
	return import_text(f->im->memory, addr_is_v4(addr) ? "%s:%llu" : "[%s]:%llu", text,
			   (unsigned long long)p.first_lo);
}

static bool add_element(struct nft_file *f, struct nft_set *s, struct nft_cursor *c)
{
	struct import_set *set = s->set;
	const char *word = nft_next(c)->text;
	range r;

	if (nft_is(nft_peek(c), "-")) {
		nft_next(c);
		word = import_text(f->im->memory, "%s-%s", word, nft_next(c)->text);
	}
	if (set->type == SET_INTERFACE || set->type == SET_ADDRESS_PORT) {
		if (set->type == SET_ADDRESS_PORT)
			word = nft_take(c, ".") ? pair_text(f, word, nft_next(c)->text) : NULL;
		if (!word || (set->type == SET_INTERFACE &&
			      (!import_interface(word) || interface_name_is_pattern(word))))
			return false;
		*IMPORT_APPEND(f->im->memory, set->words, set->words_count) = word;
		return true;
	}
	if (!nft_value(s->types[0], word, &r))
		return false;
	if (set->type == SET_ADDRESS && range_first(&r) != range_last(&r))
		set->type = SET_PREFIX;
	if (set->type == SET_PORT)
		*IMPORT_APPEND(f->im->memory, set->ranges, set->ranges_count) = r;
	else
		import_append_address(f->im, &set->ranges, &set->ranges_count, &r);
	return true;
}

/* What stands behind an element; true when it goes away by itself. */
static bool take_remarks(struct nft_cursor *c)
{
	bool ends = false;

	while (c->at < c->end && !nft_is(nft_peek(c), ",")) {
		ends |= nft_is(nft_peek(c), "timeout") || nft_is(nft_peek(c), "expires");
		nft_next(c);
	}
	return ends;
}

#define DEPTH_MAX 8 /* of lists in lists, as defines make them */

/* Returns how many elements will go away by themselves, and are not taken. */
static size_t add_elements(struct nft_file *f, struct nft_set *s, struct nft_cursor c,
			   unsigned int depth)
{
	size_t ended = 0;

	for (nft_skip_newlines(&c); c.at < c.end; nft_skip_newlines(&c)) {
		struct import_set before = *s->set;
		struct nft_cursor inside;
		const struct nft_token *t = nft_peek(&c);

		if (depth < DEPTH_MAX && nft_take_braces(&c, &inside)) {
			ended += add_elements(f, s, inside, depth + 1);
		} else if (!add_element(f, s, &c)) {
			import_note(f->im, IMPORT_LEFT_OUT, t->line,
				    import_excerpt(f->im, t->text, strlen(t->text)),
				    "weir's set %s has no such elements", s->name);
		}
		if (take_remarks(&c)) {
			s->set->ranges_count = before.ranges_count;
			s->set->words_count = before.words_count;
			ended++;
		}
		nft_take(&c, ",");
	}
	return ended;
}

void nft_add_elements(struct nft_file *f, struct nft_set *s, struct nft_cursor c)
{
	unsigned int line = c.at < c.end ? c.at->line : 0;
	size_t ended;

	if (!s->set) {
		if (!s->elements.at)
			s->elements = c;
		else
			s->changes = true; /* two lists: not read as one */
		return;
	}
	ended = add_elements(f, s, c, 0);
	s->set->ranges_count = ranges_normalise(s->set->ranges, s->set->ranges_count);
	if (ended)
		import_note(f->im, IMPORT_LEFT_OUT, line,
			    import_text(f->im->memory, "set %s", s->name),
			    "its %zu element%s with a timeout, which will be gone", ended,
			    ended == 1 ? "" : "s");
	if (!s->elements.at)
		s->elements = c;
	else
		s->changes = true;
}

static void make_target(struct nft_file *f, struct nft_set *s, unsigned int line, bool interval)
{
	enum set_type type;

	if (!target_type(s, interval, &type))
		return;
	s->set = import_set_add(f->im, s->table, s->name, type, line);
	s->set->families = s->types[0] == NFT_TYPE_ADDR4   ? IMPORT_V4
			   : s->types[0] == NFT_TYPE_ADDR6 ? IMPORT_V6
							   : 0;
	if (s->changes)
		s->set->remark = "rules or a timeout changed this set; weir's rules do not";
}

static void skip_statement(struct nft_cursor *c)
{
	struct nft_cursor inside;

	while (c->at < c->end && nft_peek(c)->kind != NFT_NEWLINE) {
		if (!nft_take_braces(c, &inside))
			nft_next(c);
	}
}

void nft_read_set(struct nft_file *f, const char *table, const struct nft_token *name,
		  struct nft_cursor body, bool is_map)
{
	struct nft_set *s = IMPORT_APPEND(f->im->memory, f->sets, f->sets_count);
	struct nft_cursor elements = {};
	bool interval = false;

	*s = (struct nft_set){ .table = table, .name = name->text, .is_map = is_map };
	for (nft_skip_newlines(&body); body.at < body.end; nft_skip_newlines(&body)) {
		if (nft_take(&body, "type")) {
			take_type(s, &body);
		} else if (nft_take(&body, "typeof")) {
			take_typeof(s, &body);
		} else if (nft_take(&body, "flags")) {
			for (; body.at < body.end && nft_peek(&body)->kind != NFT_NEWLINE;
			     nft_next(&body)) {
				interval |= nft_is(nft_peek(&body), "interval");
				s->changes |= nft_is(nft_peek(&body), "dynamic") ||
					      nft_is(nft_peek(&body), "timeout");
			}
		} else if (nft_take(&body, "elements")) {
			nft_take(&body, "=");
			nft_take_braces(&body, &elements);
		}
		skip_statement(&body);
	}
	make_target(f, s, name->line, interval);
	if (elements.at)
		nft_add_elements(f, s, elements);
}
