/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What weir must make of a frame, written from the design and not from the
 * datapath: slow, obvious, byte by byte.
 */
#ifndef WEIR_TEST_REFERENCE_H
#define WEIR_TEST_REFERENCE_H

#include "model.h"
#include "weir/image.h"

/* What can be read of a frame. A field counts only when what it needs is true. */
struct seen {
	bool ip; /* by its type; or nobody can say, under too many tags */
	bool addresses; /* src, dst */
	bool transport; /* proto */
	bool ports; /* sport, dport */
	bool tcp; /* flags */
	bool icmp; /* icmp_type */
	bool fragment; /* one of several */
	bool tagged;
	__u8 src[16], dst[16]; /* network order, v4-mapped */
	__u8 proto;
	__u16 sport, dport; /* host order */
	__u8 flags;
	__u8 icmp_type;
};

void reference_parse(const __u8 *frame, size_t size, struct seen *s);

/* Rules of one filter that a test looks at. */
#define REFERENCE_RULES 64
#define REFERENCE_NO_RULE (-1)

struct judgement {
	bool drop;
	int rule; /* that decided; rules_count for the default, REFERENCE_NO_RULE for none */
	bool counted[REFERENCE_RULES]; /* rules whose counters went up, the default too */
};

void reference_filter(const struct model *m, const struct filter *f, const struct seen *s,
		      struct judgement *j);

/*
 * The backend that a packet belongs to: an index in the image's table,
 * WEIR_NO_BACKEND when its service has none, -1 when it is no service's. The
 * ring is the image's.
 */
int reference_backend(const struct model *m, const struct weir_image *image, const struct seen *s);

#endif
