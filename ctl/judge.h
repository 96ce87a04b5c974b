/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a filter makes of a packet, rule by rule: slow, obvious, and without the
 * kernel. It knows what a configuration says, not what became of its sets since.
 */
#ifndef WEIR_JUDGE_H
#define WEIR_JUDGE_H

#include "model.h"
#include "ranges.h"

/* A condition may turn on what is not known of a packet. */
enum judge_answer {
	JUDGE_NO,
	JUDGE_YES,
	JUDGE_MAYBE,
};

struct judge_packet {
	bool is_ip;
	__u32 has; /* 1 << WEIR_FIELD_*: fields that it has */
	__u32 unknown; /* of these, fields whose value nobody knows */
	u128 value[WEIR_FIELD_COUNT]; /* as ranges hold it; 1 of a flag that is up */
	const char *ifname; /* the value of WEIR_FIELD_IFACE */
	bool has_tcp_flags;
	__u8 tcp_flags;
};

/* Give the packet a field. */
static inline void judge_set(struct judge_packet *p, enum weir_field field, u128 value)
{
	p->has |= 1U << field;
	p->unknown &= ~(1U << field);
	p->value[field] = value;
}

/* Whether all conditions of @r hold. An expression is never known to. */
enum judge_answer judge_rule(const struct model *m, const struct rule *r,
			     const struct judge_packet *p);

/*
 * What can be read of an Ethernet frame that comes in at @ifname, which is
 * borrowed. Whether its connection is established is not known.
 */
void judge_read(const __u8 *frame, size_t size, const char *ifname, struct judge_packet *p);

#define JUDGE_TCP_FLAGS WEIR_FIELD_COUNT

/*
 * How many conditions of @r surely fail. @which gets the last of them: a field,
 * or JUDGE_TCP_FLAGS.
 */
unsigned int judge_misses(const struct model *m, const struct rule *r, const struct judge_packet *p,
			  int *which);

/* What is asked where the answer is maybe. */
enum judge_doubt {
	JUDGE_HOPE, /* the packet's best case: a pass rule holds, others do not */
	JUDGE_FEAR, /* the worst: a drop or reject rule holds, others do not */
};

struct verdict {
	enum weir_action action; /* PASS, DROP or REJECT */
	const struct rule *rule; /* that decided; NULL: the default */
	bool is_judged; /* false: not the filter's business, and passes */
};

/* A limit counts as not exceeded. */
struct verdict judge_filter(const struct model *m, const struct filter *f,
			    const struct judge_packet *p, enum judge_doubt doubt);

/* Whether the action ends the walk over the rules, whatever was counted. */
bool action_decides(enum weir_action action);

/* Rules that also judge frames that are not IP: those with a condition on Ethernet. */
bool rule_is_ethernet(const struct rule *r);

/* True when a condition can only hold for IP packets. */
bool rule_is_ip_only(const struct rule *r);

#endif
