// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vary.skel.h"

#define BATCH 64

static const __u8 template4[FRAME4_BYTES] = {
	[0] = 2,
	[5] = 1,
	[6] = 2,
	[11] = 2,
	[12] = 0x08,
	0x00, /* Ethernet */
	[14] = 0x45,
	[17] = FRAME4_BYTES - 14,
	[22] = 64, /* IPv4: length, TTL */
	[39] = FRAME4_BYTES - 34, /* a UDP length, part of a TCP sequence number */
	[46] = 0x50,
	[47] = 0x10,
	[48] = 0xff,
	0xff /* TCP: ACK, window */
};
static const __u8 template6[FRAME6_BYTES] = { [0] = 2,	   [5] = 1,
					      [6] = 2,	   [11] = 2,
					      [12] = 0x86, 0xdd,
					      [14] = 0x60, [19] = FRAME6_BYTES - 54,
					      [21] = 64,   [59] = FRAME6_BYTES - 54,
					      [66] = 0x50, [67] = 0x10,
					      [68] = 0xff, 0xff };

void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "\nbench: %s (%s)\n", what, strerror(errno));
	exit(1);
}

static void *map_value(const struct bpf_map *map, size_t size)
{
	void *value = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	need(value != MAP_FAILED, "the trace cannot be mapped");
	return value;
}

/* Only what this kind runs is loaded. */
static void choose(struct vary *s, enum driver_kind kind, enum driver_frags frags)
{
	struct bpf_program *p;

	bpf_program__set_autoload(s->progs.around4, kind == DRIVER_XDP4);
	bpf_program__set_autoload(s->progs.around6, kind == DRIVER_XDP6);
	bpf_program__set_autoload(s->progs.inject4, kind == DRIVER_INJECT4);
	bpf_map__set_autocreate(s->maps.trace4, kind != DRIVER_XDP6);
	bpf_map__set_autocreate(s->maps.trace6, kind == DRIVER_XDP6);
	bpf_object__for_each_program(p, s->obj)
	{
		if (frags == DRIVER_FRAGS)
			bpf_program__set_flags(p, BPF_F_XDP_HAS_FRAGS);
	}
}

void driver_open(struct driver *d, enum driver_kind kind, enum driver_frags frags)
{
	struct vary *s = vary__open();

	need(s != NULL, "the program that varies packets does not open");
	choose(s, kind, frags);
	need(!vary__load(s), "the program that varies packets does not load");
	*d = (struct driver){ .skeleton = s, .kind = kind };
	d->empty = bpf_program__fd(s->progs.empty);
	d->program = bpf_program__fd(kind == DRIVER_XDP4   ? s->progs.around4
				     : kind == DRIVER_XDP6 ? s->progs.around6
							   : s->progs.inject4);
	if (kind == DRIVER_XDP6)
		d->trace6 = map_value(s->maps.trace6, sizeof(*d->trace6));
	else
		d->trace4 = map_value(s->maps.trace4, sizeof(*d->trace4));
}

void driver_close(struct driver *d)
{
	if (d->trace4)
		munmap(d->trace4, sizeof(*d->trace4));
	if (d->trace6)
		munmap(d->trace6, sizeof(*d->trace6));
	vary__destroy(d->skeleton);
	*d = (struct driver){};
}

void driver_seek(struct driver *d, __u32 at)
{
	d->skeleton->bss->at = at;
}

void driver_point_at(struct driver *d, int program)
{
	__u32 zero = 0;

	if (d->kind == DRIVER_INJECT4)
		return;
	need(!bpf_map_update_elem(bpf_map__fd(d->skeleton->maps.under_test), &zero, &program, 0),
	     "the program array refuses the program");
}

double driver_run(struct driver *d, __u32 ifindex, __u32 packets, __u32 *verdict)
{
	__u8 frame[FRAME6_BYTES];
	struct xdp_md ctx = { .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)packets);

	if (d->kind == DRIVER_XDP6) {
		memcpy(frame, template6, FRAME6_BYTES);
		opts.data_size_in = ctx.data_end = FRAME6_BYTES;
	} else {
		memcpy(frame, template4, FRAME4_BYTES);
		opts.data_size_in = ctx.data_end = FRAME4_BYTES;
	}
	if (d->kind == DRIVER_INJECT4) {
		opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		opts.batch_size = BATCH;
	}
	need(!bpf_prog_test_run_opts(d->program, &opts), "the kernel refuses a test run");
	if (verdict)
		*verdict = opts.retval;
	return opts.duration;
}
