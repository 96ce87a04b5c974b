// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_flow.h"

#include "import_cond.h"
#include "import_match.h"
#include "import_state.h"
#include "import_walk.h"

#define DEPTH_MAX 32 /* nft allows 16 */
#define COPIES_MAX 256 /* lines that one rule may make of what follows its chain */

/* Where a chain returns to: behind the jump. */
struct frame {
	struct import_chain *chain;
	size_t next;
	const struct frame *up; /* NULL: to the base chain's policy */
};

/* What became of a chain's packets that no rule in it decided. */
#define ENDS 1U /* some reached its end */
#define LEFT 2U /* some left it before */

/* A chain on its way: what is left of its packets. */
struct visit {
	struct import_chain *chain;
	struct import_match at;
	struct import_match rule; /* of the rule that is looked at */
	const struct frame *up;
	unsigned int fate;
};

enum next {
	NEXT_RULE,
	NEXT_NONE, /* all packets are decided, or have left */
	NEXT_END, /* all are at the end of the chain */
};

static unsigned int walk_chain(struct import_walk *w, struct visit *v, size_t from);

/* All that is behind base chain @base, for packets of @m alone; they are decided then. */
static void run_rest(struct import_walk *w, size_t base, const struct import_match *m)
{
	size_t kept = w->base;

	for (size_t i = base + 1; i < w->filter->chains_count; i++) {
		struct visit v = { .chain = w->filter->chains[i], .at = *m };
		struct import_match scope = import_scope(w, i);

		w->base = i;
		if (import_match_join(w->im, &v.at, &scope) != IMPORT_JOINED ||
		    import_match_simplify(&v.at) != IMPORT_JOINED)
			continue;
		if ((walk_chain(w, &v, 0) & ENDS) && v.chain->drops)
			import_emit(w, &v.at, WEIR_ACTION_DROP, NULL);
	}
	w->base = kept;
	import_emit(w, m, WEIR_ACTION_PASS, NULL);
}

/* What follows behind @up, for packets of @m alone; they are decided then. */
static void run_behind(struct import_walk *w, const struct import_match *m, const struct frame *up)
{
	struct visit v = { .at = *m };
	unsigned int fate = ENDS;

	for (; up; up = up->up) {
		v = (struct visit){ .chain = up->chain, .at = *m, .up = up->up };
		fate = walk_chain(w, &v, up->next);
		if (!fate)
			return;
	}
	if (!w->filter->chains[w->base]->drops)
		fate = LEFT;
	if (fate & ENDS)
		import_emit(w, &v.at, WEIR_ACTION_DROP, NULL);
	if (fate & LEFT)
		run_rest(w, w->base, m);
}

/* The only condition of the rule, if every packet of the chain has its field; -1 otherwise. */
static int sole_field(const struct visit *v)
{
	const struct import_match *m = &v->rule;
	int found = -1;

	for (int f = 0; f < IMPORT_FIELDS; f++) {
		if (!m->cond[f])
			continue;
		if (found >= 0 || !import_field_always(f))
			return -1;
		if ((v->chain->families & IMPORT_FRAMES) && f != WEIR_FIELD_ETHERTYPE &&
		    f != WEIR_FIELD_IFACE)
			return -1;
		found = f;
	}
	return found;
}

/* Keep what the rule holds for out of what follows in its chain. */
static bool exclude(struct import_walk *w, struct visit *v)
{
	int field = sole_field(v);

	if (field < 0 ||
	    import_match_add(w->im, &v->at, field,
			     import_cond_not(w->im, field, v->rule.cond[field])) != IMPORT_JOINED)
		return false;
	v->fate |= LEFT;
	return true;
}

/* What follows behind @up, or the base chain's accept, for packets of @m alone. */
static bool write_again(struct import_walk *w, const struct import_match *m, const struct frame *up)
{
	size_t lines = w->filter->lines_count;

	if (w->depth >= DEPTH_MAX)
		return false;
	w->depth++;
	w->copies++;
	if (up)
		run_behind(w, m, up);
	else
		run_rest(w, w->base, m);
	w->copies--;
	w->depth--;
	return !w->copy_failed && w->filter->lines_count - lines <= COPIES_MAX;
}

