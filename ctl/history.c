// SPDX-License-Identifier: GPL-2.0-or-later
#include "history_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"
#include "own.h"

#define FOLDER "/var/lib/weir"
#define HEADING "# weir history "
#define FILE_NAME "%010u.conf"

static int set_path(struct history *h, const char *instance, struct failure *why)
{
	char key[NAME_MAX + 1];

	if (netns_key(key, why))
		return -1;
	if (snprintf(h->path, sizeof(h->path), FOLDER "/%s/%s", instance, key) >=
	    (int)sizeof(h->path))
		return fail(why, EXIT_REFUSED, "%s: the path is too long", h->path);
	return 0;
}

/* False also where it does not fit, as no path is that long. */
static bool entry_path(const char *folder, __u32 sequence, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/" FILE_NAME, folder, sequence) < PATH_MAX;
}

static void free_entry(struct history_entry *e)
{
	free(e->file);
	free(e->who);
	free(e->sets);
}

void history_close(struct history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free_entry(&h->list[i]);
	free(h->list);
	h->list = NULL;
	h->count = 0;
}

static int parse_heading(const char *line, struct history_entry *e)
{
	json_t *heading;
	json_int_t generation = 0, applied = 0, added = 0, changed = 0, removed = 0;
	const char *file = "", *who = "";
	json_t *sets = NULL;
	int error;

	if (strncmp(line, HEADING, sizeof(HEADING) - 1) != 0)
		return -EINVAL;
	heading = json_loads(line + sizeof(HEADING) - 1, JSON_DISABLE_EOF_CHECK, NULL);
	error = json_unpack(heading, "{s:I,s:I,s:s,s:s,s:I,s:I,s:I,s?o}", "generation", &generation,
			    "applied_s", &applied, "file", &file, "who", &who, "added", &added,
			    "changed", &changed, "removed", &removed, "sets", &sets);
	if (!error) {
		e->generation = generation;
		e->applied_s = applied;
		e->file = strdup(file);
		e->who = strdup(who);
		e->changes = (struct diff_count){ .added = added,
						  .changed = changed,
						  .removed = removed };
		error = history_sets_parse(sets, e);
	}
	json_decref(heading);
	return error || !e->file || !e->who ? -EINVAL : 0;
}

static int read_entry(const char *folder, __u32 sequence, struct history_entry *e)
{
	OWN_FREE char *line = NULL;
	OWN_FILE FILE *f = NULL;
	char path[PATH_MAX];
	struct stat st;
	size_t room = 0;

	if (entry_path(folder, sequence, path))
		f = fopen(path, "re");
	if (!f || getline(&line, &room, f) < 0 || fstat(fileno(f), &st))
		return -ENOENT;
	e->sequence = sequence;
	e->bytes = st.st_size;
	return parse_heading(line, e);
}

static int newest_first(const void *a, const void *b)
{
	const struct history_entry *x = a, *y = b;

	return x->sequence < y->sequence ? 1 : x->sequence > y->sequence ? -1 : 0;
}

static int add_found(struct history *h, __u32 sequence)
{
	struct history_entry *grown = reallocarray(h->list, h->count + 1, sizeof(*grown));
	struct history_entry found = {};

	if (!grown)
		return -ENOMEM;
	h->list = grown;
	if (read_entry(h->path, sequence, &found))
		free_entry(&found);
	else
		h->list[h->count++] = found;
	return 0;
}

int history_open(struct history *h, const char *instance, struct failure *why)
{
	OWN_DIR DIR *dir = NULL;
	struct dirent *entry;

	*h = (struct history){};
	if (set_path(h, instance, why))
		return -1;
	dir = opendir(h->path);
	if (!dir && errno != ENOENT)
		return fail_errno(why, errno, "%s: cannot be read", h->path);
	while (dir && (entry = readdir(dir))) {
		unsigned int sequence;
		int end = 0;

		if (sscanf(entry->d_name, "%10u.conf%n", &sequence, &end) != 1 || end != 15 ||
		    entry->d_name[end])
			continue;
		if (add_found(h, sequence))
			return fail_errno(why, ENOMEM, "cannot read the history");
	}
	if (h->count)
		qsort(h->list, h->count, sizeof(*h->list), newest_first);
	return 0;
}

int history_text(const struct history *h, const struct history_entry *e, char **text, size_t *size,
		 struct failure *why)
{
	OWN_FREE char *buffer = malloc(e->bytes + 1);
	OWN_FILE FILE *f = NULL;
	char path[PATH_MAX];
	size_t used, heading;

	if (!buffer)
		return fail_errno(why, ENOMEM, "cannot read the history");
	if (entry_path(h->path, e->sequence, path))
		f = fopen(path, "re");
	if (!f)
		return fail_errno(why, errno, "%s", path);
	used = fread(buffer, 1, e->bytes, f);
	if (used != e->bytes)
		return fail(why, EXIT_REFUSED, "%s: cannot be read whole", path);
	buffer[used] = '\0';
	heading = strcspn(buffer, "\n");
	heading += heading < used;
	memmove(buffer, buffer + heading, used - heading + 1);
	*text = TAKE_PTR(buffer);
	*size = used - heading;
	return 0;
}

/* Made by root for root; what others may write to is not to be applied one day. */
static int make_folder(const char *path, struct failure *why)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return fail_errno(why, errno, "%s: cannot be made", path);
	if (lstat(path, &st))
		return fail_errno(why, errno, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return fail(why, EXIT_CONFLICT,
			    "%s: not a folder that only uid %u can write to; move it away", path,
			    geteuid());
	return 0;
}

