// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translated expressions say what libpcap's own interpreter says, at XDP and
 * at TC, in packet pointers and by calls, of whatever frame.
 */
#include "harness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "expr.h"
#include "expr_oracle.h"
#include "expr_tc.skel.h"
#include "expr_xdp.skel.h"
#include "generate.h"

#define ROUNDS 60
#define FRAMES 150
#define TAG_BYTES 4
#define BEYOND 20000 /* bytes that no frame here has */

struct asked {
	struct expr_set set;
	struct oracle *oracle[WEIR_EXPR_MAX]; /* in the order of the set */
};

struct programs {
	struct expr_xdp *xdp;
	struct expr_tc *tc;
};

/* A test whose expressions all hold, or none does, compares nothing. */
static size_t matches;

static void check(const struct failure *why, bool failed)
{
	if (failed)
		fail_msg("%s", why->message ? why->message : "unknown failure");
}

static void ask(struct asked *a, const char *text)
{
	struct failure why = {};

	check(&why, expr_set_add(&a->set, text, &why));
	failure_free(&why);
}

/* Once the set is complete. */
static void ask_oracle(struct asked *a)
{
	for (size_t i = 0; i < a->set.count; i++) {
		a->oracle[i] = oracle_compile(a->set.list[i].text);
		assert_non_null(a->oracle[i]);
	}
}

static void ask_nothing(struct asked *a)
{
	for (size_t i = 0; i < a->set.count; i++)
		oracle_free(a->oracle[i]);
	expr_set_free(&a->set);
	memset(a, 0, sizeof(*a));
}

/*
 * Make every look at the frame's end ask for more than there is: the slow code
 * then does all the work. It is the addition before the comparison with data_end.
 */
static void make_slow(char *elf, size_t bytes)
{
	struct bpf_insn insn[3];
	size_t made = 0;

	for (size_t at = 0; at + sizeof(insn) <= bytes; at += 8) {
		memcpy(insn, elf + at, sizeof(insn));
		if (insn[0].code != (BPF_ALU64 | BPF_ADD | BPF_K) || insn[0].dst_reg != 1 ||
		    insn[1].code != (BPF_LDX | BPF_MEM | BPF_W) || insn[1].dst_reg != 2 ||
		    insn[2].code != (BPF_JMP | BPF_JGT | BPF_X) || insn[2].dst_reg != 1)
			continue;
		insn[0].imm += BEYOND;
		memcpy(elf + at, insn, sizeof(insn));
		made++;
	}
	assert_true(made > 0);
}

static void *object_with(const struct asked *a, enum expr_context context, const void *elf,
			 size_t bytes, bool slow)
{
	char *copy = malloc(bytes);

	assert_non_null(copy);
	memcpy(copy, elf, bytes);
	assert_int_equal(expr_put_into_object(&a->set, context, copy, bytes), 0);
	if (slow)
		make_slow(copy, bytes);
	return copy;
}

static void load_xdp(struct programs *p, const struct asked *a, bool slow)
{
	size_t bytes;
	const void *elf = expr_xdp__elf_bytes(&bytes);
	void *copy = object_with(a, EXPR_XDP, elf, bytes, slow);

	p->xdp = calloc(1, sizeof(*p->xdp));
	assert_int_equal(expr_xdp__create_skeleton(p->xdp), 0);
	p->xdp->skeleton->data = copy;
	assert_int_equal(bpf_object__open_skeleton(p->xdp->skeleton, NULL), 0);
	assert_int_equal(expr_xdp__load(p->xdp), 0);
	free(copy);
	for (size_t i = 0; i < a->set.count; i++)
		p->xdp->bss->ids[i] = a->set.list[i].id;
}

static void load_tc(struct programs *p, const struct asked *a, bool slow)
{
	size_t bytes;
	const void *elf = expr_tc__elf_bytes(&bytes);
	void *copy = object_with(a, EXPR_SKB, elf, bytes, slow);

	p->tc = calloc(1, sizeof(*p->tc));
	assert_int_equal(expr_tc__create_skeleton(p->tc), 0);
	p->tc->skeleton->data = copy;
	assert_int_equal(bpf_object__open_skeleton(p->tc->skeleton, NULL), 0);
	assert_int_equal(expr_tc__load(p->tc), 0);
	free(copy);
	for (size_t i = 0; i < a->set.count; i++)
		p->tc->bss->ids[i] = a->set.list[i].id;
}

