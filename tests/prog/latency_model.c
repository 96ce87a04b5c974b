// SPDX-License-Identifier: GPL-2.0-or-later
#include "latency_model.h"

#include <stdlib.h>
#include <string.h>

#include "packet.h"

/* Last: cmocka has a macro fail() of its own. */
#include "../unit/test_main.h"

/* Stamps that a record surely has room for; behind them only exact answers are found. */
#define SURE_STAMPS 4

enum fate {
	NOT_STAMPED,
	WAITS,
	ANSWERED,
	FORGOTTEN, /* the connection ended, or Karn's rule */
};

struct sent {
	struct tcp_seen p;
	__u32 end;
	enum fate fate;
	bool is_early; /* nothing of the other side was seen before */
	bool is_doubtful; /* its TSval was seen with what is not stamped */
};

struct side {
	struct sent *list; /* of this connection */
	size_t count, room;
	__u32 next, acked, newest, echoed;
	__u16 window;
	bool has_next, has_acked, has_newest;
	bool asked, answered; /* its SYN, or SYN-ACK, waits to be acknowledged */
	bool resent; /* something, in this connection */
	__u32 segment;
};

struct latency_model {
	struct side side[WEIR_DIR_COUNT];
	bool is_known; /* something was seen that will be acknowledged */
	bool has_request;
	__u32 request_ack;
	struct tcp_seen request;
	__u64 loss[WEIR_DIR_COUNT][WEIR_LOSS_COUNT];
};

struct latency_model *latency_model_new(void)
{
	struct latency_model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	return m;
}

void latency_model_free(struct latency_model *m)
{
	for (int i = 0; i < WEIR_DIR_COUNT; i++)
		free(m->side[i].list);
	free(m);
}

__u64 latency_model_loss(const struct latency_model *m, enum weir_direction sender,
			 enum weir_loss_kind kind)
{
	return m->loss[sender][kind];
}

/* Serial numbers, RFC 1982. */
static bool follows(__u32 a, __u32 b)
{
	return a != b && a - b < 0x80000000U;
}

static __u32 end_of(const struct tcp_seen *p)
{
	return p->seq + p->bytes + (p->flags & SYN ? 1 : 0) + (p->flags & FIN ? 1 : 0);
}

static void forget_stamps(struct side *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].fate == WAITS)
			s->list[i].fate = FORGOTTEN;
	}
}

static void start_over(struct side *s)
{
	struct sent *list = s->list;
	size_t room = s->room;

	*s = (struct side){ .list = list, .room = room };
}

static void take_reset(struct latency_model *m, const struct tcp_seen *p)
{
	m->loss[p->sender][WEIR_LOSS_RESET]++;
	for (int i = 0; i < WEIR_DIR_COUNT; i++) {
		if (m->side[i].asked)
			m->loss[i][WEIR_LOSS_FAILED]++;
		m->side[i].asked = m->side[i].answered = false;
		forget_stamps(&m->side[i]);
	}
	m->has_request = false;
}

static void take_syn(struct latency_model *m, const struct tcp_seen *p)
{
	struct side *own = &m->side[p->sender], *other = &m->side[!p->sender];

	if ((own->asked || own->answered || other->has_next) && own->has_next &&
	    end_of(p) == own->next) {
		if (!(p->flags & ACK) && !own->has_acked)
			own->asked = true;
		return;
	}
	/* A SYN would have made the other side a new one. */
	if (p->flags & ACK && own->has_next && other->has_next && !follows(end_of(p), own->next))
		return;
	if (p->flags & ACK) {
		start_over(own);
		own->answered = true;
		return;
	}
	if (own->asked)
		m->loss[p->sender][WEIR_LOSS_FAILED]++;
	m->loss[p->sender][WEIR_LOSS_BEGUN]++;
	start_over(other);
	start_over(own);
	own->asked = true;
	m->has_request = false;
}

static bool is_keep_alive(const struct side *own, const struct tcp_seen *p)
{
	return own->has_next && p->bytes <= 1 && !(p->flags & (SYN | FIN)) &&
	       p->seq + 1 == own->next;
}

/* Stamps of @s that came behind entry @i. */
static int stamps_behind(const struct side *s, size_t i)
{
	int n = 0;

	for (i++; i < s->count; i++)
		n += s->list[i].fate != NOT_STAMPED;
	return n;
}

/* What was seen first of the TSval that @p echoes, if it waits. */
static struct sent *echoed_by(struct side *other, const struct tcp_seen *p, bool *is_certain)
{
	for (size_t i = 0; i < other->count; i++) {
		struct sent *q = &other->list[i];

		if (q->fate != WAITS || !q->p.has_timestamps || q->p.tsval != p->tsecr)
			continue;
		/* An echo that a later one overtook comes late, and may find nothing. */
		*is_certain = !follows(other->echoed, p->tsecr) && !q->is_doubtful &&
			      (!q->is_early || stamps_behind(other, i) < SURE_STAMPS);
		return q;
	}
	return NULL;
}

