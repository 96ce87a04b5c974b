// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions of a rule of nft: what they compare, how, and with what. */
#include <string.h>

#include "import_nft.h"

enum operator{ OP_EQUAL, OP_NOT, OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL };

static enum operator take_operator(struct nft_cursor *c, bool *written)
{
	static const struct {
		const char *text;
		enum operator op;
	} ops[] = {
		{ "==", OP_EQUAL },	 { "eq", OP_EQUAL },	     { "!=", OP_NOT },
		{ "ne", OP_NOT },	 { "<", OP_LESS },	     { "lt", OP_LESS },
		{ "<=", OP_LESS_EQUAL }, { "le", OP_LESS_EQUAL },    { ">", OP_GREATER },
		{ "gt", OP_GREATER },	 { ">=", OP_GREATER_EQUAL }, { "ge", OP_GREATER_EQUAL }
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (nft_take(c, ops[i].text)) {
			*written = true;
			return ops[i].op;
		}
	}
	*written = false;
	return OP_EQUAL;
}

/* Values that were read, of whichever kind the key has. */
struct values {
	range *ranges;
	size_t ranges_count;
	const char **names;
	size_t names_count;
	unsigned int states;
};

/* "a - b" of three tokens as one word. */
static const char *take_word(struct nft_rule *r, struct nft_cursor *c)
{
	const char *word = nft_next(c)->text;

	if (!nft_is(nft_peek(c), "-"))
		return word;
	nft_next(c);
	return import_text(r->file->im->memory, "%s-%s", word, nft_next(c)->text);
}

static bool refuse_value(struct nft_rule *r, const char *word)
{
	if (word[0] == '$')
		return import_refuse(r->file->im, &r->rule, "there is no define %.60s", word + 1);
	return import_refuse(r->file->im, &r->rule, "\"%.60s\" is not understood", word);
}

static bool take_flags(struct nft_rule *r, struct nft_cursor *c, struct values *v)
{
	unsigned int flags;

	if (!nft_flags(c, "|", &flags))
		return import_refuse(r->file->im, &r->rule, "its TCP flags are not understood");
	range_set(IMPORT_APPEND(r->file->im->memory, v->ranges, v->ranges_count), flags, flags);
	return true;
}

static bool take_value(struct nft_rule *r, struct nft_cursor *c, enum nft_type type,
		       struct values *v)
{
	struct import_memory *memory = r->file->im->memory;
	const char *word;
	unsigned int state;
	range one;

	if (type == NFT_TYPE_FLAGS)
		return take_flags(r, c, v);
	if (nft_peek(c)->kind != NFT_WORD && nft_peek(c)->kind != NFT_STRING)
		return refuse_value(r, nft_peek(c)->text);
	word = take_word(r, c);
	if (type == NFT_TYPE_NAME) {
		*IMPORT_APPEND(memory, v->names, v->names_count) = word;
		return import_interface(word) ? true : refuse_value(r, word);
	}
	if (type == NFT_TYPE_STATE) {
		state = import_state(word);
		v->states |= state;
		return state ? true : refuse_value(r, word);
	}
	if (!nft_value(type, word, &one))
		return refuse_value(r, word);
	if (type == NFT_TYPE_ADDR6)
		import_append_address(r->file->im, &v->ranges, &v->ranges_count, &one);
	else
		*IMPORT_APPEND(memory, v->ranges, v->ranges_count) = one;
	return true;
}

/* What an element may have besides its value, which weir counts for itself. */
void nft_skip_remarks(struct nft_cursor *c)
{
	for (;;) {
		if (nft_take(c, "comment")) {
			nft_next(c);
		} else if (nft_take(c, "counter")) {
			while (nft_take(c, "packets") || nft_take(c, "bytes"))
				nft_next(c);
		} else {
			return;
		}
	}
}

