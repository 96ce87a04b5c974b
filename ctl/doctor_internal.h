/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of doctor share.
 */
#ifndef WEIR_DOCTOR_INTERNAL_H
#define WEIR_DOCTOR_INTERNAL_H

#include "doctor.h"

/* One more finding; what it says follows with doctor_say() and doctor_cure(). */
__attribute__((format(printf, 3, 4))) void doctor_find(struct checkup *c, enum finding_kind kind,
						       const char *subject, ...);

/* What the last finding is. */
__attribute__((format(printf, 2, 3))) void doctor_say(struct checkup *c, const char *format, ...);

/* What helps against it. */
__attribute__((format(printf, 2, 3))) void doctor_cure(struct checkup *c, const char *format, ...);

/* Ask the kernel for the ways to all backends. Returns 0 or -1, without memory. */
int doctor_ask_routes(struct checkup *c);

/*
 * Read what was lost so far, and where something was, wait a second: who asks
 * wants to know whether it goes on. Returns 0 or -1, without memory.
 */
int doctor_count(struct checkup *c);

/* What was lost on the device in @slot of the image's table; after both of the above. */
void doctor_examine_counters(struct checkup *c, const char *ifname, __u32 slot);

/* The services, and their backends; after doctor_ask_routes(). */
void doctor_examine_services(struct checkup *c);

#endif