/* The greatest end that @p acknowledges, of what waits; all up to there is answered. */
static struct sent *acked_by(struct side *other, const struct tcp_seen *p, bool *is_certain)
{
	struct sent *best = NULL;
	bool is_known = !follows(p->ack, other->next);

	for (size_t i = 0; i < other->count; i++) {
		struct sent *q = &other->list[i];

		if (q->fate != WAITS || q->p.has_timestamps || follows(q->end, p->ack))
			continue;
		q->fate = ANSWERED;
		if (best && follows(best->end, q->end))
			continue;
		best = q;
		*is_certain =
			stamps_behind(other, i) < SURE_STAMPS || (q->end == p->ack && !q->is_early);
	}
	return is_known ? best : NULL;
}

/* The SYN of one who offered timestamps to a peer that has none. */
static struct sent *syn_in_vain(struct side *other, const struct tcp_seen *p)
{
	struct sent *q = other->count ? &other->list[0] : NULL;

	if (!q || q->fate != WAITS || p->has_timestamps || !q->p.has_timestamps ||
	    !(other->asked || other->answered) || other->resent || p->ack != other->next)
		return NULL;
	return q;
}

static enum weir_rtt_kind kind_of(const struct side *own, const struct side *other,
				  const struct tcp_seen *p)
{
	__u32 full = other->segment > 536 ? other->segment : 536;

	if (other->asked || other->answered)
		return WEIR_RTT_HANDSHAKE;
	if (p->bytes || p->flags & (SYN | FIN))
		return WEIR_RTT_TCP;
	return own->has_acked && follows(p->ack, own->acked + full) ? WEIR_RTT_TCP : WEIR_RTT_ACK;
}

static struct expected sample(const struct tcp_seen *sent, const struct tcp_seen *p,
			      enum weir_rtt_kind kind, enum weir_direction direction,
			      bool is_certain)
{
	return (struct expected){ .kind = kind,
				  .direction = direction,
				  .is_certain = is_certain,
				  .least_ns =
					  p->from_ns > sent->to_ns ? p->from_ns - sent->to_ns : 0,
				  .most_ns = p->to_ns - sent->from_ns };
}

static bool uses_timestamps(const struct side *s)
{
	return s->has_newest;
}

static int find_answered(struct latency_model *m, const struct tcp_seen *p, struct expected *out)
{
	struct side *own = &m->side[p->sender], *other = &m->side[!p->sender];
	struct sent *q = NULL;
	bool is_certain = true;

	if (!other->has_next)
		return 0;
	if (p->has_timestamps && uses_timestamps(other))
		q = echoed_by(other, p, &is_certain);
	else if (!p->has_timestamps && !uses_timestamps(other))
		q = acked_by(other, p, &is_certain);
	else
		q = syn_in_vain(other, p);
	if (q) {
		*out = sample(&q->p, p, kind_of(own, other, p), p->sender, is_certain);
		q->fate = ANSWERED;
	}
	if (p->has_timestamps && uses_timestamps(other) && follows(p->tsecr, other->echoed) &&
	    !follows(p->tsecr, other->newest))
		other->echoed = p->tsecr;
	return q != NULL;
}

static void note_ack(struct latency_model *m, const struct tcp_seen *p)
{
	struct side *own = &m->side[p->sender], *other = &m->side[!p->sender];
	__u64 *loss = m->loss[p->sender];
	bool covers = p->ack == other->next, is_true;

	if (!(p->flags & SYN)) {
		if ((own->asked && (!(other->asked || other->answered) || covers)) ||
		    (other->answered && covers))
			loss[WEIR_LOSS_DONE]++;
		own->asked = own->answered = false;
	}
	if (covers)
		other->asked = other->answered = false;
	if (own->has_acked && p->ack == own->acked && p->window == own->window &&
	    end_of(p) == p->seq && !follows(own->next, p->seq) && other->has_next &&
	    follows(other->next, p->ack))
		loss[WEIR_LOSS_DUP_ACK]++;
	if (!p->window && !(p->flags & SYN) && (!own->has_acked || own->window))
		loss[WEIR_LOSS_ZERO_WINDOW]++;
	/* Of what was not seen, nobody knows whether it is true. */
	if (other->has_next && own->has_acked && follows(own->acked, other->next))
		own->has_acked = false;
	is_true = !other->has_next || !follows(p->ack, other->next);
	if (!own->has_acked || (follows(p->ack, own->acked) && is_true))
		own->acked = p->ack;
	own->window = p->window;
	own->has_acked = true;
}

