// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fates that no configuration wants: what there is of them points at the cause.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "counters.h"
#include "doctor_internal.h"
#include "image.h"
#include "reason.h"

#define LATELY_S 1

static const struct {
	enum weir_reason reason;
	const char *remedy; /* NULL: there is none, or remedy_of() has it */
} bad_fates[] = {
	{ WEIR_R_LB_NO_ROUTE, NULL },
	{ WEIR_R_LB_NO_NEIGHBOUR, "ip neighbour show" },
	{ WEIR_R_LB_TOO_BIG,
	  "raise the MTU of the way to the backends by the tunnel's header, or set \"mss\"" },
	{ WEIR_R_LB_NO_BACKEND, "weir show service" },
	{ WEIR_R_LB_REJECT, "weir show service" },
	{ WEIR_R_LB_FRAGMENT, "senders of fragments should find the path's MTU; first ones that "
			      "come by another host or interface are not seen here" },
	{ WEIR_R_LB_TTL, "weir show backend; two balancers that send packets to each other would "
			 "make a loop" },
	{ WEIR_R_LB_NAT_FULL, "weir show flow" },
	{ WEIR_R_LB_NAT_UNKNOWN, "weir show flow; routers and hosts may be late, or guess" },
	{ WEIR_R_LB_ERROR, NULL },
	{ WEIR_R_DECAP_ERROR, NULL },
	{ WEIR_R_DECAP_ECN, "a router on the way marks packets that do not ask for it" },
};

#define BAD_FATES (sizeof(bad_fates) / sizeof(*bad_fates))

static __u64 packets_of(const struct checkup *c, __u32 slot, enum weir_reason reason)
{
	return counter_read(c->state->maps.fd[WEIR_MAP_REASONS], slot * WEIR_R_COUNT + reason)
		.packets;
}

int doctor_count(struct checkup *c)
{
	const struct timespec lately = { .tv_sec = LATELY_S };
	__u32 slots = c->state->image->devices_count;
	__u64 any = 0;

	c->before = calloc(slots * BAD_FATES + 1, sizeof(*c->before));
	if (!c->before)
		return -1;
	for (__u32 slot = 0; slot < slots; slot++) {
		for (size_t i = 0; i < BAD_FATES; i++) {
			__u64 *before = &c->before[slot * BAD_FATES + i];

			*before = packets_of(c, slot, bad_fates[i].reason);
			any |= *before;
		}
	}
	if (any)
		nanosleep(&lately, NULL);
	return 0;
}

/* A backend that has no route now, or else the first. */
static void cure_route(struct checkup *c)
{
	size_t count = model_backends_count(c->model), at = 0;
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = count; i-- > 0;)
		at = c->asks[i].error ? i : at;
	if (count)
		doctor_cure(c, "ip route get %s%s", addr_text(c->asks[at].addr, addr, sizeof(addr)),
			    c->asks[at].error ? "" : "; all backends have a route now");
}

/* What works, and does not take the way that it might. */
static void examine_detours(struct checkup *c, const char *ifname, __u32 slot)
{
	__u64 packets = packets_of(c, slot, WEIR_R_LB_NAT_STACK);

	if (!packets)
		return;
	doctor_find(c, FINDING_WARN, "%s", ifname);
	doctor_say(c,
		   "%llu answers of backends went through the stack, as %s: they were translated "
		   "back, and arrive, but XDP or TC could not send them on. To their client there "
		   "was no route or no known next hop, forwarding is off, or the packet's checksum "
		   "was still to be completed; a filter of the host sees them",
		   (unsigned long long)packets, reasons[WEIR_R_LB_NAT_STACK].name);
	doctor_cure(c, "ip route get CLIENT; ip neighbour show");
}

static const char *fate_of(enum weir_reason reason)
{
	switch (reasons[reason].fate) {
	case WEIR_FATE_DROP:
		return "dropped";
	case WEIR_FATE_PASS:
		return "left to the host";
	case WEIR_FATE_FORWARD:
		break;
	}
	return "rejected";
}

void doctor_examine_counters(struct checkup *c, const char *ifname, __u32 slot)
{
	for (size_t i = 0; i < BAD_FATES; i++) {
		enum weir_reason reason = bad_fates[i].reason;
		__u64 packets = packets_of(c, slot, reason);
		__u64 lately = packets - c->before[slot * BAD_FATES + i];

		if (!packets)
			continue;
		doctor_find(c, FINDING_WARN, "%s", ifname);
		doctor_say(c, "%llu packets were %s as %s, %.0llu%sin the last second",
			   (unsigned long long)packets, fate_of(reason), reasons[reason].name,
			   (unsigned long long)lately, lately ? " of them " : "none of them ");
		if (reason == WEIR_R_LB_NO_ROUTE)
			cure_route(c);
		else if (bad_fates[i].remedy)
			doctor_cure(c, "%s", bad_fates[i].remedy);
	}
	examine_detours(c, ifname, slot);
}