/*
 * Packets of @m leave the chain at rule @r: back to where it was entered from,
 * or, accepted, to the next base chain. What follows in the chain is made not
 * to hold for them, or else what they meet instead is written down once more,
 * for them alone.
 */
static void leave(struct import_walk *w, struct visit *v, const struct import_match *m,
		  struct import_rule *r)
{
	bool accepted = r->verdict == IMPORT_ACCEPT;
	size_t lines = w->filter->lines_count;

	if (!accepted && !v->up && w->filter->chains[w->base]->drops) {
		import_emit(w, m, WEIR_ACTION_DROP, r);
		return;
	}
	if ((accepted ? v->chain->hook != IMPORT_NO_HOOK : v->up != NULL) && exclude(w, v))
		return;
	if (write_again(w, m, accepted ? NULL : v->up))
		return;
	w->filter->lines_count = lines;
	w->copy_failed = w->copies;
	if (!w->copies)
		import_tell(w->im, r,
			    "weir has no chains to come back from, and what follows cannot be "
			    "written down once more for these packets, in %d rules at most",
			    COPIES_MAX);
}

/* Whether all that is behind rule @r of its chain is dropped there. */
static bool rest_drops(const struct import_walk *w, const struct visit *v,
		       const struct import_rule *r)
{
	const struct import_chain *c = v->chain;

	while (++r < c->rules + c->rules_count) {
		if (r->verdict == IMPORT_GO_ON)
			continue;
		return (r->verdict == IMPORT_DROP || r->verdict == IMPORT_REJECT) && !r->why &&
		       !r->limits && !r->leaves && import_match_empty(&r->match);
	}
	return !v->up && w->filter->chains[w->base]->drops;
}

/* Why weir's limit cannot say the rate of @r; NULL when it can. */
static const char *limit_differs(const struct import_walk *w, const struct visit *v,
				 const struct import_rule *r)
{
	if (r->limits == IMPORT_ABOVE)
		return r->verdict == IMPORT_DROP || r->verdict == IMPORT_REJECT
			       ? NULL
			       : "weir's limit drops what is above its rate, it can do nothing "
				 "else with it";
	if (r->verdict == IMPORT_GO_ON && r->logs && !r->marks)
		return NULL;
	if (r->verdict != IMPORT_ACCEPT && r->verdict != IMPORT_RETURN)
		return "weir's limit drops what is above its rate; it cannot choose what is within "
		       "it";
	if (!rest_drops(w, v, r) && (r->verdict == IMPORT_RETURN || !import_is_last(w, w->base)))
		return "weir's limit drops what is above its rate, which goes on to the rules "
		       "behind it here";
	return NULL;
}

/* False when the rule is done with, or left out. */
static bool take_limit(struct import_walk *w, struct visit *v, struct import_rule *r,
		       const struct import_match *m)
{
	const char *differs = limit_differs(w, v, r);
	struct import_match counted = *m;
	struct import_line *line;

	if (differs) {
		import_tell(w->im, r, "%s", differs);
		return false;
	}
	if (r->verdict == IMPORT_GO_ON) {
		import_tell_change(
			w, r, "weir bounds the rate of its log by itself; the limit is left out");
		return true;
	}
	if (r->counted)
		import_tell_change(
			w, r, "the limit stands in several rules now, and each counts by itself");
	r->counted = true;
	import_state_limit(w, r, &counted);
	line = import_emit(w, &counted, WEIR_ACTION_LIMIT, r);
	line->limit = r->limit;
	line->admits = r->limits == IMPORT_WITHIN && !rest_drops(w, v, r);
	if (r->limits == IMPORT_ABOVE && r->verdict == IMPORT_REJECT)
		import_tell_change(
			w, r, "weir's limit drops what is above the rate, it does not reject it");
	if (r->limits == IMPORT_ABOVE && r->logs)
		import_tell_change(w, r, "weir's limit does not log what it drops");
	return r->limits == IMPORT_WITHIN;
}

static bool in_loop(const struct import_chain *target, const struct visit *v)
{
	for (const struct frame *up = v->up; up; up = up->up) {
		if (up->chain == target)
			return true;
	}
	return target == v->chain;
}

