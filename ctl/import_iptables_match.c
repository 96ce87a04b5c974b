// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of matches. Which module they came with does not matter: names differ. */
#include <netinet/in.h>
#include <string.h>

#include "import_iptables.h"

/* "22", "22:80", ":1023", "1024:" */
static bool port_range(const char *word, char between, unsigned int most, unsigned int *first,
		       unsigned int *last)
{
	char text[64], *divide;

	if (strlen(word) >= sizeof(text))
		return false;
	strcpy(text, word);
	divide = strchr(text, between);
	if (!divide)
		return (most == 65535 ? import_port(text, first)
				      : import_number(text, most, first)) &&
		       ((*last = *first), true);
	*divide++ = 0;
	*first = 0;
	*last = most;
	return (!text[0] || import_port(text, first)) && (!*divide || import_port(divide, last)) &&
	       *first <= *last && *last <= most;
}

static bool take_ports(struct iptables_line *l, int field, const char *text)
{
	range *list = NULL;
	size_t count = 0;

	while (text) {
		const char *comma = strchr(text, ',');
		const char *word = import_copy(l->im->memory, text,
					       comma ? (size_t)(comma - text) : strlen(text));
		unsigned int first, last;

		if (!port_range(word, ':', 65535, &first, &last))
			return import_refuse(l->im, l->rule, "\"%s\" is no port", word);
		range_set(IMPORT_APPEND(l->im->memory, list, count), first, last);
		text = comma ? comma + 1 : NULL;
	}
	return import_add(l->im, l->rule, field, import_cond_ranges(l->im, list, count), l->sense);
}

static bool take_sport(struct iptables_line *l, const char *text)
{
	return take_ports(l, WEIR_FIELD_SPORT, text);
}

static bool take_dport(struct iptables_line *l, const char *text)
{
	return take_ports(l, WEIR_FIELD_DPORT, text);
}

static bool take_either_port(struct iptables_line *l, const char *text)
{
	(void)text;
	return import_refuse(l->im, l->rule, "weir has no match for either port; write two rules");
}

static bool take_source_range(struct iptables_line *l, const char *text)
{
	return iptables_addresses(l, WEIR_FIELD_SADDR, text);
}

static bool take_target_range(struct iptables_line *l, const char *text)
{
	return iptables_addresses(l, WEIR_FIELD_DADDR, text);
}

static bool parse_flags(const char *text, unsigned int *out)
{
	char word[16];

	*out = 0;
	for (; text; text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL) {
		const struct name *flag;

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, ","), text);
		flag = name_find(names_flag, word);
		if (!strcmp(word, "ALL"))
			*out |= 0x3f; /* iptables knows no ECE and CWR */
		else if (flag)
			*out |= flag->number;
		else if (strcmp(word, "NONE"))
			return false;
	}
	return true;
}

static bool take_tcp_flags(struct iptables_line *l, const char *text)
{
	const char *wanted = iptables_value(l);
	unsigned int mask, value;

	if (!wanted)
		return false;
	if (!parse_flags(text, &mask) || !parse_flags(wanted, &value))
		return import_refuse(l->im, l->rule, "\"%s %s\" are no TCP flags", text, wanted);
	return import_add_flags(l->im, l->rule, value, mask, l->sense);
}

static bool take_icmp(struct iptables_line *l, const char *text, bool v6)
{
	const char *slash = strchr(text, '/');
	const char *word = import_copy(l->im->memory, text, strcspn(text, "/"));
	unsigned int type, code;

	if (!import_add_proto(l->im, l->rule, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return false;
	if (!strcmp(text, "any") || !strcmp(text, "255"))
		return l->sense == IMPORT_IS ||
		       import_refuse(l->im, l->rule, "its type holds for no packet");
	if (l->sense == IMPORT_IS_NOT && slash)
		return import_refuse(l->im, l->rule, "weir cannot negate type and code together");
	if (!import_icmp_type(word, v6, &type)) {
		/* names of a code stand for their type, too */
		if (slash || l->sense == IMPORT_IS_NOT || !import_icmp_code(word, v6, &code))
			return import_refuse(l->im, l->rule, "\"%s\" is no ICMP type", word);
		type = v6 ? 1 : 3;
		return import_add_number(l->im, l->rule, WEIR_FIELD_ICMP_TYPE, type, type,
					 IMPORT_IS) &&
		       import_add_number(l->im, l->rule, WEIR_FIELD_ICMP_CODE, code, code,
					 IMPORT_IS);
	}
	if (!import_add_number(l->im, l->rule, WEIR_FIELD_ICMP_TYPE, type, type, l->sense))
		return false;
	if (!slash)
		return true;
	if (!import_number(slash + 1, 255, &code))
		return import_refuse(l->im, l->rule, "\"%s\" is no ICMP code", slash + 1);
	return import_add_number(l->im, l->rule, WEIR_FIELD_ICMP_CODE, code, code, IMPORT_IS);
}

static bool take_icmp_type(struct iptables_line *l, const char *text)
{
	return take_icmp(l, text, false);
}

static bool take_icmpv6_type(struct iptables_line *l, const char *text)
{
	return take_icmp(l, text, true);
}

static bool take_state(struct iptables_line *l, const char *text)
{
	unsigned int states = 0;
	char word[32];

	for (; text; text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL) {
		unsigned int state;

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, ","), text);
		state = import_state(word);
		if (!state)
			return import_refuse(l->im, l->rule, "weir has no connection state %s",
					     word);
		states |= state;
	}
	return import_add_state(l->im, l->rule, states, l->sense);
}

