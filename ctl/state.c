// SPDX-License-Identifier: GPL-2.0-or-later
#include "state.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"
#include "note.h"
#include "own.h"

#define BPFFS "/sys/fs/bpf"
#define PINS BPFFS "/weir"

/* How long a writer waits for another to end. */
#define LOCK_WAIT_MS 2000
#define LOCK_POLL_MS 20

/* How often a reader looks again where a writer took away what it was reading. */
#define READ_TRIES 5

static bool is_bpffs(void)
{
	struct statfs fs;

	return !statfs(BPFFS, &fs) && (__u64)fs.f_type == BPF_FS_MAGIC;
}

/* 0 where it cannot be known. */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[256];
	OWN_FILE FILE *f = NULL;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "PPid: %d", &parent) != 1)
		;
	return parent;
}

/*
 * Whether an ancestor has another mount namespace, as under "ip netns exec" and
 * "unshare -m": what is mounted here then ends with this command.
 */
static bool is_private_mount_namespace(void)
{
	struct stat own, other;
	char path[64];

	if (stat("/proc/self/ns/mnt", &own))
		return false;
	for (pid_t pid = getppid(); pid > 0; pid = parent_of(pid)) {
		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
		if (!stat(path, &other) && other.st_ino != own.st_ino)
			return true;
	}
	return false;
}

static int mount_bpffs(struct failure *why)
{
	if (is_bpffs())
		return 0;
	if (is_private_mount_namespace())
		return fail(why, EXIT_PRECONDITION,
			    BPFFS ": no bpffs in this mount namespace, and one mounted here would "
				  "end with it, and weir's programs too; use \"weir -n NETNS\" "
				  "instead of \"ip netns exec\"");
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=0700"))
		return fail_errno(why, errno,
				  BPFFS ": no bpffs is mounted there and weir could not mount it; "
					"try \"mount -t bpf bpf " BPFFS "\"");
	note("mounted bpffs at " BPFFS);
	return 0;
}

/* Everyone may write to bpffs: a folder there is trusted when nobody else can write to it. */
static int check_folder(const char *path, struct failure *why)
{
	struct stat st;

	if (lstat(path, &st))
		return fail_errno(why, errno, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return fail(why, EXIT_CONFLICT,
			    "%s: not a folder that only uid %u can enter; remove it, or have its "
			    "owner remove it",
			    path, geteuid());
	return 0;
}

static int make_folder(const char *path, struct failure *why)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return fail_errno(why, errno, "%s: cannot be made", path);
	return check_folder(path, why);
}

static int set_path(struct state *s, const char *instance, struct failure *why)
{
	__u64 cookie;

	if (netns_cookie(&cookie, why))
		return -1;
	snprintf(s->path, sizeof(s->path), PINS "/%s/ns-%llu", instance, cookie);
	return 0;
}

static int not_applied(struct failure *why)
{
	return fail(why, EXIT_NOT_FOUND,
		    "nothing is applied in this network namespace; \"weir apply FILE\" does it");
}

void state_pin_path(const struct state *s, const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", s->path, name) >= PATH_MAX)
		path[0] = '\0';
}

/* The highest N of "maps-N", 0 where there is none. */
static __u32 newest_maps(const char *path)
{
	OWN_DIR DIR *dir = opendir(path);
	struct dirent *entry;
	__u32 newest = 0, number;

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "maps-%u", &number) == 1 && number > newest)
			newest = number;
	}
	return newest;
}

/* Returns a descriptor, -ENOENT where nothing is applied, or -1. */
static int open_image(const struct state *s, struct failure *why)
{
	__u32 zero = 0, id = 0;
	int inner;

	if (bpf_map_lookup_elem(s->maps.fd[WEIR_MAP_IMAGE], &zero, &id))
		return -ENOENT;
	inner = bpf_map_get_fd_by_id(id);
	return inner < 0 ? fail_errno(why, inner, "cannot open the image in force") : inner;
}

static int map_image(struct state *s, struct failure *why)
{
	OWN_FD int inner = open_image(s, why);
	__u32 size = s->capacity.image_bytes + WEIR_IMAGE_PAD;
	void *mapped;

	if (inner < 0)
		return inner == -ENOENT ? 0 : -1;
	mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, inner, 0);
	if (mapped == MAP_FAILED)
		return fail_errno(why, errno, "cannot map the image in force");
	s->image = mapped;
	s->image_mapped = size;
	return 0;
}

