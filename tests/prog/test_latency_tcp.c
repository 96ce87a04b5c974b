// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random TCP conversations, segment by segment beside a plain model: which are
 * samples, of what kind, and how long they took.
 *
 * That the short way and the long one do the same is shown twice. The model
 * judges both. And where the short way is open, the same segments pass a program
 * beside that has the long way alone, as it has prefixes: after each of them the
 * records of both are compared, word by word, and at the end all counters. Which
 * way a segment went is seen, and that the short one was not idle.
 */
#include <string.h>

#include "latency_ways.h"

#include "../unit/random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TALKS 60
#define STEPS 250
#define REMEMBERED 8
#define FULL 1448

/* One end of a conversation that nobody regulates. */
struct end {
	__u32 next; /* sequence number */
	__u32 got; /* what it acknowledges */
	__u32 tsval, tsecr;
	struct tcp_seen recent[REMEMBERED]; /* with data */
	__u32 sent;
};

struct conversation {
	struct talk talk;
	struct end end[WEIR_DIR_COUNT];
	bool has_timestamps;
	bool unseen[WEIR_DIR_COUNT]; /* this side goes another way */
	__u32 lost_percent; /* of what the watcher does not see */
	struct tcp_seen held; /* to be overtaken by the next */
	bool holds;
	struct latency_model *model;
	const struct timing *timing;
	struct ways *open, *closed; /* the short way is; NULL: nothing is compared */
	__u32 passed, took_short_way;
	struct hist seen[WEIR_DIR_COUNT][WEIR_RTT_COUNT];
	__u32 certain, possible;
};

static void check_sample(const struct conversation *c, const struct expected *e,
			 const struct hist *was, const struct hist *is, bool is_only)
{
	/* Ticks are cut off at both ends. */
	__u64 slack = 2ULL << WEIR_TICK_SHIFT, ns = is->sum_ns - was->sum_ns;

	(void)c;
	if (is_only && (ns + slack < e->least_ns || ns > e->most_ns + slack))
		fail_msg("a sample of %llu ns, not of %llu to %llu", ns, e->least_ns, e->most_ns);
}

/* One packet may give so many of a kind: what was counted is what the model says. */
static void check_kind(struct conversation *c, const struct expected *e, int n,
		       enum weir_direction d, enum weir_rtt_kind kind)
{
	struct hist is = timing_hist(c->timing, d, kind), *was = &c->seen[d][kind];
	__u64 least = 0, most = 0;
	int found = -1;

	for (int i = 0; i < n; i++) {
		if (e[i].direction != d || e[i].kind != kind)
			continue;
		found = i;
		most++;
		least += e[i].is_certain;
	}
	if (is.count - was->count < least || is.count - was->count > most)
		fail_msg("%llu samples of kind %d toward %d; between %llu and %llu are right",
			 is.count - was->count, kind, d, least, most);
	if (is.count != was->count)
		check_sample(c, &e[found], was, &is, most == 1);
	c->certain += (__u32)least;
	c->possible += (__u32)most;
	*was = is;
}

static void pass_both_ways(struct conversation *c, struct tcp_seen *p)
{
	struct tcp_seen again = *p;

	ways_forget(c->open, p->sender);
	ways_forget(c->closed, p->sender);
	timing_segment(c->timing, &c->talk, p);
	timing_segment(c->closed->timing, &c->talk, &again);
	ways_assert_same(c->open, c->closed);
	c->passed++;
	c->took_short_way += ways_was_short(c->open, p->sender);
	assert_false(ways_was_short(c->closed, p->sender));
}

static void pass(struct conversation *c, struct tcp_seen *p)
{
	struct expected e[EXPECTED_MOST];
	int n;

	if (c->unseen[p->sender] || random_below(100) < c->lost_percent)
		return;
	if (c->open)
		pass_both_ways(c, p);
	else
		timing_segment(c->timing, &c->talk, p);
	n = latency_model_packet(c->model, p, e);
	for (__u32 d = 0; d < WEIR_DIR_COUNT; d++) {
		for (__u32 kind = 0; kind < WEIR_RTT_COUNT; kind++)
			check_kind(c, e, n, d, kind);
	}
}

