// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor log: what rules with "log" tell, as it comes, over reloads by
 * others, until interrupted.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "filter_counters.h"
#include "image.h"
#include "monitor.h"
#include "monitor_slow.h"
#include "note.h"
#include "own.h"
#include "reason.h"
#include "weir/cpu.h"

#define NS_PER_S 1000000000LL
/* How often to look whether others have applied something. */
#define FOLLOW_MS 250
/* From the callback of the ring: enough was printed. */
#define ENOUGH (-ECANCELED)

static volatile sig_atomic_t interrupted;

struct rule_name {
	const char *filter, *rule; /* the model's; NULL: no rule has this id */
};

struct lost {
	__u64 suppressed; /* above the rate */
	__u64 full; /* for which the ring had no room */
};

struct monitor {
	struct command *c;
	struct applied applied;
	struct rule_name *names; /* by rule id, as many as the state has room for */
	struct ring_buffer *ring;
	__u32 ring_id; /* of its map */
	int alone; /* the folder of the maps, locked: a ring has one reader */
	struct lost before; /* when this map was first looked at */
	struct lost sum; /* of maps that are gone */
	unsigned long long printed;
	bool says_silent; /* that no rule logs has been said */
};

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void catch_interrupts(void)
{
	const struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static long long clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static bool has_log_rule(const struct model *m)
{
	for (size_t f = 0; f < m->filters_count; f++) {
		for (size_t r = 0; r < m->filters[f].rules_count; r++) {
			if (m->filters[f].rules[r].action == WEIR_ACTION_LOG)
				return true;
		}
	}
	return false;
}

static struct lost lost_now(const struct monitor *m)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_cpu *parts = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*parts));
	struct lost sum = {};
	__u32 zero = 0;

	if (!parts || bpf_map_lookup_elem(m->applied.state.maps.fd[WEIR_MAP_CPU], &zero, parts))
		return sum;
	for (int i = 0; i < cpus; i++) {
		sum.suppressed += parts[i].log_suppressed;
		sum.full += parts[i].log_full;
	}
	return sum;
}

/* Since this command began. */
static struct lost lost_in_all(const struct monitor *m)
{
	struct lost now = lost_now(m);

	return (struct lost){
		.suppressed = m->sum.suppressed + now.suppressed - m->before.suppressed,
		.full = m->sum.full + now.full - m->before.full,
	};
}

/* What an interface is called may be anything but what a shell line splits at. */
static const char *interface_text(__u32 ifindex, char text[IFNAMSIZ])
{
	if (!if_indextoname(ifindex, text)) {
		snprintf(text, IFNAMSIZ, "gone-%u", ifindex);
		return text;
	}
	for (char *at = text; *at; at++) {
		if (!isascii((unsigned char)*at) || !isprint((unsigned char)*at))
			*at = '?';
	}
	return text;
}

static const struct rule_name *rule_named(const struct monitor *m, __u32 id)
{
	static const struct rule_name nobody = { .filter = "?", .rule = "?" };

	if (id < m->applied.state.capacity.rules && m->names[id].rule)
		return &m->names[id];
	return &nobody;
}

static const char *place_text(__u8 place)
{
	static const char *const places[] = {
#define X(sym, name) [WEIR_LOG_##sym] = name,
		WEIR_LOG_PLACES(X)
#undef X
	};

	return place < WEIR_LOG_PLACE_COUNT ? places[place] : "?";
}

/* NULL where the event does not say. */
static const char *reason_text(__u8 reason)
{
	return reason < WEIR_R_COUNT ? reasons[reason].name : NULL;
}

static double seconds_ago(const struct weir_log_event *event)
{
	long long ns = clock_ns(CLOCK_MONOTONIC) - (long long)event->time_ns;

	return ns > 0 ? (double)ns / NS_PER_S : 0;
}

