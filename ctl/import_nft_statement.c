// SPDX-License-Identifier: GPL-2.0-or-later
/* What a rule of nft does: verdicts, limits, log, and what weir has no part in. */
#include <netinet/in.h>
#include <string.h>

#include "import_nft.h"

#define BURST_DEFAULT 5 /* nft's */

bool nft_read_verdict(struct nft_cursor *c, struct import_rule *out)
{
	static const struct {
		const char *word;
		enum import_verdict verdict;
	} verdicts[] = { { "accept", IMPORT_ACCEPT }, { "drop", IMPORT_DROP },
			 { "return", IMPORT_RETURN }, { "jump", IMPORT_JUMP },
			 { "goto", IMPORT_GOTO },     { "continue", IMPORT_GO_ON } };

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!nft_take(c, verdicts[i].word))
			continue;
		out->verdict = verdicts[i].verdict;
		out->target = NULL;
		if (out->verdict == IMPORT_JUMP || out->verdict == IMPORT_GOTO)
			out->target = nft_next(c)->text;
		return true;
	}
	return false;
}

static bool leave_out(struct nft_rule *r, const char *what, const char *why)
{
	import_note(r->file->im, IMPORT_LEFT_OUT, r->rule.line,
		    import_text(r->file->im->memory, "%s", what), "%s", why);
	r->acts = true;
	return true;
}

static bool take_counter(struct nft_rule *r)
{
	if (nft_take(&r->c, "name")) {
		const char *name = nft_next(&r->c)->text;

		leave_out(r, import_text(r->file->im->memory, "counter name %.60s", name),
			  "weir has a counter for each rule, and none with a name");
	}
	while (nft_take(&r->c, "packets") || nft_take(&r->c, "bytes"))
		nft_next(&r->c);
	r->counts = true;
	return true;
}

static bool take_log(struct nft_rule *r)
{
	static const char *const with_value[] = { "level", "group", "snaplen", "queue-threshold" };
	const char *prefix = NULL;
	bool more = true;

	while (more) {
		more = false;
		if (nft_take(&r->c, "prefix")) {
			prefix = nft_next(&r->c)->text;
			more = true;
		}
		if (nft_take(&r->c, "flags")) {
			do
				nft_next(&r->c);
			while (nft_take(&r->c, ",") || nft_is(nft_peek(&r->c), "sequence") ||
			       nft_is(nft_peek(&r->c), "options"));
			more = true;
		}
		for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]); i++) {
			if (nft_take(&r->c, with_value[i])) {
				nft_next(&r->c);
				more = true;
			}
		}
	}
	r->rule.logs = true;
	if (prefix)
		import_note_prefix(r->file->im, &r->rule, prefix);
	return true;
}

/* "rate [over] 5/second [burst 10 packets]" */
static bool take_rate(struct nft_rule *r, struct nft_cursor *c)
{
	struct importer *im = r->file->im;
	enum import_limit_kind kind;
	unsigned int count, burst = BURST_DEFAULT;
	const char *word, *slash;

	if (!nft_take(c, "rate"))
		return import_refuse(im, &r->rule, "weir has no limits with a name");
	kind = nft_take(c, "over") ? IMPORT_ABOVE : IMPORT_WITHIN;
	nft_take(c, "until");
	word = nft_next(c)->text;
	if (nft_take(c, "/"))
		word = import_text(im->memory, "%s/%s", word, nft_next(c)->text);
	slash = strchr(word, '/');
	if (!slash || !import_number(import_copy(im->memory, word, (size_t)(slash - word)),
				     LIMIT_RATE_MAX, &count))
		return import_refuse(im, &r->rule, "weir's limit counts packets, not bytes");
	if (nft_take(c, "burst")) {
		if (!import_number(nft_next(c)->text, LIMIT_BURST_MAX, &burst))
			return import_refuse(im, &r->rule, "weir has bursts from 1 to %u",
					     LIMIT_BURST_MAX);
		if (!nft_take(c, "packets"))
			return import_refuse(im, &r->rule,
					     "weir's limit counts packets, not bytes");
	}
	return import_set_limit(im, &r->rule, kind, count, slash + 1, burst);
}

