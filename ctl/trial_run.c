// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running packets through the copy. What became of one shows in the counters,
 * which nobody else raises: a reason, and the rules that it matched.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "judge.h"
#include "reason.h"
#include "trial.h"

#define ETHERNET_BYTES 14

/* What every kernel runs: a full frame of Ethernet with a tag. */
#define LONGEST_SURE 1518

/* The first word of a counter is its packets. */
static void read_packets(const struct trial_counters *c, __u32 first, __u32 count, __u64 *packets)
{
	for (__u32 i = 0; i < count; i++)
		packets[i] = *(const volatile __u64 *)(c->mapped + (first + i) * c->stride);
}

static void read_counters(struct trial *t)
{
	read_packets(&t->reasons, t->slot * WEIR_R_COUNT, WEIR_R_COUNT, t->reasons_now);
	read_packets(&t->rules, 0, t->capacity.rules, t->rules_now);
}

bool trial_matched(const struct trial *t, size_t index)
{
	__u32 id = t->rule_ids[index];

	return t->rules_now[id] != t->rules_before[id];
}

/* The last rule that counted the packet is the one that decided, if it was one. */
static void find_rule(const struct trial *t, struct trial_result *out)
{
	const struct filter *f = t->filter;

	out->matched = 0;
	out->is_default = f && trial_matched(t, f->rules_count);
	for (size_t i = 0; f && i < f->rules_count; i++) {
		const struct rule *r = &f->rules[i];

		if (!trial_matched(t, i))
			continue;
		out->matched++;
		if (!out->is_default &&
		    (action_decides(r->action) || r->action == WEIR_ACTION_LIMIT))
			out->rule = r;
	}
	/* A limit that was not exceeded went on, past the filter and to other stages. */
	if (out->rule && out->rule->action == WEIR_ACTION_LIMIT &&
	    (out->fate != WEIR_FATE_DROP ||
	     (out->has_reason && out->reason != WEIR_R_FILTER_LIMIT)))
		out->rule = NULL;
}

/* XDP_* or TC_ACT_*, where no counter says more. */
static enum weir_fate fate_of(enum hook hook, __u32 verdict)
{
	if (hook == HOOK_XDP)
		return verdict == XDP_PASS			      ? WEIR_FATE_PASS
		       : verdict == XDP_TX || verdict == XDP_REDIRECT ? WEIR_FATE_FORWARD
								      : WEIR_FATE_DROP;
	return verdict == TC_ACT_SHOT	    ? WEIR_FATE_DROP
	       : verdict == TC_ACT_REDIRECT ? WEIR_FATE_FORWARD
					    : WEIR_FATE_PASS;
}

static void find_reason(const struct trial *t, struct trial_result *out)
{
	for (int r = 0; r < WEIR_R_COUNT; r++) {
		if (t->reasons_now[r] == t->reasons_before[r])
			continue;
		out->has_reason = true;
		out->reason = (enum weir_reason)r;
		out->fate = reasons[r].fate;
	}
}

static int run(const struct trial *t, const struct frame *in, __u32 *verdict)
{
	struct xdp_md xdp = { .data_end = (__u32)in->size, .ingress_ifindex = t->ifindex };
	static struct frame unread;
	struct frame *left = t->left ? t->left : &unread;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = (__u32)in->size,
		    .data_out = left->bytes, .data_size_out = sizeof(left->bytes), .repeat = 1);

	if (t->hook == HOOK_XDP && t->ifindex) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	}
	if (bpf_prog_test_run_opts(t->program, &opts))
		return -errno;
	left->size = opts.data_size_out;
	*verdict = opts.retval;
	return 0;
}

struct judge_packet trial_packet(const struct trial *t, const struct frame *in)
{
	struct judge_packet p;

	judge_read(in->bytes, in->size, t->ifname, &p);
	return p;
}

/* Shorter than its Ethernet header, or at TC than the IP header that its type promises. */
static bool is_too_short(const struct trial *t, const struct frame *f)
{
	unsigned int type;

	if (f->size < ETHERNET_BYTES || (t->hook != HOOK_XDP && f->size == ETHERNET_BYTES))
		return true;
	type = f->bytes[12] << 8 | f->bytes[13];
	return t->hook != HOOK_XDP && ((type == 0x0800 && f->size < ETHERNET_BYTES + 20) ||
				       (type == 0x86dd && f->size < ETHERNET_BYTES + 40));
}

/* What the kernel says of a frame that is longer than what it runs. */
static bool is_about_size(int error)
{
	return error == -EINVAL || error == -ENOMEM || error == -ENOSPC || error == -EMSGSIZE ||
	       error == -E2BIG;
}

int trial_run(struct trial *t, const struct frame *in, struct trial_result *out,
	      struct failure *why)
{
	__u32 verdict = 0;
	int error;

	*out = (struct trial_result){ .is_too_short = is_too_short(t, in) };
	out->is_refused = out->is_too_short;
	if (out->is_refused)
		return 0;
	memcpy(t->reasons_before, t->reasons_now, sizeof(t->reasons_before));
	memcpy(t->rules_before, t->rules_now, t->capacity.rules * sizeof(*t->rules_now));
	error = run(t, in, &verdict);
	out->is_refused = is_about_size(error) && in->size > LONGEST_SURE;
	if (out->is_refused)
		return 0;
	if (error)
		return fail_errno(why, error, "%s: the kernel does not run a frame of %zu bytes",
				  t->ifname, in->size);
	read_counters(t);
	out->fate = fate_of(t->hook, verdict);
	find_reason(t, out);
	find_rule(t, out);
	return 0;
}
