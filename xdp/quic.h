/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QUIC connections keep their backend when the client's address changes: the
 * backend's server ID lies in the connection IDs that it hands out.
 * RFC 9000, section 17; draft-ietf-quic-load-balancers, plaintext algorithm.
 */
#ifndef WEIR_XDP_QUIC_H
#define WEIR_XDP_QUIC_H

#include "weir/bpf/packet.h"

#include "admit.h"
#include "choice.h"

#define QUIC_LONG 0x80
#define QUIC_TYPE 0x30 /* of a long header; 0 is Initial */
/* Configuration rotation bits of a first octet; weir's is configuration 0. */
#define QUIC_CONFIG 0xe0
#define QUIC_ID_BYTES 3

struct quic_long {
	__u8 first;
	__u8 version[4];
	__u8 id_bytes;
	__u8 id[QUIC_ID_BYTES];
};

struct quic_short {
	__u8 first;
	__u8 id[QUIC_ID_BYTES];
};

static __always_inline bool quic_is_initial(__u8 first)
{
	return first & QUIC_LONG && !(first & QUIC_TYPE);
}

/* The backend whose server ID is in a connection ID, an index, or WEIR_NO_BACKEND. */
static __always_inline __u32 quic_backend(const struct weir_image *image,
					  const struct weir_service *service, const __u8 *id)
{
	__u32 server = (__u32)id[1] << 8 | id[2];
	const __u16 *backend;

	if (id[0] & QUIC_CONFIG || server >= service->quic_count)
		return WEIR_NO_BACKEND;
	backend = image_at(image, service->quic_offset + server * sizeof(*backend));
	return *backend;
}

/*
 * Choose by the connection ID of a UDP packet. Returns WEIR_R_LB_FORWARD,
 * WEIR_R_CONTINUE where it names no backend, or WEIR_R_LB_LIMIT where it opens
 * one connection too many.
 */
static __noinline int quic_choose(struct xdp_md *ctx, const struct weir_image *image,
				  const struct pkt *p, struct choice *c)
{
	struct cursor at = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end,
				     p->l4_offset + sizeof(struct udphdr));
	const struct weir_service *service = choice_service(image, c);
	__u32 payload = p->l4_bytes - sizeof(struct udphdr), backend = WEIR_NO_BACKEND;
	struct quic_short *brief = cursor_pull(&at, struct quic_short);
	struct quic_long *full;
	__u8 first;

	if (!brief || payload < sizeof(*brief))
		return WEIR_R_CONTINUE;
	first = brief->first;
	if (!(first & QUIC_LONG)) {
		backend = quic_backend(image, service, brief->id);
	} else if (payload >= sizeof(*full)) {
		at.offset = p->l4_offset + sizeof(struct udphdr);
		full = cursor_pull(&at, struct quic_long);
		if (full && full->id_bytes >= QUIC_ID_BYTES)
			backend = quic_backend(image, service, full->id);
	}
	if (backend != WEIR_NO_BACKEND) {
		choose(c, service, backend, WEIR_WHY_QUIC);
		return WEIR_R_LB_FORWARD;
	}
	/* The handshake's other Initials have an ID that the backend gave out. */
	if (is_needed(WEIR_NEED_LIMIT) && quic_is_initial(first) &&
	    admit_new(image, service, p) != WEIR_R_CONTINUE)
		return WEIR_R_LB_LIMIT;
	return WEIR_R_CONTINUE;
}

#endif
