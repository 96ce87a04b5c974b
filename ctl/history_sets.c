// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets from files in the history: each content is kept once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history_internal.h"
#include "own.h"
#include "set_text.h"

#define SET_NAME_BYTES 48
#define SET_NAME "set-%016llx-%016llx.txt"

static void set_name(const struct history_set *s, char name[SET_NAME_BYTES])
{
	snprintf(name, SET_NAME_BYTES, SET_NAME, s->digest[0], s->digest[1]);
}

static bool set_path(const struct history *h, const struct history_set *s, char path[PATH_MAX])
{
	char name[SET_NAME_BYTES];

	set_name(s, name);
	return snprintf(path, PATH_MAX, "%s/%s", h->path, name) < PATH_MAX;
}

/* 0 where it is not kept. */
static size_t kept_bytes(const struct history *h, const struct history_set *s)
{
	char path[PATH_MAX];
	struct stat st;

	return set_path(h, s, path) && !stat(path, &st) && S_ISREG(st.st_mode) ? (size_t)st.st_size
									       : 0;
}

/* As a set's file; its heading is a comment. */
static int print_set(FILE *out, const void *what)
{
	const struct history_set *s = what;
	char text[SET_TEXT_BYTES];

	fprintf(out, "# weir history: elements of a set\n");
	for (size_t i = 0; i < s->elements->count; i++) {
		const struct set_element *e = &s->elements->list[i];

		fputs(set_element_text(s->type, e, text), out);
		if (e->timeout_s)
			fprintf(out, " timeout %s", set_timeout_text(e->timeout_s, text));
		if (e->comment)
			fprintf(out, " comment \"%s\"", e->comment);
		fputc('\n', out);
	}
	return 0;
}

int history_put_sets(const struct history *h, struct history_entry *e, struct failure *why)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->sets_count; i++) {
		const struct history_set *s = &e->sets[i];
		char name[SET_NAME_BYTES];
		bool is_there = kept_bytes(h, s) > 0;

		if (!is_there && !s->elements)
			continue;
		set_name(s, name);
		if (!is_there && history_put(h, name, print_set, s, why))
			return -1;
		e->sets[kept++] = *s;
	}
	e->sets_count = kept;
	return 0;
}

json_t *history_sets_json(const struct history_entry *e)
{
	json_t *sets = json_object();

	for (size_t i = 0; i < e->sets_count; i++)
		json_object_set_new(sets, e->sets[i].name,
				    json_sprintf("%016llx-%016llx", e->sets[i].digest[0],
						 e->sets[i].digest[1]));
	return sets;
}