/* Elements with commas between, to the end of @c. Lists of a define may stand in it. */
static bool take_list(struct nft_rule *r, struct nft_cursor c, enum nft_type type, struct values *v,
		      unsigned int depth)
{
	for (nft_skip_newlines(&c); c.at < c.end; nft_skip_newlines(&c)) {
		struct nft_cursor inside;

		if (depth < 8 && nft_take_braces(&c, &inside)) {
			if (!take_list(r, inside, type, v, depth + 1))
				return false;
		} else if (!take_value(r, &c, type, v)) {
			return false;
		}
		nft_skip_remarks(&c);
		nft_skip_newlines(&c);
		if (c.at < c.end && !nft_take(&c, ","))
			return refuse_value(r, nft_peek(&c)->text);
	}
	return true;
}

/* The condition that @v is on @key; NULL when it was refused. */
static bool add_values(struct nft_rule *r, struct import_rule *to, const struct nft_key *key,
		       struct values *v, enum import_sense sense)
{
	struct importer *im = r->file->im;

	if (key->type == NFT_TYPE_STATE)
		return import_add_state(im, to, v->states, sense);
	if (key->type == NFT_TYPE_NAME)
		return nft_add_cond(r, to, key, import_cond_names(im, v->names, v->names_count),
				    sense);
	return nft_add_cond(r, to, key, import_cond_ranges(im, v->ranges, v->ranges_count), sense);
}

bool nft_read_value(struct nft_rule *r, struct nft_cursor *c, struct import_rule *to,
		    const struct nft_key *key)
{
	struct values v = {};

	if (nft_is(nft_peek(c), "*")) {
		nft_next(c);
		return true;
	}
	return take_value(r, c, key->type, &v) && add_values(r, to, key, &v, IMPORT_IS);
}

/* @s: a set of the table; its elements are compared where weir has no such set. */
static bool take_set(struct nft_rule *r, const struct nft_key *key, enum import_sense sense)
{
	const char *name = nft_next(&r->c)->text + 1;
	struct nft_set *s = nft_set_find(r->file, r->chain->table, name);
	struct values v = {};

	if (!s || s->is_map)
		return import_refuse(r->file->im, &r->rule, "there is no set %.60s", name);
	if (s->types[0] != key->type || s->types[1])
		return import_refuse(r->file->im, &r->rule, "set %.60s has another type", name);
	if (s->set)
		return nft_add_cond(r, &r->rule, key,
				    import_cond_set(r->file->im, key->field, s->set), sense);
	if (s->changes)
		return import_refuse(r->file->im, &r->rule,
				     "weir has no set of this type, and rules change it");
	return take_list(r, s->elements, key->type, &v, 0) &&
	       add_values(r, &r->rule, key, &v, sense);
}

static bool take_bound(struct nft_rule *r, const struct nft_key *key, enum operator op)
{
	const char *word = nft_next(&r->c)->text;
	u128 most = import_field_most(key->field), first, last;
	range one;

	if (key->type == NFT_TYPE_NAME || key->type == NFT_TYPE_STATE ||
	    key->type == NFT_TYPE_FLAGS || key->type == NFT_TYPE_ADDR4 ||
	    key->type == NFT_TYPE_ADDR6 || !nft_value(key->type, word, &one) ||
	    range_last(&one) > most)
		return refuse_value(r, word);
	first = range_first(&one) + (op == OP_GREATER);
	last = range_first(&one) - (op == OP_LESS);
	if ((op == OP_LESS && !range_first(&one)) || (op == OP_GREATER && first > most))
		return import_refuse(r->file->im, &r->rule, "the comparison holds for no packet");
	return nft_add_cond(r, &r->rule, key,
			    op == OP_LESS || op == OP_LESS_EQUAL
				    ? import_cond_number(r->file->im, 0, last)
				    : import_cond_number(r->file->im, first, most),
			    IMPORT_IS);
}