/* Bits of a mask of addresses, or 0 when they are not in one piece. */
static unsigned int mask_bits(const char *word, bool v6)
{
	char text[128];
	unsigned int bits = 128;
	range r;
	u128 hosts;

	/* as the prefix length of an address of its family */
	if (snprintf(text, sizeof(text), "%s/%s", v6 ? "::" : "0.0.0.0", word) >=
		    (int)sizeof(text) ||
	    !import_address(text, &r))
		return 0;
	for (hosts = range_first(&r) ^ range_last(&r); hosts; hosts >>= 1)
		bits--;
	return v6 ? bits : bits - 96;
}

/* "{ ip saddr [and MASK] [timeout 1m] limit rate ... }": a limit of each source. */
static bool take_meter(struct nft_rule *r, struct nft_cursor inside)
{
	struct importer *im = r->file->im;
	bool v6 = nft_is(nft_peek(&inside), "ip6");
	unsigned int bits = v6 ? 128 : 32;

	if ((!nft_take(&inside, "ip") && !nft_take(&inside, "ip6")) || !nft_take(&inside, "saddr"))
		return import_refuse(im, &r->rule, "weir limits per rule or per source address");
	if (r->chain->families != (v6 ? IMPORT_V6 : IMPORT_V4) &&
	    !import_add_family(im, &r->rule, v6 ? IMPORT_V6 : IMPORT_V4))
		return false;
	if (nft_take(&inside, "and") || nft_take(&inside, "&"))
		bits = mask_bits(nft_next(&inside)->text, v6);
	while (nft_take(&inside, "timeout") || nft_take(&inside, "expires"))
		nft_next(&inside);
	if (!bits || !nft_take(&inside, "limit"))
		return import_refuse(im, &r->rule, "weir limits per rule or per source address");
	if (!take_rate(r, &inside))
		return false;
	r->rule.limit.per_saddr = true;
	r->rule.limit.v4_bits = (__u8)(v6 ? 32 : bits);
	r->rule.limit.v6_bits = (__u8)(v6 ? bits : 128);
	return true;
}

static bool has_limit(struct nft_cursor c)
{
	while (c.at < c.end) {
		if (nft_is(nft_next(&c), "limit"))
			return true;
	}
	return false;
}

/* add @set { ... }, update @set { ... }, meter NAME { ... } */
static bool take_dynamic(struct nft_rule *r, const char *word)
{
	const char *name = nft_next(&r->c)->text;
	struct nft_cursor inside;

	if (nft_take(&r->c, "size"))
		nft_next(&r->c);
	if (!nft_take_braces(&r->c, &inside))
		return import_refuse(r->file->im, &r->rule, "%s is not understood", word);
	if (has_limit(inside))
		return take_meter(r, inside);
	return leave_out(r, import_text(r->file->im->memory, "%s %.60s", word, name),
			 "rules of weir do not change sets");
}

static bool take_reject(struct nft_rule *r)
{
	const char *with = "";

	r->rule.verdict = IMPORT_REJECT;
	if (nft_take(&r->c, "with")) {
		if (nft_take(&r->c, "tcp")) {
			nft_next(&r->c);
			import_add_proto(r->file->im, &r->rule, IPPROTO_TCP);
		} else {
			nft_next(&r->c);
			nft_take(&r->c, "type");
			with = nft_next(&r->c)->text;
		}
	}
	import_note_reject(r->file->im, &r->rule, with);
	return true;
}