static int parse_set(const char *name, const json_t *digest, struct history_set *out)
{
	const char *text = json_string_value(digest);
	int end = 0;

	if (strlen(name) >= sizeof(out->name) || !text ||
	    sscanf(text, "%16llx-%16llx%n", &out->digest[0], &out->digest[1], &end) != 2 ||
	    end != 33 || text[end])
		return -EINVAL;
	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

int history_sets_parse(const json_t *sets, struct history_entry *e)
{
	const char *name;
	json_t *digest;

	if (!json_object_size(sets))
		return 0;
	e->sets = calloc(json_object_size(sets), sizeof(*e->sets));
	if (!e->sets)
		return -ENOMEM;
	json_object_foreach((json_t *)sets, name, digest)
	{
		if (parse_set(name, digest, &e->sets[e->sets_count]))
			return -EINVAL;
		e->sets_count++;
	}
	return 0;
}

static bool same_digest(const __u64 a[2], const __u64 b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

static const struct history_set *find_set(const struct history_entry *e, const char *name)
{
	for (size_t i = 0; i < e->sets_count; i++) {
		if (!strcmp(e->sets[i].name, name))
			return &e->sets[i];
	}
	return NULL;
}

bool history_same_sets(const struct history_entry *a, const struct history_entry *b)
{
	if (a->sets_count != b->sets_count)
		return false;
	for (size_t i = 0; i < a->sets_count; i++) {
		const struct history_set *s = find_set(b, a->sets[i].name);

		if (!s || !same_digest(s->digest, a->sets[i].digest))
			return false;
	}
	return true;
}

bool history_sets_in_force(const struct history_entry *e, const struct arena *a)
{
	for (size_t i = 0; i < e->sets_count; i++) {
		__u32 slot = a->mapped ? arena_find(a, e->sets[i].name) : SET_NO_SLOT;
		const struct weir_set *set = slot == SET_NO_SLOT ? NULL : arena_set(a, slot);

		if (!set || !same_digest(set->configured, e->sets[i].digest))
			return false;
	}
	return true;
}

static bool has_digest(const struct history_entry *e, const __u64 digest[2])
{
	for (size_t i = 0; i < e->sets_count; i++) {
		if (same_digest(e->sets[i].digest, digest))
			return true;
	}
	return false;
}

static bool is_wanted(const struct history *h, size_t count, const struct history_entry *newer,
		      const __u64 digest[2])
{
	if (has_digest(newer, digest))
		return true;
	for (size_t i = 0; i < count; i++) {
		if (has_digest(&h->list[i], digest))
			return true;
	}
	return false;
}

size_t history_sets_bytes(const struct history *h, size_t count, const struct history_entry *newer,
			  const struct history_entry *e)
{
	size_t bytes = 0;

	for (size_t i = 0; i < e->sets_count; i++) {
		if (!is_wanted(h, count, newer, e->sets[i].digest))
			bytes += kept_bytes(h, &e->sets[i]);
	}
	return bytes;
}

void history_drop_sets(const struct history *h, size_t count, const struct history_entry *newer)
{
	OWN_DIR DIR *dir = opendir(h->path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct history_set s;
		char name[SET_NAME_BYTES];

		if (sscanf(entry->d_name, "set-%16llx-%16llx.txt", &s.digest[0], &s.digest[1]) != 2)
			continue;
		set_name(&s, name);
		if (!strcmp(name, entry->d_name) && !is_wanted(h, count, newer, s.digest))
			unlinkat(dirfd(dir), name, 0);
	}
}

/* All of a file; @size is what it is thought to have. */
static char *read_whole(const char *path, size_t size)
{
	OWN_FREE char *text = malloc(size + 1);
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	while (text && fd >= 0 && used < size && n > 0) {
		n = read(fd, text + used, size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	return text && used == size ? TAKE_PTR(text) : NULL;
}

static int read_set(const struct history *h, const struct history_set *s, struct set *to,
		    struct failure *why)
{
	size_t size = kept_bytes(h, s);
	OWN_FREE char *text = NULL;
	struct diags diags = {};
	__u64 digest[2] = {};
	char path[PATH_MAX];
	int error = -EINVAL;

	if (size && set_path(h, s, path) && (text = read_whole(path, size)))
		error = set_file_parse(path, text, size, to->type, &diags, &to->entries, NULL,
				       NULL);
	diag_free(&diags);
	set_elements_normalise(&to->entries);
	set_elements_digest(&to->entries, digest);
	if (error || !same_digest(digest, s->digest))
		return fail(why, EXIT_CONFLICT,
			    "set %s: %s/" SET_NAME " does not have its elements any more; apply "
			    "the configuration from its file",
			    s->name, h->path, s->digest[0], s->digest[1]);
	return set_cover(to) ? fail_errno(why, ENOMEM, "cannot read the history") : 0;
}

int history_fill_sets(const struct history *h, const struct history_entry *e, struct model *m,
		      struct failure *why)
{
	for (size_t i = 0; i < m->sets_count; i++) {
		struct set *to = &m->sets[i];
		const struct history_set *s = to->is_elsewhere ? find_set(e, to->name) : NULL;

		if (!s)
			continue;
		if (read_set(h, s, to, why))
			return -1;
		to->is_elsewhere = false;
	}
	return 0;
}