static void load(struct programs *p, const struct asked *a, bool slow)
{
	load_xdp(p, a, slow);
	load_tc(p, a, slow);
}

static void unload(struct programs *p)
{
	expr_xdp__destroy(p->xdp);
	expr_tc__destroy(p->tc);
}

static void run(int program, const __u8 *bytes, size_t size, __u32 verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = (__u32)size,
		    .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
	assert_int_equal(opts.retval, verdict);
}

static void compare(const struct asked *a, const char *where, const int *found, const __u8 *bytes,
		    size_t size)
{
	struct frame f = { .size = size < FRAME_MAX ? size : FRAME_MAX };

	for (size_t i = 0; i < a->set.count; i++) {
		bool wanted = oracle_matches(a->oracle[i], bytes, size);

		matches += wanted;
		if (found[i] == wanted)
			continue;
		printf("# %s: \"%s\": libpcap says %d, of %zu bytes:\n", where, a->set.list[i].text,
		       wanted, size);
		memcpy(f.bytes, bytes, f.size);
		frame_print(&f);
		fail_msg("an expression differs from libpcap");
	}
}

static size_t compare_xdp(const struct programs *p, const struct asked *a, const struct frame *f)
{
	if (f->size < ETHERNET_BYTES)
		return 0;
	memset(p->xdp->bss->holds, -1, sizeof(p->xdp->bss->holds));
	run(bpf_program__fd(p->xdp->progs.expr_xdp), f->bytes, f->size, XDP_PASS);
	compare(a, "XDP", p->xdp->bss->holds, f->bytes, f->size);
	return a->set.count;
}

/* The kernel takes the outermost tag, if @type is not 0, off the frame. */
static size_t compare_tc(const struct programs *p, const struct asked *a, const struct frame *f,
			 __u16 type, __u16 tci)
{
	const __u8 tag[TAG_BYTES] = { type >> 8, (__u8)type, tci >> 8, (__u8)tci };
	struct frame wire = *f;

	if (harness_too_short_for_tc(f) || f->size + TAG_BYTES > FRAME_MAX)
		return 0;
	if (type) {
		memmove(wire.bytes + 16, wire.bytes + 12, f->size - 12);
		memcpy(wire.bytes + 12, tag, TAG_BYTES);
		wire.size += TAG_BYTES;
	}
	p->tc->bss->tag_type = type;
	p->tc->bss->tag_tci = tci;
	memset(p->tc->bss->holds, -1, sizeof(p->tc->bss->holds));
	run(bpf_program__fd(p->tc->progs.expr_tc), f->bytes, f->size, TC_ACT_OK);
	compare(a, type ? "TC, tag beside the frame" : "TC", p->tc->bss->holds, wire.bytes,
		wire.size);
	return a->set.count;
}

static size_t compare_all(const struct programs *p, const struct asked *a, const struct frame *f)
{
	static const __u16 types[] = { TYPE_8021Q, TYPE_8021AD };
	static const __u16 tcis[] = { 10, 0, 0xf00a, 0xe00b };

	return compare_xdp(p, a, f) + compare_tc(p, a, f, 0, 0) +
	       compare_tc(p, a, f, types[generate_below(2)], tcis[generate_below(4)]);
}

static void ask_at_random(struct asked *a)
{
	for (int tries = 0; a->set.count < WEIR_EXPR_MAX && tries < 1000; tries++) {
		struct failure why = {};
		char text[EXPR_TEXT_BYTES];

		generate_expr(text);
		expr_set_add(&a->set, text, &why);
		failure_free(&why);
	}
	assert_true(a->set.count > WEIR_EXPR_MAX / 2);
}

static void compare_at_random(bool slow, int rounds)
{
	size_t pairs = 0;

	NEED_BPF();
	matches = 0;
	/* Under emulation the verifier takes ten times as long. */
	if (getenv("WEIR_IN_VM"))
		rounds = rounds / 20 + 1;
	generate_start();
	for (int round = 0; round < rounds; round++) {
		struct asked a = {};
		struct programs p;

		ask_at_random(&a);
		ask_oracle(&a);
		load(&p, &a, slow);
		for (int i = 0; i < FRAMES; i++) {
			struct frame f;

			generate_frame(&f);
			pairs += compare_all(&p, &a, &f);
		}
		unload(&p);
		ask_nothing(&a);
	}
	printf("# %zu pairs of expression and frame, %zu of them match\n", pairs, matches);
	assert_true(matches > pairs / 20 && matches < pairs / 2);
}

