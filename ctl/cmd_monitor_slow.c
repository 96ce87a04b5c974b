// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor slow: packets that wait longer than was asked, as they come, over
 * reloads by others, until interrupted.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "counters.h"
#include "latency.h"
#include "monitor_slow.h"
#include "note.h"
#include "own.h"
#include "path_show.h"
#include "slow.h"
#include "slow_records.h"

#define NS_PER_S 1000000000LL
/* How often to look whether others have applied something. */
#define FOLLOW_MS 250
/* The datapath forgets what was asked after that long, should this command die. */
#define ASK_LIVES_NS (2 * NS_PER_S)
/* A packet that no hook has seen for so long is told of as far as it came. */
#define UNSEEN_NS NS_PER_S
/* A p99 of fewer samples says little; such a stage is not watched yet. */
#define SAMPLES_LEAST 100
/* From the callback of the ring: enough was printed. */
#define ENOUGH (-ECANCELED)

static volatile sig_atomic_t interrupted;

struct lost {
	__u64 suppressed, full;
};

struct watch {
	struct command *c;
	struct applied applied;
	struct places places;
	struct weir_slow_ask ask;
	double times_p99; /* 0: the thresholds are fixed */
	struct ring_buffer *ring;
	__u32 ring_id, cpu_id; /* of the maps */
	int alone; /* a socket with a name: a ring has one reader */
	struct lost before, said;
	unsigned long long printed;
	struct slow_records records; /* of the map with this id */
	__u32 records_id;
	__u64 too_many; /* of records, suppressed */
	bool is_over; /* what is still to be told is printed, and no more */
	bool is_blind; /* nothing is measured, and that was said */
};

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static long long clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int slow_map(const struct watch *w, enum weir_map map)
{
	return w->applied.state.maps.fd[map];
}

static struct lost lost_now(const struct watch *w)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_path_cpu *parts = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*parts));
	struct lost sum = {};
	__u32 zero = 0;

	if (!parts || bpf_map_lookup_elem(slow_map(w, WEIR_MAP_PATH_CPU), &zero, parts))
		return sum;
	for (int i = 0; i < cpus; i++) {
		sum.suppressed += parts[i].slow_suppressed;
		sum.full += parts[i].slow_full;
	}
	return sum;
}

/* Since this command began; a reset in between counts as nothing. */
static struct lost lost_in_all(const struct watch *w)
{
	struct lost now = lost_now(w);

	return (struct lost){
		.suppressed = w->too_many + (now.suppressed > w->before.suppressed
						     ? now.suppressed - w->before.suppressed
						     : 0),
		.full = now.full > w->before.full ? now.full - w->before.full : 0,
	};
}

/* What is missing between the lines, as soon as it is. */
static void say_lost(struct watch *w)
{
	struct lost lost = lost_in_all(w);

	if (lost.suppressed > w->said.suppressed)
		note("%llu more suppressed: over %u in a second on a CPU",
		     lost.suppressed - w->said.suppressed, WEIR_SLOW_PER_S);
	if (lost.full > w->said.full)
		note("%llu more lost: they came faster than they were printed",
		     lost.full - w->said.full);
	w->said = lost;
}

static __u32 times(const struct hist *h, double k)
{
	double ticks = k * (double)(hist_quantile_ns(h, 990) >> WEIR_TICK_SHIFT);

	if (h->count < SAMPLES_LEAST)
		return 0;
	return ticks < 1 ? 1 : ticks > 0xffffffffU ? 0xffffffffU : (__u32)ticks;
}

/* As slow events are: of both directions, but not of what has a server's time in it. */
static void add_rtt(void *arg, const struct latency_row *r)
{
	if (latency_is_round_trip(r))
		hist_add(arg, &r->hist);
}

/* The stage @i is watched from now on; packets that are slow later do not raise what is slow. */
static void freeze(struct watch *w, int i, const struct hist *h)
{
	char text[32];

	w->ask.over[i] = times(h, w->times_p99);
	if (w->ask.over[i])
		note("%s over %s", stage_names[i],
		     hist_time_text((__u64)w->ask.over[i] << WEIR_TICK_SHIFT, text, sizeof(text)));
}

/* Of what has no threshold yet. */
static int find_p99(struct watch *w)
{
	OWN(path_free) struct path_rows rows = {};
	struct latency_wanted all = {};
	struct hist h = {};
	bool is_done = true;

	for (int i = 0; i < WEIR_SLOW_COUNT; i++)
		is_done &= w->ask.over[i] != 0;
	if (is_done)
		return 0;
	if (path_read(&w->applied, &rows, &w->c->why))
		return -1;
	for (int i = 0; i < WEIR_PATH_COUNT; i++) {
		struct hist stage;

		path_stage(&rows, i, &stage);
		if (!w->ask.over[i])
			freeze(w, i, &stage);
	}
	if (w->ask.over[WEIR_SLOW_RTT])
		return 0;
	latency_interfaces(&w->applied, &all, add_rtt, &h);
	freeze(w, WEIR_SLOW_RTT, &h);
	return 0;
}