/* One rule for each element of a map of verdicts, the first that fits decides. */
static bool take_map(struct nft_rule *r, const struct nft_key *key, struct nft_cursor c)
{
	struct importer *im = r->file->im;

	if (r->ways_count)
		return import_refuse(im, &r->rule, "two maps or lists of pairs are in one rule");
	for (nft_skip_newlines(&c); c.at < c.end; nft_skip_newlines(&c)) {
		struct import_rule way = r->rule;

		if (!nft_read_value(r, &c, &way, key))
			return import_refuse(im, &r->rule, "%s", way.why ? way.why : "");
		nft_skip_remarks(&c);
		if (!nft_take(&c, ":") || !nft_read_verdict(&c, &way))
			return refuse_value(r, nft_peek(&c)->text);
		nft_skip_remarks(&c);
		*IMPORT_APPEND(im->memory, r->ways, r->ways_count) = way;
		nft_skip_newlines(&c);
		if (c.at < c.end && !nft_take(&c, ","))
			return refuse_value(r, nft_peek(&c)->text);
	}
	return r->ways_count || import_refuse(im, &r->rule, "the map is empty");
}

static const char *states_word(unsigned int state)
{
	static const char *const words[] = {
#define X(sym, word) word,
		IMPORT_STATES(X)
#undef X
	};
	size_t bit = 0;

	while (bit + 1 < IMPORT_STATE_BITS && !(state & 1U << bit))
		bit++;
	return words[bit];
}

/* States with one verdict in one rule: established and related are one to weir. */
static bool take_state_map(struct nft_rule *r, const struct nft_key *key, struct nft_cursor c)
{
	struct importer *im = r->file->im;
	enum import_verdict flows = IMPORT_GO_ON;
	unsigned int seen = 0;
	struct nft_cursor scan = c;

	for (nft_skip_newlines(&scan); scan.at < scan.end; nft_skip_newlines(&scan)) {
		unsigned int state = import_state(nft_next(&scan)->text);
		struct import_rule verdict = {};

		if (!state || !nft_take(&scan, ":") || !nft_read_verdict(&scan, &verdict))
			break;
		if (state == 1U << IMPORT_ESTABLISHED_BIT || state == 1U << IMPORT_RELATED_BIT) {
			if (!verdict.target && (!seen || flows == verdict.verdict))
				seen |= state;
			flows = verdict.verdict;
		}
		nft_take(&scan, ",");
	}
	if (seen == ((1U << IMPORT_ESTABLISHED_BIT) | (1U << IMPORT_RELATED_BIT))) {
		struct import_rule way = r->rule;

		import_add_state(im, &way, seen, IMPORT_IS);
		way.verdict = flows;
		*IMPORT_APPEND(im->memory, r->ways, r->ways_count) = way;
	} else {
		seen = 0;
	}
	for (nft_skip_newlines(&c); c.at < c.end; nft_skip_newlines(&c)) {
		struct import_rule way = r->rule;
		unsigned int state = import_state(nft_next(&c)->text);

		if (!state || !nft_take(&c, ":") || !nft_read_verdict(&c, &way))
			return import_refuse(im, &r->rule, "the map of %s is not understood",
					     import_field_name(key->field));
		nft_take(&c, ",");
		if (state & seen)
			continue;
		way.text = import_text(im->memory, "ct state %s in a vmap", states_word(state));
		import_add_state(im, &way, state, IMPORT_IS);
		*IMPORT_APPEND(im->memory, r->ways, r->ways_count) = way;
	}
	return true;
}

static bool take_vmap(struct nft_rule *r, const struct nft_key *key)
{
	struct nft_cursor inside;

	if (nft_peek(&r->c)->text[0] == '@') {
		const char *name = nft_next(&r->c)->text + 1;
		struct nft_set *s = nft_set_find(r->file, r->chain->table, name);

		if (!s || !s->is_map || s->types[1] || s->types[0] != key->type)
			return import_refuse(r->file->im, &r->rule,
					     "there is no map %.60s of one such key to verdicts",
					     name);
		inside = s->elements;
	} else if (!nft_take_braces(&r->c, &inside)) {
		return refuse_value(r, nft_peek(&r->c)->text);
	}
	return key->type == NFT_TYPE_STATE ? take_state_map(r, key, inside)
					   : take_map(r, key, inside);
}

