// SPDX-License-Identifier: GPL-2.0-or-later
#include "filter_case.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "own.h"
#include "reference.h"

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .stages = STAGE(FILTER), .filter = "f", .name = FILTER_DEVICE
};
static const struct harness_host host = { .devices = &device, .devices_count = 1 };
static struct harness h;

int filter_start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	harness_start(&h,
		      "interface " FILTER_DEVICE
		      " { xdp auto; filter f }\nfilter f { default pass }\n",
		      &host);
	harness_load(&h, HOOK_XDP, 0, STAGE(FILTER));
	harness_load(&h, HOOK_INGRESS, 0, STAGE(FILTER));
	return 0;
}

int filter_stop(void **state)
{
	(void)state;
	if (!harness_refusal())
		harness_stop(&h);
	return 0;
}

static void use_rules(const struct filter_case *c)
{
	char config[2048];

	snprintf(config, sizeof(config),
		 "%s\ninterface " FILTER_DEVICE " { xdp auto; filter f }\nfilter f {\n%s\n}\n",
		 c->sets ? c->sets : "", c->rules);
	harness_change(&h, config);
}

static void check_reference(const struct filter_case *c, const __u8 *bytes, size_t size)
{
	struct reference *reference = reference_new(&h.model, &h.model.filters[0]);
	struct judgement j;
	struct seen seen;

	reference_parse(bytes, size, &seen);
	seen.device = FILTER_DEVICE;
	if (c->taken_tci)
		reference_take_tag(&seen, c->taken_tci);
	reference_judge(reference, &seen, &j);
	reference_free(reference);
	if (j.rule != c->by || j.drop != (c->verdict == DROP))
		fail_msg("%s: the reference says rule %d and %s", c->name, j.rule,
			 j.drop ? "drop" : "pass");
}

/* Verdict, and one packet and its bytes on the rule's counter. */
static void check_hook(const struct filter_case *c, const struct frame *f, enum hook hook)
{
	static const int pass[] = { [HOOK_XDP] = XDP_PASS, [HOOK_INGRESS] = TC_ACT_UNSPEC };
	static const int drop[] = { [HOOK_XDP] = XDP_DROP, [HOOK_INGRESS] = TC_ACT_SHOT };
	struct weir_counter before = {}, after = {};
	static struct outcome out;
	int error;

	if (c->by != BY_NONE)
		before = harness_counter(&h, WEIR_MAP_RULES, (__u32)c->by);
	if (c->taken_tci)
		error = harness_run_untagged(&h, hook, c->taken_tci, f, &out);
	else
		error = harness_run(&h, hook, f, &out);
	if (hook == HOOK_INGRESS && error == -EINVAL && harness_too_short_for_tc(f))
		return;
	assert_int_equal(error, 0);
	if ((int)out.verdict != (c->verdict == DROP ? drop[hook] : pass[hook])) {
		frame_print(f);
		fail_msg("%s: %s answers %d", c->name, hook_names[hook], (int)out.verdict);
	}
	assert_int_equal(out.frame.size, f->size);
	assert_memory_equal(out.frame.bytes, f->bytes, f->size);
	if (c->by == BY_NONE)
		return;
	after = harness_counter(&h, WEIR_MAP_RULES, (__u32)c->by);
	if (after.packets != before.packets + 1 || after.bytes != before.bytes + f->size)
		fail_msg("%s: %s: rule %d counts %llu packets and %llu bytes more", c->name,
			 hook_names[hook], c->by, after.packets - before.packets,
			 after.bytes - before.bytes);
}

static void check_frame(const struct filter_case *c, const struct frame *f)
{
	check_reference(c, f->bytes, f->size);
	if (!c->taken_tci)
		check_hook(c, f, HOOK_XDP);
	check_hook(c, f, HOOK_INGRESS);
}

static void check_case(const struct filter_case *c)
{
	static struct frame f;

	packet_build(&c->packet, &f);
	if (c->bytes) {
		assert_true(c->bytes < f.size);
		f.size = c->bytes;
	}
	use_rules(c);
	check_frame(c, &f);
}

static void check_cut(const struct filter_cut *cut)
{
	static struct frame f;
	char rules[256];
	struct filter_case c = { .name = cut->name, .rules = rules };

	snprintf(rules, sizeof(rules), "default pass; rule a drop %s", cut->match);
	use_rules(&c);
	packet_build(&cut->packet, &f);
	for (; f.size >= ETHERNET_BYTES; f.size--) {
		bool holds = f.size >= cut->from;

		c.verdict = holds ? DROP : PASS;
		c.by = !holds;
		check_frame(&c, &f);
	}
}

void filter_check(const struct filter_case *cases, size_t count)
{
	NEED_BPF();
	for (size_t i = 0; i < count; i++)
		check_case(&cases[i]);
}

void filter_check_with_more(const struct filter_case *c, size_t more)
{
	OWN_FREE __u8 *bytes = calloc(1, FRAME_MAX + more);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .repeat = 1);
	struct weir_counter before, after;
	static struct frame f;

	NEED_BPF();
	assert_non_null(bytes);
	packet_build(&c->packet, &f);
	memcpy(bytes, f.bytes, f.size);
	opts.data_size_in = (__u32)(f.size + more);
	use_rules(c);
	check_reference(c, bytes, f.size + more);
	before = harness_counter(&h, WEIR_MAP_RULES, (__u32)c->by);
	assert_int_equal(bpf_prog_test_run_opts(h.program[HOOK_XDP], &opts), 0);
	after = harness_counter(&h, WEIR_MAP_RULES, (__u32)c->by);
	if (opts.retval != (c->verdict == DROP ? XDP_DROP : XDP_PASS) ||
	    after.packets != before.packets + 1)
		fail_msg("%s: XDP answers %u, and rule %d counts %llu packets more", c->name,
			 opts.retval, c->by, after.packets - before.packets);
}

void filter_check_cuts(const struct filter_cut *cuts, size_t count)
{
	NEED_BPF();
	for (size_t i = 0; i < count; i++)
		check_cut(&cuts[i]);
}
