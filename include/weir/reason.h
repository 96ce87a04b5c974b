/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's fate. Every stage returns one of these, WEIR_R_CONTINUE meaning
 * "not mine"; only finish() turns it into a verdict and counts it.
 */
#ifndef WEIR_REASON_H
#define WEIR_REASON_H

enum weir_fate {
	WEIR_FATE_PASS, /* on to the stack, or to the next program */
	WEIR_FATE_DROP,
	WEIR_FATE_FORWARD, /* out of this or another interface, by weir */
};

/*
 * X(symbol, name, fate, explanation)
 */
#define WEIR_REASONS(X)                                                                            \
	X(CONTINUE, "pass", PASS, "nothing decided; the packet was left alone")                    \
	X(FILTER_PASS, "filter-pass", PASS, "a pass rule, or the filter's default")                \
	X(FILTER_DROP, "filter-drop", DROP, "a drop rule")                                         \
	X(FILTER_DEFAULT, "filter-default", DROP, "no rule matched and the default is drop")       \
	X(FILTER_LIMIT, "filter-limit", DROP, "above the rate of a limit rule")                    \
	X(FILTER_REJECT, "filter-reject", FORWARD, "a reject rule; an answer was sent")            \
	X(FILTER_REJECT_LIMITED, "filter-reject-limited", DROP,                                    \
	  "a reject rule; too many were answered already")                                         \
	X(FILTER_REJECT_SILENT, "filter-reject-silent", DROP,                                      \
	  "a reject rule; a packet that must not or cannot be answered")                           \
	X(LB_FORWARD, "lb-forward", FORWARD, "sent to a backend")                                  \
	X(LB_NO_BACKEND, "lb-no-backend", DROP, "the service has no backend to send to")           \
	X(LB_NO_ROUTE, "lb-no-route", DROP, "the kernel has no route to the backend")              \
	X(LB_NO_NEIGHBOUR, "lb-no-neighbour", DROP, "the next hop's MAC address is not known yet") \
	X(LB_TOO_BIG, "lb-too-big", DROP,                                                          \
	  "too big for the way out, with a tunnel's header where it gets one")                     \
	X(LB_TOO_BIG_TOLD, "lb-too-big-told", FORWARD,                                             \
	  "too big for the way; its sender was told what fits")                                    \
	X(LB_TTL, "lb-ttl", DROP, "its TTL, or hop limit, ended here")                             \
	X(LB_TTL_TOLD, "lb-ttl-told", FORWARD,                                                     \
	  "its TTL, or hop limit, ended here; its sender was told")                                \
	X(LB_LOCAL, "lb-local", PASS, "rewritten for a container, which the stack brings it to")   \
	X(LB_NAT_RETURN, "lb-nat-return", FORWARD,                                                 \
	  "a backend's answer, brought back to its client")                                        \
	X(LB_NAT_STACK, "lb-nat-stack", PASS,                                                      \
	  "a backend's answer, which the stack brings to its client")                              \
	X(LB_NAT_FULL, "lb-nat-full", DROP, "no port or no place for another translated flow")     \
	X(LB_NAT_UNKNOWN, "lb-nat-unknown", DROP, "an error about a flow that is not translated")  \
	X(LB_ERROR, "lb-error", DROP, "the packet could not be rewritten")                         \
	X(LB_NOT_ALLOWED, "lb-not-allowed", DROP, "not from a source that the service allows")     \
	X(LB_LIMIT, "lb-limit", DROP, "above the rate of new connections of a service")            \
	X(LB_FRAGMENT, "lb-fragment", PASS, "a later fragment; its first went to no backend yet")  \
	X(LB_PING, "lb-ping", FORWARD, "a ping of a VIP, answered in its place")                   \
	X(LB_REJECT, "lb-reject", FORWARD, "the service has no backend; its sender was told")      \
	X(LB_SYNCOOKIE, "lb-syncookie", FORWARD, "a SYN answered with a cookie")                   \
	X(LB_SYNCOOKIE_VERIFIED, "lb-syncookie-verified", FORWARD,                                 \
	  "a cookie that came back; its client was reset, and may connect now")                    \
	X(DECAP, "decap", PASS, "a tunnel header for this host was removed")                       \
	X(DECAP_ERROR, "decap-error", DROP, "a tunnel header could not be removed")                \
	X(DECAP_ECN, "decap-ecn", DROP,                                                            \
	  "congestion on the way of a tunnel; the packet inside cannot say so")                    \
	X(NO_IMAGE, "no-image", PASS, "no configuration is loaded")

enum weir_reason {
#define X(sym, name, fate, text) WEIR_R_##sym,
	WEIR_REASONS(X)
#undef X
		WEIR_R_COUNT
};

#endif
