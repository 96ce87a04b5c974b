// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_rule.h"

#include <netinet/in.h>
#include <string.h>
#include <strings.h>

bool import_add(struct importer *im, struct import_rule *r, int field, const struct import_cond *c,
		enum import_sense sense)
{
	const char *name = import_field_name(field);

	if (sense == IMPORT_IS_NOT)
		c = import_cond_not(im, field, c);
	switch (c ? import_match_add(im, &r->match, field, c) : IMPORT_UNABLE) {
	case IMPORT_UNABLE:
		return import_refuse(im, r, "weir cannot say these conditions on %s at once", name);
	case IMPORT_NEVER:
		return import_refuse(im, r, "its conditions on %s hold for no packet", name);
	default:
		return true;
	}
}

bool import_add_number(struct importer *im, struct import_rule *r, int field, unsigned int first,
		       unsigned int last, enum import_sense sense)
{
	return import_add(im, r, field, import_cond_number(im, first, last), sense);
}

bool import_add_proto(struct importer *im, struct import_rule *r, unsigned int proto)
{
	return import_add_number(im, r, WEIR_FIELD_PROTO, proto, proto, IMPORT_IS);
}

bool import_add_family(struct importer *im, struct import_rule *r, unsigned int families)
{
	unsigned int type = families == IMPORT_V4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6;

	return import_add_number(im, r, WEIR_FIELD_ETHERTYPE, type, type, IMPORT_IS);
}

size_t import_flags_ranges(unsigned int value, unsigned int mask, range *out)
{
	size_t count = 0;

	for (unsigned int flags = 0; flags < 256; flags++) {
		if ((flags & mask) == value)
			range_set(&out[count++], flags, flags);
	}
	return count;
}

bool import_add_flags(struct importer *im, struct import_rule *r, unsigned int value,
		      unsigned int mask, enum import_sense sense)
{
	range flags[256];
	size_t count = import_flags_ranges(value, mask, flags);

	if (!import_add_proto(im, r, IPPROTO_TCP))
		return false;
	return import_add(im, r, IMPORT_FLAGS, import_cond_ranges(im, flags, count), sense);
}

unsigned int import_state(const char *word)
{
	static const char *const words[] = {
#define X(sym, word) word,
		IMPORT_STATES(X)
#undef X
	};

	for (unsigned int i = 0; i < IMPORT_STATE_BITS; i++) {
		if (!strcasecmp(words[i], word))
			return 1U << i;
	}
	return 0;
}

#define BIT(sym) (1U << IMPORT_##sym##_BIT)
#define FLOWS (BIT(ESTABLISHED) | BIT(RELATED))
#define OTHERS (BIT(NEW) | BIT(INVALID) | BIT(UNTRACKED))

/* weir knows two states: established, which related is a part of, and the rest. */
bool import_add_state(struct importer *im, struct import_rule *r, unsigned int states,
		      enum import_sense sense)
{
	unsigned int flows, others;

	if (sense == IMPORT_IS_NOT)
		states = ~states & (FLOWS | OTHERS);
	flows = states & FLOWS;
	others = states & OTHERS;
	if (!flows && !(others & BIT(NEW)))
		return import_refuse(im, r,
				     "weir does not tell invalid or untracked packets from "
				     "other new ones");
	if (flows == BIT(RELATED))
		return import_refuse(im, r,
				     "weir counts related packets among the established "
				     "ones and cannot name them alone");
	if (others && !(others & BIT(NEW)))
		return import_refuse(im, r, "weir cannot name invalid or untracked packets");
	if (flows == BIT(ESTABLISHED))
		import_note(im, IMPORT_CHANGED, r->line, r->text,
			    "weir's established includes ICMP errors about the connection, which "
			    "are related here");
	if (flows && others && others != OTHERS && others != (BIT(NEW) | BIT(INVALID)))
		import_note(im, IMPORT_CHANGED, r->line, r->text,
			    "weir has no invalid packets; they are new ones to it, so that this "
			    "rule holds for them, too");
	if (flows && others)
		return true;
	return import_add_number(im, r, WEIR_FIELD_ESTABLISHED, flows != 0, flows != 0, IMPORT_IS);
}

static bool scale_unit(const char *unit, unsigned int *count, __u16 *per_s)
{
	static const struct {
		const char *name;
		unsigned int per_s;
		unsigned int hours;
	} units[] = { { "second", 1, 0 },
		      { "minute", 60, 0 },
		      { "hour", 3600, 0 },
		      { "day", 3600, 24 },
		      { "week", 3600, 168 } };
	size_t size = strlen(unit);

	for (size_t i = 0; size && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strncasecmp(units[i].name, unit, size))
			continue;
		*per_s = (__u16)units[i].per_s;
		if (units[i].hours && *count % units[i].hours)
			return false;
		*count /= units[i].hours ? units[i].hours : 1;
		return true;
	}
	return false;
}

bool import_set_limit(struct importer *im, struct import_rule *r, enum import_limit_kind kind,
		      unsigned int count, const char *unit, unsigned int burst)
{
	__u16 per_s = 0;

	if (r->limits)
		return import_refuse(im, r, "weir has one limit in a rule");
	if (!scale_unit(unit, &count, &per_s) || !count || count > LIMIT_RATE_MAX)
		return import_refuse(im, r,
				     "weir counts a rate in packets a second, minute or "
				     "hour, from 1 to %d",
				     LIMIT_RATE_MAX);
	if (!burst || burst > LIMIT_BURST_MAX)
		return import_refuse(im, r, "weir has bursts from 1 to %u", LIMIT_BURST_MAX);
	r->limits = kind;
	r->limit.rate = count;
	r->limit.per_s = per_s;
	r->limit.burst = burst;
	return true;
}

void import_note_reject(struct importer *im, struct import_rule *r, const char *with)
{
	static const char *const same[] = {
		"tcp reset",	    "tcp-reset", "icmp-port-unreachable", "icmp6-port-unreachable",
		"port-unreachable", ""
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (!strcmp(with, same[i]))
			return;
	}
	import_note(im, IMPORT_CHANGED, r->line, r->text,
		    "weir rejects TCP with a reset and the rest as port unreachable, not with %s",
		    with);
}

void import_note_prefix(struct importer *im, struct import_rule *r, const char *prefix)
{
	if (!r->comment)
		r->comment = prefix;
	import_note(im, IMPORT_CHANGED, r->line, r->text,
		    "weir's log names the rule; it has no prefix");
}