static void random_expressions_hold_for_what_libpcap_says(void **state)
{
	(void)state;
	compare_at_random(false, ROUNDS);
}

static void random_expressions_hold_outside_the_linear_part(void **state)
{
	(void)state;
	compare_at_random(true, ROUNDS / 2);
}

static const struct packet whole[] = {
	{ .src = "10.0.0.1", .dst = "10.0.1.2", .sport = 1005, .dport = 80, .payload = 20 },
	{ .src = "10.0.0.1", .dst = "10.0.0.3", .option_words = 3, .sport = 22, .dport = 443 },
	{ .src = "10.0.0.1", .dst = "10.0.0.3", .proto = IPPROTO_UDP, .sport = 53, .dport = 53 },
	{ .src = "10.0.0.1", .dst = "10.0.0.3", .proto = IPPROTO_ICMP, .icmp_type = 8 },
	{ .src = "10.0.0.1", .dst = "10.0.0.3", .fragment = IPV4_MORE_FRAGMENTS, .payload = 40 },
	{ .src = "10.0.0.1", .dst = "10.0.0.3", .fragment = 100, .payload = 40 },
	{ .src = "2001:db8::1", .dst = "2001:db8:0:1::3", .sport = 80, .dport = 22, .payload = 9 },
	{ .src = "2001:db8::1",
	  .dst = "2001:db8::2",
	  .proto = IPPROTO_ICMPV6,
	  .icmp_type = 128,
	  .extensions = { EXT_HOPOPTS(1), EXT_FRAGMENT(IPV6_MORE_FRAGMENTS) } },
	{ .tags = { TYPE_8021Q },
	  .src = "10.0.0.1",
	  .dst = "10.0.0.3",
	  .sport = 1000,
	  .dport = 80,
	  .payload = 4 },
	{ .tags = { TYPE_8021AD, TYPE_8021Q }, .src = "2001:db8::1", .dst = "::", .dport = 80 },
	{ .type = TYPE_ARP, .src = "10.0.0.1", .dst = "10.0.0.3" },
};

#define WHOLE (sizeof(whole) / sizeof(*whole))

static void a_frame_that_ends_at_any_byte_is_judged_as_libpcap_does(void **state)
{
	struct asked a = {};
	struct programs p;
	size_t pairs = 0;

	(void)state;
	NEED_BPF();
	generate_start();
	ask_at_random(&a);
	ask_oracle(&a);
	load(&p, &a, false);
	for (size_t i = 0; i < WHOLE; i++) {
		struct frame f;

		packet_build(&whole[i], &f);
		for (; f.size >= ETHERNET_BYTES; f.size--)
			pairs += compare_all(&p, &a, &f);
	}
	printf("# %zu pairs of expression and frame\n", pairs);
	unload(&p);
	ask_nothing(&a);
}

#define LARGE 9000

/* The linear part of a test run's frame ends within the first page. */
static void loads_beyond_the_linear_part_of_a_large_frame_are_right(void **state)
{
	static __u8 bytes[LARGE];
	struct asked a = {};
	struct programs p;

	(void)state;
	NEED_BPF();
	generate_start();
	while (a.set.count < WEIR_EXPR_MAX) {
		char text[80];

		snprintf(text, sizeof(text), "ether[%u:%u] & 3 = %u and len > %u",
			 generate_below(LARGE), 1U << generate_below(3), generate_below(4),
			 generate_below(LARGE / 2));
		ask(&a, text);
	}
	ask_oracle(&a);
	load_xdp(&p, &a, false);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (__u8)generate_below(256);
	for (size_t size = LARGE; size > 3000; size -= generate_below(20) + 1) {
		memset(p.xdp->bss->holds, -1, sizeof(p.xdp->bss->holds));
		run(bpf_program__fd(p.xdp->progs.expr_xdp), bytes, size, XDP_PASS);
		compare(&a, "XDP", p.xdp->bss->holds, bytes, size);
	}
	expr_xdp__destroy(p.xdp);
	ask_nothing(&a);
}

