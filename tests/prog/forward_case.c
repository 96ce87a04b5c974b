// SPDX-License-Identifier: GPL-2.0-or-later
#include "forward_case.h"

#include <string.h>

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .stages = STAGE(BALANCE), .filter = ""
};

const struct harness_host forward_host = { .devices = &device,
					   .devices_count = 1,
					   .source4 = FORWARD_SOURCE4,
					   .source6 = FORWARD_SOURCE6 };

const char *forward_start(struct harness *h, struct testnet *net, const char *config,
			  const struct harness_host *host)
{
	const char *refusal = harness_refusal();

	if (!refusal)
		refusal = testnet_start(net);
	if (refusal)
		return refusal;
	harness_start(h, config, host);
	harness_load(h, HOOK_XDP, 0, STAGE(BALANCE));
	h->ingress_ifindex = net->in;
	return NULL;
}

void forward_add_service(char *text, size_t size, __u32 n, const char *words, const char *backend)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used,
		 "service s%u { address 192.0.2.%u, 2001:db8:ff::%x\n"
		 "port tcp 443, udp 443; %s; backend b %s }\n",
		 n, n, n, words, backend);
}
