// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain: what becomes of a packet, which backend gets it, and why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "describe.h"
#include "explain.h"
#include "image.h"
#include "own.h"
#include "read_config.h"
#include "resolve.h"
#include "stored.h"

struct work {
	struct state state;
	struct model model;
	struct trial trial;
	struct host host;
	char ifname[IFNAMSIZ];
};

#define WORK_NONE                                        \
	{                                                \
		.state = STATE_NONE, .trial = TRIAL_NONE \
	}

static void close_work(struct work *w)
{
	trial_close(&w->trial);
	model_free(&w->model);
	state_close(&w->state);
	host_close(&w->host);
}

static int open_model(struct work *w, struct command *c)
{
	const char *config = c->test.config;
	int error = config ? read_config(c, config, &w->model) ||
				     resolve_backends(&w->model, &c->diags, &c->why)
			   : state_open(&w->state, c->instance, &c->why) ||
				     stored_model(w->state.image, &w->model, &c->why);

	/* What check warns of is no news here. */
	if (!error)
		diag_free(&c->diags);
	return error ? -1 : 0;
}

/* Whether weir stands there, or with --config would. */
static bool is_stood_on(const struct work *w, __u32 ifindex, const char *ifname)
{
	const struct weir_image *image = w->state.image;
	const struct weir_device *d;

	if (!interface_for(&w->model, ifname))
		return false;
	if (!image)
		return true;
	d = IMAGE_AT(image, image->devices_offset, struct weir_device);
	for (__u32 i = 0; i < image->devices_count; i++) {
		if (d[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* The interface that answers to the packet's source would leave by. */
static const char *device_of_source(struct work *w, const struct frame *in)
{
	struct host_route route;
	struct judge_packet p;
	__u8 source[16];

	judge_read(in->bytes, in->size, "", &p);
	if (!explain_addr(&p, WEIR_FIELD_SADDR, source) || host_route(source, &route) ||
	    !if_indextoname(route.ifindex, w->ifname) || !is_stood_on(w, route.ifindex, w->ifname))
		return NULL;
	return w->ifname;
}

static int open_trial(struct work *w, const struct frame *in, struct command *c)
{
	const char *ifname = c->test.dev;

	if (open_model(w, c) || host_open(&w->host, &c->why))
		return -1;
	if (!ifname)
		ifname = device_of_source(w, in);
	if (!ifname)
		ifname = trial_only_device(&w->model, &c->why);
	if (!ifname)
		return -1;
	if (c->test.config)
		return trial_build(&w->trial, &w->model, ifname, TRIAL_INGRESS, &c->why);
	return trial_copy(&w->trial, &w->state, &w->model, ifname, TRIAL_INGRESS, &c->why);
}

static int read_packet(struct command *c, struct frame *in)
{
	if ((c->args_count > 0) == (c->test.hex != NULL))
		return fail(&c->why, EXIT_USAGE,
			    "say one packet in words, as \"tcp 198.51.100.7:4444 192.0.2.1:443\", "
			    "or --hex BYTES");
	return c->test.hex ? hex_frame(c->test.hex, in, &c->why)
			   : describe_frame(c->args, in, &c->why);
}

int cmd_explain(struct command *c)
{
	OWN(close_work) struct work w = WORK_NONE;
	OWN_FREE struct frame *in = calloc(1, sizeof(*in));
	struct explanation e;

	if (!in)
		fail_errno(&c->why, ENOMEM, "cannot explain");
	if (!in || read_packet(c, in) || open_trial(&w, in, c) ||
	    explain(&w.trial, &w.state, &w.host, in, &e, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(explain_json(&e));
	explain_print(&e);
	return EXIT_DONE;
}