static void emit(struct conversation *c, struct tcp_seen *p)
{
	if (c->holds) {
		pass(c, p);
		c->holds = false;
		pass(c, &c->held);
	} else if (p->bytes && !random_below(20)) {
		c->held = *p;
		c->holds = true;
	} else {
		pass(c, p);
	}
}

static struct tcp_seen segment(struct conversation *c, enum weir_direction from, __u8 flags,
			       __u32 bytes)
{
	struct end *own = &c->end[from];

	return (struct tcp_seen){ .sender = from,
				  .flags = flags,
				  .seq = own->next,
				  .ack = own->got,
				  .bytes = bytes,
				  .window = 500,
				  .has_timestamps = c->has_timestamps,
				  .tsval = own->tsval,
				  .tsecr = own->tsecr,
				  .is_balanced = timing_is_balanced(c->timing, &c->talk) &&
						 from == WEIR_DIR_WIRE };
}

static void send_new(struct conversation *c, enum weir_direction from, __u8 flags, __u32 bytes)
{
	struct tcp_seen p = segment(c, from, flags, bytes);
	struct end *own = &c->end[from];

	own->next += bytes + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
	own->recent[own->sent++ % REMEMBERED] = p;
	emit(c, &p);
}

/* Take in some of what the other side has sent, or all of it. */
static void receive(struct conversation *c, enum weir_direction to)
{
	struct end *own = &c->end[to], *other = &c->end[!to];
	__u32 waits = other->next - own->got;

	switch (random_below(6)) {
	case 0:
		own->got += waits ? random_below(waits + 1) : 0;
		break;
	case 1:
		own->got += waits > 2 * FULL ? 2 * FULL : waits;
		break;
	case 2:
	case 3:
		own->got = other->next;
		break;
	}
	if (other->sent && random_below(4))
		own->tsecr = other->recent[(other->sent - 1 -
					    random_below(other->sent < REMEMBERED ? other->sent
										  : REMEMBERED)) %
					   REMEMBERED]
				     .tsval;
	else if (!random_below(10))
		own->tsecr = other->tsval;
}

static void open_connection(struct conversation *c)
{
	enum weir_direction from = random_below(2);
	struct tcp_seen again;
	__u32 peer_has_none = !random_below(8);

	for (int i = 0; i < WEIR_DIR_COUNT; i++) {
		c->end[i].next = random_below(2) ? (__u32)random_u64() : 0U - random_below(5000);
		c->end[i].tsval = random_below(2) ? (__u32)random_u64() : 0U - random_below(50);
		c->end[i].sent = 0;
		c->end[i].got = c->end[i].tsecr = 0;
	}
	c->has_timestamps = random_below(3);
	send_new(c, from, SYN, 0);
	while (!random_below(3)) {
		again = c->end[from].recent[0];
		again.tsval = ++c->end[from].tsval;
		pass(c, &again);
	}
	if (peer_has_none)
		c->has_timestamps = false;
	if (!random_below(10))
		return;
	c->end[!from].got = c->end[from].next;
	c->end[!from].tsecr = c->end[from].tsval;
	send_new(c, !from, SYN | ACK, 0);
	c->end[from].got = c->end[!from].next;
	c->end[from].tsecr = c->end[!from].tsval;
	if (random_below(10))
		send_new(c, from, ACK, random_below(3) ? 0 : 77);
}

static void send_again(struct conversation *c, enum weir_direction from)
{
	struct end *own = &c->end[from];
	struct tcp_seen p;

	if (!own->sent)
		return;
	p = own->recent[random_below(own->sent < REMEMBERED ? own->sent : REMEMBERED)];
	p.tsval = own->tsval;
	p.has_timestamps = c->has_timestamps;
	pass(c, &p);
}

static void send_odd(struct conversation *c, enum weir_direction from)
{
	struct tcp_seen p = segment(c, from, ACK, 0);

	switch (random_below(6)) {
	case 0: /* keep-alive */
	case 1:
		p.seq--;
		p.bytes = random_below(2);
		pass(c, &p);
		return;
	case 2:
		p.window = 0;
		pass(c, &p);
		return;
	case 3:
		send_new(c, from, FIN | ACK, random_below(2) * 100);
		return;
	case 4:
		p.flags = random_below(4) ? RST | ACK : RST;
		if (!random_below(4))
			pass(c, &p);
		return;
	case 5:
		if (!random_below(4))
			open_connection(c);
		return;
	}
}

