/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service of the balancer may be set to: the words of the
 * configuration, and the numbers that the image has for them.
 * X(symbol, keyword)
 */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

/* How a packet reaches its backend. */
#define WEIR_FORWARDS(X)                                                             \
	X(L2, "l2") /* another MAC address; the backend has the VIP */               \
	X(IPIP, "ipip") /* within another IP header, of either family */             \
	X(GUE, "gue") /* the same behind UDP; draft-ietf-intarea-gue */              \
	X(NAT, "nat") /* both addresses rewritten; answers come back through here */ \
	X(LOCAL, "local") /* to a veth of this host; the backend sees the client's address */

/* What of a flow chooses its ring slot. */
#define WEIR_HASHES(X)                                     \
	X(TUPLE, "tuple") /* addresses, ports, protocol */ \
	X(SOURCE, "source") /* the source address, or its prefix */

/* Which TCP flows are pinned to their backend. */
#define WEIR_TRACKS(X)                                    \
	X(NONE, "none") /* the ring decides, always */    \
	X(MOVED, "moved") /* those of slots that moved */ \
	X(ALL, "all")

/* How UDP finds its backend. */
#define WEIR_UDPS(X)                                                         \
	X(RING, "ring") /* the ring decides, always */                       \
	X(TRACK, "track") /* flows are pinned until they are idle so long */ \
	X(QUIC, "quic") /* the server ID in QUIC connection IDs */

/* What becomes of a packet that no backend is left for. */
#define WEIR_EMPTIES(X) \
	X(DROP, "drop") \
	X(REJECT, "reject")

enum weir_forward {
#define X(sym, keyword) WEIR_FORWARD_##sym,
	WEIR_FORWARDS(X)
#undef X
		WEIR_FORWARD_KINDS
};

enum weir_hash {
#define X(sym, keyword) WEIR_HASH_##sym,
	WEIR_HASHES(X)
#undef X
		WEIR_HASH_KINDS
};

enum weir_track {
#define X(sym, keyword) WEIR_TRACK_##sym,
	WEIR_TRACKS(X)
#undef X
		WEIR_TRACK_KINDS
};

enum weir_udp {
#define X(sym, keyword) WEIR_UDP_##sym,
	WEIR_UDPS(X)
#undef X
		WEIR_UDP_KINDS
};

enum weir_empty {
#define X(sym, keyword) WEIR_EMPTY_##sym,
	WEIR_EMPTIES(X)
#undef X
		WEIR_EMPTY_KINDS
};

#endif
