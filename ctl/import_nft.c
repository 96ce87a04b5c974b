// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of nft: what "nft list ruleset" prints and what is written by hand.
 * They are read twice, so that sets are known before the rules that use them.
 */
#include <stdlib.h>
#include <string.h>

#include "import_nft.h"

enum pass { PASS_SETS, PASS_RULES };

struct reader {
	struct nft_file file;
	struct nft_cursor c;
	enum pass pass;
};

/* Where a table stands. */
struct scope {
	const char *table; /* "inet filter" */
	unsigned int families; /* 0: of a family that weir has no part in */
};

static unsigned int families_of(const char *family)
{
	static const struct {
		const char *name;
		unsigned int families;
	} list[] = { { "ip", IMPORT_V4 },
		     { "ip6", IMPORT_V6 },
		     { "inet", IMPORT_V4 | IMPORT_V6 },
		     { "netdev", IMPORT_V4 | IMPORT_V6 | IMPORT_FRAMES } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (!strcmp(list[i].name, family))
			return list[i].families;
	}
	return 0;
}

static bool is_family(const struct nft_token *t)
{
	return families_of(t->text) || nft_is(t, "arp") || nft_is(t, "bridge");
}

/* "[FAMILY] NAME" */
static struct scope take_scope(struct reader *r)
{
	const char *family = is_family(nft_peek(&r->c)) ? nft_next(&r->c)->text : "ip";
	const char *name = nft_next(&r->c)->text;

	return (struct scope){ import_text(r->file.im->memory, "%s %s", family, name),
			       families_of(family) };
}

static void skip_line(struct nft_cursor *c)
{
	struct nft_cursor inside;

	while (c->at < c->end && nft_peek(c)->kind != NFT_NEWLINE && nft_peek(c)->kind != NFT_END) {
		if (!nft_take_braces(c, &inside))
			nft_next(c);
	}
}

static void note_line(struct reader *r, const struct nft_token *from, const char *why)
{
	const struct nft_token *end;

	skip_line(&r->c);
	if (r->pass == PASS_SETS)
		return;
	end = r->c.at > from ? r->c.at - 1 : from;
	import_note(r->file.im, IMPORT_LEFT_OUT, from->line,
		    import_excerpt(r->file.im, from->at,
				   end->end > from->at ? (size_t)(end->end - from->at) : 0),
		    "%s", why);
}

static const struct {
	const char *name;
	enum import_hook hook;
} hooks[] = { { "ingress", IMPORT_INGRESS }, { "prerouting", IMPORT_PREROUTING },
	      { "input", IMPORT_INPUT },     { "forward", IMPORT_FORWARD },
	      { "output", IMPORT_OUTPUT },   { "postrouting", IMPORT_POSTROUTING },
	      { "egress", IMPORT_EGRESS } };

/* "filter", "-10", "filter - 10", "mangle+5" */
static long take_priority(struct nft_cursor *c)
{
	static const struct {
		const char *name;
		long priority;
	} names[] = { { "raw", -300 }, { "mangle", -150 }, { "dstnat", -100 },
		      { "filter", 0 }, { "security", 50 }, { "srcnat", 100 } };
	const char *word = nft_next(c)->text;
	long priority = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i].name);

		if (!strncmp(word, names[i].name, size)) {
			priority = names[i].priority;
			word += size;
			break;
		}
	}
	if (!*word && (nft_is(nft_peek(c), "-") || nft_is(nft_peek(c), "+")))
		priority += (nft_next(c)->text[0] == '-' ? -1 : 1) *
			    strtol(nft_next(c)->text, NULL, 10) % 100000;
	else
		priority += strtol(word, NULL, 10) % 100000;
	return priority;
}

static void add_device(struct nft_file *f, struct import_chain *chain, struct nft_cursor c)
{
	for (; c.at < c.end; nft_next(&c)) {
		if (nft_peek(&c)->kind != NFT_WORD && nft_peek(&c)->kind != NFT_STRING)
			continue;
		if (!import_interface(nft_peek(&c)->text))
			continue;
		*IMPORT_APPEND(f->im->memory, chain->devices, chain->devices_count) =
			nft_peek(&c)->text;
	}
}

