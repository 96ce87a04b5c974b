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
	bool ethernet; /* smac, dmac, ethertype */
	bool has_vlan; /* vlan; the outermost tag is whole */
	bool ip; /* by its type; or under too many tags */
	bool addresses; /* src, dst, length, ttl, dscp */
	bool transport; /* proto */
	bool ports; /* sport, dport */
	bool tcp; /* flags */
	bool icmp; /* icmp_type, icmp_code */
	bool fragment; /* one of several */
	bool tagged;
	__u8 src[16], dst[16]; /* network order, v4-mapped */
	__u64 smac, dmac; /* the first byte on the wire is the most significant of 48 bits */
	__u32 length; /* of the IP packet, as it says */
	__u16 vlan; /* VLAN identifier */
	__u16 ethertype; /* below all tags; a tag's own where they are too many or cut */
	__u16 sport, dport; /* host order */
	__u8 proto;
	__u8 ttl, dscp;
	__u8 flags;
	__u8 icmp_type, icmp_code;

	/* What no frame tells; reference_parse() leaves it empty. */
	const char *device; /* NULL: of no name */
	bool established;
};

void reference_parse(const __u8 *frame, size_t size, struct seen *s);

/* The driver took the outermost tag out of the frame. */
void reference_take_tag(struct seen *s, __u16 tci);

/*
 * The rules of a filter, decoded for many frames; borrows both. Its answer is
 * that of a walk over all rules in their order. A rule with an expr ends the
 * test, sets are what the model says, and no limit is ever exceeded.
 */
struct reference *reference_new(const struct model *m, const struct filter *f);
void reference_free(struct reference *r);

#define REFERENCE_NO_RULE (-1)

struct judgement {
	bool drop; /* or reject */
	bool reject;
	int rule; /* that decided; rules_count for the default, REFERENCE_NO_RULE for none */
	const __u32 *went_on; /* rules that matched before and do not decide; until the next */
	size_t went_on_count;
};

/* Whether @field, and its port where the set has pairs, or the device, is in @set. */
bool reference_in_set(const struct set *set, enum weir_field field, const struct seen *s);

void reference_judge(struct reference *r, const struct seen *s, struct judgement *j);

/*
 * The backend that a packet belongs to: an index in the image's table,
 * WEIR_NO_BACKEND when its service has none, -1 when it is no service's. The
 * ring is one of @rings, as the map has them.
 */
int reference_backend(const struct model *m, const struct weir_image *image,
		      const struct weir_ring *rings, const struct seen *s);

#endif
