// SPDX-License-Identifier: GPL-2.0-or-later
/* Concatenations, "ip daddr . tcp dport": a set of weir, or a rule for each element. */
#include <string.h>

#include "import_nft.h"

#define KEYS_MAX 5
#define WAYS_MAX 256

struct keys {
	struct nft_key list[KEYS_MAX];
	size_t count;
};

static bool take_element(struct nft_rule *r, struct nft_cursor *c, const struct keys *keys,
			 bool verdicts)
{
	struct importer *im = r->file->im;
	struct import_rule way = r->rule;

	for (size_t i = 0; i < keys->count; i++) {
		if (i && !nft_take(c, "."))
			return import_refuse(im, &r->rule, "an element has too few parts");
		if (!nft_read_value(r, c, &way, &keys->list[i]))
			return import_refuse(im, &r->rule, "%s", way.why ? way.why : "");
	}
	nft_skip_remarks(c);
	if (verdicts && (!nft_take(c, ":") || !nft_read_verdict(c, &way)))
		return import_refuse(im, &r->rule, "\"%.60s\" is no verdict", nft_peek(c)->text);
	nft_skip_remarks(c);
	*IMPORT_APPEND(im->memory, r->ways, r->ways_count) = way;
	return true;
}

static bool take_elements(struct nft_rule *r, struct nft_cursor c, const struct keys *keys,
			  bool verdicts)
{
	struct importer *im = r->file->im;

	if (r->ways_count)
		return import_refuse(im, &r->rule, "two maps or lists of pairs are in one rule");
	for (nft_skip_newlines(&c); c.at < c.end; nft_skip_newlines(&c)) {
		if (r->ways_count == WAYS_MAX)
			return import_refuse(im, &r->rule,
					     "weir has no set of such elements, and they would "
					     "take more than %d rules",
					     WAYS_MAX);
		if (!take_element(r, &c, keys, verdicts))
			return false;
		nft_skip_newlines(&c);
		if (c.at < c.end && !nft_take(&c, ","))
			return import_refuse(im, &r->rule, "\"%.60s\" is not understood",
					     nft_peek(&c)->text);
	}
	return r->ways_count || import_refuse(im, &r->rule, "its list is empty");
}

/* An address and the port of the same side are what weir's set of pairs compares. */
static bool is_endpoint(const struct keys *k)
{
	int address = k->list[0].field, port = k->list[1].field;

	return k->count == 2 && ((address == WEIR_FIELD_SADDR && port == WEIR_FIELD_SPORT) ||
				 (address == WEIR_FIELD_DADDR && port == WEIR_FIELD_DPORT));
}

static bool take_set(struct nft_rule *r, const struct keys *keys, const char *name,
		     enum import_sense sense, bool verdicts)
{
	struct importer *im = r->file->im;
	struct nft_set *s = nft_set_find(r->file, r->chain->table, name);

	if (!s || s->is_map != verdicts)
		return import_refuse(im, &r->rule, "there is no set %.60s", name);
	if (s->set && is_endpoint(keys) && s->types[0] == keys->list[0].type && !verdicts)
		return nft_add_cond(r, &r->rule, &keys->list[0],
				    import_cond_set(im, keys->list[0].field, s->set), sense);
	if (s->changes)
		return import_refuse(im, &r->rule,
				     "weir has no set of such elements, and rules "
				     "change it");
	if (sense == IMPORT_IS_NOT)
		return import_refuse(im, &r->rule,
				     "weir cannot negate pairs that it has no set "
				     "for");
	if (s->set)
		s->set->written_out = true;
	return take_elements(r, s->elements, keys, verdicts);
}

bool nft_read_pairs(struct nft_rule *r, const struct nft_key *first)
{
	struct importer *im = r->file->im;
	struct keys keys = { .list = { *first }, .count = 1 };
	struct nft_cursor inside;
	bool verdicts, not ;

	while (nft_take(&r->c, ".")) {
		if (keys.count == KEYS_MAX)
			return import_refuse(im, &r->rule, "it joins more than %d fields",
					     KEYS_MAX);
		if (!nft_take_key(r, &keys.list[keys.count++]))
			return false;
	}
	verdicts = nft_take(&r->c, "vmap");
	not = nft_take(&r->c, "!=");
	nft_take(&r->c, "==");
	if (nft_peek(&r->c)->text[0] == '@')
		return take_set(r, &keys, nft_next(&r->c)->text + 1,
				not ? IMPORT_IS_NOT : IMPORT_IS, verdicts);
	if (not )
		return import_refuse(im, &r->rule,
				     "weir cannot negate pairs that it has no set "
				     "for");
	if (nft_take_braces(&r->c, &inside))
		return take_elements(r, inside, &keys, verdicts);
	return take_element(r, &r->c, &keys, verdicts);
}