static int make_folders(const struct history *h, struct failure *why)
{
	char path[PATH_MAX];

	for (size_t i = sizeof(FOLDER) - 1; i < sizeof(path); i++) {
		if (h->path[i] && h->path[i] != '/')
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)i, h->path);
		if (make_folder(path, why))
			return -1;
		if (!h->path[i])
			break;
	}
	return 0;
}

static unsigned int login_uid(void)
{
	OWN_FILE FILE *f = fopen("/proc/self/loginuid", "re");
	unsigned int uid;

	return f && fscanf(f, "%u", &uid) == 1 ? uid : ~0U;
}

/* Who is behind a sudo, else who logged in, else who runs this. */
static const char *user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	unsigned int uid = login_uid();
	const struct passwd *user;

	if (sudo && *sudo)
		return sudo;
	user = getpwuid(uid == ~0U ? getuid() : uid);
	return user ? user->pw_name : "?";
}

/* Text that JSON takes: a file's name may be anything. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json ? json : json_string("?");
}

struct entry_text {
	const struct history_entry *entry;
	const char *text;
	size_t size;
};

static int print_entry(FILE *out, const void *what)
{
	const struct entry_text *t = what;
	const struct history_entry *e = t->entry;
	json_t *heading = json_pack(
		"{s:I,s:I,s:o,s:o,s:I,s:I,s:I,s:o}", "generation", (json_int_t)e->generation,
		"applied_s", (json_int_t)e->applied_s, "file", text_json(e->file), "who",
		text_json(e->who ? e->who : user_name()), "added", (json_int_t)e->changes.added,
		"changed", (json_int_t)e->changes.changed, "removed",
		(json_int_t)e->changes.removed, "sets", history_sets_json(e));
	int error;

	if (!heading)
		return -ENOMEM;
	fputs(HEADING, out);
	error = json_dumpf(heading, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(heading);
	fputc('\n', out);
	fwrite(t->text, 1, t->size, out);
	return error ? -EIO : 0;
}

static int write_file(const char *path, history_print print, const void *what)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!out) {
		error = -errno;
		own_close(&fd);
		return error;
	}
	errno = 0;
	error = print(out, what);
	if (!error && (fflush(out) || ferror(out) || fsync(fd)))
		error = errno ? -errno : -EIO;
	if (fclose(out) && !error)
		error = -errno;
	return error;
}

int history_put(const struct history *h, const char *name, history_print print, const void *what,
		struct failure *why)
{
	OWN_FD int folder = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX], fresh[PATH_MAX];
	int error;

	if (snprintf(fresh, sizeof(fresh), "%s/new", h->path) >= (int)sizeof(fresh) ||
	    snprintf(path, sizeof(path), "%s/%s", h->path, name) >= (int)sizeof(path))
		return fail(why, EXIT_REFUSED, "%s: the path is too long", h->path);
	unlink(fresh);
	error = write_file(fresh, print, what);
	if (!error && rename(fresh, path))
		error = -errno;
	if (error) {
		unlink(fresh);
		return fail_errno(why, error, "%s: cannot be written", path);
	}
	if (folder >= 0)
		fsync(folder);
	return 0;
}

static void drop_oldest(const struct history *h, const struct history_entry *added, size_t size)
{
	size_t bytes = size + history_sets_bytes(h, 0, &(struct history_entry){}, added), kept = 0;

	for (; kept < h->count && kept + 1 < HISTORY_ENTRIES; kept++) {
		bytes += h->list[kept].bytes + history_sets_bytes(h, kept, added, &h->list[kept]);
		if (kept && bytes > HISTORY_BYTES)
			break;
	}
	for (size_t i = kept; i < h->count; i++) {
		char path[PATH_MAX];

		if (entry_path(h->path, h->list[i].sequence, path))
			unlink(path);
	}
	history_drop_sets(h, kept, added);
}

static bool has_text(const struct history *h, const struct history_entry *e, const char *text,
		     size_t size)
{
	OWN_FREE char *had = NULL;
	struct failure ignored = {};
	size_t had_size = 0;
	bool same = e->bytes >= size && !history_text(h, e, &had, &had_size, &ignored) &&
		    had_size == size && !memcmp(had, text, size);

	failure_free(&ignored);
	return same;
}

int history_add(const char *instance, const struct history_entry *entry, const char *text,
		size_t size, struct failure *why)
{
	OWN(history_close) struct history h = {};
	struct history_entry e = *entry;
	const struct entry_text whole = { &e, text, size };
	char name[32];

	if (history_open(&h, instance, why) || make_folders(&h, why) ||
	    history_put_sets(&h, &e, why))
		return -1;
	if (h.count && history_same_sets(&h.list[0], &e) && has_text(&h, &h.list[0], text, size))
		return 0;
	snprintf(name, sizeof(name), FILE_NAME, h.count ? h.list[0].sequence + 1 : 1);
	if (history_put(&h, name, print_entry, &whole, why))
		return -1;
	drop_oldest(&h, &e, size);
	return 0;
}

unsigned int history_newest(const struct history *h, const struct history_now *now)
{
	return h->count && now->text && history_sets_in_force(&h->list[0], now->sets) &&
			       has_text(h, &h->list[0], now->text, now->size)
		       ? 0
		       : 1;
}

const struct history_entry *history_find(const struct history *h, unsigned int back,
					 const struct history_now *now)
{
	unsigned int newest = history_newest(h, now);

	if (back < newest || back - newest >= h->count)
		return NULL;
	return &h->list[back - newest];
}
