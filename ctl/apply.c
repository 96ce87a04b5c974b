// SPDX-License-Identifier: GPL-2.0-or-later
#include "apply.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply_counters.h"
#include "balance.h"
#include "image.h"
#include "neighbours.h"
#include "note.h"
#include "own.h"
#include "plan_exprs.h"
#include "plan_sets.h"
#include "stack.h"
#include "weir/latency.h"
#include "weir/reason.h"

/* The programs of one hook of one device, loaded before anything changes. */
struct loaded {
	int before; /* in place before the swap; -1: nothing to do */
	int after; /* in place after it, because it lacks code that the old image wants */
	struct attachment made; /* by STEP_ATTACH and STEP_REPLACE */
	bool is_done;
};

struct work {
	struct plan *plan;
	struct state *state;
	struct maps maps; /* new ones when the plan rebuilds; else those of the state, borrowed */
	struct loaded (*loaded)[HOOK_COUNT]; /* by device */
	struct stack_change stack;
};

/* What sets a program before the swap apart from one after it. */
struct code {
	__u32 stages;
	__u32 services;
	struct expr_set exprs;
	__u64 exprs_hash;
};

static void own_code(struct code *c)
{
	expr_set_free(&c->exprs);
}

static int load(const struct work *w, size_t device, enum hook hook, const struct code *code,
		struct failure *why)
{
	const struct plan_device *d = &w->plan->devices[device];
	struct weir_program config = d->hook[hook].config;

	config.stages = code->stages;
	config.services = code->services;
	config.exprs = code->exprs_hash;
	return program_load(hook, d->link.name, &config, &code->exprs, &w->maps, why);
}

/* The code that the plan wants and, with @was, what that program needs for the image in force. */
static int find_code(const struct work *w, size_t device, enum hook hook,
		     const struct attachment *was, struct code *code, struct failure *why)
{
	const struct plan_device *d = &w->plan->devices[device];
	struct weir_program config = d->hook[hook].config;

	code->stages = config.stages | (was ? was->config.stages : 0);
	code->services = config.services | (was ? was->config.services : 0);
	if (plan_exprs(w->plan, d, hook, &code->exprs, why))
		return -1;
	if (was && plan_exprs_in_force(w->plan, d, hook, &code->exprs, why))
		return -1;
	if (plan_exprs_hash(&code->exprs, hook, &config, why))
		return -1;
	code->exprs_hash = config.exprs;
	return 0;
}

static bool same_code(const struct weir_program *config, const struct code *code)
{
	return config->stages == code->stages && config->services == code->services &&
	       config->exprs == code->exprs_hash;
}

/*
 * Until the swap the old image is in force, so a program that replaces another
 * keeps the code that the other had; if that is more than is wanted it takes two.
 */
static int load_hook(struct work *w, size_t device, enum hook hook, struct failure *why)
{
	const struct plan_hook *h = &w->plan->devices[device].hook[hook];
	const struct attachment *was = h->step == STEP_UPDATE ? h->attached : NULL;
	OWN(own_code) struct code wanted = {}, both = {};
	struct loaded *l = &w->loaded[device][hook];
	struct weir_program config = h->config;
	bool is_one, is_in_place;

	if (h->step == STEP_KEEP)
		return 0;
	if (find_code(w, device, hook, NULL, &wanted, why) ||
	    find_code(w, device, hook, was, &both, why))
		return -1;
	config.exprs = wanted.exprs_hash;
	is_one = same_code(&config, &both);
	is_in_place = was && !w->plan->rebuilds && same_code(&was->config, &both) &&
		      was->image_map_id == w->state->image_map_id;
	if (is_one || !is_in_place) {
		l->before = load(w, device, hook, &both, why);
		if (l->before < 0)
			return -1;
	}
	if (!is_one)
		l->after = load(w, device, hook, &wanted, why);
	return !is_one && l->after < 0 ? -1 : 0;
}

static int load_all(struct work *w, struct failure *why)
{
	if (stack_load(w->state, &w->maps, &w->plan->capacity, w->plan->stack_loads, &w->stack,
		       why))
		return -1;
	for (size_t i = 0; i < w->plan->devices_count; i++) {
		for (int hook = 0; hook < HOOK_COUNT; hook++) {
			if (load_hook(w, i, hook, why))
				return -1;
		}
	}
	return 0;
}

/*
 * Where the driver refused native XDP, the program in place takes it that no
 * one completes checksums after it. Another takes over.
 */