/* As local time, "2026-11-21 04:22:11.250123". */
static void print_time(const struct weir_log_event *event)
{
	long long ns =
		clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_MONOTONIC) - (long long)event->time_ns);
	time_t s = (time_t)(ns / NS_PER_S);
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
	printf("%s.%06lld", text, ns % NS_PER_S / 1000);
}

static void print_line(const struct monitor *m, const struct weir_log_event *event)
{
	const struct rule_name *name = rule_named(m, event->rule);
	const char *reason = reason_text(event->reason);
	char interface[IFNAMSIZ];
	struct seen seen;

	seen_decode(event, &seen);
	print_time(event);
	printf(" %s %s  filter %s rule %s%s%s  ", interface_text(event->ifindex, interface),
	       place_text(event->place), name->filter, name->rule, reason ? "  " : "",
	       reason ? reason : "");
	seen_print(&seen, stdout);
	putchar('\n');
}

static void print_json(const struct monitor *m, const struct weir_log_event *event)
{
	const struct rule_name *name = rule_named(m, event->rule);
	const char *reason = reason_text(event->reason);
	char interface[IFNAMSIZ], when[40];
	struct seen seen;
	json_t *line;

	seen_decode(event, &seen);
	line = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "time",
			 time_text(seconds_ago(event), when, sizeof(when)), "interface",
			 interface_text(event->ifindex, interface), "place",
			 place_text(event->place), "direction",
			 event->place == WEIR_LOG_EGRESS ? "out" : "in", "filter", name->filter,
			 "rule", name->rule, "packet", seen_json(&seen));
	if (reason)
		json_object_set_new(line, "reason", json_string(reason));
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static int take_event(void *data, void *bytes, size_t size)
{
	struct monitor *m = data;

	if (size < sizeof(struct weir_log_event))
		return 0;
	if (m->c->json)
		print_json(m, bytes);
	else
		print_line(m, bytes);
	m->printed++;
	return interrupted || (m->c->count && m->printed >= m->c->count) ? ENOUGH : 0;
}

/* Names lie in the model: an array of them is made anew with it. */
static int read_names(struct monitor *m)
{
	struct filter_walk walk = FILTER_WALK(&m->applied, NULL);
	__u32 room = m->applied.state.capacity.rules;

	free(m->names);
	m->names = calloc(room + 1UL, sizeof(*m->names));
	if (!m->names)
		return fail_errno(&m->c->why, -ENOMEM, "cannot hold the names of rules");
	while (filter_next(&walk)) {
		for (size_t i = 0; i < walk.filter->rules_count; i++) {
			if (walk.counted[i].id < room)
				m->names[walk.counted[i].id] =
					(struct rule_name){ walk.filter->name,
							    walk.filter->rules[i].name };
		}
	}
	return 0;
}

static int be_alone(struct monitor *m)
{
	char name[64], path[PATH_MAX];
	int fd;

	snprintf(name, sizeof(name), "maps-%u", m->applied.state.number);
	state_pin_path(&m->applied.state, name, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
		int error = errno;

		own_close(&fd);
		if (error == EWOULDBLOCK)
			return fail(&m->c->why, EXIT_CONFLICT,
				    "another \"weir monitor log\" reads the log of this instance, "
				    "which has one reader; end that one first");
		return error == ENOENT ? 0 : fail_errno(&m->c->why, error, "%s", path);
	}
	own_close(&m->alone);
	m->alone = fd;
	return 0;
}

static int open_ring(struct monitor *m)
{
	int log = m->applied.state.maps.fd[WEIR_MAP_LOG];

	ring_buffer__free(m->ring);
	m->ring_id = map_id(log);
	m->ring = ring_buffer__new(log, take_event, m, NULL);
	if (!m->ring)
		return fail_errno(&m->c->why, errno, "cannot map the ring buffer of the log");
	return 0;
}