/* "type filter hook input [device eth0] priority 0" */
static void take_hook(struct nft_file *f, struct import_chain *chain, struct nft_cursor *c)
{
	const struct nft_token *type = nft_next(c), *device;
	struct nft_cursor inside;
	enum import_hook hook = IMPORT_NO_HOOK;

	if (nft_take(c, "hook")) {
		const struct nft_token *t = nft_next(c);

		for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
			if (nft_is(t, hooks[i].name))
				hook = hooks[i].hook;
		}
	}
	if (nft_take(c, "device")) {
		device = nft_next(c);
		add_device(f, chain, (struct nft_cursor){ device, device + 1 });
	}
	if (nft_take(c, "devices")) {
		nft_take(c, "=");
		if (nft_take_braces(c, &inside))
			add_device(f, chain, inside);
	}
	if (nft_take(c, "priority"))
		chain->priority = take_priority(c);
	if ((hook == IMPORT_INGRESS || hook == IMPORT_EGRESS) && !chain->devices_count)
		import_note(f->im, IMPORT_LEFT_OUT, type->line,
			    import_text(f->im->memory, "chain %s", chain->name),
			    "it does not say for which device; nft -j leaves that out");
	else if (nft_is(type, "filter") || nft_is(type, "route"))
		chain->hook = hook;
	else
		import_note(f->im, IMPORT_LEFT_OUT, type->line,
			    import_text(f->im->memory, "chain %s", chain->name),
			    "weir has no part in chains of type %.40s", type->text);
}

/* What stands between the braces of a chain: its hook, its policy, its rules. */
static void read_chain_body(struct nft_file *f, struct import_chain *chain, struct nft_cursor c)
{
	for (nft_skip_newlines(&c); c.at < c.end; nft_skip_newlines(&c)) {
		struct nft_cursor rule = { c.at, c.at }, inside;

		if (nft_take(&c, "type")) {
			take_hook(f, chain, &c);
		} else if (nft_take(&c, "policy")) {
			chain->drops = nft_is(nft_next(&c), "drop");
		} else if (nft_take(&c, "comment")) {
			nft_next(&c);
		} else {
			while (c.at < c.end && nft_peek(&c)->kind != NFT_NEWLINE) {
				if (!nft_take_braces(&c, &inside))
					nft_next(&c);
			}
			rule.end = c.at;
			nft_read_rule(f, chain, rule);
		}
	}
}

static void read_chain(struct reader *r, const struct scope *s)
{
	const struct nft_token *name = nft_next(&r->c);
	struct nft_cursor body;
	struct import_chain *chain;
	bool has_body = nft_take_braces(&r->c, &body);

	if (r->pass == PASS_SETS || !s->families)
		return;
	chain = import_chain_add(r->file.im, s->table, name->text, s->families, name->line);
	if (has_body)
		read_chain_body(&r->file, chain, body);
}

static void read_named_set(struct reader *r, const struct scope *s, bool is_map)
{
	const struct nft_token *name = nft_next(&r->c);
	struct nft_cursor body;

	if (!nft_take_braces(&r->c, &body) || r->pass == PASS_RULES || !s->families)
		return;
	nft_read_set(&r->file, s->table, name, body, is_map);
}

static void read_table(struct reader *r)
{
	const struct nft_token *from = nft_peek(&r->c);
	struct scope s = take_scope(r);
	struct nft_cursor body, outside;

	if (!nft_take_braces(&r->c, &body)) {
		r->file.im->understood++;
		return;
	}
	r->file.im->understood++;
	if (!s.families) {
		if (r->pass == PASS_RULES)
			import_note(r->file.im, IMPORT_LEFT_OUT, from->line,
				    import_text(r->file.im->memory, "table %s", s.table),
				    "weir has no filter of this family");
		return;
	}
	outside = r->c;
	r->c = body;
	for (nft_skip_newlines(&r->c); r->c.at < r->c.end; nft_skip_newlines(&r->c)) {
		from = r->c.at;
		if (nft_take(&r->c, "chain"))
			read_chain(r, &s);
		else if (nft_take(&r->c, "set"))
			read_named_set(r, &s, false);
		else if (nft_take(&r->c, "map"))
			read_named_set(r, &s, true);
		else if (nft_take(&r->c, "flags") || nft_take(&r->c, "comment"))
			skip_line(&r->c);
		else
			note_line(r, from, "weir has no such object");
	}
	r->c = outside;
}

