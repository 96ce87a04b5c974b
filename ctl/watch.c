// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "filter_counters.h"
#include "own.h"

#define NS_PER_S 1000000000LL

/* In place: from the top, without lines that wrap, which would count as one and take two. */
#define TERMINAL_START "\033[?7l\033[H\033[2J"
#define TERMINAL_TOP "\033[H"
#define TERMINAL_END_OF_LINE "\033[K\n"
#define TERMINAL_REST "\033[J"
#define TERMINAL_STOP "\033[?7h"

static volatile sig_atomic_t interrupted;

struct watch {
	struct command *c;
	const struct watched *what;
	struct applied applied;
	bool in_place;
	struct timespec due;
	__u64 read_ns, before_ns; /* CLOCK_MONOTONIC; 0: there is no reading to compare with */
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

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Returns 1 where another generation is in force: in another an id may be another thing's. */
static int follow_reload(struct watch *w)
{
	struct applied now = APPLIED_NONE;
	const struct state *is = &now.state, *was = &w->applied.state;
	bool is_same;

	if (state_open(&now.state, w->c->instance, &w->c->why)) {
		applied_close(&now);
		return -1;
	}
	is_same = is->number == was->number && is->image->generation == was->image->generation;
	applied_close(&now);
	if (is_same)
		return 0;
	applied_close(&w->applied);
	w->applied = (struct applied)APPLIED_NONE;
	return applied_open(&w->applied, w->c) ? -1 : 1;
}

static int read_again(struct watch *w)
{
	int other = follow_reload(w);

	if (other < 0)
		return -1;
	w->before_ns = other ? 0 : w->read_ns;
	w->read_ns = now_ns();
	return w->what->read(w->what->arg, &w->applied, !w->before_ns, &w->c->why);
}

/* @text in as many lines as the window has; the last one says what is missing. */
static void print_in_place(const struct watch *w, const char *text)
{
	struct winsize window = { .ws_row = 24 };
	size_t lines = 0, shown;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	shown = window.ws_row < 3 || lines < window.ws_row ? lines : window.ws_row - 2U;
	fputs(TERMINAL_TOP, stdout);
	for (size_t i = 0; i < shown; i++) {
		size_t width = strcspn(text, "\n");

		printf("%.*s" TERMINAL_END_OF_LINE, (int)width, text);
		text += width + 1;
	}
	if (shown < lines)
		printf("... %zu more lines; %s, or enlarge the window" TERMINAL_END_OF_LINE,
		       lines - shown, w->what->narrower);
	fputs(TERMINAL_REST, stdout);
}

/* "time" and "seconds", those of the interval, stand before the rest. */
static void print_json_line(const struct watch *w)
{
	double seconds = w->before_ns ? (double)(w->read_ns - w->before_ns) / NS_PER_S : 0;
	char when[40];
	json_t *line = json_pack("{s:s,s:f}", "time", time_text(0, when, sizeof(when)), "seconds",
				 (double)(__u64)(seconds * 1000 + 0.5) / 1000);
	json_t *rest = w->what->json(w->what->arg);

	json_object_update(line, rest);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(rest);
	json_decref(line);
}

static void print_block(const struct watch *w)
{
	OWN_FREE char *text = NULL;
	size_t size;
	FILE *out;

	if (w->c->json) {
		print_json_line(w);
		return;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return;
	w->what->print(w->what->arg, out);
	fclose(out);
	if (w->in_place)
		print_in_place(w, text);
	else
		printf("%s\n", text);
}

static void wait_until_due(struct watch *w)
{
	long long ns = w->due.tv_nsec + (long long)(w->c->watch_s * NS_PER_S);

	w->due.tv_sec += ns / NS_PER_S;
	w->due.tv_nsec = ns % NS_PER_S;
	while (!interrupted &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &w->due, NULL) == EINTR)
		;
}

static int watch(struct watch *w)
{
	clock_gettime(CLOCK_MONOTONIC, &w->due);
	w->read_ns = now_ns();
	if (w->what->read(w->what->arg, &w->applied, true, &w->c->why))
		return -1;
	if (w->in_place)
		print_block(w);
	for (unsigned int blocks = 0; !w->c->count || blocks < w->c->count; blocks++) {
		fflush(stdout);
		wait_until_due(w);
		if (interrupted || ferror(stdout))
			return 0;
		if (read_again(w))
			return -1;
		print_block(w);
	}
	return 0;
}

int watch_run(struct command *c, const struct watched *what)
{
	struct watch w = { .c = c,
			   .what = what,
			   .applied = APPLIED_NONE,
			   .in_place = !c->json && isatty(STDOUT_FILENO) };
	int error = -1;

	catch_interrupts();
	if (w.in_place)
		fputs(TERMINAL_START, stdout);
	if (!applied_open(&w.applied, c))
		error = watch(&w);
	if (w.in_place)
		fputs(TERMINAL_STOP, stdout);
	applied_close(&w.applied);
	return error ? command_failed(c) : EXIT_DONE;
}