static bool take_between(struct iptables_line *l, int field, const char *text, char between)
{
	unsigned int most = (unsigned int)import_field_most(field), first, last;

	if (!port_range(text, between, most, &first, &last))
		return import_refuse(l->im, l->rule, "\"%s\" is no %s", text,
				     import_field_name(field));
	return import_add_number(l->im, l->rule, field, first, last, l->sense);
}

static bool take_length(struct iptables_line *l, const char *text)
{
	return take_between(l, WEIR_FIELD_LENGTH, text, ':');
}

static bool take_ttl_equal(struct iptables_line *l, const char *text)
{
	return take_between(l, WEIR_FIELD_TTL, text, ':');
}

static bool take_ttl_below(struct iptables_line *l, const char *text)
{
	unsigned int ttl;

	if (!import_number(text, 255, &ttl) || !ttl)
		return import_refuse(l->im, l->rule, "\"%s\" is no TTL", text);
	return import_add_number(l->im, l->rule, WEIR_FIELD_TTL, 0, ttl - 1, l->sense);
}

static bool take_ttl_above(struct iptables_line *l, const char *text)
{
	unsigned int ttl;

	if (!import_number(text, 254, &ttl))
		return import_refuse(l->im, l->rule, "\"%s\" is no TTL", text);
	return import_add_number(l->im, l->rule, WEIR_FIELD_TTL, ttl + 1, 255, l->sense);
}

static bool take_dscp(struct iptables_line *l, const char *text)
{
	unsigned int dscp;

	if (!import_dscp(text, &dscp))
		return import_refuse(l->im, l->rule, "\"%s\" is no DSCP class", text);
	return import_add_number(l->im, l->rule, WEIR_FIELD_DSCP, dscp, dscp, l->sense);
}

static bool take_mac(struct iptables_line *l, const char *text)
{
	__u64 mac;

	if (!import_mac(text, &mac))
		return import_refuse(l->im, l->rule, "\"%s\" is no MAC address", text);
	return import_add(l->im, l->rule, WEIR_FIELD_SMAC, import_cond_number(l->im, mac, mac),
			  l->sense);
}

static bool take_comment(struct iptables_line *l, const char *text)
{
	l->rule->comment = text;
	return true;
}

static bool take_rate(struct iptables_line *l, const char *text, enum import_limit_kind kind)
{
	if (l->sense == IMPORT_IS_NOT)
		kind = kind == IMPORT_WITHIN ? IMPORT_ABOVE : IMPORT_WITHIN;
	if (l->limit_rate)
		return import_refuse(l->im, l->rule, "weir has one limit in a rule");
	l->limit_rate = text;
	l->limit_kind = kind;
	return true;
}

static bool take_within(struct iptables_line *l, const char *text)
{
	return take_rate(l, text, IMPORT_WITHIN);
}

static bool take_above(struct iptables_line *l, const char *text)
{
	return take_rate(l, text, IMPORT_ABOVE);
}

static bool take_burst(struct iptables_line *l, const char *text)
{
	return import_number(text, LIMIT_BURST_MAX, &l->limit_burst) ||
	       import_refuse(l->im, l->rule, "\"%s\" is no burst of packets", text);
}

static bool take_hash_mode(struct iptables_line *l, const char *text)
{
	l->per_source = !strcmp(text, "srcip");
	return l->per_source ||
	       import_refuse(l->im, l->rule, "weir limits per rule or per source address, not %s",
			     text);
}

static bool take_source_mask(struct iptables_line *l, const char *text)
{
	return (import_number(text, l->v6 ? 128 : 32, &l->source_bits) && l->source_bits) ||
	       import_refuse(l->im, l->rule, "weir limits per prefix of 1 bit or more");
}

static bool take_nothing(struct iptables_line *l, const char *text)
{
	(void)l, (void)text;
	return true;
}

