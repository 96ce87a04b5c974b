// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long "weir apply" takes, as a user would see it, to put one changed rule
 * in force: the whole command, on a device.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_case.h"
#include "own.h"

#define EDITS 10
#define APPLY_S 60

struct edit {
	char weir[PATH_MAX], instance[32], folder[32], said[64];
};

struct took {
	double effect_ms, exit_ms;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The command that was built with this program, or $WEIR. */
static void find_weir(struct edit *e)
{
	const char *given = getenv("WEIR");
	char self[PATH_MAX] = "";

	if (given) {
		snprintf(e->weir, sizeof(e->weir), "%s", given);
		return;
	}
	need(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0, "/proc/self/exe");
	need(snprintf(e->weir, sizeof(e->weir), "%s/../../weir", dirname(self)) <
		     (int)sizeof(e->weir),
	     "the path is too long");
}

/* What it says goes to a file, for when it fails. */
static pid_t spawn(const struct edit *e, const char *verb, const char *argument)
{
	char *const args[] = { (char *)e->weir,	 "-i", (char *)e->instance, (char *)verb,
			       (char *)argument, NULL };
	posix_spawn_file_actions_t files;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, e->said,
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
	need(!posix_spawn(&pid, e->weir, &files, NULL, args, environ), "weir does not start");
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static void need_success(const struct edit *e, pid_t pid)
{
	char line[256];
	int status;
	FILE *in;

	if (waitpid(pid, &status, 0) == pid && !status)
		return;
	in = fopen(e->said, "re");
	while (in && fgets(line, sizeof(line), in))
		fputs(line, stderr);
	need(false, "weir failed");
}

/* The outer map of the image in force, from its pin. */
static int open_image(const struct edit *e)
{
	char pattern[PATH_MAX];
	glob_t found = {};
	int fd = -1;

	snprintf(pattern, sizeof(pattern), "/sys/fs/bpf/weir/%s/ns-*/maps-*/weir_image",
		 e->instance);
	if (!glob(pattern, 0, NULL, &found))
		fd = bpf_obj_get(found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return fd;
}

static __u32 image_id(int outer)
{
	__u32 zero = 0, id = 0;

	bpf_map_lookup_elem(outer, &zero, &id);
	return id;
}

/* From the start of the command until packets see another image, and until it ends. */
static struct took apply(const struct edit *e, const char *path)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	OWN_FD int outer = open_image(e);
	__u32 before = outer >= 0 ? image_id(outer) : 0;
	double start = now_ms();
	pid_t pid = spawn(e, "apply", path);
	struct took took = {};

	while (outer >= 0 && image_id(outer) == before && now_ms() < start + APPLY_S * 1e3)
		nanosleep(&pause, NULL);
	took.effect_ms = now_ms() - start;
	need_success(e, pid);
	took.exit_ms = now_ms() - start;
	return took;
}

static void write_config(const char *path, const char *device, const struct bench_rule *rules,
			 __u32 count)
{
	FILE *out = fopen(path, "we");

	need(out != NULL, "a temporary file cannot be written");
	fprintf(out, "interface %s { xdp auto; filter edge }\n", device);
	rules_print_weir(rules, count, out);
	need(!fclose(out), "a temporary file cannot be written");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct edit *e, const char *one, const char *two, __u32 rules)
{
	double effect[EDITS], whole[EDITS], first = apply(e, one).exit_ms;

	for (int i = 0; i < EDITS; i++) {
		struct took took = apply(e, i % 2 ? one : two);

		effect[i] = took.effect_ms;
		whole[i] = took.exit_ms;
	}
	qsort(effect, EDITS, sizeof(double), by_value);
	qsort(whole, EDITS, sizeof(double), by_value);
	printf("\nweir apply, one of %u rules changed: in force after %.1f ms (median %.1f), "
	       "ended after %.1f ms (median %.1f); the first apply took %.0f ms\n",
	       rules, effect[0], effect[EDITS / 2], whole[0], whole[EDITS / 2], first);
}

void edit_print(const char *device, __u32 count)
{
	OWN_FREE struct bench_rule *rules = calloc(count, sizeof(*rules));
	struct edit e = { .folder = "/tmp/weir-bench.XXXXXX" };
	char one[64], two[64];
	cpu_set_t all;

	need(rules && mkdtemp(e.folder), "no temporary folder");
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	find_weir(&e);
	snprintf(e.instance, sizeof(e.instance), "bench-%d", getpid());
	snprintf(e.said, sizeof(e.said), "%s/said", e.folder);
	snprintf(one, sizeof(one), "%s/one", e.folder);
	snprintf(two, sizeof(two), "%s/two", e.folder);
	case_seed("edit", count);
	rules_make(rules, count, PROFILE_ACL);
	write_config(one, device, rules, count);
	rules[count / 2].drops = !rules[count / 2].drops;
	write_config(two, device, rules, count);
	measure(&e, one, two, count);
	need_success(&e, spawn(&e, "detach", "--all"));
	unlink(e.said);
	unlink(one);
	unlink(two);
	rmdir(e.folder);
}
