// SPDX-License-Identifier: GPL-2.0-or-later
#include "one_way.h"

#include <stdio.h>

#include "counters.h"
#include "hist.h"

#define LEAST 3

const char *const one_way_remedy =
	"measure an interface that both directions pass, as a bond rather than its ports: flows "
	"are timed by interface; of balanced ones there is \"response\"";

static __u64 larger(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

struct one_way one_way_judge(const struct one_way_seen *seen)
{
	__u64 timed = larger(seen->timed[WEIR_DIR_WIRE], seen->timed[WEIR_DIR_HOST]);
	__u64 count = seen->done > timed ? seen->done - timed : 0;

	if (seen->responses)
		return (struct one_way){};
	if (count >= LEAST && count > seen->done / 4)
		return (struct one_way){ ONE_WAY_HANDSHAKES, count, seen->done };
	if (seen->flows >= LEAST && !seen->begun && !seen->done && !seen->samples)
		return (struct one_way){ ONE_WAY_FLOWS, seen->flows, seen->flows };
	return (struct one_way){};
}

static __u64 samples(const struct state *s, __u32 slot, enum weir_direction d,
		     enum weir_rtt_kind kind)
{
	struct hist h;

	hist_read(s->maps.fd[WEIR_MAP_HISTS], weir_hist_of_device(slot, d, kind), &h);
	return h.count;
}

struct one_way one_way_find(const struct state *s, __u32 slot)
{
	static const enum weir_rtt_kind of_flows[] = { WEIR_RTT_TCP, WEIR_RTT_ACK,
						       WEIR_RTT_HANDSHAKE, WEIR_RTT_QUIC };
	struct one_way_seen seen = {};

	/* Losses first: what comes meanwhile has a sample too many, not one too few. */
	for (int d = 0; d < WEIR_DIR_COUNT; d++) {
		const struct weir_loss loss = losses_of(s, slot, d);

		seen.begun += loss.count[WEIR_LOSS_BEGUN];
		seen.done += loss.count[WEIR_LOSS_DONE];
		seen.flows += loss.count[WEIR_LOSS_FLOW];
	}
	for (int d = 0; d < WEIR_DIR_COUNT; d++) {
		for (size_t k = 0; k < sizeof(of_flows) / sizeof(*of_flows); k++)
			seen.samples += samples(s, slot, d, of_flows[k]);
		seen.timed[d] = samples(s, slot, d, WEIR_RTT_HANDSHAKE);
		seen.responses += samples(s, slot, d, WEIR_RTT_RESPONSE);
	}
	return one_way_judge(&seen);
}

const char *one_way_text(const struct one_way *w, char *buf, size_t size)
{
	if (w->what == ONE_WAY_HANDSHAKES)
		snprintf(buf, size,
			 "%llu of %llu handshakes passed in one direction alone, and nothing of "
			 "these flows can be timed",
			 w->count, w->of);
	else
		snprintf(buf, size,
			 "none of %llu flows could be timed: they passed in one direction alone, "
			 "or are QUIC without a spin bit",
			 w->count);
	return buf;
}