static void step(struct conversation *c)
{
	static const __u32 sizes[] = { 1, 100, 536, 1000, FULL, FULL, FULL };
	enum weir_direction from = random_below(2);
	__u32 what = random_below(100);

	c->end[from].tsval += random_below(3) ? random_below(3) : 0;
	if (what < 45) {
		send_new(c, from, PSH | ACK, sizes[random_below(COUNT(sizes))]);
		return;
	}
	receive(c, from);
	if (what < 80)
		send_new(c, from, ACK, 0);
	else if (what < 88)
		send_new(c, from, PSH | ACK, sizes[random_below(COUNT(sizes))]);
	else if (what < 94)
		send_again(c, from);
	else
		send_odd(c, from);
}

static void check_losses(const struct conversation *c)
{
	static const enum weir_loss_kind told[] = {
		WEIR_LOSS_RETRANSMIT, WEIR_LOSS_REORDER, WEIR_LOSS_DUP_ACK, WEIR_LOSS_ZERO_WINDOW,
		WEIR_LOSS_RESET,      WEIR_LOSS_BEGUN,	 WEIR_LOSS_DONE,    WEIR_LOSS_FAILED,
	};

	for (__u32 d = 0; d < WEIR_DIR_COUNT; d++) {
		for (size_t i = 0; i < COUNT(told); i++) {
			__u64 is = timing_loss(c->timing, d, told[i]);
			__u64 want = latency_model_loss(c->model, d, told[i]);

			if (is != want)
				fail_msg("loss %d of side %d is %llu, not %llu", told[i], d, is,
					 want);
		}
	}
}

/* What was counted and timed in all, both ways. */
static void check_sums(const struct conversation *c)
{
	const struct timing *open = c->open->timing, *closed = c->closed->timing;

	for (__u32 d = 0; d < WEIR_DIR_COUNT; d++) {
		for (__u32 kind = 0; kind < WEIR_LOSS_PREFIX_EVICTED; kind++)
			assert_int_equal(timing_loss(open, d, kind), timing_loss(closed, d, kind));
		for (__u32 kind = 0; kind < WEIR_RTT_COUNT; kind++)
			assert_int_equal(timing_hist(open, d, kind).count,
					 timing_hist(closed, d, kind).count);
	}
}

/* Of all conversations. */
struct tally {
	__u32 certain, possible; /* samples */
	__u32 passed, took_short_way; /* segments that passed both ways */
};

/* @open, @closed  as in struct conversation */
static void converse(__u32 slot, __u32 number, struct ways *open, struct ways *closed,
		     struct tally *tally)
{
	static const enum packet_timestamps places[] = { TIMESTAMPS_ALIGNED, TIMESTAMPS_ALIGNED,
							 TIMESTAMPS_LINUX_SYN, TIMESTAMPS_BSD_SYN,
							 TIMESTAMPS_AFTER_SACK };
	struct conversation c = {
		.talk = { .client = number % 2 ? "198.51.100.7" : "2001:db8:c::7",
			  .server = number % 2 ? "192.0.2.80" : "2001:db8:ff::80",
			  .client_port = (__u16)(1024 + number),
			  .server_port = open && random_below(2) ? 81 : 80,
			  .timestamps = places[random_below(COUNT(places))] },
		.lost_percent = random_below(3) ? 0 : 10,
		.model = latency_model_new(),
		.timing = timing_start(slot),
		.open = open,
		.closed = closed,
	};

	if (!random_below(6))
		c.unseen[random_below(2)] = true;
	if (random_below(6))
		open_connection(&c);
	else
		c.has_timestamps = random_below(2);
	for (int i = 0; i < STEPS; i++)
		step(&c);
	check_losses(&c);
	assert_int_equal(timing_backend(c.timing, 0, WEIR_BACKEND_HIST_RESPONSE).count,
			 timing_hist(c.timing, WEIR_DIR_HOST, WEIR_RTT_RESPONSE).count);
	if (open)
		check_sums(&c);
	tally->certain += c.certain;
	tally->possible += c.possible;
	tally->passed += c.passed;
	tally->took_short_way += c.took_short_way;
	latency_model_free(c.model);
}