/* [meta] mark set N, and other properties of a packet that are set. */
static bool take_set(struct nft_rule *r, const char *what)
{
	const char *value = nft_next(&r->c)->text;
	unsigned int mark;

	if (strcmp(what, "mark"))
		return leave_out(r, import_text(r->file->im->memory, "%s set %.60s", what, value),
				 "weir sets the mark and nothing else");
	if (!import_number(value, ~0U, &mark) || nft_is(nft_peek(&r->c), "&") ||
	    nft_is(nft_peek(&r->c), "|"))
		return import_refuse(r->file->im, &r->rule, "weir sets a mark to a number");
	r->rule.marks = true;
	r->rule.mark = mark;
	return true;
}

/* "meta mark set", "mark set", "ct mark set": whether it is a statement and no match. */
static bool read_setter(struct nft_rule *r, bool *done)
{
	struct nft_cursor ahead = r->c;
	const char *space = nft_next(&ahead)->text, *what = space;

	if (!strcmp(space, "meta") || !strcmp(space, "ct") || !strcmp(space, "ip") ||
	    !strcmp(space, "ip6") || !strcmp(space, "tcp"))
		what = nft_next(&ahead)->text;
	if (!nft_take(&ahead, "set"))
		return false;
	r->c = ahead;
	if (!strcmp(space, "ip") || !strcmp(space, "ip6") || !strcmp(space, "tcp"))
		*done = import_refuse(r->file->im, &r->rule, "weir does not rewrite packets");
	else
		*done = take_set(r, !strcmp(space, "ct")
					    ? import_text(r->file->im->memory, "ct %s", what)
					    : what);
	return true;
}

/* Statements that decide what weir has no part in. */
static const char *const foreign[] = { "queue",	 "snat",     "dnat", "masquerade", "redirect",
				       "tproxy", "synproxy", "fwd",  "xt" };

static bool read_foreign(struct nft_rule *r, const char *word)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (!strcmp(foreign[i], word))
			return import_refuse(r->file->im, &r->rule, "weir has no counterpart of %s",
					     word);
	}
	if (!strcmp(word, "notrack"))
		return leave_out(r, word, "weir does not use conntrack");
	if (!strcmp(word, "quota"))
		return import_refuse(r->file->im, &r->rule, "weir has no quota");
	/* flow add @f, dup to x: the packet goes on all the same */
	while (r->c.at < r->c.end && nft_peek(&r->c)->text[0] != '@' &&
	       !nft_is(nft_peek(&r->c), "accept"))
		nft_next(&r->c);
	if (nft_peek(&r->c)->text[0] == '@')
		nft_next(&r->c);
	return leave_out(r, word, "weir has no counterpart of it");
}

static bool is_foreign(const char *word)
{
	static const char *const more[] = { "notrack", "quota", "flow", "dup" };

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (!strcmp(foreign[i], word))
			return true;
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		if (!strcmp(more[i], word))
			return true;
	}
	return false;
}

bool nft_read_statement(struct nft_rule *r)
{
	const char *word = nft_peek(&r->c)->text;
	bool done = true;

	if (nft_peek(&r->c)->kind != NFT_WORD)
		return false;
	if (nft_read_verdict(&r->c, &r->rule) || read_setter(r, &done))
		return true;
	if (nft_take(&r->c, "counter")) {
		take_counter(r);
	} else if (nft_take(&r->c, "log")) {
		take_log(r);
	} else if (nft_take(&r->c, "limit")) {
		take_rate(r, &r->c);
	} else if (nft_take(&r->c, "reject")) {
		take_reject(r);
	} else if (nft_take(&r->c, "comment")) {
		r->rule.comment = nft_next(&r->c)->text;
	} else if (nft_take(&r->c, "add") || nft_take(&r->c, "update") ||
		   nft_take(&r->c, "meter") || nft_take(&r->c, "delete")) {
		take_dynamic(r, word);
	} else if (is_foreign(word)) {
		nft_next(&r->c);
		read_foreign(r, word);
	} else {
		return false;
	}
	return true;
}