/* A set of the kernel: what is in it is not in the file. */
static struct import_set *find_ipset(struct iptables_line *l, const char *name, enum set_type type)
{
	struct import_set *s = import_set_find(l->im, "ipset", name);

	if (s)
		return s->type == type ? s : NULL;
	s = import_set_add(l->im, "ipset", name, type, l->rule->line);
	s->remark = import_text(l->im->memory, "ipset %s: its elements are not in the rules",
				import_excerpt(l->im, name, strlen(name)));
	import_note(l->im, IMPORT_CHANGED, l->rule->line, l->rule->text,
		    "the elements of ipset %s are not in this file; the set is empty", name);
	return s;
}

static bool take_ipset(struct iptables_line *l, const char *name)
{
	static const struct {
		const char *sides;
		int field;
		enum set_type type;
	} known[] = { { "src", WEIR_FIELD_SADDR, SET_PREFIX },
		      { "dst", WEIR_FIELD_DADDR, SET_PREFIX },
		      { "src,src", WEIR_FIELD_SADDR, SET_ADDRESS_PORT },
		      { "dst,dst", WEIR_FIELD_DADDR, SET_ADDRESS_PORT } };
	const char *sides = iptables_value(l);

	for (size_t i = 0; sides && i < sizeof(known) / sizeof(known[0]); i++) {
		struct import_set *s;

		if (strcmp(known[i].sides, sides))
			continue;
		s = find_ipset(l, name, known[i].type);
		if (!s)
			break;
		return import_add(l->im, l->rule, known[i].field,
				  import_cond_set(l->im, known[i].field, s), l->sense);
	}
	return import_refuse(l->im, l->rule,
			     "weir's sets hold addresses, or addresses with "
			     "their ports");
}

static bool refuse_host(struct iptables_line *l, const char *text)
{
	return import_refuse(l->im, l->rule, "weir does not know which addresses are %s", text);
}

struct option {
	const char *name;
	bool (*take)(struct iptables_line *l, const char *value);
	bool limits; /* it belongs to a limit, so that it may stand behind one */
};

static const struct option options[] = {
	{ "--sport", take_sport },
	{ "--source-port", take_sport },
	{ "--sports", take_sport },
	{ "--source-ports", take_sport },
	{ "--dport", take_dport },
	{ "--destination-port", take_dport },
	{ "--dports", take_dport },
	{ "--destination-ports", take_dport },
	{ "--ports", take_either_port },
	{ "--src-range", take_source_range },
	{ "--dst-range", take_target_range },
	{ "--tcp-flags", take_tcp_flags },
	{ "--icmp-type", take_icmp_type },
	{ "--icmpv6-type", take_icmpv6_type },
	{ "--state", take_state },
	{ "--ctstate", take_state },
	{ "--length", take_length },
	{ "--ttl-eq", take_ttl_equal },
	{ "--ttl", take_ttl_equal },
	{ "--ttl-lt", take_ttl_below },
	{ "--ttl-gt", take_ttl_above },
	{ "--hl-eq", take_ttl_equal },
	{ "--hl-lt", take_ttl_below },
	{ "--hl-gt", take_ttl_above },
	{ "--dscp", take_dscp },
	{ "--dscp-class", take_dscp },
	{ "--mac-source", take_mac },
	{ "--match-set", take_ipset },
	{ "--src-type", refuse_host },
	{ "--dst-type", refuse_host },
	{ "--comment", take_comment, true },
	{ "--limit", take_within, true },
	{ "--limit-burst", take_burst, true },
	{ "--hashlimit", take_within, true },
	{ "--hashlimit-upto", take_within, true },
	{ "--hashlimit-above", take_above, true },
	{ "--hashlimit-burst", take_burst, true },
	{ "--hashlimit-mode", take_hash_mode, true },
	{ "--hashlimit-srcmask", take_source_mask, true },
	{ "--hashlimit-name", take_nothing, true },
	{ "--hashlimit-htable-size", take_nothing, true },
	{ "--hashlimit-htable-max", take_nothing, true },
	{ "--hashlimit-htable-expire", take_nothing, true },
	{ "--hashlimit-htable-gcinterval", take_nothing, true },
};

bool iptables_match(struct iptables_line *l, const char *option)
{
	if (!strcmp(option, "--syn")) {
		l->limit_behind |= l->limit_rate != NULL;
		return import_add_flags(l->im, l->rule, 0x02, 0x17, l->sense) || true;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *value;

		if (strcmp(options[i].name, option))
			continue;
		value = iptables_value(l);
		l->limit_behind |= l->limit_rate && !options[i].limits;
		if (value)
			options[i].take(l, value);
		return true;
	}
	return false;
}