static void say_if_silent(struct monitor *m)
{
	bool is_silent = !has_log_rule(&m->applied.model);

	if (is_silent && !m->says_silent)
		note("no rule of the configuration in force logs any more; waiting for one that "
		     "does");
	m->says_silent = is_silent;
}

/*
 * Another generation is in force: other names, and maybe other maps. What is
 * left in the old ring comes out first, with the old names.
 */
static int change_over(struct monitor *m)
{
	struct lost lost;
	__u32 cpu_id = map_id(m->applied.state.maps.fd[WEIR_MAP_CPU]);
	__u32 number = m->applied.state.number;
	int result = ring_buffer__consume(m->ring);

	if (result == ENOUGH)
		return ENOUGH;
	lost = lost_in_all(m);
	applied_close(&m->applied);
	m->applied = (struct applied)APPLIED_NONE;
	if (applied_open(&m->applied, m->c) || read_names(m))
		return -1;
	if (m->applied.state.number != number && be_alone(m))
		return -1;
	m->sum = lost;
	m->before = map_id(m->applied.state.maps.fd[WEIR_MAP_CPU]) == cpu_id ? lost_now(m)
									     : (struct lost){};
	if (map_id(m->applied.state.maps.fd[WEIR_MAP_LOG]) != m->ring_id && open_ring(m))
		return -1;
	say_if_silent(m);
	return 0;
}

static int follow(struct monitor *m)
{
	struct applied now = APPLIED_NONE;
	const struct state *is = &now.state, *was = &m->applied.state;
	bool is_same;

	if (state_open(&now.state, m->c->instance, &m->c->why)) {
		applied_close(&now);
		return -1;
	}
	is_same = is->number == was->number && is->image->generation == was->image->generation;
	applied_close(&now);
	return is_same ? 0 : change_over(m);
}

static int run(struct monitor *m)
{
	long long due = 0;

	while (!interrupted && !ferror(stdout)) {
		long long now = clock_ns(CLOCK_MONOTONIC);
		int result = 0;

		if (now >= due) {
			result = follow(m);
			due = now + FOLLOW_MS * (NS_PER_S / 1000);
		}
		if (!result)
			result = ring_buffer__poll(m->ring, FOLLOW_MS);
		fflush(stdout);
		if (result == ENOUGH || result == -EINTR)
			return 0;
		if (result < 0)
			return fail_errno(&m->c->why, result, "cannot read the log");
	}
	return 0;
}

static int start(struct monitor *m)
{
	if (applied_open(&m->applied, m->c))
		return -1;
	if (!has_log_rule(&m->applied.model))
		return fail(&m->c->why, EXIT_PRECONDITION,
			    "no rule of the configuration in force logs; add one, as "
			    "\"rule seen log tcp dport 22\", and apply");
	if (be_alone(m) || read_names(m) || open_ring(m))
		return -1;
	m->before = lost_now(m);
	return 0;
}

static void print_sum(const struct monitor *m)
{
	struct lost lost = lost_in_all(m);

	note("%llu event%s; %llu suppressed above the log's rate, %llu lost because the log was "
	     "full",
	     m->printed, m->printed == 1 ? "" : "s", lost.suppressed, lost.full);
}

int cmd_monitor(struct command *c)
{
	struct monitor m = { .c = c, .applied = APPLIED_NONE, .alone = -1 };
	int error;

	if (!strcmp(c->args[0], "slow"))
		return monitor_slow(c);
	if (strcmp(c->args[0], "log") != 0) {
		fail(&c->why, EXIT_USAGE,
		     "there is no \"monitor %s\"; it is \"monitor log\" or \"monitor slow\"",
		     c->args[0]);
		return command_failed(c);
	}
	catch_interrupts();
	error = start(&m);
	if (!error) {
		error = run(&m);
		print_sum(&m);
	}
	ring_buffer__free(m.ring);
	free(m.names);
	own_close(&m.alone);
	applied_close(&m.applied);
	return error ? command_failed(c) : EXIT_DONE;
}
