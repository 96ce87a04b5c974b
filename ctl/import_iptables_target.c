// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands behind -j. */
#include <string.h>

#include "import_iptables.h"

/* The value of @name among the target's options; "" when it is not there. */
static const char *option_value(struct iptables_line *l, const char *name)
{
	for (size_t i = l->at; i + 1 < l->count; i++) {
		if (!strcmp(l->words[i], name))
			return l->words[i + 1];
	}
	return "";
}

static void end_options(struct iptables_line *l)
{
	l->at = l->count;
}

static void take_reject(struct iptables_line *l)
{
	l->rule->verdict = IMPORT_REJECT;
	import_note_reject(l->im, l->rule, option_value(l, "--reject-with"));
	end_options(l);
}

static void take_log(struct iptables_line *l)
{
	const char *prefix = option_value(l, "--log-prefix");

	if (!*prefix)
		prefix = option_value(l, "--nflog-prefix");
	l->rule->logs = true;
	if (*prefix)
		import_note_prefix(l->im, l->rule, prefix);
	end_options(l);
}

static void take_mark(struct iptables_line *l)
{
	const char *value = option_value(l, "--set-mark");
	const char *slash;
	unsigned int mask = ~0U;

	if (!*value)
		value = option_value(l, "--set-xmark");
	slash = strchr(value, '/');
	end_options(l);
	l->rule->marks = true;
	if (!import_number(import_copy(l->im->memory, value, strcspn(value, "/")), ~0U,
			   &l->rule->mark) ||
	    (slash && !import_number(slash + 1, ~0U, &mask)) || mask != ~0U)
		import_refuse(l->im, l->rule, "weir sets all 32 bits of a mark or none");
}

/* Targets that end what a rule does, and are no chain. */
static const char *foreign_target(const char *target)
{
	static const char *const names[] = {
		"AUDIT",   "CHECKSUM",	 "CLASSIFY", "CONNMARK",    "CONNSECMARK", "CT",
		"DNAT",	   "DSCP",	 "ECN",	     "HL",	    "HMARK",	   "IDLETIMER",
		"LED",	   "MASQUERADE", "NETMAP",   "NFQUEUE",	    "NOTRACK",	   "QUEUE",
		"RATEEST", "REDIRECT",	 "SECMARK",  "SET",	    "SNAT",	   "SNPT",
		"DNPT",	   "SYNPROXY",	 "TCPMSS",   "TCPOPTSTRIP", "TEE",	   "TOS",
		"TPROXY",  "TRACE",	 "TTL",	     "ULOG",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], target))
			return names[i];
	}
	return NULL;
}

void iptables_target(struct iptables_line *l, const char *target)
{
	static const struct {
		const char *name;
		enum import_verdict verdict;
	} verdicts[] = { { "ACCEPT", IMPORT_ACCEPT },
			 { "DROP", IMPORT_DROP },
			 { "RETURN", IMPORT_RETURN } };

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!strcmp(verdicts[i].name, target)) {
			l->rule->verdict = verdicts[i].verdict;
			return;
		}
	}
	if (!strcmp(target, "REJECT")) {
		take_reject(l);
	} else if (!strcmp(target, "LOG") || !strcmp(target, "NFLOG")) {
		take_log(l);
	} else if (!strcmp(target, "MARK")) {
		take_mark(l);
	} else if (foreign_target(target)) {
		import_refuse(l->im, l->rule, "weir has no counterpart of %s", target);
		end_options(l);
	} else {
		l->rule->verdict = IMPORT_JUMP;
		l->rule->target = target;
	}
}
