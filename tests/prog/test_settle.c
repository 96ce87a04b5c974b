// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No established flow moves unless its backend is gone: random changes of
 * services, through what builds rings and images, and random packets between
 * them, beside a model that keeps every pin.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/random.h"
#include "choose_case.h"
#include "flow_model.h"

#define ROUNDS 4
#define STEPS 25 /* changes and times between them */
#define PACKETS 120 /* between two */
#define SERVICES 3
#define BACKENDS 6 /* of a service */
#define FLOWS 400
#define PIN_SETS (1U << 14) /* more than enough for all of them */
#define SETTLE_S 16
#define CONFIG_BYTES 4096

enum life { CLOSED, OPENING, ESTABLISHED };

/* A client's view of a flow. */
struct client {
	struct flow flow;
	char src[64];
	const char *dst;
	enum life life;
	int backend; /* that it is established with */
	__u64 seen_s;
};

/* A service as it is at the moment. Backend I of service S is b(S*BACKENDS+I+1). */
struct setting {
	__u32 weight[BACKENDS]; /* 0: not in the configuration */
	bool drain[BACKENDS];
};

static const char *const options[SERVICES] = {
	"udp track 8s",
	"track all; hash source/24/64",
	"track none; udp track 16s",
};
static const char *const vips[SERVICES][2] = {
	{ "192.0.2.1", "2001:db8:ff::1" },
	{ "192.0.2.2", "2001:db8:ff::2" },
	{ "192.0.2.3", "2001:db8:ff::3" },
};

static struct choose_case c = { .pin_sets = PIN_SETS };
static struct client clients[FLOWS];
static struct setting settings[SERVICES];
static struct flow_model *fm;
static char config[CONFIG_BYTES];
static const char *refusal;
static __u64 passed_s; /* by choose_wait() */
static __u32 kept, left; /* packets of established flows; flows whose backend is gone */

static __u32 pick(__u32 below)
{
	return random_below(below);
}

static __u64 now_s(void)
{
	return choose_now() + passed_s;
}

static int start(void **state)
{
	(void)state;
	random_start();
	refusal = choose_start(&c, "interface in0 { xdp auto; balance }\n");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		choose_stop(&c);
	return 0;
}

static void new_client(struct client *client)
{
	__u32 service = pick(SERVICES), host = pick(1U << 16);
	bool v6 = pick(2);

	memset(client, 0, sizeof(*client));
	client->dst = vips[service][v6];
	if (v6)
		snprintf(client->src, sizeof(client->src), "2001:db8:c:%x::%x", host >> 8,
			 host & 255);
	else
		snprintf(client->src, sizeof(client->src), "198.18.%u.%u", host >> 8, host & 255);
	packet_address(client->src, client->flow.src);
	packet_address(client->dst, client->flow.dst);
	client->flow.sport = (__u16)(1024 + pick(60000));
	client->flow.dport = 443;
	client->flow.proto = pick(3) ? IPPROTO_TCP : IPPROTO_UDP;
}

static void print_service(char *text, size_t *used, __u32 s)
{
	*used += (size_t)snprintf(text + *used, CONFIG_BYTES - *used,
				  "service s%u { address %s, %s; port tcp 443, udp 443\n"
				  "forward ipip; settle %ds; %s\n",
				  s, vips[s][0], vips[s][1], SETTLE_S, options[s]);
	for (__u32 i = 0; i < BACKENDS; i++) {
		__u32 n = s * BACKENDS + i + 1;

		if (settings[s].weight[i])
			*used += (size_t)snprintf(text + *used, CONFIG_BYTES - *used,
						  "backend b%u 10.9.0.%u weight %u%s\n", n, n,
						  settings[s].weight[i],
						  settings[s].drain[i] ? " drain" : "");
	}
	*used += (size_t)snprintf(text + *used, CONFIG_BYTES - *used, "}\n");
}

static void apply(void)
{
	size_t used =
		(size_t)snprintf(config, sizeof(config), "interface in0 { xdp auto; balance }\n");

	for (__u32 s = 0; s < SERVICES; s++)
		print_service(config, &used, s);
	choose_change(&c, config);
	flow_model_apply(fm, &c.h.model, c.h.built_s + passed_s);
	/* Should it come back, it knows nothing of them. */
	for (__u32 i = 0; i < FLOWS; i++) {
		if (clients[i].life == ESTABLISHED && !flow_model_has(fm, clients[i].backend)) {
			clients[i].life = CLOSED;
			left++;
		}
	}
}

static void change_one(void)
{
	struct setting *s = &settings[pick(SERVICES)];
	__u32 i = pick(BACKENDS);

	switch (pick(4)) {
	case 0:
		s->weight[i] = s->weight[i] ? 0 : 1 + pick(20);
		break;
	case 1:
		s->drain[i] = !s->drain[i];
		break;
	default:
		s->weight[i] = 1 + pick(20);
	}
}

static int went_to(const struct client *client, __u8 flags, __u16 payload)
{
	const struct packet p = { .src = client->src,
				  .dst = client->dst,
				  .proto = client->flow.proto,
				  .sport = client->flow.sport,
				  .dport = client->flow.dport,
				  .flags = flags,
				  .payload = payload };

	return choose_run(&c, &p);
}

