// SPDX-License-Identifier: GPL-2.0-or-later
#include "ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "own.h"
#include "state.h"
#include "stored.h"

struct ahead {
	pthread_t thread;
	const char *instance;
	bool is_joined;
	struct state state;
	struct model model;
	bool is_parsed;
};

/* What fails here fails again, and is said, where the state is opened in earnest. */
static void *work(void *arg)
{
	struct ahead *a = arg;
	struct failure ignored = {};

	a->is_parsed = !state_open(&a->state, a->instance, &ignored) &&
		       !stored_model(a->state.image, &a->model, &ignored);
	failure_free(&ignored);
	return NULL;
}

struct ahead *ahead_begin(const char *instance)
{
	struct ahead *a = malloc(sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct ahead){ .instance = instance, .state = STATE_NONE };
	if (pthread_create(&a->thread, NULL, work, a)) {
		free(a);
		return NULL;
	}
	return a;
}

static void join(struct ahead *a)
{
	if (!a->is_joined)
		pthread_join(a->thread, NULL);
	a->is_joined = true;
}

void ahead_close(struct ahead **a)
{
	if (!*a)
		return;
	join(*a);
	model_free(&(*a)->model);
	state_close(&(*a)->state);
	free(*a);
	*a = NULL;
}

static bool is_same_text(const struct weir_image *a, const struct weir_image *b)
{
	return a->config_bytes == b->config_bytes &&
	       !memcmp(IMAGE_AT(a, a->config_offset, char), IMAGE_AT(b, b->config_offset, char),
		       a->config_bytes);
}

bool ahead_take(struct ahead *a, const struct weir_image *image, struct model *out)
{
	if (!a || !image)
		return false;
	join(a);
	if (!a->is_parsed || !is_same_text(a->state.image, image))
		return false;
	*out = a->model;
	a->model = (struct model){};
	a->is_parsed = false;
	return true;
}
