/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a packet of a trial, with everything that it turned on.
 */
#ifndef WEIR_EXPLAIN_H
#define WEIR_EXPLAIN_H

#include <jansson.h>

#include "host.h"
#include "judge.h"
#include "trial.h"
#include "trial_choice.h"

/* Why no service was chosen. */
enum explain_none {
	EXPLAIN_DECIDED, /* the filter had decided */
	EXPLAIN_NOT_BALANCED, /* the interface does not balance */
	EXPLAIN_TAGGED,
	EXPLAIN_NO_ADDRESS, /* not IP, or cut short */
	EXPLAIN_ANSWER, /* of a backend, to the client of a translated flow */
	EXPLAIN_PING,
	EXPLAIN_NO_VIP,
	EXPLAIN_NO_PORT, /* a VIP, but nothing there has the port */
	EXPLAIN_FRAGMENT, /* a VIP, but the packet has no ports */
};

/* Where packets to the backend leave to, as the kernel's route says. */
struct explain_hop {
	int error; /* -errno: there is no route, and nothing below */
	struct host_route route;
	char ifname[IFNAMSIZ];
	bool has_mac;
	__u8 mac[6];
};

struct explanation {
	const struct trial *trial;
	struct trial_result result;
	struct judge_packet packet;
	struct judge_packet left; /* as the program leaves it */
	bool is_sent; /* on to a backend, or back from one */
	bool is_rewritten; /* then it has other addresses or ports */
	struct trial_choice choice;
	enum explain_none none; /* of a packet without a service */
	const struct service *service; /* NULL: none */
	const struct backend *backend; /* NULL: none */
	struct explain_hop hop; /* of a packet with a backend */
	bool keeps_base; /* flows of the packet's protocol stay where a moved slot led before */
	__u32 base_left_s; /* so long still; 0: it is over, or was not moved */
};

/*
 * Run @in and find out.
 *
 * @state  that @t is a copy of; without an image where it is of no state
 */
int explain(struct trial *t, const struct state *state, struct host *host, const struct frame *in,
	    struct explanation *out, struct failure *why);

/* A fact on each line. */
void explain_print(const struct explanation *e);
json_t *explain_json(const struct explanation *e);

/* Whether @s has the address that the balancer sees @e's packet go to. */
bool explain_is_of_vip(const struct explanation *e, const struct service *s);

/* What the balancer sees: where a tunnel header came off, what was inside. */
const struct judge_packet *explain_balanced(const struct explanation *e);

/* Seconds since the epoch when base is over. */
__u64 explain_base_until(const struct explanation *e);

/* An address of @p, WEIR_FIELD_SADDR or _DADDR; false, untouched, where it has none. */
bool explain_addr(const struct judge_packet *p, enum weir_field field, __u8 addr[16]);

#endif