/* add rule FAMILY TABLE CHAIN [index N] RULE */
static void read_rule(struct reader *r)
{
	struct scope s = take_scope(r);
	const struct nft_token *name = nft_next(&r->c);
	struct nft_cursor rule;
	struct import_chain *chain;

	while (nft_take(&r->c, "position") || nft_take(&r->c, "index") || nft_take(&r->c, "handle"))
		nft_next(&r->c);
	rule.at = r->c.at;
	skip_line(&r->c);
	rule.end = r->c.at;
	if (r->pass == PASS_SETS || !s.families)
		return;
	chain = import_chain_add(r->file.im, s.table, name->text, s.families, name->line);
	nft_read_rule(&r->file, chain, rule);
}

/* add element FAMILY TABLE SET { ... } */
static void read_element(struct reader *r)
{
	struct scope s = take_scope(r);
	const char *name = nft_next(&r->c)->text;
	struct nft_set *set = nft_set_find(&r->file, s.table, name);
	struct nft_cursor elements;

	if (nft_take_braces(&r->c, &elements) && r->pass == PASS_SETS && set)
		nft_add_elements(&r->file, set, elements);
}

static void read_object(struct reader *r, const struct nft_token *from)
{
	struct scope s;

	if (nft_take(&r->c, "table")) {
		read_table(r);
	} else if (nft_take(&r->c, "rule")) {
		read_rule(r);
	} else if (nft_take(&r->c, "element")) {
		read_element(r);
	} else if (nft_take(&r->c, "chain")) {
		s = take_scope(r);
		read_chain(r, &s);
	} else if (nft_take(&r->c, "set")) {
		s = take_scope(r);
		read_named_set(r, &s, false);
	} else if (nft_take(&r->c, "map")) {
		s = take_scope(r);
		read_named_set(r, &s, true);
	} else {
		note_line(r, from, "weir import does not know this statement");
	}
}

static void read_all(struct reader *r)
{
	for (nft_skip_newlines(&r->c); r->c.at < r->c.end; nft_skip_newlines(&r->c)) {
		const struct nft_token *from = r->c.at;

		if (from->kind == NFT_END)
			return;
		if (nft_take(&r->c, "flush") || nft_take(&r->c, "delete") ||
		    nft_take(&r->c, "destroy") || nft_take(&r->c, "reset")) {
			skip_line(&r->c); /* of what stands before the file is loaded */
			continue;
		}
		if (nft_take(&r->c, "include")) {
			note_line(r, from,
				  "the file is not read; print all with \"nft list ruleset\"");
			continue;
		}
		if (nft_take(&r->c, "insert"))
			note_line(r, from, "weir import knows the order of the file alone");
		else if (nft_take(&r->c, "add") || nft_take(&r->c, "create") || true)
			read_object(r, from);
		if (r->c.at == from)
			nft_next(&r->c);
	}
}

/* What is cut may lack rules that drop. */
static int check_braces(const struct importer *im, const struct nft_token *tokens, size_t count)
{
	const struct nft_token *outer = NULL;
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		if (nft_is(&tokens[i], "{") && !depth++)
			outer = &tokens[i];
		depth -= depth && nft_is(&tokens[i], "}");
	}
	if (!depth)
		return 0;
	return fail(im->why, EXIT_USAGE,
		    "%s:%u: the \"{\" is closed nowhere; the file is cut, or a \"}\" is missing",
		    im->file, outer->line);
}

int import_nft(struct importer *im)
{
	struct reader r = { .file = { .im = im } };
	struct nft_token *tokens;
	size_t count;

	if (nft_tokens(im, &tokens, &count) || check_braces(im, tokens, count))
		return -1;
	for (r.pass = PASS_SETS; r.pass <= PASS_RULES; r.pass++) {
		r.c = (struct nft_cursor){ tokens, tokens + count };
		read_all(&r);
	}
	return 0;
}
