// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check, plan, apply, attach and detach: the commands that go from a
 * configuration to what is in force.
 */
#include <string.h>

#include "ahead.h"
#include "command.h"
#include "confirm.h"
#include "heap.h"
#include "note.h"
#include "own.h"
#include "plan_print.h"
#include "read_config.h"
#include "resolve.h"
#include "session.h"
#include "shadow.h"
#include "stored.h"

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

/* @shadows  begun once there is a model, to look beside the planning; NULL: not now */
static int make_plan(struct session *s, struct command *c, struct shadow_work *shadows)
{
	OWN(ahead_close) struct ahead *ahead = NULL;
	int error;

	heap_prepare();
	ahead = ahead_begin(c->instance);
	if (read_model(c, c->args[0], &s->model) || resolve_backends(&s->model, &c->diags, &c->why))
		return -1;
	if (shadows)
		shadow_begin(shadows, &s->model, &c->diags);
	error = session_open(s, c->instance, &c->why);
	if (!error) {
		s->state.ahead = ahead;
		error = plan_make(&s->plan, &s->state, &s->host, &s->model, NULL, &c->why);
		s->state.ahead = NULL;
	}
	return error;
}

/* Without memory to look for shadowed rules, the rest is as good. */
static void end_shadows(struct shadow_work *shadows, const struct command *c)
{
	int error = shadow_end(shadows);

	if (error)
		note("%s: cannot look for rules that can never match: %s", read_name(c->args[0]),
		     strerror(-error));
}

int cmd_plan(struct command *c)
{
	OWN(session_close) struct session s = SESSION_NONE;
	struct shadow_work shadows = {};
	int error = make_plan(&s, c, &shadows);

	if (shadows.model)
		end_shadows(&shadows, c);
	session_drop_if_empty(&s);
	if (error)
		return command_failed(c);
	plan_warn(&s.plan, "with \"apply --confirm 60s\" it would come back");
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
		json_print(applied_json(&s->plan, &now, c->confirm));
	else
		attached_print(&s->plan, &now, stdout);
	attachments_close(&now);
	return EXIT_DONE;
}

static int carry_out(struct session *s, struct command *c, const char *file)
{
	const struct origin origin = { .file = file };

	return session_carry_out(s, &origin, &c->why) ? command_failed(c) : report(s, c);
}

static void print_sum(const struct plan *p)
{
	if (plan_is_empty(p))
		printf("Nothing to change.\n");
	else
		printf("Applied: %u added, %u changed, %u removed.\n", p->diff.added,
		       p->diff.changed, p->diff.removed);
}

int apply_report(struct session *s, struct command *c)
{
	if (report(s, c))
		return command_failed(c);
	if (c->json)
		return EXIT_DONE;
	print_sum(&s->plan);
	if (c->confirm)
		printf("Unconfirmed: the former configuration comes back in %s; \"weir confirm\" "
		       "keeps this one.\n",
		       c->confirm);
	return EXIT_DONE;
}

static const char *file_name(const struct command *c)
{
	return strcmp(c->args[0], "-") != 0 ? c->args[0] : "(standard input)";
}

/* Warnings of shadowed rules can wait: nothing that comes into force waits for them. */
int cmd_apply(struct command *c)
{
	OWN(session_close) struct session s = SESSION_NONE;
	struct shadow_work shadows;
	int error;

	if (make_plan(&s, c, NULL)) {
		session_drop_if_empty(&s);
		return command_failed(c);
	}
	plan_warn(&s.plan, c->confirm ? "it comes back unless you confirm from elsewhere"
				      : "use --confirm 60s, so that it comes back");
	shadow_begin(&shadows, &s.model, &c->diags);
	error = put_in_force(&s, c, file_name(c));
	end_shadows(&shadows, c);
	if (error) {
		session_drop_if_empty(&s);
		return command_failed(c);
	}
	return apply_report(&s, c);
}

/* The applied configuration again, over other devices. */
static int replan(struct session *s, struct command *c, const struct plan_scope *scope)
{
	if (session_open(s, c->instance, &c->why))
		return -1;
	if (!s->state.image) {
		session_drop_if_empty(s);
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
	OWN(session_close) struct session s = SESSION_NONE;
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
	return carry_out(&s, c, c->args[0]);
}

static int detach_one(struct session *s, struct command *c)
{
	const struct plan_scope scope = { .without = c->args[0] };
	const struct origin origin = { .file = c->args[0] };
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
	if (session_carry_out(s, &origin, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:s}", "detached", c->args[0]));
	printf("%s: detached\n", c->args[0]);
	return EXIT_DONE;
}

/* With it goes what waits for a confirmation: nothing is to come back after this. */
static int detach_all(struct session *s, struct command *c)
{
	struct failure none_waits = {};

	if (session_open_to_detach(s, c->instance, &c->why))
		return command_failed(c);
	watcher_confirm(c->instance, &none_waits);
	failure_free(&none_waits);
	if (session_detach_all(s, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:b}", "detached_all", 1));
	printf("Detached from everything; nothing of weir is left here.\n");
	return EXIT_DONE;
}

int cmd_detach(struct command *c)
{
	OWN(session_close) struct session s = SESSION_NONE;

	if (c->all == (c->args_count == 1)) {
		fail(&c->why, EXIT_USAGE, "usage: weir detach INTERFACE | --all");
		return command_failed(c);
	}
	return c->all ? detach_all(&s, c) : detach_one(&s, c);
}
