// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that waits for a confirmation.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "confirm_internal.h"
#include "own.h"
#include "session.h"

#define FOLDER "/run/weir"

/* Each try waits for the lock as long as any command does. */
#define ROLLBACK_TRIES 20
#define AGAIN_S 1

struct watcher {
	const struct former *former;
	struct sockaddr_un address;
	int listener, timer, signals;
	__u64 until_ms;
	char file[4096]; /* that waits */
};

static int make_folder(struct failure *why)
{
	struct stat st;

	if (mkdir(FOLDER, 0700) && errno != EEXIST)
		return fail_errno(why, errno, FOLDER ": cannot be made");
	if (lstat(FOLDER, &st))
		return fail_errno(why, errno, FOLDER);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return fail(why, EXIT_CONFLICT,
			    FOLDER ": not a folder that only uid %u can enter; remove it",
			    geteuid());
	return 0;
}

static int set_timer(const struct watcher *w)
{
	struct itimerspec at = { .it_value = { .tv_sec = w->until_ms / 1000,
					       .tv_nsec = w->until_ms % 1000 * 1000000 } };

	return timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static int open_signals(void)
{
	sigset_t mask;

	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -1;
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

static int open_watcher(struct watcher *w, unsigned int seconds, struct failure *why)
{
	if (make_folder(why) || confirm_address(w->former->instance, &w->address, why))
		return -1;
	w->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	w->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	w->signals = open_signals();
	if (w->listener < 0 || w->timer < 0 || w->signals < 0)
		return fail_errno(why, errno, "cannot wait for a confirmation");
	/* Of a watcher that was killed: the lock is held, so no other one lives. */
	unlink(w->address.sun_path);
	if (bind(w->listener, (struct sockaddr *)&w->address, sizeof(w->address)) ||
	    listen(w->listener, 8))
		return fail_errno(why, errno, "%s", w->address.sun_path);
	w->until_ms = watcher_deadline(seconds);
	snprintf(w->file, sizeof(w->file), "%s", w->former->file);
	return set_timer(w) ? fail_errno(why, errno, "cannot set a timer") : 0;
}

/* One try, which a command that is at work makes fail with EXIT_CONFLICT. */
static int restore(const struct watcher *w, const char *because, struct failure *why)
{
	const struct former *f = w->former;
	char words[64];
	const struct origin origin = { .file = words, .who = "weir" };
	int error;

	snprintf(words, sizeof(words), "rollback: %s", because);
	failure_free(why);
	error = session_restore(f->instance, f->text, f->size, f->sets, &origin, why);
	/* Nothing was applied, and nothing is. */
	return error && !f->text && why->code == EXIT_NOT_FOUND ? 0 : error;
}

static void log_end(const struct watcher *w, const char *because, int error,
		    const struct failure *why)
{
	const struct former *f = w->former;

	if (error)
		syslog(LOG_ERR, "instance %s: %s: %s, and the rollback failed: %s", f->instance,
		       w->file, because, why->message ? why->message : "?");
	else
		syslog(LOG_WARNING, "instance %s: %s: %s; %s", f->instance, w->file, because,
		       f->text ? "the former configuration is back"
			       : "nothing was applied before, and all is detached");
}

/* A command that is at work holds the lock for as long as it takes. */
static int roll_back(const struct watcher *w, const char *because, struct failure *why)
{
	int error = -1;

	for (int i = 0; i < ROLLBACK_TRIES && error; i++) {
		error = restore(w, because, why);
		if (error && why->code != EXIT_CONFLICT)
			break;
	}
	log_end(w, because, error, why);
	return error;
}

/*
 * The time is up. What holds the lock may be the change itself, which took longer
 * than it gave its author and is about to ask for its time: it must be heard.
 * Returns whether the watcher's work is over.
 */
static bool end_in_time(struct watcher *w)
{
	static const char because[] = "was not confirmed in time";
	struct failure why = {};
	int error = restore(w, because, &why);
	bool is_over = !error || why.code != EXIT_CONFLICT;

	if (is_over) {
		log_end(w, because, error, &why);
	} else {
		w->until_ms = watcher_deadline(AGAIN_S);
		set_timer(w);
	}
	failure_free(&why);
	return is_over;
}

static json_t *answer(struct watcher *w, const json_t *question, bool *is_over)
{
	const char *say = json_string_value(json_object_get(question, "say"));
	const char *file = json_string_value(json_object_get(question, "file"));
	struct failure why = {};
	json_t *failed = NULL;

	if (!say)
		return json_pack("{s:s,s:i}", "failed", "not understood", "code", EXIT_USAGE);
	if (!strcmp(say, "until")) {
		w->until_ms = json_integer_value(json_object_get(question, "until_ms"));
		snprintf(w->file, sizeof(w->file), "%s", file ? file : "?");
		set_timer(w);
	}
	*is_over = !strcmp(say, "confirm");
	if (!strcmp(say, "roll back")) {
		*is_over = true;
		if (roll_back(w, "taken back by hand", &why))
			failed = json_pack("{s:s,s:i}", "failed", why.message ? why.message : "?",
					   "code", why.code);
		failure_free(&why);
		if (failed)
			return failed;
	}
	return json_pack("{s:s,s:I}", "file", w->file, "until_ms", (json_int_t)w->until_ms);
}

/* Returns whether the watcher's work is over. */
static bool serve(struct watcher *w)
{
	const struct timeval wait = { .tv_sec = 2 };
	OWN_FD int client = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	OWN_FREE char *text = NULL;
	char message[CONFIRM_MESSAGE_BYTES];
	json_t *question, *said;
	bool is_over = false;
	ssize_t size;

	if (client < 0)
		return false;
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	size = recv(client, message, sizeof(message), 0);
	if (size <= 0)
		return false;
	question = json_loadb(message, size, 0, NULL);
	said = answer(w, question, &is_over);
	text = json_dumps(said, JSON_COMPACT);
	/* First, so that who reads the answer finds nobody here. */
	if (is_over)
		unlink(w->address.sun_path);
	if (text)
		send(client, text, strlen(text), MSG_NOSIGNAL);
	json_decref(question);
	json_decref(said);
	return is_over;
}

static void watch(struct watcher *w)
{
	struct pollfd waits[] = { { .fd = w->listener, .events = POLLIN },
				  { .fd = w->timer, .events = POLLIN },
				  { .fd = w->signals, .events = POLLIN } };
	struct failure why = {};

	for (;;) {
		if (poll(waits, 3, -1) < 0 && errno != EINTR)
			break;
		/* An answer that came in time counts, however late it is read. */
		if (waits[0].revents & POLLIN) {
			if (serve(w))
				return;
			continue;
		}
		if (waits[1].revents & POLLIN && end_in_time(w))
			break;
		/* As by systemd when a session ends: what nobody can confirm any more. */
		if (waits[2].revents & POLLIN) {
			roll_back(w, "the process that waited was ended", &why);
			break;
		}
	}
	failure_free(&why);
	unlink(w->address.sun_path);
}

#define LISTENS "listens"

/* LISTENS, or why it does not. */
static void report(int ready, const char *what)
{
	if (write(ready, what, strlen(what)) < 0)
		syslog(LOG_ERR, "nobody heard: %s", what);
	close(ready);
}

void watcher_live(const struct former *former, unsigned int seconds, int ready)
{
	struct watcher w = { .former = former, .listener = -1, .timer = -1, .signals = -1 };
	struct failure why = {};
	int error;

	openlog("weir", LOG_PID, LOG_DAEMON);
	prctl(PR_SET_NAME, "weir-confirm");
	error = open_watcher(&w, seconds, &why);
	report(ready, why.message ? why.message : LISTENS);
	if (!error)
		watch(&w);
	failure_free(&why);
}

/* Of the terminal nothing is kept, and of descriptors only @keep, as 3. */
static int leave_terminal(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return -1;
	if ((keep != 3 && dup2(keep, 3) < 0) || syscall(SYS_close_range, 4, ~0U, 0))
		return -1;
	umask(077);
	return chdir("/");
}

/* In the new process, which is nobody's child once its parent has ended. */
static void become_watcher(const struct former *former, unsigned int seconds,
			   void (*let_go)(void *), void *held, int ready)
{
	setsid();
	if (fork())
		_exit(0);
	let_go(held);
	malloc_trim(0);
	if (leave_terminal(ready))
		_exit(1);
	watcher_live(former, seconds, 3);
	_exit(0);
}

int watcher_start(const struct former *former, unsigned int seconds, void (*let_go)(void *),
		  void *held, struct failure *why)
{
	char said[256] = "";
	int ends_of_pipe[2];
	ssize_t size;
	pid_t child;

	if (pipe2(ends_of_pipe, O_CLOEXEC))
		return fail_errno(why, errno, "cannot make a pipe");
	fflush(NULL);
	child = fork();
	if (!child)
		become_watcher(former, seconds, let_go, held, ends_of_pipe[1]);
	close(ends_of_pipe[1]);
	size = child < 0 ? 0 : read(ends_of_pipe[0], said, sizeof(said) - 1);
	close(ends_of_pipe[0]);
	if (child < 0)
		return fail_errno(why, errno, "cannot start a process that would roll back");
	waitpid(child, NULL, 0);
	if (size <= 0 || strcmp(said, LISTENS) != 0)
		return fail(why, EXIT_PRECONDITION, "--confirm is not possible here: %s",
			    size > 0 ? said : "no process that would roll back can be started");
	return 0;
}