/* Random frames keep libpcap going round for ever: it follows AH the wrong way. */
static void a_chain_of_headers_is_followed_as_libpcap_does(void **state)
{
	static const struct packet chains[] = {
		{ .src = "2001:db8::1",
		  .dst = "2001:db8::2",
		  .extensions = { EXT_HOPOPTS(0), EXT_ROUTING(2), EXT_FRAGMENT(0),
				  EXT_DSTOPTS(1) } },
		{ .src = "2001:db8::1",
		  .dst = "2001:db8::2",
		  .proto = IPPROTO_UDP,
		  .extensions = { EXT_HOPOPTS(0), EXT_DSTOPTS(0), EXT_DSTOPTS(1), EXT_DSTOPTS(2),
				  EXT_DSTOPTS(0), EXT_DSTOPTS(0), EXT_DSTOPTS(1),
				  EXT_DSTOPTS(2) } },
		{ .src = "2001:db8::1", .dst = "2001:db8::2" },
		{ .src = "10.0.0.1", .dst = "10.0.0.3", .proto = IPPROTO_UDP },
	};
	struct asked a = {};
	struct programs p;

	(void)state;
	NEED_BPF();
	generate_start();
	ask(&a, "ip6 protochain 6");
	ask(&a, "ip6 protochain 17");
	ask(&a, "ip6 protochain 43");
	ask(&a, "protochain 17");
	ask(&a, "not ip6 protochain 6 and ip6");
	ask_oracle(&a);
	for (int slow = 0; slow < 2; slow++) {
		load(&p, &a, slow);
		for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
			struct frame f;

			packet_build(&chains[i], &f);
			for (; f.size >= ETHERNET_BYTES; f.size--)
				compare_all(&p, &a, &f);
		}
		unload(&p);
	}
	ask_nothing(&a);
}

static void a_program_without_expressions_says_no_to_every_id(void **state)
{
	struct asked none = {};
	struct programs p;
	struct frame f;

	(void)state;
	NEED_BPF();
	load(&p, &none, false);
	packet_build(&whole[0], &f);
	memset(p.xdp->bss->holds, -1, sizeof(p.xdp->bss->holds));
	run(bpf_program__fd(p.xdp->progs.expr_xdp), f.bytes, f.size, XDP_PASS);
	for (size_t i = 0; i < WEIR_EXPR_MAX; i++)
		assert_int_equal(p.xdp->bss->holds[i], 0);
	unload(&p);
}

/* The whole way: a rule's text, the image, the program. */
static void a_rule_with_an_expression_decides_at_both_hooks(void **state)
{
	static const char config[] =
		"interface lo { xdp auto; filter f }\n"
		"filter f {\n"
		"  rule web pass expr \"tcp port 80 and len > 60\"\n"
		"  rule tagged pass tcp expr \"vlan 100 and tcp dst port 80\"\n"
		"  rule rest drop not expr \"udp or icmp6\"\n"
		"}\n";
	static const struct image_device device = { .ifindex = 1,
						    .filter = "f",
						    .stages = STAGE(FILTER) };
	static const struct harness_host host = { .devices = &device, .devices_count = 1 };
	static const struct {
		size_t packet; /* of whole */
		bool passes;
	} cases[] = { { 0, true },  { 1, false }, { 2, true },
		      { 3, false }, { 7, false }, { 8, true } };
	struct harness h;

	(void)state;
	NEED_BPF();
	harness_start(&h, config, &host);
	harness_load(&h, HOOK_XDP, 0, STAGE(FILTER));
	harness_load(&h, HOOK_INGRESS, 0, STAGE(FILTER));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct outcome out;
		struct frame f;

		packet_build(&whole[cases[i].packet], &f);
		assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
		assert_int_equal(out.verdict, cases[i].passes ? XDP_PASS : XDP_DROP);
		assert_int_equal(harness_run(&h, HOOK_INGRESS, &f, &out), 0);
		assert_int_equal(out.verdict, cases[i].passes ? (__u32)TC_ACT_UNSPEC : TC_ACT_SHOT);
	}
	harness_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_expressions_hold_for_what_libpcap_says),
		cmocka_unit_test(random_expressions_hold_outside_the_linear_part),
		cmocka_unit_test(a_frame_that_ends_at_any_byte_is_judged_as_libpcap_does),
		cmocka_unit_test(loads_beyond_the_linear_part_of_a_large_frame_are_right),
		cmocka_unit_test(a_chain_of_headers_is_followed_as_libpcap_does),
		cmocka_unit_test(a_program_without_expressions_says_no_to_every_id),
		cmocka_unit_test(a_rule_with_an_expression_decides_at_both_hooks),
	};

	return WEIR_RUN(tests);
}