static enum next take_jump(struct import_walk *w, struct visit *v, struct import_rule *r,
			   const struct import_match *m)
{
	struct import_chain *target = import_chain_find(w->im, v->chain->table, r->target);
	struct frame back = { v->chain, (size_t)(r - v->chain->rules) + 1, v->up };
	struct visit inside = { .chain = target, .at = *m };
	bool all = import_match_empty(&v->rule);
	unsigned int fate;

	inside.up = r->verdict == IMPORT_JUMP ? &back : v->up;
	if (!target || target->hook || in_loop(target, v) || w->depth >= DEPTH_MAX) {
		if (!target || target->hook)
			import_tell(w->im, r, "there is no chain %s to jump to", r->target);
		else
			import_tell(w->im, r, "the chains form a loop, or are nested over %d deep",
				    DEPTH_MAX);
		return NEXT_RULE;
	}
	w->depth++;
	fate = walk_chain(w, &inside, 0);
	w->depth--;
	if (all && (!fate || r->verdict == IMPORT_GOTO))
		return fate ? NEXT_END : NEXT_NONE;
	if (fate && r->verdict == IMPORT_GOTO)
		leave(w, v, m, r);
	return NEXT_RULE;
}

static enum next take_accept(struct import_walk *w, struct visit *v, struct import_rule *r,
			     const struct import_match *m)
{
	bool all = import_match_empty(&v->rule);

	if (import_is_last(w, w->base))
		import_emit(w, m, WEIR_ACTION_PASS, r);
	else if (all && v->chain->hook)
		v->fate |= LEFT; /* to the next base chain, and never to the policy */
	else
		leave(w, v, m, r);
	return all ? NEXT_NONE : NEXT_RULE;
}

static enum next take_verdict(struct import_walk *w, struct visit *v, struct import_rule *r,
			      const struct import_match *m)
{
	bool all = import_match_empty(&v->rule);

	switch (r->verdict) {
	case IMPORT_ACCEPT:
		return take_accept(w, v, r, m);
	case IMPORT_DROP:
	case IMPORT_REJECT:
		import_emit(w, m, r->verdict == IMPORT_DROP ? WEIR_ACTION_DROP : WEIR_ACTION_REJECT,
			    r);
		return all ? NEXT_NONE : NEXT_RULE;
	case IMPORT_RETURN:
		if (!all && r + 1 < v->chain->rules + v->chain->rules_count)
			leave(w, v, m, r);
		return all ? NEXT_END : NEXT_RULE;
	case IMPORT_JUMP:
	case IMPORT_GOTO:
		return take_jump(w, v, r, m);
	default:
		if (!r->logs && !r->marks)
			import_emit(w, m, WEIR_ACTION_COUNT, r);
		return NEXT_RULE;
	}
}

/* The conditions of @r at this hook; false when it asks for what is not known there. */
static bool match_here(struct import_walk *w, struct import_rule *r, struct import_match *out)
{
	const struct import_chain *base = w->filter->chains[w->base];
	bool egress = base->hook >= IMPORT_OUTPUT;

	*out = r->match;
	if (egress ? r->match.cond[WEIR_FIELD_IFACE] != NULL : r->leaves != NULL) {
		import_tell(w->im, r,
			    egress ? "weir does not know of a packet that leaves where it came in"
				   : "weir judges a packet where it comes in, before it is known "
				     "where it will leave");
		return false;
	}
	if (egress)
		out->cond[WEIR_FIELD_IFACE] = r->leaves;
	if (import_match_simplify(out) == IMPORT_JOINED &&
	    ((base->families & IMPORT_FRAMES) || (base->families & import_match_families(out))))
		return true;
	import_tell(w->im, r, "its conditions hold for no packet");
	return false;
}

/* Why weir cannot say @r for packets of @m, all its conditions and those of the way to it. */
static const char *unable(const struct import_walk *w, enum import_joined joined,
			  const struct visit *v, const struct import_rule *r,
			  const struct import_match *m)
{
	const char *why = import_match_unable(m);

	if (joined == IMPORT_UNABLE)
		return import_text(w->im->memory,
				   "weir cannot join its conditions with those of the way to "
				   "chain %s",
				   v->chain->name);
	return why ? why : import_state_unable(w, r, m);
}