/* The service that the client talks to: the last digit of all VIPs says it. */
static const struct service *service_of(const struct client *client)
{
	return &c.h.model.services[client->dst[strlen(client->dst) - 1] - '1'];
}

/* Seconds without a packet that the flow is kept for; 0: it is not. */
static __u64 kept_s(const struct client *client)
{
	const struct service *s = service_of(client);

	if (client->flow.proto == IPPROTO_TCP)
		return s->track == WEIR_TRACK_NONE ? 0 : s->settle_s;
	return s->udp == WEIR_UDP_TRACK ? s->udp_idle_s : 0;
}

/* A packet of the flow, and what it makes of the flow at its client. */
static __u8 next_flags(struct client *client)
{
	if (client->flow.proto != IPPROTO_TCP)
		return 0;
	switch (client->life) {
	case CLOSED:
		/* Some are older than the test, or send what makes no sense. */
		return pick(8) ? SYN : (__u8)(1U << pick(6));
	case OPENING:
		return pick(8) ? ACK : SYN;
	default:
		if (!pick(12))
			return pick(2) ? FIN | ACK : RST;
		return pick(2) ? ACK : ACK | PSH;
	}
}

static void grow(struct client *client, __u8 flags, int went, __u64 now)
{
	client->seen_s = now;
	client->backend = went;
	if (went < 0 || flags & (FIN | RST))
		client->life = CLOSED;
	else if (client->flow.proto != IPPROTO_TCP || (flags & ACK && client->life == OPENING))
		client->life = ESTABLISHED;
	else if ((flags & (SYN | ACK)) == SYN)
		client->life = OPENING;
}

static void check(const struct client *client, __u8 flags, int went, int want, __u64 now)
{
	if (went == want)
		return;
	if (flags == SYN && client->life != ESTABLISHED &&
	    flow_model_begins(fm, &client->flow, went, now))
		return;
	printf("# %s\n# %s -> %s sport %u proto %u flags %#x\n", config, client->src, client->dst,
	       client->flow.sport, client->flow.proto, flags);
	fail_msg("went to %d, not %d as the model says", went, want);
}

/* What was established does not move, unless idle for too long, or its backend is gone. */
static void check_kept(const struct client *client, int went, __u64 now)
{
	__u64 kept_for_s = kept_s(client);

	if (client->life != ESTABLISHED || !kept_for_s || now - client->seen_s > kept_for_s)
		return;
	kept++;
	if (went != client->backend)
		fail_msg("an established flow of %s %s moved from %d to %d after %llu s",
			 client->src, client->flow.proto == IPPROTO_TCP ? "TCP" : "UDP",
			 client->backend, went, now - client->seen_s);
}

static void one_packet(void)
{
	struct client *client = &clients[pick(FLOWS)];
	__u64 now = now_s();
	__u16 payload;
	__u8 flags;
	int want, went;

	if (client->life == CLOSED && !pick(3))
		new_client(client);
	flags = next_flags(client);
	payload = flags & PSH || client->flow.proto == IPPROTO_UDP ? 100 : 0;
	want = flow_model_packet(fm, &client->flow, flags, payload, now);
	went = went_to(client, flags, payload);
	if (now_s() != now) {
		/* In which of two seconds was it? The flow is not heard of again. */
		new_client(client);
		return;
	}
	if (want == FLOW_NO_BACKEND)
		want = WENT_DROP;
	check(client, flags, went, want, now);
	check_kept(client, went, now);
	grow(client, flags, went, now);
}

static void one_round(void)
{
	fm = flow_model_new();
	for (__u32 s = 0; s < SERVICES; s++) {
		for (__u32 i = 0; i < BACKENDS; i++)
			settings[s].weight[i] = pick(4) ? 1 + pick(20) : 0;
		memset(settings[s].drain, 0, sizeof(settings[s].drain));
	}
	for (__u32 i = 0; i < FLOWS; i++)
		new_client(&clients[i]);
	choose_change(&c, "interface in0 { xdp auto; balance }\n");
	harness_clear(&c.h, WEIR_MAP_SETTLE);
	apply();
	for (__u32 step = 0; step < STEPS; step++) {
		__u32 pause = pick(3) ? pick(5) : pick(2 * SETTLE_S);

		for (__u32 i = 0; i < PACKETS; i++)
			one_packet();
		choose_wait(&c, pause);
		passed_s += pause;
		for (__u32 i = 0; i < PACKETS / 4; i++)
			one_packet();
		change_one();
		apply();
	}
	flow_model_free(fm);
}

static void no_established_flow_moves_unless_its_backend_is_gone(void **state)
{
	(void)state;
	if (refusal)
		WEIR_SKIP("%s", refusal);
	for (int i = 0; i < ROUNDS; i++)
		one_round();
	printf("# %u packets of established flows; %u flows lost their backend\n", kept, left);
	assert_true(kept > ROUNDS * STEPS * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_established_flow_moves_unless_its_backend_is_gone),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
