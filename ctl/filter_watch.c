// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show filter --watch: the counters every few seconds, with what came between,
 * over reloads by others, until interrupted.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "filter_show.h"
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
	const char *name;
	struct applied applied;
	struct filter_view view;
	bool in_place;
	struct timespec due;
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

/* Rates are between readings of one generation: in another an id may be another rule's. */
static int follow_reload(struct watch *w)
{
	struct applied now = APPLIED_NONE;
	const struct state *is = &now.state, *was = &w->applied.state;

	if (state_open(&now.state, w->c->instance, &w->c->why)) {
		applied_close(&now);
		return -1;
	}
	if (is->number == was->number && is->image->generation == was->image->generation) {
		applied_close(&now);
		return 0;
	}
	applied_close(&now);
	applied_close(&w->applied);
	w->applied = (struct applied)APPLIED_NONE;
	snapshot_free(&w->view.now);
	if (applied_open(&w->applied, w->c))
		return -1;
	return filter_need(&w->applied, w->name, &w->c->why);
}

static int read_counters(struct watch *w)
{
	int error;

	if (follow_reload(w))
		return -1;
	snapshot_free(&w->view.before);
	w->view.before = w->view.now;
	w->view.now = (struct snapshot){};
	error = snapshot_take(&w->applied, w->name, &w->view.now);
	return error ? fail_errno(&w->c->why, error, "cannot read the counters") : 0;
}

/* @text in as many lines as the window has; the last one says what is missing. */
static void print_in_place(const char *text)
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
		printf("... %zu more lines; name a filter, or enlarge the "
		       "window" TERMINAL_END_OF_LINE,
		       lines - shown);
	fputs(TERMINAL_REST, stdout);
}

static void print_json_line(const struct watch *w)
{
	const struct filter_view *v = &w->view;
	char when[40];
	double seconds = v->before.rules ? (double)(v->now.at_ns - v->before.at_ns) / NS_PER_S : 0;
	json_t *line =
		json_pack("{s:s,s:f,s:o}", "time", time_text(0, when, sizeof(when)), "seconds",
			  (double)(__u64)(seconds * 1000 + 0.5) / 1000, "filters", filters_json(v));

	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
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
	filters_print(&w->view, out);
	fclose(out);
	if (w->in_place)
		print_in_place(text);
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
	if (read_counters(w))
		return -1;
	if (w->in_place)
		print_block(w);
	for (unsigned int blocks = 0; !w->c->count || blocks < w->c->count; blocks++) {
		fflush(stdout);
		wait_until_due(w);
		if (interrupted || ferror(stdout))
			return 0;
		if (read_counters(w))
			return -1;
		print_block(w);
	}
	return 0;
}

int watch_filter(struct command *c, const char *name)
{
	struct watch w = { .c = c,
			   .name = name,
			   .applied = APPLIED_NONE,
			   .in_place = !c->json && isatty(STDOUT_FILENO) };
	int error = -1;

	w.view = (struct filter_view){ .applied = &w.applied, .only = name, .with_rates = true };
	catch_interrupts();
	if (w.in_place)
		fputs(TERMINAL_START, stdout);
	if (!applied_open(&w.applied, c))
		error = watch(&w);
	if (w.in_place)
		fputs(TERMINAL_STOP, stdout);
	snapshot_free(&w.view.before);
	snapshot_free(&w.view.now);
	applied_close(&w.applied);
	return error ? command_failed(c) : EXIT_DONE;
}
