// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check, plan, apply, attach and detach: the commands that go from a
 * configuration to what is in force.
 */
#include <string.h>

#include "apply.h"
#include "command.h"
#include "neighbours.h"
#include "note.h"
#include "own.h"
#include "plan_print.h"
#include "read_config.h"
#include "stored.h"

struct session {
	struct state state;
	struct host host;
	struct model model;
	struct plan plan;
};

#define SESSION_NONE                \
	{                           \
		.state = STATE_NONE \
	}

static void close_session(struct session *s)
{
	plan_close(&s->plan);
	model_free(&s->model);
	host_close(&s->host);
	state_close(&s->state);
}

static int open_session(struct session *s, struct command *c)
{
	if (state_open_to_write(&s->state, c->instance, &c->why))
		return -1;
	return host_open(&s->host, &c->why);
}

int cmd_check(struct command *c)
{
	struct model model = {};

	if (read_config(c, c->args[0], &model))
		return command_failed(c);
	model_free(&model);
	if (c->json)
		return json_print(json_pack("{s:s,s:b}", "file", c->args[0], "valid", 1));
	printf("%s: no errors\n", c->args[0]);
	return EXIT_DONE;
}

static int make_plan(struct session *s, struct command *c)
{
	if (read_config(c, c->args[0], &s->model) || open_session(s, c))
		return -1;
	return plan_make(&s->plan, &s->state, &s->host, &s->model, NULL, &c->why);
}

/* An instance with nothing in it leaves no folder behind; one that cannot be read is left alone. */
static void drop_if_empty(struct session *s)
{
	struct failure ignored = {};

	if (!s->state.number && s->state.lock >= 0 && !s->plan.attached.count)
		state_remove(&s->state, &ignored);
	failure_free(&ignored);
}

int cmd_plan(struct command *c)
{
	OWN(close_session) struct session s = SESSION_NONE;
	int error = make_plan(&s, c);

	drop_if_empty(&s);
	if (error)
		return command_failed(c);
	if (c->json)
		json_print(plan_json(&s.plan));
	else
		plan_print(&s.plan, stdout);
	return c->exit_code && !plan_is_empty(&s.plan) ? EXIT_PENDING : EXIT_DONE;
}

/* Say how each device came out, from what is attached now. */
static int report(struct session *s, struct command *c)
{
	struct attachments now = {};
	int error = attachments_read(&s->state, &now, &c->why);

	if (error)
		return command_failed(c);
	if (c->json)
		json_print(applied_json(&s->plan, &now));
	else
		attached_print(&s->plan, &now, stdout);
	attachments_close(&now);
	return EXIT_DONE;
}

static int carry_out(struct session *s, struct command *c)
{
	/* MAC addresses get lost with the carrier: to apply again brings them back. */
	if (plan_is_empty(&s->plan)) {
		neighbours_keep(&s->plan);
	} else if (plan_carry_out(&s->plan, &s->state, &c->why)) {
		drop_if_empty(s);
		return command_failed(c);
	}
	return report(s, c);
}

static void print_sum(const struct plan *p)
{
	if (plan_is_empty(p))
		printf("Nothing to change.\n");
	else
		printf("Applied: %u added, %u changed, %u removed.\n", p->diff.added,
		       p->diff.changed, p->diff.removed);
}

int cmd_apply(struct command *c)
{
	OWN(close_session) struct session s = SESSION_NONE;

	if (make_plan(&s, c)) {
		drop_if_empty(&s);
		return command_failed(c);
	}
	if (carry_out(&s, c))
		return command_failed(c);
	if (!c->json)
		print_sum(&s.plan);
	return EXIT_DONE;
}

/* The applied configuration again, over other devices. */
static int replan(struct session *s, struct command *c, const struct plan_scope *scope)
{
	if (open_session(s, c))
		return -1;
	if (!s->state.image) {
		drop_if_empty(s);
		return fail(
			&c->why, EXIT_NOT_FOUND,
			"nothing is applied in this network namespace; \"weir apply FILE\" does "
			"it");
	}
	if (stored_model(s->state.image, &s->model, &c->why))
		return -1;
	return plan_make(&s->plan, &s->state, &s->host, &s->model, scope, &c->why);
}

static const struct plan_device *planned(const struct plan *p, const char *ifname)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		if (!strcmp(p->devices[i].link.name, ifname))
			return &p->devices[i];
	}
	return NULL;
}

int cmd_attach(struct command *c)
{
	OWN(close_session) struct session s = SESSION_NONE;
	const struct plan_scope scope = { .with = c->args[0] };

	if (replan(&s, c, &scope))
		return command_failed(c);
	if (!planned(&s.plan, c->args[0])) {
		if (!if_nametoindex(c->args[0]))
			fail(&c->why, EXIT_NOT_FOUND,
			     "%s: there is no such interface in this network namespace",
			     c->args[0]);
		else
			fail(&c->why, EXIT_NOT_FOUND,
			     "%s: the applied configuration has no interface block for it; add one "
			     "and apply",
			     c->args[0]);
		return command_failed(c);
	}
	return carry_out(&s, c);
}

static int detach_one(struct session *s, struct command *c)
{
	const struct plan_scope scope = { .without = c->args[0] };
	__u32 ifindex = if_nametoindex(c->args[0]);
	size_t i = 0;

	if (replan(s, c, &scope))
		return command_failed(c);
	while (i < s->plan.attached.count && s->plan.attached.list[i].ifindex != ifindex)
		i++;
	if (!ifindex || i == s->plan.attached.count) {
		fail(&c->why, EXIT_NOT_FOUND, "%s: weir is not attached to it", c->args[0]);
		return command_failed(c);
	}
	if (plan_carry_out(&s->plan, &s->state, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:s}", "detached", c->args[0]));
	printf("%s: detached\n", c->args[0]);
	return EXIT_DONE;
}

static int detach_all(struct session *s, struct command *c)
{
	struct attachments *a = &s->plan.attached;

	if (open_session(s, c) || attachments_read(&s->state, a, &c->why))
		return command_failed(c);
	if (!s->state.image && !a->count) {
		drop_if_empty(s);
		fail(&c->why, EXIT_NOT_FOUND, "nothing is applied in this network namespace");
		return command_failed(c);
	}
	for (size_t i = 0; i < a->count; i++) {
		if (attach_remove(&s->state, &a->list[i], &c->why))
			return command_failed(c);
	}
	neighbours_release_all(&s->host, s->state.image);
	if (state_remove(&s->state, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:b}", "detached_all", 1));
	printf("Detached from everything; nothing of weir is left here.\n");
	return EXIT_DONE;
}

int cmd_detach(struct command *c)
{
	OWN(close_session) struct session s = SESSION_NONE;

	if (c->all == (c->args_count == 1)) {
		fail(&c->why, EXIT_USAGE, "usage: weir detach INTERFACE | --all");
		return command_failed(c);
	}
	return c->all ? detach_all(&s, c) : detach_one(&s, c);
}
