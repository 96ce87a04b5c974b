// SPDX-License-Identifier: GPL-2.0-or-later
/* One rule of nft: conditions and statements in any order. */
#include <netinet/in.h>
#include <string.h>

#include "import_nft.h"

/* "ip frag-off & 0x3fff != 0", "exthdr frag exists" */
static bool read_fragment(struct nft_rule *r, bool *done)
{
	struct importer *im = r->file->im;
	struct nft_cursor c = r->c;
	unsigned int mask = 0, value = 1;
	bool not ;

	if (nft_take(&c, "exthdr") && nft_take(&c, "frag")) {
		not = nft_take(&c, "missing");
		if (!not &&!nft_take(&c, "exists"))
			return false;
		r->c = c;
		*done = import_add_family(im, &r->rule, IMPORT_V6) &&
			import_add_number(im, &r->rule, WEIR_FIELD_FRAGMENT, !not, !not, IMPORT_IS);
		return true;
	}
	c = r->c;
	if (!nft_take(&c, "ip") || !nft_take(&c, "frag-off"))
		return false;
	if (!nft_take(&c, "&") || !import_number(nft_next(&c)->text, 65535, &mask))
		mask = 0;
	not = !nft_take(&c, "!=");
	if (not )
		nft_take(&c, "==");
	if (!import_number(nft_next(&c)->text, 65535, &value) || value || mask != 0x3fff) {
		*done = import_refuse(im, &r->rule,
				      "weir's fragment is any fragment, the first "
				      "included: \"ip frag-off & 0x3fff != 0\"");
		return true;
	}
	r->c = c;
	*done = (r->chain->families == IMPORT_V4 || import_add_family(im, &r->rule, IMPORT_V4)) &&
		import_add_number(im, &r->rule, WEIR_FIELD_FRAGMENT, !not, !not, IMPORT_IS);
	return true;
}

bool nft_read_match(struct nft_rule *r)
{
	struct nft_key key;
	bool done;

	if (r->rule.limits)
		return import_refuse(r->file->im, &r->rule,
				     "weir counts only packets that all conditions hold for, and "
				     "one stands behind the limit here");
	if (read_fragment(r, &done))
		return done;
	if (!nft_take_key(r, &key))
		return false;
	if (nft_is(nft_peek(&r->c), "."))
		return nft_read_pairs(r, &key);
	return nft_read_comparison(r, &key);
}

/* The verdict of a rule that was refused, so that it can be told what it did. */
static void find_verdict(struct nft_rule *r, struct nft_cursor c)
{
	unsigned int depth = 0;

	while (c.at < c.end) {
		depth += nft_is(nft_peek(&c), "{");
		depth -= depth && nft_is(nft_peek(&c), "}");
		if (!depth && nft_take(&c, "reject"))
			r->rule.verdict = IMPORT_REJECT;
		else if (depth || !nft_read_verdict(&c, &r->rule))
			nft_next(&c);
	}
}

static struct import_rule *append(struct nft_rule *r, const struct import_rule *rule)
{
	struct import_rule *out = import_rule_add(r->file->im, r->chain, rule->line, rule->text);
	const char *chain = out->chain;

	*out = *rule;
	out->chain = chain;
	out->number = r->chain->rules_read;
	return out;
}

/* One rule for each way, with what came behind the map or the pairs. */
static void append_ways(struct nft_rule *r)
{
	for (size_t i = 0; i < r->ways_count; i++) {
		struct import_rule *way = &r->ways[i], rule = r->rule;
		enum import_joined joined =
			import_match_join(r->file->im, &way->match, &r->rule.match);

		rule.match = way->match;
		rule.why = way->why;
		rule.leaves = way->leaves ? way->leaves : rule.leaves;
		if (way->verdict != IMPORT_GO_ON) {
			rule.verdict = way->verdict;
			rule.target = way->target;
		}
		if (joined == IMPORT_UNABLE)
			import_refuse(r->file->im, &rule, "weir cannot say its conditions at once");
		if (joined != IMPORT_NEVER)
			append(r, &rule);
	}
}

void nft_read_rule(struct nft_file *f, struct import_chain *chain, struct nft_cursor c)
{
	struct nft_rule r = { .file = f, .chain = chain, .c = c };
	const struct nft_token *last = c.end - 1;

	if (c.at == c.end)
		return;
	chain->rules_read++;
	r.rule.line = c.at->line;
	r.rule.text = last->end >= c.at->at
			      ? import_excerpt(f->im, c.at->at, (size_t)(last->end - c.at->at))
			      : "";
	while (r.c.at < r.c.end && !r.rule.why) {
		if (!nft_read_statement(&r))
			nft_read_match(&r);
	}
	if (r.rule.why) {
		find_verdict(&r, c);
		append(&r, &r.rule);
		return;
	}
	if (r.ways_count)
		append_ways(&r);
	else if (r.rule.verdict != IMPORT_GO_ON || r.rule.logs || r.rule.marks || r.counts ||
		 r.rule.limits)
		append(&r, &r.rule);
}