static int mend_fallback(struct work *w, size_t device, struct failure *why)
{
	const struct plan_device *d = &w->plan->devices[device];
	struct plan_hook *h = &w->plan->devices[device].hook[HOOK_XDP];
	struct loaded *l = &w->loaded[device][HOOK_XDP];
	struct failure ignored = {};

	if (l->made.way != WAY_GENERIC || h->config.flags & WEIR_PROGRAM_GENERIC)
		return 0;
	h->config.flags |= WEIR_PROGRAM_GENERIC;
	own_close(&l->before);
	own_close(&l->after);
	if (!load_hook(w, device, HOOK_XDP, why) &&
	    !attach_update(w->state, &l->made, l->before, why)) {
		neighbours_say_super_packets(d);
		return 0;
	}
	attach_remove(w->state, &l->made, &ignored);
	return -1;
}

static int attach(struct work *w, size_t device, enum hook hook, struct failure *why)
{
	const struct plan_device *d = &w->plan->devices[device];
	struct loaded *l = &w->loaded[device][hook];

	if (hook != HOOK_XDP)
		return attach_tc(w->state, d->link.ifindex, d->link.name, hook, d->config->tc,
				 l->before, &l->made, why);
	if (attach_xdp(w->state, d->link.ifindex, d->link.name, d->config->xdp, l->before, &l->made,
		       why))
		return -1;
	return mend_fallback(w, device, why);
}

static int put_in_place(struct work *w, size_t device, enum hook hook, struct failure *why)
{
	const struct plan_device *d = &w->plan->devices[device];
	const struct plan_hook *h = &d->hook[hook];
	struct loaded *l = &w->loaded[device][hook];

	if (l->before < 0)
		return 0;
	if (h->step == STEP_UPDATE && attach_update(w->state, h->attached, l->before, why))
		return -1;
	if (h->step == STEP_REPLACE && attach_remove(w->state, h->attached, why))
		return -1;
	if (h->step != STEP_UPDATE && attach(w, device, hook, why)) {
		/* The place is empty now; what stood there goes back. */
		if (h->step == STEP_REPLACE)
			l->is_done = true;
		return -1;
	}
	l->is_done = true;
	return 0;
}

/* Links whose device is gone, first: a device that has its number now needs the name of the pin. */
static int remove_dead(const struct work *w, struct failure *why)
{
	const struct plan *p = w->plan;

	for (size_t i = 0; i < p->leaving_count; i++) {
		if (!p->leaving[i].ifindex && attach_remove(w->state, &p->leaving[i], why))
			return -1;
	}
	return 0;
}

static int put_all_in_place(struct work *w, struct failure *why)
{
	if (remove_dead(w, why))
		return -1;
	for (size_t i = 0; i < w->plan->devices_count; i++) {
		for (int hook = 0; hook < HOOK_COUNT; hook++) {
			if (put_in_place(w, i, hook, why))
				return -1;
		}
	}
	return stack_attach(w->state, &w->stack, why);
}

static void put_back(const struct work *w, const struct plan_device *d, enum hook hook,
		     struct loaded *l, struct failure *ignored)
{
	const struct attachment *was = d->hook[hook].attached;
	enum step step = d->hook[hook].step;

	if (step == STEP_UPDATE) {
		attach_update(w->state, was, was->program, ignored);
		return;
	}
	if (l->made.ifindex)
		attach_remove(w->state, &l->made, ignored);
	if (step == STEP_REPLACE && hook == HOOK_XDP)
		attach_xdp(w->state, was->ifindex, d->link.name,
			   was->way == WAY_GENERIC ? XDP_MODE_GENERIC : XDP_MODE_NATIVE,
			   was->program, &l->made, ignored);
	else if (step == STEP_REPLACE)
		attach_tc(w->state, was->ifindex, d->link.name, hook,
			  was->way == WAY_CLSACT ? TC_MODE_CLSACT : TC_MODE_TCX, was->program,
			  &l->made, ignored);
}

/* In reverse; a failure here is noted beside the one that led to it. */
static void put_all_back(struct work *w)
{
	struct failure ignored = {};

	stack_undo(w->state, &w->stack, &ignored);
	for (size_t i = w->plan->devices_count; i-- > 0;) {
		for (int hook = HOOK_COUNT; hook-- > 0;) {
			if (w->loaded[i][hook].is_done)
				put_back(w, &w->plan->devices[i], hook, &w->loaded[i][hook],
					 &ignored);
		}
	}
	if (ignored.message)
		note("while undoing: %s", ignored.message);
	failure_free(&ignored);
}

static int swap(const struct work *w, struct failure *why)
{
	return maps_swap_image(&w->maps, &w->plan->capacity, w->plan->image, w->plan->image_bytes,
			       why);
}