/* "tcp flags" has bits: a bare value is any of them, "a / b" is a under the mask b. */
static bool take_tcp_flags(struct nft_rule *r)
{
	struct importer *im = r->file->im;
	unsigned int value, mask = 0;
	bool masked = nft_take(&r->c, "&"), written = false;
	enum operator op = OP_EQUAL;

	if (masked && !nft_flags(&r->c, ",", &mask))
		return import_refuse(im, &r->rule, "its TCP flags are not understood");
	if (nft_take(&r->c, "!")) {
		if (!nft_flags(&r->c, ",", &mask))
			return import_refuse(im, &r->rule, "its TCP flags are not understood");
		return import_add_flags(im, &r->rule, 0, mask, IMPORT_IS);
	}
	op = take_operator(&r->c, &written);
	if (op > OP_NOT || (masked && !written) || !nft_flags(&r->c, ",", &value))
		return import_refuse(im, &r->rule, "its TCP flags are not understood");
	if (!masked && nft_take(&r->c, "/")) {
		masked = true;
		if (!nft_flags(&r->c, ",", &mask))
			return import_refuse(im, &r->rule, "its TCP flags are not understood");
	}
	if (!masked && !written)
		return import_add_flags(im, &r->rule, 0, value, IMPORT_IS_NOT);
	return import_add_flags(im, &r->rule, value, masked ? mask : 255,
				op == OP_NOT ? IMPORT_IS_NOT : IMPORT_IS);
}

/* established,related without braces */
static bool take_states(struct nft_rule *r, const struct nft_key *key, enum import_sense sense)
{
	struct values v = {};

	do {
		if (!take_value(r, &r->c, key->type, &v))
			return false;
	} while (nft_take(&r->c, ",") || nft_take(&r->c, "|"));
	return add_values(r, &r->rule, key, &v, sense);
}

/* "{ a, b }" or "@set", with or without an operator. */
static bool is_list(struct nft_cursor c)
{
	if (!nft_take(&c, "=="))
		nft_take(&c, "!=");
	return nft_is(nft_peek(&c), "{") || nft_peek(&c)->text[0] == '@';
}

bool nft_read_comparison(struct nft_rule *r, const struct nft_key *key)
{
	struct nft_cursor inside;
	struct values v = {};
	enum operator op;
	bool written;

	if (nft_take(&r->c, "vmap"))
		return take_vmap(r, key);
	if (key->type == NFT_TYPE_FLAGS && !is_list(r->c))
		return take_tcp_flags(r);
	if (nft_is(nft_peek(&r->c), "&"))
		return import_refuse(
			r->file->im, &r->rule, "weir compares %s whole, without a mask",
			key->field == NFT_LEAVES ? "names" : import_field_name(key->field));
	op = take_operator(&r->c, &written);
	if (op > OP_NOT)
		return take_bound(r, key, op);
	if (nft_peek(&r->c)->kind == NFT_WORD && nft_peek(&r->c)->text[0] == '@')
		return take_set(r, key, op == OP_NOT ? IMPORT_IS_NOT : IMPORT_IS);
	if (nft_take_braces(&r->c, &inside)) {
		if (!take_list(r, inside, key->type, &v, 0))
			return false;
	} else if (key->type == NFT_TYPE_STATE) {
		return take_states(r, key, op == OP_NOT ? IMPORT_IS_NOT : IMPORT_IS);
	} else if (!take_value(r, &r->c, key->type, &v)) {
		return false;
	}
	return add_values(r, &r->rule, key, &v, op == OP_NOT ? IMPORT_IS_NOT : IMPORT_IS);
}
