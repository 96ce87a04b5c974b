// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rings of services after those in force. Services that have the same
 * backends and the same past get the same ring, made once; those of which
 * nothing changed keep the one that they have.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "balance.h"
#include "balance_slots.h"
#include "heap.h"
#include "own.h"

#define THREADS_MAX 4
/* Below so many rings a thread costs more than it brings. */
#define JOBS_PER_THREAD 4

#define NO_RING (~0U)
#define NO_JOB (~(size_t)0)

/* A ring to be made. Maglev runs once for those of one group that follow each other. */
struct job {
	size_t group; /* of the model */
	const struct weir_service *old; /* NULL: the services are new */
	__u32 ids; /* the group's first in the backend ids */
	bool has_base; /* slots may wait: flows of TCP or UDP are pinned */
	bool base_lives, pins_live;

	struct weir_ring *ring; /* of struct rings.made */
	struct slots_result result;
	__u32 place; /* where it is in the map */
	__u64 hash;
};

struct work {
	const struct model *m;
	const __u32 *backend_ids;
	const struct ring_past *past;
	const struct weir_service **old_by_id;
	__u32 old_by_id_count;
	__u32 *first_id; /* of each group, in backend_ids */
	__u16 *index_by_id; /* of a backend in its group */
	__u32 *group_by_id; /* number of the group, one more; 0: none has that id */
	__u32 ids_count;
	struct job *jobs;
	size_t jobs_count;
	size_t *job_of; /* by service; NO_JOB: it keeps its ring */
	__u8 *taken; /* rings of the map, by the image in force or by this one */
	__u32 next_free, top;
	struct rings *out;
};

/* Jobs [first, end) of one thread. */
struct share {
	const struct work *w;
	size_t first, end;
	int error;
};

void rings_free(struct rings *r)
{
	free(r->made);
	free(r->fresh);
	free(r->of_service);
	*r = (struct rings){};
}

static void own_work(struct work *w)
{
	free(w->old_by_id);
	free(w->first_id);
	free(w->index_by_id);
	free(w->group_by_id);
	free(w->jobs);
	free(w->job_of);
	free(w->taken);
}

static const struct weir_service *old_services(const struct ring_past *past)
{
	return IMAGE_AT(past->image, past->image->services_offset, struct weir_service);
}

static __u32 old_count(const struct ring_past *past)
{
	return past->image ? past->image->services_count : 0;
}

static int note_old(struct work *w)
{
	const struct ring_past *past = w->past;

	w->taken = calloc(WEIR_MAX_RINGS, 1);
	for (__u32 i = 0; i < old_count(past); i++) {
		if (old_services(past)[i].id >= w->old_by_id_count)
			w->old_by_id_count = old_services(past)[i].id + 1;
	}
	w->old_by_id = calloc(w->old_by_id_count + 1, sizeof(*w->old_by_id));
	if (!w->taken || !w->old_by_id)
		return -ENOMEM;
	for (__u32 i = 0; i < old_count(past); i++) {
		const struct weir_service *old = &old_services(past)[i];

		w->old_by_id[old->id] = old;
		w->taken[old->ring] = 1;
		w->top = old->ring >= w->top ? old->ring + 1 : w->top;
	}
	return 0;
}

static int note_groups(struct work *w)
{
	size_t groups = model_groups_count(w->m), n = 0;

	w->first_id = calloc(groups + 1, sizeof(*w->first_id));
	if (!w->first_id)
		return -ENOMEM;
	for (size_t g = 0; g < groups; g++) {
		w->first_id[g] = n;
		n += model_group(w->m, g).backends_count;
	}
	for (size_t i = 0; i < n; i++) {
		if (w->backend_ids[i] >= w->ids_count)
			w->ids_count = w->backend_ids[i] + 1;
	}
	w->index_by_id = calloc(w->ids_count + 1, sizeof(*w->index_by_id));
	w->group_by_id = calloc(w->ids_count + 1, sizeof(*w->group_by_id));
	if (!w->index_by_id || !w->group_by_id)
		return -ENOMEM;
	for (size_t g = 0; g < groups; g++) {
		for (size_t i = 0; i < model_group(w->m, g).backends_count; i++) {
			__u32 id = w->backend_ids[w->first_id[g] + i];

			w->index_by_id[id] = i;
			w->group_by_id[id] = g + 1;
		}
	}
	return 0;
}