/* The new maps begin with what is in force, for all devices to change at once. */
static int put_old_image(const struct work *w, struct failure *why)
{
	OWN_FREE struct weir_image *image = NULL;
	__u32 bytes;
	int error = image_carry_over(w->state->image, w->plan->capacity.devices, &image, &bytes);

	if (error)
		return fail_errno(why, error, "cannot carry the image over");
	return maps_swap_image(&w->maps, &w->plan->capacity, image, bytes, why);
}

/*
 * Move everything to larger maps, and only then to the new generation. Counters
 * are carried over late: what the old programs count after that is not shown.
 */
static int rebuild(struct work *w, struct failure *why)
{
	if (rings_carry_over(w->state, &w->maps, &w->plan->capacity, why) ||
	    put_old_image(w, why) || sets_carry_over(w->state, &w->maps, &w->plan->capacity, why) ||
	    sets_put(w->plan, &w->maps, why) || rings_put(&w->plan->rings, &w->maps, why) ||
	    load_all(w, why))
		return -1;
	neighbours_keep(w->plan);
	if (!carry_counters(w->state, &w->maps, &w->plan->capacity, why) &&
	    !clear_counters(w->plan, &w->maps, why) && !put_all_in_place(w, why) &&
	    !state_adopt_maps(w->state, &w->maps, why)) {
		if (!swap(w, why))
			return 0;
		state_disown_maps(w->state);
	}
	put_all_back(w);
	return -1;
}

/* Programs over the same maps: what they have too much or too little of stays idle. */
static int change_in_place(struct work *w, struct failure *why)
{
	if (load_all(w, why) || sets_put(w->plan, &w->maps, why) ||
	    rings_put(&w->plan->rings, &w->maps, why))
		return -1;
	neighbours_keep(w->plan);
	if (!clear_counters(w->plan, &w->maps, why) && !put_all_in_place(w, why) && !swap(w, why))
		return 0;
	put_all_back(w);
	sets_undo(w->plan, &w->maps);
	return -1;
}

/* The new generation is in force; nothing here can undo it. */
static void tidy_up(struct work *w)
{
	struct failure later = {};

	for (size_t i = 0; i < w->plan->devices_count; i++) {
		for (int hook = 0; hook < HOOK_COUNT; hook++) {
			struct loaded *l = &w->loaded[i][hook];

			if (l->after >= 0)
				attach_update(w->state, w->plan->devices[i].hook[hook].attached,
					      l->after, &later);
		}
	}
	for (size_t i = 0; i < w->plan->leaving_count; i++) {
		if (w->plan->leaving[i].ifindex)
			attach_remove(w->state, &w->plan->leaving[i], &later);
	}
	stack_remove(w->state, w->plan->stack_leaves, &later);
	sets_drop_others(w->plan, &w->maps, &later);
	state_drop_old_maps(w->state);
	neighbours_release(w->plan, w->state->image);
	if (later.message)
		note("applied, but not tidied up: %s; apply again", later.message);
	failure_free(&later);
}

static void close_work(struct work *w)
{
	for (size_t i = 0; w->loaded && i < w->plan->devices_count; i++) {
		for (int hook = 0; hook < HOOK_COUNT; hook++) {
			own_close(&w->loaded[i][hook].before);
			own_close(&w->loaded[i][hook].after);
			attachment_close(&w->loaded[i][hook].made);
		}
	}
	free(w->loaded);
	stack_change_close(&w->stack);
	if (w->plan->rebuilds)
		maps_close(&w->maps);
}

static int open_work(struct work *w, struct failure *why)
{
	const struct loaded nothing = { .before = -1,
					.after = -1,
					.made = { .link = -1, .program = -1 } };

	w->loaded = calloc(w->plan->devices_count + 1, sizeof(*w->loaded));
	if (!w->loaded)
		return fail_errno(why, ENOMEM, "cannot apply");
	for (size_t i = 0; i < w->plan->devices_count; i++) {
		for (int hook = 0; hook < HOOK_COUNT; hook++)
			w->loaded[i][hook] = nothing;
	}
	memset(w->maps.fd, -1, sizeof(w->maps.fd));
	if (!w->plan->rebuilds) {
		w->maps = w->state->maps;
		return 0;
	}
	if (maps_create(&w->plan->capacity, &w->maps, why))
		return -1;
	return w->state->image ? maps_share(&w->state->maps, &w->state->capacity, &w->maps,
					    &w->plan->capacity, why)
			       : 0;
}

int plan_carry_out(struct plan *p, struct state *s, struct failure *why)
{
	struct work w = { .plan = p, .state = s, .stack = STACK_CHANGE_NONE };
	int error = open_work(&w, why);

	if (!error)
		error = p->rebuilds ? rebuild(&w, why) : change_in_place(&w, why);
	if (!error)
		tidy_up(&w);
	else
		neighbours_undo(p, s->image);
	close_work(&w);
	return error;
}