static void check_tally(const struct tally *t)
{
	printf("# %u samples in %d segments, %u more that may be\n", t->certain, TALKS * STEPS,
	       t->possible - t->certain);
	assert_true(t->certain > TALKS * STEPS / 20);
}

static void random_conversations(__u32 slot)
{
	struct tally tally = {};

	for (__u32 i = 0; i < TALKS; i++)
		converse(slot, i, NULL, NULL, &tally);
	check_tally(&tally);
}

/* @closed is a slot without a short way, with the same part of the balancer. */
static void random_conversations_both_ways(__u32 slot, __u32 closed)
{
	struct tally tally = {};
	struct ways ways[2];

	for (__u32 i = 0; i < TALKS; i++) {
		ways[0] = ways_open(timing_start(slot));
		ways[1] = ways_open(timing_start(closed));
		converse(slot, i, &ways[0], &ways[1], &tally);
		ways_close(&ways[0]);
		ways_close(&ways[1]);
	}
	check_tally(&tally);
	printf("# %u of %u segments went the short way\n", tally.took_short_way, tally.passed);
	assert_true(tally.took_short_way > tally.passed / 10);
}

static void samples_of_random_conversations_are_those_of_the_model(void **state)
{
	(void)state;
	NEED_BPF();
	random_conversations(1);
}

static void so_are_those_of_the_short_way(void **state)
{
	(void)state;
	NEED_BPF();
	random_conversations_both_ways(2, 1);
}

static void so_are_those_beside_other_stages(void **state)
{
	(void)state;
	NEED_BPF();
	random_conversations_both_ways(3, 1);
}

static void so_are_those_beside_the_balancer(void **state)
{
	(void)state;
	NEED_BPF();
	random_conversations_both_ways(4, 0);
}

static void so_are_those_of_balanced_ones(void **state)
{
	(void)state;
	NEED_BPF();
	random_conversations(0);
}

/* Its sender acknowledged something behind it, and that was faster. */
static void a_question_that_a_bare_acknowledgement_overtook_is_a_sample(void **state)
{
	const struct talk talk = { "198.51.100.7", "192.0.2.10", 40000, 80, TIMESTAMPS_ALIGNED };

	(void)state;
	NEED_BPF();
	for (int timed = 0; timed < 2; timed++) {
		struct tcp_seen before = { .flags = 0x18,
					   .seq = 900,
					   .ack = 500,
					   .bytes = 100,
					   .window = 500,
					   .has_timestamps = timed,
					   .tsval = 10,
					   .tsecr = 20 };
		struct tcp_seen answered = { .sender = WEIR_DIR_HOST,
					     .flags = 0x18,
					     .seq = 500,
					     .ack = 1000,
					     .bytes = 50,
					     .window = 500,
					     .has_timestamps = timed,
					     .tsval = 21,
					     .tsecr = 10 };
		struct tcp_seen behind = before, question = before, answer = answered;
		const struct timing *t = timing_start(1);

		question.seq = 1000;
		question.ack = behind.ack = 550;
		question.tsval = 11;
		question.tsecr = behind.tsecr = 21;
		behind.flags = 0x10;
		behind.seq = 1100;
		behind.bytes = 0;
		behind.tsval = 12;
		answer.seq = 550;
		answer.ack = 1100;
		answer.tsval = 23;
		answer.tsecr = 11;
		timing_segment(t, &talk, &before);
		timing_segment(t, &talk, &answered);
		timing_segment(t, &talk, &behind);
		timing_segment(t, &talk, &question);
		timing_segment(t, &talk, &answer);
		assert_int_equal(timing_hist(t, WEIR_DIR_HOST, WEIR_RTT_TCP).count, 2);
		assert_int_equal(timing_loss(t, WEIR_DIR_WIRE, WEIR_LOSS_RETRANSMIT), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_of_random_conversations_are_those_of_the_model),
		cmocka_unit_test(so_are_those_of_the_short_way),
		cmocka_unit_test(so_are_those_beside_other_stages),
		cmocka_unit_test(so_are_those_beside_the_balancer),
		cmocka_unit_test(so_are_those_of_balanced_ones),
		cmocka_unit_test(a_question_that_a_bare_acknowledgement_overtook_is_a_sample),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, NULL, timing_stop);
}
