// SPDX-License-Identifier: GPL-2.0-or-later
#include "expr_oracle.h"

#include <stdlib.h>

#include <pcap/pcap.h>

struct oracle {
	struct bpf_program program;
};

struct oracle *oracle_compile(const char *text)
{
	struct oracle *o = calloc(1, sizeof(*o));
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 262144);

	if (!o || !p)
		abort();
	if (pcap_compile(p, &o->program, text, 1, PCAP_NETMASK_UNKNOWN)) {
		free(o);
		o = NULL;
	}
	pcap_close(p);
	return o;
}

bool oracle_matches(const struct oracle *o, const __u8 *frame, size_t bytes)
{
	const struct pcap_pkthdr header = { .caplen = (bpf_u_int32)bytes,
					    .len = (bpf_u_int32)bytes };

	return pcap_offline_filter(&o->program, &header, frame) != 0;
}

void oracle_free(struct oracle *o)
{
	if (o)
		pcap_freecode(&o->program);
	free(o);
}
