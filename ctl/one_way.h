/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows of which an interface sees one direction alone: nothing of them can be
 * timed there, and no counter of what was not timed tells of them.
 */
#ifndef WEIR_ONE_WAY_H
#define WEIR_ONE_WAY_H

#include <stddef.h>

#include "losses.h"
#include "state.h"

/* What an interface counted. */
struct one_way_seen {
	__u64 begun, done; /* handshakes, by the packets of either side */
	__u64 flows; /* TCP and QUIC */
	__u64 timed[WEIR_DIR_COUNT]; /* samples of handshakes */
	__u64 samples; /* of TCP and QUIC, handshakes and responses among them */
	__u64 responses; /* of balanced flows, whose answers pass elsewhere */
};

enum one_way_of {
	ONE_WAY_NONE,
	ONE_WAY_HANDSHAKES,
	ONE_WAY_FLOWS, /* where no handshake was seen */
};

struct one_way {
	enum one_way_of what;
	__u64 count; /* about so many passed in one direction alone */
	__u64 of; /* so many there were */
};

/*
 * A handshake whose both directions pass is timed, seen from one side at least:
 * where that is so of fewer than three in four, the others passed one way. Where
 * answers alone pass, there are flows and neither a handshake nor a sample.
 * Fewer than three may be chance; what the balancer times as responses is known.
 */
struct one_way one_way_judge(const struct one_way_seen *seen);

/* The same, of the interface with @slot in the image in force, which is measured. */
struct one_way one_way_find(const struct state *s, __u32 slot);

/* "6 of 6 handshakes passed in one direction alone, ..." */
const char *one_way_text(const struct one_way *w, char *buf, size_t size);

/* What helps. */
extern const char *const one_way_remedy;

#endif