static bool measures(const struct model *m, enum measure kind)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].measure & 1U << kind)
			return true;
	}
	return false;
}

/* Which of those that are measured have no threshold yet. */
static void say_not_watched(const struct watch *w)
{
	const struct model *m = &w->applied.model;
	char list[128] = "";

	for (int i = 0; i < WEIR_SLOW_COUNT; i++) {
		if (w->ask.over[i] || !measures(m, i == WEIR_SLOW_RTT ? MEASURE_RTT : MEASURE_PATH))
			continue;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 *list ? ", " : "", stage_names[i]);
	}
	if (*list)
		note("not watched until %d packets were measured: %s", SAMPLES_LEAST, list);
}

static int renew(struct watch *w)
{
	__u32 zero = 0;

	if (w->times_p99 > 0 && find_p99(w))
		return -1;
	w->ask.until_ns = clock_ns(CLOCK_MONOTONIC) + ASK_LIVES_NS;
	if (bpf_map_update_elem(slow_map(w, WEIR_MAP_SLOW_ASK), &zero, &w->ask, BPF_ANY))
		return fail_errno(&w->c->why, errno, "cannot ask for slow packets");
	return 0;
}

static void stop_asking(struct watch *w)
{
	struct weir_slow_ask none = {};
	__u32 zero = 0;

	if (w->ring)
		bpf_map_update_elem(slow_map(w, WEIR_MAP_SLOW_ASK), &zero, &none, BPF_ANY);
}

/* Containers come and go: look again, but not at every packet. */
static void learn_places(struct watch *w, const struct weir_slow *e)
{
	struct failure ignored = {};

	if (places_know(&w->places, &e->from) && places_know(&w->places, &e->to))
		return;
	if (clock_ns(CLOCK_MONOTONIC) - (long long)w->places.read_ns > NS_PER_S)
		places_read(&w->places, &ignored);
	failure_free(&ignored);
}

/* As local time, "2026-11-21 04:22:11.250123", or for machines "2026-11-21T04:22:11.250123Z". */
static const char *event_time(const struct weir_slow *e, bool json, char *text, size_t size)
{
	long long ns =
		clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_MONOTONIC) - (long long)e->time_ns);
	time_t s = (time_t)(ns / NS_PER_S);
	char day[40];
	struct tm tm;

	if (json)
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	else
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
	snprintf(text, size, "%s.%06lld%s", day, ns % NS_PER_S / 1000, json ? "Z" : "");
	return text;
}

static int take_event(void *data, void *bytes, size_t size)
{
	struct watch *w = data;
	struct weir_slow event;
	char when[64];

	if (size < sizeof(event))
		return 0;
	memcpy(&event, bytes, sizeof(event));
	learn_places(w, &event);
	event_time(&event, w->c->json, when, sizeof(when));
	if (w->c->json) {
		json_t *line = slow_json(&event, &w->places);

		json_object_set_new(line, "time", json_string(when));
		json_dumpf(line, stdout, JSON_COMPACT);
		json_decref(line);
	} else {
		fputs(when, stdout);
		putchar(' ');
		slow_print(&event, &w->places, stdout);
	}
	putchar('\n');
	w->printed++;
	if (w->c->count && w->printed >= w->c->count)
		return ENOUGH;
	return interrupted && !w->is_over ? ENOUGH : 0;
}

/* What no hook has seen for @unseen_ns. */
static int take_unseen(struct watch *w, __u64 unseen_ns)
{
	int cpus = libbpf_num_possible_cpus();

	return slow_records_take(&w->records, &w->ask, unseen_ns,
				 WEIR_SLOW_PER_S * (cpus > 0 ? cpus : 1) / (1000 / FOLLOW_MS),
				 &w->too_many, take_event, w);
}

static int open_records(struct watch *w)
{
	int error;

	slow_records_close(&w->records);
	w->records_id = map_id(slow_map(w, WEIR_MAP_PATHS));
	error = slow_records_open(&w->applied.state.maps, &w->applied.state.capacity, &w->records);
	return error ? fail_errno(&w->c->why, error, "cannot map the records of packets") : 0;
}

/* A name that only one can have, in this network namespace, and that goes with who has it. */
static int be_alone(struct watch *w)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "weir-slow-%s",
			      w->c->instance);
	OWN_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail_errno(&w->c->why, errno, "cannot open a socket");
	if (bind(fd, (struct sockaddr *)&name,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length))) {
		if (errno != EADDRINUSE)
			return fail_errno(&w->c->why, errno, "cannot be the only one");
		return fail(&w->c->why, EXIT_CONFLICT,
			    "another \"weir monitor slow\" watches this instance, which has one "
			    "reader; end that one first");
	}
	w->alone = TAKE_FD(fd);
	return 0;
}

static int open_ring(struct watch *w)
{
	ring_buffer__free(w->ring);
	w->ring_id = map_id(slow_map(w, WEIR_MAP_SLOW));
	w->ring = ring_buffer__new(slow_map(w, WEIR_MAP_SLOW), take_event, w, NULL);
	if (!w->ring)
		return fail_errno(&w->c->why, errno, "cannot map the ring buffer of slow packets");
	return 0;
}

