// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_state.h"

#include <netinet/in.h>

#include "import_rule.h"

#define SYN 0x02U
#define ACK 0x10U

static bool holds(const struct import_cond *c, unsigned int number)
{
	for (size_t i = 0; c && i < c->ranges_count; i++) {
		if (range_first(&c->ranges[i]) <= number && number <= range_last(&c->ranges[i]))
			return true;
	}
	return !c;
}

static bool is_leaving(const struct import_walk *w)
{
	return w->filter->chains[w->base]->hook >= IMPORT_OUTPUT;
}

static bool asks_for_new(const struct import_match *m)
{
	return m->cond[WEIR_FIELD_ESTABLISHED] && !holds(m->cond[WEIR_FIELD_ESTABLISHED], 1);
}

static bool asks_for_established(const struct import_match *m)
{
	return m->cond[WEIR_FIELD_ESTABLISHED] && !holds(m->cond[WEIR_FIELD_ESTABLISHED], 0);
}

/* Of TCP, nothing but what opens a connection: SYN without ACK. */
static bool opens_only(const struct import_match *m)
{
	if (!m->cond[IMPORT_FLAGS])
		return false;
	for (unsigned int flags = 0; flags < 256; flags++) {
		if (holds(m->cond[IMPORT_FLAGS], flags) && (flags & (SYN | ACK)) != SYN)
			return false;
	}
	return true;
}

static bool is_only(const struct import_cond *proto, unsigned int number)
{
	return proto && proto->ranges_count == 1 && range_first(proto->ranges) == number &&
	       range_last(proto->ranges) == number;
}

static bool is_icmp(const struct import_match *m)
{
	return is_only(m->cond[WEIR_FIELD_PROTO], IPPROTO_ICMP) ||
	       is_only(m->cond[WEIR_FIELD_PROTO], IPPROTO_ICMPV6);
}

static const char *limit_unable(const struct import_match *m)
{
	if (is_only(m->cond[WEIR_FIELD_PROTO], IPPROTO_TCP) || is_icmp(m))
		return NULL;
	return "a limit of new packets would count every packet of what others open, as weir's "
	       "established is what this host opened; limit TCP alone";
}

const char *import_state_unable(const struct import_walk *w, const struct import_rule *r,
				const struct import_match *m)
{
	if (!asks_for_new(m) || opens_only(m))
		return NULL;
	if (r->limits && r->verdict != IMPORT_GO_ON)
		return limit_unable(m);
	if (r->verdict != IMPORT_DROP && r->verdict != IMPORT_REJECT)
		return NULL;
	if (is_leaving(w))
		return "weir's established is what this host opened, so that this would drop its "
		       "answers to others, SYN-ACKs among them";
	if (!holds(m->cond[IMPORT_FLAGS], SYN))
		return "weir's established is what this host opened, so that this would drop the "
		       "ACKs of every connection that others open to it";
	return NULL;
}

/* What was accepted as established before, behind the first packet, has no other rule here. */
static bool needs_all(const struct import_walk *w, const struct import_rule *r,
		      const struct import_match *m)
{
	return !is_leaving(w) && r->verdict == IMPORT_ACCEPT && opens_only(m) &&
	       (asks_for_new(m) || w->accepts_established);
}

static const char *changed_new(const struct import_walk *w, const struct import_rule *r,
			       const struct import_match *m)
{
	if (r->limits && r->verdict != IMPORT_GO_ON)
		return is_icmp(m) ? "weir's limit counts every packet here, not the first of each "
				    "flow"
				  : "weir's limit counts the SYNs of connections that begin; what "
				    "it lets through holds for all packets that are not "
				    "established";
	if (is_leaving(w))
		return "weir's \"not established\" holds for every packet that leaves in answer "
		       "to others, and for invalid ones, not for a connection's first alone";
	return "weir's \"not established\" holds for every packet of what others open, and for "
	       "invalid ones, not for a connection's first alone";
}

static void note(struct import_walk *w, struct import_rule *r, const char *what)
{
	if (!r->state_told)
		import_note(w->im, IMPORT_CHANGED, r->line, r->text, "%s", what);
	r->state_told = true;
}

void import_state_widen(struct import_walk *w, struct import_rule *r, struct import_match *m)
{
	if (r->verdict == IMPORT_JUMP || r->verdict == IMPORT_GOTO)
		return; /* the rules of the chain ask */
	if (needs_all(w, r, m)) {
		m->cond[IMPORT_FLAGS] = NULL;
		note(w, r,
		     "weir's established is not what others opened; the rule holds for all "
		     "packets of these connections, not for their SYN alone");
	} else if (asks_for_new(m) && !opens_only(m)) {
		note(w, r, changed_new(w, r, m));
	} else if (asks_for_established(m) && is_leaving(w)) {
		note(w, r,
		     "weir's established is what this host opened: its answers to others, SYN-ACKs "
		     "among them, meet the rules behind; let them out by their source port");
	}
	if (asks_for_established(m) && r->verdict == IMPORT_ACCEPT)
		w->accepts_established = true;
}

void import_state_limit(struct import_walk *w, struct import_rule *r, struct import_match *m)
{
	range flags[256];
	struct import_match counted = *m;
	size_t count;

	if (!asks_for_new(m))
		return;
	if (is_icmp(m))
		note(w, r, changed_new(w, r, m));
	if (!is_only(m->cond[WEIR_FIELD_PROTO], IPPROTO_TCP))
		return;
	count = import_flags_ranges(SYN, SYN | ACK, flags);
	if (import_match_add(w->im, &counted, IMPORT_FLAGS,
			     import_cond_ranges(w->im, flags, count)) == IMPORT_JOINED)
		*m = counted;
}
