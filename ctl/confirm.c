// SPDX-License-Identifier: GPL-2.0-or-later
#include "confirm_internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "netns.h"
#include "own.h"

/* A rollback waits for the lock, loads programs and attaches them. */
#define ANSWER_S 90
#define ASK_TRIES 5

static void own_json(json_t **json)
{
	json_decref(*json);
}

int confirm_address(const char *instance, struct sockaddr_un *address, struct failure *why)
{
	__u64 cookie;

	if (netns_cookie(&cookie, why))
		return -1;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (snprintf(address->sun_path, sizeof(address->sun_path), "/run/weir/%s.ns-%llu", instance,
		     cookie) >= (int)sizeof(address->sun_path))
		return fail(why, EXIT_USAGE, "%s: too long a name for an instance", instance);
	return 0;
}

__u64 confirm_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (__u64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__u64 watcher_deadline(unsigned int seconds)
{
	return confirm_now_ms() + seconds * 1000ULL;
}

/* Returns a descriptor, -ENOENT where no watcher listens, or -1. */
static int reach(const char *instance, struct failure *why)
{
	const struct timeval wait = { .tv_sec = ANSWER_S };
	struct sockaddr_un address;
	OWN_FD int fd = -1;

	if (confirm_address(instance, &address, why))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(why, errno, "cannot open a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return errno == ENOENT || errno == ECONNREFUSED
			       ? -ENOENT
			       : fail_errno(why, errno, "%s", address.sun_path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return TAKE_FD(fd);
}

/* A question and its answer. Returns NULL, @is_gone telling whether nobody is there any more. */
static json_t *converse(int fd, const json_t *question, bool *is_gone)
{
	OWN_FREE char *text = json_dumps(question, JSON_COMPACT);
	char answer[CONFIRM_MESSAGE_BYTES];
	ssize_t size = -1;

	errno = 0;
	if (text && send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0)
		size = recv(fd, answer, sizeof(answer), 0);
	*is_gone = !size || (size < 0 && (errno == ECONNRESET || errno == EPIPE));
	return size > 0 ? json_loadb(answer, size, 0, NULL) : NULL;
}

/*
 * Ask @question, which is consumed. A watcher that ends, having rolled back,
 * leaves those unanswered who came meanwhile, and one that waited for a question
 * for too long lets go of who asks: whether it still is there tells them apart.
 * Returns 0 with the answer, -ENOENT where no watcher listens, or -1.
 */
static int ask(const char *instance, json_t *question, json_t **said, struct failure *why)
{
	OWN(own_json) json_t *asked = question;
	bool is_gone = true;

	for (int i = 0; i < ASK_TRIES && is_gone; i++) {
		OWN_FD int fd = reach(instance, why);

		if (fd < 0)
			return fd;
		*said = converse(fd, asked, &is_gone);
		if (*said)
			return 0;
	}
	return fail(why, EXIT_REFUSED,
		    "the process that is to roll back does not answer; see \"weir status\"");
}

/* Returns 0 when the watcher did as it was told, -ENOENT where there is none, or -1. */
static int tell(const char *instance, json_t *question, struct failure *why)
{
	OWN(own_json) json_t *said = NULL;
	const char *message = NULL;
	int error = ask(instance, question, &said, why);

	if (error)
		return error;
	message = json_string_value(json_object_get(said, "failed"));
	if (message)
		return fail(why, json_integer_value(json_object_get(said, "code")), "%s", message);
	return 0;
}

int unconfirmed_read(const char *instance, struct unconfirmed *out, struct failure *why)
{
	OWN(own_json) json_t *said = NULL;
	int error = ask(instance, json_pack("{s:s}", "say", "status"), &said, why);
	__u64 now = confirm_now_ms();
	const char *file;

	if (error)
		return error == -ENOENT ? 0 : -1;
	file = json_string_value(json_object_get(said, "file"));
	*out = (struct unconfirmed){
		.until_ms = json_integer_value(json_object_get(said, "until_ms")),
	};
	out->left_s = out->until_ms > now ? (out->until_ms - now + 999) / 1000 : 0;
	snprintf(out->file, sizeof(out->file), "%s", file ? file : "?");
	return 1;
}

int watcher_extend(const char *instance, __u64 until_ms, const char *file, struct failure *why)
{
	json_t *name = json_string(file);
	int error = tell(instance,
			 json_pack("{s:s,s:I,s:o}", "say", "until", "until_ms",
				   (json_int_t)until_ms, "file", name ? name : json_string("?")),
			 why);

	return error == -ENOENT ? fail(why, EXIT_CONFLICT,
				       "the process that is to roll back is gone; what is in "
				       "force stays")
				: error;
}

static int nothing_waits(struct failure *why)
{
	return fail(why, EXIT_NOT_FOUND, "nothing waits for a confirmation here");
}

int watcher_confirm(const char *instance, struct failure *why)
{
	int error = tell(instance, json_pack("{s:s}", "say", "confirm"), why);

	return error == -ENOENT ? nothing_waits(why) : error;
}

int watcher_roll_back(const char *instance, struct failure *why)
{
	int error = tell(instance, json_pack("{s:s}", "say", "roll back"), why);

	return error == -ENOENT ? nothing_waits(why) : error;
}