/* Before anything else of the maps is believed: they may be others, of other sizes. */
static int check_abi(struct state *s, struct failure *why)
{
	OWN_FD int inner = open_image(s, why);
	struct weir_image *image;

	if (inner < 0)
		return inner == -ENOENT ? 0 : -1;
	image = mmap(NULL, sizeof(*image), PROT_READ, MAP_SHARED, inner, 0);
	if (image == MAP_FAILED)
		return fail_errno(why, errno, "cannot map the image in force");
	s->is_foreign = image->abi != WEIR_ABI;
	if (s->is_foreign)
		fail(why, EXIT_CONFLICT,
		     "another version of weir (ABI %u) stands here, this one has ABI %u; \"weir "
		     "detach --all\" takes away what stands, and apply puts it back",
		     image->abi, WEIR_ABI);
	munmap(image, sizeof(*image));
	return s->is_foreign ? -1 : 0;
}

static void *map_values(int fd, size_t bytes)
{
	void *mapped = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	return mapped == MAP_FAILED ? NULL : mapped;
}

static size_t rings_bytes(const struct state *s)
{
	return s->capacity.rings * sizeof(struct weir_ring);
}

static size_t settle_bytes(const struct state *s)
{
	return s->capacity.services * sizeof(struct weir_settle);
}

static int map_rings(struct state *s, struct failure *why)
{
	void *room = mmap(NULL, rings_bytes(s), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	s->rings = room == MAP_FAILED ? NULL : room;
	s->settle = map_values(s->maps.fd[WEIR_MAP_SETTLE], settle_bytes(s));
	if (!s->rings || !s->settle)
		return fail_errno(why, errno, "cannot map the rings in force");
	return 0;
}

const struct weir_ring *state_ring(const struct state *s, __u32 index)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t first = index * sizeof(struct weir_ring) / page * page;
	size_t end = (index + 1UL) * sizeof(struct weir_ring);

	if (mmap((char *)s->rings + first, end - first, PROT_READ, MAP_SHARED | MAP_FIXED,
		 s->maps.fd[WEIR_MAP_RINGS], (off_t)first) == MAP_FAILED)
		return NULL;
	return &s->rings[index];
}

static void unmap_rings(struct state *s)
{
	if (s->rings)
		munmap((void *)s->rings, rings_bytes(s));
	if (s->settle)
		munmap((void *)s->settle, settle_bytes(s));
	s->rings = NULL;
	s->settle = NULL;
}

static int open_map(struct state *s, enum weir_map map, struct failure *why)
{
	char name[64], path[PATH_MAX];

	snprintf(name, sizeof(name), "maps-%u/%s", s->number, map_names[map]);
	state_pin_path(s, name, path);
	s->maps.fd[map] = bpf_obj_get(path);
	return s->maps.fd[map] < 0 ? fail_errno(why, s->maps.fd[map], "%s", path) : 0;
}

static int read_maps(struct state *s, struct failure *why)
{
	s->number = newest_maps(s->path);
	if (!s->number)
		return 0;
	if (open_map(s, WEIR_MAP_IMAGE, why) || check_abi(s, why))
		return -1;
	for (int i = 0; i < WEIR_MAP_COUNT; i++) {
		if (i != WEIR_MAP_IMAGE && open_map(s, i, why))
			return -1;
	}
	if (maps_capacity(&s->maps, &s->capacity, why))
		return -1;
	s->image_map_id = map_id(s->maps.fd[WEIR_MAP_IMAGE]);
	if (map_image(s, why))
		return -1;
	return s->image ? map_rings(s, why) : 0;
}

static int read_once(struct state *s, struct failure *why)
{
	struct stat st;

	if (stat(PINS, &st) || stat(s->path, &st)) {
		if (errno == EACCES)
			return fail(why, EXIT_PERMISSION, "this takes root; try again with sudo");
		return errno == ENOENT ? not_applied(why) : fail_errno(why, errno, "%s", s->path);
	}
	if (check_folder(PINS, why) || read_maps(s, why))
		return -1;
	return s->image ? 0 : not_applied(why);
}

static void forget_maps(struct state *s)
{
	if (s->image)
		munmap((void *)s->image, s->image_mapped);
	unmap_rings(s);
	s->image = NULL;
	maps_close(&s->maps);
}

int state_open(struct state *s, const char *instance, struct failure *why)
{
	if (set_path(s, instance, why))
		return -1;
	for (int i = 1; read_once(s, why); i++) {
		if (i == READ_TRIES || why->code != EXIT_REFUSED)
			return -1;
		forget_maps(s);
		failure_free(why);
	}
	return 0;
}

/* The folder may be removed between open and flock, by a writer that leaves nothing behind. */
static bool is_same_folder(int fd, const char *path)
{
	struct stat held, named;

	return !fstat(fd, &held) && !stat(path, &named) && held.st_ino == named.st_ino;
}