static const struct weir_backend *old_backends(const struct work *w, const struct weir_service *old)
{
	return IMAGE_AT(w->past->image, old->backends_offset, struct weir_backend);
}

static __u64 later(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* What the datapath knows better than the image; zeroes where it said nothing. */
static struct weir_settle seen_of(const struct work *w, const struct weir_service *old)
{
	const struct ring_past *past = w->past;

	if (!past->settle || old->id >= past->settle_count)
		return (struct weir_settle){};
	return past->settle[old->id];
}

/* When base ends, and when the last pin may have died. */
static __u64 base_until(const struct work *w, const struct weir_service *old)
{
	return later(seen_of(w, old).base_until_s, old->base_until_s);
}

static __u64 pins_until(const struct work *w, const struct weir_service *old)
{
	return later(seen_of(w, old).pins_until_s, old->pins_until_s);
}

/* Whether the ring in force is the next one, too. */
static bool keeps(const struct work *w, const struct job *job)
{
	const struct backend_group group = model_group(w->m, job->group);
	const struct weir_backend *was;

	if (!job->old || job->old->backends_count != group.backends_count)
		return false;
	if (job->old->flags & WEIR_SERVICE_UNSETTLED &&
	    (!job->has_base || (!job->base_lives && !job->pins_live)))
		return false;
	was = old_backends(w, job->old);
	for (size_t i = 0; i < group.backends_count; i++) {
		if (was[i].id != w->backend_ids[job->ids + i] ||
		    was[i].weight != slots_weight(&group.backends[i]))
			return false;
	}
	return true;
}

/* Whether both come to the same ring, from the same one. */
static bool is_same_job(const struct job *a, const struct job *b)
{
	if (a->group != b->group || !a->old != !b->old)
		return false;
	return !a->old ||
	       (a->old->ring == b->old->ring &&
		a->old->backends_offset == b->old->backends_offset && a->has_base == b->has_base &&
		a->base_lives == b->base_lives && a->pins_live == b->pins_live);
}

static struct job describe(const struct work *w, size_t index, __u32 id)
{
	const struct service *s = &w->m->services[index];
	struct job job = {
		.group = service_group(w->m, index),
		.old = id < w->old_by_id_count ? w->old_by_id[id] : NULL,
		.has_base = s->track != WEIR_TRACK_NONE || s->udp == WEIR_UDP_TRACK,
		.place = NO_RING,
	};

	job.ids = w->first_id[job.group];
	if (job.old) {
		job.base_lives = w->past->now_s <= base_until(w, job.old);
		job.pins_live = w->past->now_s <= pins_until(w, job.old);
	}
	return job;
}

/* Jobs of a group are few: its services have the same past but for those that came later. */
static size_t add_job(struct work *w, const struct job *job, size_t *last_of_group)
{
	size_t *last = &last_of_group[job->group];

	for (size_t i = *last; i != NO_JOB; i = (size_t)w->jobs[i].hash) {
		if (is_same_job(&w->jobs[i], job))
			return i;
	}
	w->jobs[w->jobs_count] = *job;
	w->jobs[w->jobs_count].hash = *last; /* a chain, until the ring is made */
	*last = w->jobs_count;
	return w->jobs_count++;
}

static int choose_jobs(struct work *w, const __u32 *service_ids)
{
	size_t services = w->m->services_count, groups = model_groups_count(w->m);
	OWN_FREE size_t *last_of_group = malloc((groups + 1) * sizeof(*last_of_group));

	w->jobs = calloc(services + 1, sizeof(*w->jobs));
	w->job_of = calloc(services + 1, sizeof(*w->job_of));
	if (!w->jobs || !w->job_of || !last_of_group)
		return -ENOMEM;
	for (size_t g = 0; g < groups; g++)
		last_of_group[g] = NO_JOB;
	for (size_t i = 0; i < services; i++) {
		struct job job = describe(w, i, service_ids[i]);

		w->job_of[i] = keeps(w, &job) ? NO_JOB : add_job(w, &job, last_of_group);
	}
	return 0;
}

/* By its id; else it was renamed, or moved to a pool, if another is at its address. */
static __u16 find_now(const struct work *w, const struct job *job, const struct weir_backend *was)
{
	const struct backend_group group = model_group(w->m, job->group);

	if (was->id < w->ids_count && w->group_by_id[was->id] == job->group + 1)
		return w->index_by_id[was->id];
	for (size_t i = 0; i < group.backends_count; i++) {
		if (!memcmp(group.backends[i].addr, was->addr, sizeof(was->addr)) &&
		    htons(group.backends[i].port) == was->port)
			return i;
	}
	return WEIR_NO_BACKEND;
}

static int follow(const struct work *w, struct job *job, const __u32 *table)
{
	const struct weir_backend *was = old_backends(w, job->old);
	OWN_FREE __u16 *index_now = calloc(job->old->backends_count + 1U, sizeof(*index_now));
	const struct slots_past past = {
		.ring = &w->past->rings[job->old->ring],
		.index_now = index_now,
		.backends_count = job->old->backends_count,
		.base_lives = job->base_lives,
		.pins_live = job->pins_live,
	};

	if (!index_now)
		return -ENOMEM;
	for (__u32 i = 0; i < job->old->backends_count; i++)
		index_now[i] = find_now(w, job, &was[i]);
	job->result = slots_follow(&past, table, job->ring);
	return 0;
}

static int do_job(const struct work *w, struct job *job, const __u32 *table)
{
	int error = 0;

	if (job->old && job->has_base)
		error = follow(w, job, table);
	else
		slots_begin(table, job->ring);
	job->hash = slots_hash(job->ring);
	return error;
}

static void *do_share(void *of)
{
	struct share *share = of;
	const struct work *w = share->w;
	/* To remember pays off where the ones to be asked for again are not pushed out by others. */
	slots_dealer deal = w->jobs_count > SLOTS_REMEMBERED ? slots_deal_anew : slots_deal;
	OWN_FREE __u32 *table = malloc(WEIR_RING_SLOTS * sizeof(*table));
	size_t dealt = NO_JOB;

	share->error = table ? 0 : -ENOMEM;
	for (size_t i = share->first; i < share->end && !share->error; i++) {
		struct job *job = &w->jobs[i];
		const struct backend_group group = model_group(w->m, job->group);

		if (dealt != job->group)
			share->error = deal(group.backends, group.backends_count, table);
		dealt = job->group;
		if (!share->error)
			share->error = do_job(w, job, table);
	}
	return NULL;
}

/* Before threads read them. */
static int map_old_rings(const struct work *w)
{
	const struct state *s = w->past->state;

	for (size_t i = 0; s && i < w->jobs_count; i++) {
		if (w->jobs[i].old && !state_ring(s, w->jobs[i].old->ring))
			return -errno;
	}
	return 0;
}

static int make_room(struct work *w)
{
	w->out->made = heap_large((w->jobs_count + 1) * sizeof(*w->out->made));
	if (!w->out->made)
		return -ENOMEM;
	for (size_t i = 0; i < w->jobs_count; i++)
		w->jobs[i].ring = &w->out->made[i];
	return 0;
}

static int do_jobs(const struct work *w)
{
	struct share shares[THREADS_MAX] = {};
	pthread_t threads[THREADS_MAX];
	bool runs[THREADS_MAX] = {};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = w->jobs_count / JOBS_PER_THREAD, each;
	int error = 0;

	count = count > THREADS_MAX ? THREADS_MAX : count;
	count = cpus > 0 && count > (size_t)cpus ? (size_t)cpus : count;
	count = count ? count : 1;
	each = (w->jobs_count + count - 1) / count;
	for (size_t i = 0; i < count; i++) {
		size_t end = (i + 1) * each;

		shares[i] =
			(struct share){ w, i * each, end < w->jobs_count ? end : w->jobs_count, 0 };
		runs[i] = i && !pthread_create(&threads[i], NULL, do_share, &shares[i]);
		if (!runs[i] && i)
			do_share(&shares[i]);
	}
	do_share(&shares[0]);
	for (size_t i = 0; i < count; i++) {
		if (runs[i])
			pthread_join(threads[i], NULL);
		error = shares[i].error ? shares[i].error : error;
	}
	return error;
}

static bool is_same_ring(const struct job *a, const struct job *b)
{
	return a->hash == b->hash && !memcmp(a->ring, b->ring, sizeof(*a->ring));
}

/* At a free place. */
static int add_fresh(struct work *w, struct job *job)
{
	while (w->next_free < WEIR_MAX_RINGS && w->taken[w->next_free])
		w->next_free++;
	if (w->next_free == WEIR_MAX_RINGS)
		return -E2BIG;
	job->place = w->next_free;
	w->taken[job->place] = 1;
	w->top = job->place >= w->top ? job->place + 1 : w->top;
	w->out->fresh[w->out->fresh_count++] = (struct fresh_ring){ job->place, job->ring };
	return 0;
}

/* Open addressing by hash; half full at most. */
static int place_jobs(struct work *w)
{
	OWN_FREE struct job **slots = NULL;
	size_t mask = 1;
	int error = 0;

	while (mask < 2 * w->jobs_count + 1)
		mask *= 2;
	slots = calloc(mask--, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < w->jobs_count && !error; i++) {
		struct job *job = &w->jobs[i];
		size_t at = job->hash & mask;

		while (slots[at] && !is_same_ring(slots[at], job))
			at = (at + 1) & mask;
		if (job->old &&
		    !memcmp(&w->past->rings[job->old->ring], job->ring, sizeof(*job->ring)))
			job->place = job->old->ring;
		else if (slots[at])
			job->place = slots[at]->place;
		else
			error = add_fresh(w, job);
		if (!slots[at] && !error)
			slots[at] = job;
	}
	return error;
}

static void fill_service(const struct work *w, size_t index, __u32 id, struct service_ring *out)
{
	const struct weir_service *old = id < w->old_by_id_count ? w->old_by_id[id] : NULL;
	const struct job *job = w->job_of[index] == NO_JOB ? NULL : &w->jobs[w->job_of[index]];
	__u32 settle_s = w->m->services[index].settle_s;

	if (old) {
		out->base_until_s = base_until(w, old);
		out->pins_until_s = pins_until(w, old);
		out->is_unsettled = old->flags & WEIR_SERVICE_UNSETTLED;
		out->ring = old->ring;
	}
	if (!job)
		return;
	out->ring = job->place;
	out->is_unsettled = job->result.is_unsettled;
	if (!job->result.has_moved)
		return;
	/* A pin may be made until base is over, and live as long again. */
	out->base_until_s = w->past->now_s + settle_s;
	out->pins_until_s =
		later(out->pins_until_s, out->base_until_s + WEIR_PIN_GRACE_S + settle_s);
}

int rings_make(const struct model *m, const __u32 *service_ids, const __u32 *backend_ids,
	       const struct ring_past *past, struct rings *out)
{
	struct rings made = {};
	OWN(own_work)
	struct work w = { .m = m, .backend_ids = backend_ids, .past = past, .out = &made };
	int error = note_old(&w);

	*out = made;
	if (!error)
		error = note_groups(&w);
	if (!error)
		error = choose_jobs(&w, service_ids);
	made.of_service = calloc(m->services_count + 1, sizeof(*made.of_service));
	made.fresh = calloc(w.jobs_count + 1, sizeof(*made.fresh));
	if (!made.of_service || !made.fresh)
		error = -ENOMEM;
	if (!error)
		error = map_old_rings(&w);
	if (!error)
		error = make_room(&w);
	if (!error)
		error = do_jobs(&w);
	if (!error)
		error = place_jobs(&w);
	if (error) {
		rings_free(&made);
		return error;
	}
	for (size_t i = 0; i < m->services_count; i++)
		fill_service(&w, i, service_ids[i], &made.of_service[i]);
	made.room = w.top ? w.top : 1;
	*out = made;
	return 0;
}