/* Once, when the configuration in force measures nothing. */
static void say_blind(struct watch *w)
{
	bool is_blind = !measures(&w->applied.model, MEASURE_PATH) &&
			!measures(&w->applied.model, MEASURE_RTT);

	if (is_blind != w->is_blind)
		note(is_blind ? "what was applied measures nothing; waiting until something does"
			      : "something is measured again");
	w->is_blind = is_blind;
}

/* Another generation is in force, and maybe other maps. */
static int change_over(struct watch *w)
{
	int error;

	if (ring_buffer__consume(w->ring) == ENOUGH)
		return ENOUGH;
	applied_close(&w->applied);
	w->applied = (struct applied)APPLIED_NONE;
	if (applied_open(&w->applied, w->c))
		return -1;
	say_blind(w);
	if (map_id(slow_map(w, WEIR_MAP_PATH_CPU)) != w->cpu_id) {
		w->cpu_id = map_id(slow_map(w, WEIR_MAP_PATH_CPU));
		w->before = w->said = (struct lost){};
	}
	w->records.resent = slow_map(w, WEIR_MAP_RETRANSMITS);
	if (map_id(slow_map(w, WEIR_MAP_PATHS)) != w->records_id) {
		error = take_unseen(w, 0);
		if (error || open_records(w))
			return error ?: -1;
	}
	return map_id(slow_map(w, WEIR_MAP_SLOW)) == w->ring_id ? 0 : open_ring(w);
}

static int follow(struct watch *w)
{
	struct applied now = APPLIED_NONE;
	const struct state *is = &now.state, *was = &w->applied.state;
	bool is_same;
	int error;

	if (state_open(&now.state, w->c->instance, &w->c->why)) {
		applied_close(&now);
		return -1;
	}
	is_same = is->number == was->number && is->image->generation == was->image->generation;
	applied_close(&now);
	error = is_same ? 0 : change_over(w);
	return error ? error : renew(w);
}

static int run(struct watch *w)
{
	long long due = 0;

	while (!interrupted && !ferror(stdout)) {
		long long now = clock_ns(CLOCK_MONOTONIC);
		int result = 0;

		if (now >= due) {
			result = follow(w);
			if (!result)
				result = take_unseen(w, UNSEEN_NS);
			say_lost(w);
			due = now + FOLLOW_MS * (NS_PER_S / 1000);
		}
		if (!result)
			result = ring_buffer__poll(w->ring, FOLLOW_MS);
		fflush(stdout);
		if (result == ENOUGH || result == -EINTR)
			return 0;
		if (result < 0)
			return w->c->why.code
				       ? -1
				       : fail_errno(&w->c->why, result, "cannot read slow packets");
	}
	return 0;
}

static int start(struct watch *w)
{
	const struct model *m = &w->applied.model;
	bool path;

	if (applied_open(&w->applied, w->c))
		return -1;
	path = measures(m, MEASURE_PATH);
	if (!path && !measures(m, MEASURE_RTT))
		return fail(
			&w->c->why, EXIT_PRECONDITION,
			"nothing is measured; write \"measure rtt, path\" in an interface block "
			"and apply");
	if (places_read(&w->places, &w->c->why) ||
	    slow_ask_parse(&w->c->slow, &w->places, &w->ask, &w->times_p99, &w->c->why))
		return -1;
	if (!path)
		note("only round trips are watched; stages are with \"measure path\"");
	if (be_alone(w) || open_ring(w) || open_records(w))
		return -1;
	w->ask.id = clock_ns(CLOCK_MONOTONIC) / FOLLOW_MS % 255 + 1;
	w->cpu_id = map_id(slow_map(w, WEIR_MAP_PATH_CPU));
	w->before = lost_now(w);
	if (renew(w))
		return -1;
	if (w->times_p99 > 0)
		say_not_watched(w);
	note("watching");
	return 0;
}

/* What is slow and has not come to its end is told of as far as it came. */
static void end(struct watch *w)
{
	stop_asking(w);
	w->is_over = true;
	if (w->ring && !(w->c->count && w->printed >= w->c->count) &&
	    ring_buffer__consume(w->ring) != ENOUGH)
		take_unseen(w, 0);
	fflush(stdout);
}

int monitor_slow(struct command *c)
{
	const struct sigaction action = { .sa_handler = interrupt };
	struct watch w = { .c = c, .applied = APPLIED_NONE, .alone = -1 };
	struct lost lost;
	int error;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	error = start(&w);
	if (!error) {
		error = run(&w);
		end(&w);
		lost = lost_in_all(&w);
		note("%llu slow packet%s; %llu suppressed above the rate, %llu lost because they "
		     "came "
		     "too fast",
		     w.printed, w.printed == 1 ? "" : "s", lost.suppressed, lost.full);
	}
	ring_buffer__free(w.ring);
	slow_records_close(&w.records);
	own_close(&w.alone);
	places_free(&w.places);
	applied_close(&w.applied);
	return error ? command_failed(c) : EXIT_DONE;
}