static enum next take_rule(struct import_walk *w, struct visit *v, struct import_rule *r)
{
	struct import_match m = v->at;
	enum import_joined joined;
	const char *why;

	if (!match_here(w, r, &v->rule))
		return NEXT_RULE;
	joined = import_match_join(w->im, &m, &v->rule);
	if (joined == IMPORT_JOINED)
		joined = import_match_simplify(&m);
	if (joined == IMPORT_NEVER)
		return NEXT_RULE;
	why = unable(w, joined, v, r, &m);
	if (w->copies && (why || r->limits)) {
		w->copy_failed = true; /* a second limit would count by itself */
		return NEXT_RULE;
	}
	if (why) {
		import_tell(w->im, r, "%s", why);
		return NEXT_RULE;
	}
	if (r->limits && !take_limit(w, v, r, &m))
		return NEXT_RULE;
	import_state_widen(w, r, &m);
	if (r->logs)
		import_emit(w, &m, WEIR_ACTION_LOG, r);
	if (r->marks)
		import_emit(w, &m, WEIR_ACTION_MARK, r)->mark = r->mark;
	return take_verdict(w, v, r, &m);
}

/*
 * The rules of a chain from @from on. Returns ENDS and LEFT as they are true;
 * 0 when all packets were decided.
 */
static unsigned int walk_chain(struct import_walk *w, struct visit *v, size_t from)
{
	for (size_t i = from; i < v->chain->rules_count; i++) {
		struct import_rule *r = &v->chain->rules[i];
		enum next next;

		if (++w->steps > IMPORT_STEPS_MAX) {
			w->too_much = true;
			return 0;
		}
		if (r->why) {
			import_tell(w->im, r, "%s", r->why);
			continue;
		}
		next = take_rule(w, v, r);
		if (next != NEXT_RULE)
			return v->fate | (next == NEXT_END ? ENDS : 0);
	}
	return v->fate | ENDS;
}

/* What the chains leave to their policies, of each family. */
struct policies {
	bool v4_drops, v6_drops;
};

static void walk_base(struct import_walk *w, struct policies *p)
{
	struct import_chain *c = w->filter->chains[w->base];
	struct import_match scope = import_scope(w, w->base);
	struct visit v = { .chain = c, .at = scope };
	unsigned int fate = walk_chain(w, &v, 0);

	if ((c->families & IMPORT_FRAMES) && c->drops)
		import_note(w->im, IMPORT_CHANGED, c->line, c->name,
			    "weir's default is for IP; other frames, ARP among them, pass");
	if (c->drops && (!import_is_last(w, w->base) || scope.cond[WEIR_FIELD_IFACE])) {
		if (fate & ENDS)
			import_emit(w, &v.at, WEIR_ACTION_DROP, NULL);
		return;
	}
	if (c->families & IMPORT_V4)
		p->v4_drops = c->drops;
	if (c->families & IMPORT_V6)
		p->v6_drops = c->drops;
}

int import_flow(struct importer *im, struct import_filter *f)
{
	struct import_walk w = { .im = im, .filter = f };
	struct policies p = {};

	for (; w.base < f->chains_count; w.base++)
		walk_base(&w, &p);
	if (w.too_much)
		return fail(im->why, EXIT_REFUSED,
			    "%s: its chains expand to more than %u rules, and weir has no chains",
			    im->file, IMPORT_STEPS_MAX);
	if (f->families == IMPORT_V4)
		p.v6_drops = p.v4_drops;
	if (f->families == IMPORT_V6)
		p.v4_drops = p.v6_drops;
	f->default_action = p.v4_drops && p.v6_drops ? WEIR_ACTION_DROP : WEIR_ACTION_PASS;
	if (p.v4_drops != p.v6_drops) {
		__u32 type = p.v4_drops ? ETHERTYPE_IP4 : ETHERTYPE_IP6;
		struct import_match m = {};

		w.base = f->chains_count - 1;
		m.cond[WEIR_FIELD_ETHERTYPE] = import_cond_number(im, type, type);
		import_emit(&w, &m, WEIR_ACTION_DROP, NULL);
	}
	return 0;
}
