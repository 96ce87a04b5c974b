/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the balancer chose for a packet of a trial: its program leaves that in
 * the memory of the CPU that ran it.
 */
#ifndef WEIR_TRIAL_CHOICE_H
#define WEIR_TRIAL_CHOICE_H

#include "trial.h"
#include "weir/balance.h"

/* Indexes are those of the model; rows are copies of what the image has. */
struct trial_choice {
	bool has_service;
	size_t service_index;
	struct weir_service service;
	bool has_slot; /* false: the ring was not asked */
	__u32 slot;
	struct weir_slot ring; /* what the ring has there */
	bool has_backend;
	size_t backend_index; /* among service_backends() */
	struct weir_backend backend;
	enum weir_why why; /* of a packet with a backend */
};

/* Forget what the last packet left, before another one is run. */
int trial_forget(const struct trial *t, struct failure *why);

/* What the packet that ran since trial_forget() left. */
int trial_choice(const struct trial *t, struct trial_choice *out, struct failure *why);

#endif
