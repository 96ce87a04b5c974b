// SPDX-License-Identifier: GPL-2.0-or-later
#include "packets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libpcap.h"
#include "own.h"

#define ETHERNET_BYTES 14

struct packets {
	const struct libpcap *lib;
	pcap_t *file;
	char *path;
	int link; /* DLT_* */
};

static bool is_known(int link)
{
	return link == DLT_EN10MB || link == DLT_RAW || link == DLT_LINUX_SLL ||
	       link == DLT_LINUX_SLL2 || link == DLT_IPV4 || link == DLT_IPV6;
}

struct packets *packets_open(const char *path, struct failure *why)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	const char *problem;
	struct packets *p = calloc(1, sizeof(*p));

	if (p)
		p->path = strdup(path);
	if (!p || !p->path) {
		free(p);
		fail(why, EXIT_REFUSED, "%s: out of memory", path);
		return NULL;
	}
	p->lib = libpcap_load(&problem);
	if (!p->lib) {
		fail(why, EXIT_PRECONDITION, "%s: captures need libpcap: %s; install it", path,
		     problem);
		packets_close(p);
		return NULL;
	}
	p->file = p->lib->open_offline(path, error);
	if (!p->file) {
		fail(why, EXIT_NOT_FOUND, "%s: no capture file: %s", path, error);
		packets_close(p);
		return NULL;
	}
	p->link = p->lib->datalink(p->file);
	if (!is_known(p->link)) {
		fail(why, EXIT_USAGE, "%s: its packets are of type %s; weir sees Ethernet frames",
		     path, p->lib->datalink_val_to_name(p->link));
		packets_close(p);
		return NULL;
	}
	return p;
}

void packets_close(struct packets *p)
{
	if (!p)
		return;
	if (p->file)
		p->lib->close(p->file);
	free(p->path);
	free(p);
}

/* How many bytes stand before the network header, and its Ethernet type. */
static size_t link_header(int link, const __u8 *at, size_t size, unsigned int *type)
{
	switch (link) {
	case DLT_LINUX_SLL:
		*type = size >= 16 ? at[14] << 8 | at[15] : 0;
		return 16;
	case DLT_LINUX_SLL2:
		*type = size >= 20 ? at[0] << 8 | at[1] : 0;
		return 20;
	}
	*type = size && at[0] >> 4 == 6 ? 0x86dd : 0x0800;
	return 0;
}

/* What was captured without an Ethernet header gets one. */
static void fill(int link, const __u8 *at, size_t size, struct frame *out)
{
	size_t header = 0, before = 0;
	unsigned int type;

	if (link != DLT_EN10MB) {
		header = link_header(link, at, size, &type);
		before = ETHERNET_BYTES;
		memset(out->bytes, 0, 12);
		out->bytes[12] = (__u8)(type >> 8);
		out->bytes[13] = (__u8)type;
	}
	size = size > header ? size - header : 0;
	out->lost = size > FRAME_BYTES - before ? size - (FRAME_BYTES - before) : 0;
	size -= out->lost;
	memcpy(out->bytes + before, at + header, size);
	out->size = before + size;
}

static size_t lost_bytes(const struct pcap_pkthdr *header)
{
	return header->len > header->caplen ? header->len - header->caplen : 0;
}

int packets_next(struct packets *p, struct frame *out, struct failure *why)
{
	struct pcap_pkthdr *header;
	const __u8 *bytes;
	int got = p->lib->next_ex(p->file, &header, &bytes);

	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1)
		return fail(why, EXIT_REFUSED, "%s: %s", p->path, p->lib->geterr(p->file));
	fill(p->link, bytes, header->caplen, out);
	out->lost += lost_bytes(header);
	return 1;
}