/* Returns 0, -EAGAIN when another holds it, or -1. */
static int try_lock(struct state *s, const char *path, struct failure *why)
{
	OWN_FD int fd = -1;

	if (make_folder(PINS, why) || make_folder(path, why))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : fail_errno(why, errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EAGAIN
					    : fail_errno(why, errno, "%s: cannot be locked", path);
	if (!is_same_folder(fd, path))
		return -EAGAIN;
	s->lock = TAKE_FD(fd);
	return 0;
}

static int lock_folder(struct state *s, const char *path, struct failure *why)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };

	for (int waited = 0; waited <= LOCK_WAIT_MS; waited += LOCK_POLL_MS) {
		int error = try_lock(s, path, why);

		if (error != -EAGAIN)
			return error;
		nanosleep(&pause, NULL);
	}
	return fail(why, EXIT_CONFLICT,
		    "another weir is changing this instance; wait for it to end and try again");
}

int state_open_to_write(struct state *s, const char *instance, struct failure *why)
{
	char folder[PATH_MAX];

	if (geteuid() != 0)
		return fail(why, EXIT_PERMISSION, "this takes root; try again with sudo");
	if (set_path(s, instance, why) || mount_bpffs(why))
		return -1;
	snprintf(folder, sizeof(folder), PINS "/%s", instance);
	if (lock_folder(s, folder, why) || make_folder(s->path, why))
		return -1;
	return read_maps(s, why);
}

int state_open_to_remove(struct state *s, const char *instance, struct failure *why)
{
	if (!state_open_to_write(s, instance, why))
		return 0;
	if (!s->is_foreign)
		return -1;
	forget_maps(s);
	failure_free(why);
	return 0;
}

void state_close(struct state *s)
{
	forget_maps(s);
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

/* Pins in @folder whose names begin with @prefix. */
static void remove_pins(const char *folder, const char *prefix)
{
	OWN_DIR DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && !strncmp(entry->d_name, prefix, strlen(prefix)) &&
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < PATH_MAX)
			unlink(path);
	}
}

static void remove_maps(const struct state *s, const char *folder)
{
	char path[PATH_MAX];

	state_pin_path(s, folder, path);
	remove_pins(path, "");
	rmdir(path);
}

int state_adopt_maps(struct state *s, const struct maps *m, struct failure *why)
{
	char fresh[PATH_MAX], final[PATH_MAX], path[PATH_MAX], name[64];
	__u32 number = s->number + 1;

	/* What an apply that was killed had begun. */
	remove_maps(s, "fresh");
	state_pin_path(s, "fresh", fresh);
	if (make_folder(fresh, why))
		return -1;
	for (int i = 0; i < WEIR_MAP_COUNT; i++) {
		snprintf(name, sizeof(name), "fresh/%s", map_names[i]);
		state_pin_path(s, name, path);
		if (bpf_obj_pin(m->fd[i], path))
			return fail_errno(why, errno, "%s: cannot be pinned", path);
	}
	snprintf(name, sizeof(name), "maps-%u", number);
	state_pin_path(s, name, final);
	if (rename(fresh, final))
		return fail_errno(why, errno, "%s: cannot be renamed", fresh);
	s->number = number;
	return 0;
}

/* By way of a name that nothing looks for: killed half-way, what is left is no state. */
static void drop_maps(const struct state *s, const char *folder)
{
	char from[PATH_MAX], to[PATH_MAX];

	remove_maps(s, "leaving");
	state_pin_path(s, folder, from);
	state_pin_path(s, "leaving", to);
	if (!rename(from, to))
		remove_maps(s, "leaving");
}

void state_disown_maps(struct state *s)
{
	char name[64];

	snprintf(name, sizeof(name), "maps-%u", s->number);
	drop_maps(s, name);
	s->number--;
}

void state_drop_old_maps(const struct state *s)
{
	OWN_DIR DIR *dir = opendir(s->path);
	struct dirent *entry;
	__u32 number;

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "maps-%u", &number) == 1 && number != s->number)
			drop_maps(s, entry->d_name);
	}
}

int state_remove(struct state *s, struct failure *why)
{
	char parent[PATH_MAX];

	s->number = 0;
	remove_maps(s, "fresh");
	remove_maps(s, "leaving");
	state_drop_old_maps(s);
	/* Of qdiscs that are not there any more, or that others use now. */
	remove_pins(s->path, "clsact-");
	/* Hooks that this version has no name for. */
	if (s->is_foreign)
		remove_pins(s->path, "");
	if (rmdir(s->path))
		return fail_errno(why, errno, "%s: cannot be removed", s->path);
	/* Another namespace of the instance, or another instance, may still be there. */
	snprintf(parent, sizeof(parent), "%s", s->path);
	*strrchr(parent, '/') = '\0';
	if (!rmdir(parent))
		rmdir(PINS);
	return 0;
}