static int find_response(struct latency_model *m, const struct tcp_seen *p, bool is_new,
			 struct expected *out)
{
	int found = 0;

	if (m->side[WEIR_DIR_HOST].has_next || !(p->flags & ACK))
		return 0;
	if (m->has_request && follows(p->ack, m->request_ack)) {
		*out = sample(&m->request, p, WEIR_RTT_RESPONSE, WEIR_DIR_HOST, true);
		m->has_request = false;
		found = 1;
	}
	if (is_new && p->bytes) {
		m->has_request = true;
		m->request = *p;
		m->request_ack = p->ack;
	}
	return found;
}

/* Whether @tsval was seen already. */
static bool was_seen(const struct side *s, __u32 tsval)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].p.has_timestamps && s->list[i].p.tsval == tsval)
			return true;
	}
	return false;
}

static void append(struct side *s, const struct tcp_seen *p, bool is_stamped, bool is_early)
{
	bool is_doubtful = is_stamped && p->has_timestamps && was_seen(s, p->tsval);

	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->list = realloc(s->list, s->room * sizeof(*s->list));
		assert_non_null(s->list);
	}
	s->list[s->count++] = (struct sent){ .p = *p,
					     .end = end_of(p),
					     .is_early = is_early,
					     .is_doubtful = is_doubtful,
					     .fate = is_stamped ? WAITS : NOT_STAMPED };
}

/* Whether others overtook @p: a TSval that nothing stamped had, of data that nobody has yet. */
static bool is_overtaken(const struct side *own, const struct side *other, const struct tcp_seen *p)
{
	if (p->tsval == own->newest || !follows(p->tsval, own->echoed) || !other->has_acked ||
	    !follows(end_of(p), other->acked))
		return false;
	for (size_t i = 0; i < own->count; i++) {
		const struct sent *q = &own->list[i];

		if ((q->fate == WAITS || q->fate == ANSWERED) && q->p.has_timestamps &&
		    q->p.tsval == p->tsval)
			return false;
	}
	return true;
}

/* Whether it is the first of its kind that can be answered. */
static bool note_sent(struct side *own, const struct side *other, const struct tcp_seen *p,
		      bool is_new, bool counts)
{
	if (!p->has_timestamps) {
		if (uses_timestamps(own))
			forget_stamps(own);
		own->has_newest = false;
		return counts && is_new;
	}
	if (!own->has_newest) {
		forget_stamps(own);
		own->echoed = p->tsval - 1;
	} else if (!follows(p->tsval, own->newest)) {
		return counts && is_overtaken(own, other, p);
	}
	own->has_newest = true;
	own->newest = p->tsval;
	return counts;
}

static void note_again(struct latency_model *m, const struct tcp_seen *p)
{
	struct side *own = &m->side[p->sender];

	if (p->has_timestamps && own->has_newest && follows(own->newest, p->tsval)) {
		m->loss[p->sender][WEIR_LOSS_REORDER]++;
		return;
	}
	m->loss[p->sender][WEIR_LOSS_RETRANSMIT]++;
	own->resent = true;
	if (!p->has_timestamps)
		forget_stamps(own);
}

int latency_model_packet(struct latency_model *m, const struct tcp_seen *p,
			 struct expected out[EXPECTED_MOST])
{
	struct side *own = &m->side[p->sender], *other = &m->side[!p->sender];
	bool counts = end_of(p) != p->seq && !(p->flags & RST), is_new;
	int n = 0;

	if (!m->is_known && !counts)
		return 0;
	m->is_known = true;
	if (p->flags & RST) {
		take_reset(m, p);
		return 0;
	}
	if (p->flags & SYN)
		take_syn(m, p);
	if (!own->has_next) {
		own->next = p->seq;
		if (p->sender == WEIR_DIR_HOST)
			m->has_request = false;
	}
	is_new = !follows(own->next, p->seq);
	if (is_keep_alive(own, p))
		counts = false;
	else if (counts && !is_new)
		note_again(m, p);
	if (p->flags & ACK) {
		n += find_answered(m, p, &out[n]);
		note_ack(m, p);
	}
	if (p->sender == WEIR_DIR_WIRE && p->is_balanced)
		n += find_response(m, p, is_new, &out[n]);
	append(own, p, note_sent(own, other, p, is_new, counts), !other->has_next);
	if (p->bytes > own->segment && p->bytes <= 9216)
		own->segment = p->bytes;
	if (end_of(p) != p->seq && follows(end_of(p), own->next))
		own->next = end_of(p);
	own->has_next = true;
	return n;
}
