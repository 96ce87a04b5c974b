// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL 61
#define WORD 4

static __u8 *put(struct frame *f, size_t size)
{
	__u8 *at = f->bytes + f->size;

	if (f->size + size > FRAME_MAX) {
		fprintf(stderr, "packet: a frame of over %d bytes\n", FRAME_MAX);
		abort();
	}
	memset(at, 0, size);
	f->size += size;
	return at;
}

static void add16(struct frame *f, __u16 value)
{
	put16(put(f, 2), value);
}

static void set32(__u8 *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, (__u16)value);
}

__u32 packet_sum(const void *bytes, size_t size, __u32 sum)
{
	const __u8 *b = bytes;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? b[i] : (__u32)b[i] << 8;
	return sum;
}

__u16 packet_checksum(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

void packet_address(const char *text, __u8 addr[16])
{
	memset(addr, 0, 16);
	if (inet_pton(AF_INET6, text, addr) == 1)
		return;
	addr[10] = addr[11] = 0xff;
	if (inet_pton(AF_INET, text, addr + 12) != 1) {
		fprintf(stderr, "packet: %s is no address\n", text);
		abort();
	}
}

void frame_print(const struct frame *f)
{
	printf("# frame of %zu bytes:", f->size);
	for (size_t i = 0; i < f->size; i++)
		printf("%s%02x", i % 16 ? " " : "\n# ", f->bytes[i]);
	printf("\n");
}

static __u8 ttl_of(const struct packet *p)
{
	if (!p->ttl)
		return TTL;
	return p->ttl < 0 ? 0 : (__u8)p->ttl;
}

static bool is_v6(const struct packet *p)
{
	return strchr(p->src, ':');
}

static __u8 proto_of(const struct packet *p)
{
	return p->proto ? p->proto : IPPROTO_TCP;
}

/* RFC 9260, appendix A: CRC32c, least significant bit first. */
static __u32 crc32c(const __u8 *bytes, size_t size)
{
	__u32 crc = ~0U;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void put_timestamp_option(struct frame *f, const struct packet *p, __u8 size)
{
	__u8 *option = put(f, 10);

	option[0] = 8;
	option[1] = size;
	set32(option + 2, p->tsval);
	set32(option + 6, p->tsecr);
}

static void put_bytes(struct frame *f, const void *bytes, size_t size)
{
	memcpy(put(f, size), bytes, size);
}

#define MSS "\x02\x04\x05\xb4"
#define SACK_PERMITTED "\x04\x02"
#define NOP "\x01"
#define EOL "\x00"
#define WSCALE "\x03\x03\x07"
#define SACK_2_BLOCKS "\x05\x12" /* and 16 bytes */
#define PUT(f, literal) put_bytes((f), (literal), sizeof(literal) - 1)

static void put_tcp_options(struct frame *f, const struct packet *p)
{
	switch (p->timestamps) {
	case TIMESTAMPS_NONE:
		return;
	case TIMESTAMPS_ALIGNED:
		PUT(f, NOP NOP);
		put_timestamp_option(f, p, 10);
		return;
	case TIMESTAMPS_LINUX_SYN:
		PUT(f, MSS SACK_PERMITTED);
		put_timestamp_option(f, p, 10);
		PUT(f, NOP WSCALE);
		return;
	case TIMESTAMPS_BSD_SYN:
		PUT(f, MSS NOP WSCALE NOP NOP);
		put_timestamp_option(f, p, 10);
		PUT(f, SACK_PERMITTED EOL EOL);
		return;
	case TIMESTAMPS_FIRST:
		put_timestamp_option(f, p, 10);
		PUT(f, NOP NOP);
		return;
	case TIMESTAMPS_AFTER_SACK:
		PUT(f, NOP NOP SACK_2_BLOCKS);
		put(f, 16);
		put_timestamp_option(f, p, 10);
		PUT(f, EOL EOL);
		return;
	case TIMESTAMPS_AFTER_EOL:
		PUT(f, EOL EOL);
		put_timestamp_option(f, p, 10);
		return;
	case TIMESTAMPS_WRONG_SIZE:
		PUT(f, NOP);
		put_timestamp_option(f, p, 9);
		PUT(f, EOL);
		return;
	}
}

static void put_ports(struct frame *f, const struct packet *p)
{
	add16(f, p->sport);
	add16(f, p->dport);
}

static void put_tcp(struct frame *f, const struct packet *p)
{
	size_t start = f->size;
	__u8 *header;

	put_ports(f, p);
	header = put(f, 16) - 4;
	set32(header + 4, 0x01020304);
	header[13] = p->flags;
	put16(header + 14, 0xfff0);
	put_tcp_options(f, p);
	header[12] = (__u8)((f->size - start) / WORD << 4);
	if (p->claim.doff)
		header[12] = (__u8)(p->claim.doff << 4);
}

static void put_l4_header(struct frame *f, const struct packet *p)
{
	switch (proto_of(p)) {
	case IPPROTO_TCP:
		put_tcp(f, p);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		put_ports(f, p);
		add16(f, 8 + p->payload);
		add16(f, 0);
		break;
	case IPPROTO_SCTP:
		put_ports(f, p);
		set32(put(f, 8), 0xc0ffee);
		break;
	case IPPROTO_DCCP:
		put_ports(f, p);
		put(f, 8);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put_bytes(f, (__u8[]){ p->icmp_type, p->icmp_code, 0, 0 }, 4);
		add16(f, 0x1234);
		add16(f, 1);
		break;
	}
}

/* Where a transport header has its checksum, or 0. */
static size_t checksum_offset(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	}
	return 0;
}

static __u32 pseudo_header_sum(const struct packet *p, size_t l4_bytes)
{
	__u8 src[16], dst[16];
	size_t skip = is_v6(p) ? 0 : 12;
	__u32 sum;

	if (proto_of(p) == IPPROTO_ICMP)
		return 0;
	packet_address(p->src, src);
	packet_address(p->dst, dst);
	sum = packet_sum(src + skip, 16 - skip, 0);
	sum = packet_sum(dst + skip, 16 - skip, sum);
	return sum + proto_of(p) + (__u32)l4_bytes;
}

static void put_ethernet_payload(struct frame *f, const struct packet *p);

static void put_gue(struct frame *f, const struct packet *p)
{
	size_t start = f->size;
	__u8 *udp = f->bytes + start;

	put_ports(f, p);
	put(f, 4);
	if (!p->gue->is_direct) {
		put_bytes(f, (__u8[]){ p->gue->first, p->gue->proto }, 2);
		add16(f, p->gue->flags);
		put(f, (p->gue->first & 0x1fU) * WORD);
	}
	if (p->inner)
		put_ethernet_payload(f, p->inner);
	put16(udp + 4, (__u16)(f->size - start));
	if (p->gue->has_checksum)
		put16(udp + 6, packet_checksum(packet_sum(udp, f->size - start,
							  pseudo_header_sum(p, f->size - start))));
}

static void put_l4(struct frame *f, const struct packet *p)
{
	size_t start = f->size, at = checksum_offset(proto_of(p));
	__u8 *header = f->bytes + start;
	__u16 check;
	__u32 crc;

	if (p->gue) {
		put_gue(f, p);
		return;
	}
	if (p->inner) {
		put_ethernet_payload(f, p->inner);
		return;
	}
	put_l4_header(f, p);
	for (int i = 0; i < p->payload; i++)
		*put(f, 1) = (__u8)(i * 7 + 1);
	if (proto_of(p) == IPPROTO_SCTP) {
		crc = htole32(crc32c(header, f->size - start));
		memcpy(header + 8, &crc, sizeof(crc));
	}
	if (!at)
		return;
	check = packet_checksum(
		packet_sum(header, f->size - start, pseudo_header_sum(p, f->size - start)));
	/* RFC 768: 0 would say that there is none. */
	put16(header + at, check || checksum_offset(proto_of(p)) != 6 ? check : 0xffff);
}

static void put_ipv4(struct frame *f, const struct packet *p)
{
	size_t start = f->size, header_bytes = 20 + p->option_words * WORD;
	__u8 *ip = put(f, header_bytes), addr[16];

	ip[0] = (__u8)((p->claim.version ? p->claim.version : 4) << 4 |
		       (p->claim.ihl ? p->claim.ihl : header_bytes / WORD));
	ip[1] = p->tos;
	put16(ip + 4, 0x4711);
	put16(ip + 6, p->fragment);
	ip[8] = ttl_of(p);
	ip[9] = proto_of(p);
	packet_address(p->src, addr);
	memcpy(ip + 12, addr + 12, 4);
	packet_address(p->dst, addr);
	memcpy(ip + 16, addr + 12, 4);
	memset(ip + 20, 1, header_bytes - 20);
	put_l4(f, p);
	put16(ip + 2, (__u16)(f->size - start));
	if (p->claim.length)
		put16(ip + 2, p->claim.length < 0 ? 0 : (__u16)p->claim.length);
	put16(ip + 10, packet_checksum(packet_sum(ip, header_bytes, 0)));
}

static bool is_extension(const struct packet_extension *e)
{
	return e->type || e->hopopts;
}

/* Append extension headers; @next is the byte that names the first. */
static void put_extensions(struct frame *f, const struct packet *p, __u8 *next)
{
	for (int i = 0; i < PACKET_EXTENSIONS && is_extension(&p->extensions[i]); i++) {
		const struct packet_extension *e = &p->extensions[i];
		size_t size = e->type == IPPROTO_AH ? (e->units + 2) * 4U : (e->units + 1) * 8U;
		__u8 *at = put(f, e->type == IPPROTO_FRAGMENT ? 8 : size);

		*next = e->type;
		next = at;
		if (e->type == IPPROTO_FRAGMENT)
			put16(at + 2, e->fragment);
		else
			at[1] = e->units;
	}
	*next = proto_of(p);
}

static void put_ipv6(struct frame *f, const struct packet *p)
{
	__u8 *ip = put(f, 40);
	size_t start = f->size;

	set32(ip, (p->claim.version ? p->claim.version : 6U) << 28 | (__u32)p->tos << 20 | 0xabcde);
	ip[7] = ttl_of(p);
	packet_address(p->src, ip + 8);
	packet_address(p->dst, ip + 24);
	put_extensions(f, p, ip + 6);
	put_l4(f, p);
	put16(ip + 4, (__u16)(f->size - start));
	if (p->claim.length)
		put16(ip + 4, p->claim.length < 0 ? 0 : (__u16)p->claim.length);
}

static void put_arp(struct frame *f)
{
	PUT(f, "\x00\x01\x08\x00\x06\x04\x00\x01");
	put(f, 20);
}

static void put_ethernet_payload(struct frame *f, const struct packet *p)
{
	if (p->type == TYPE_ARP)
		put_arp(f);
	else if (!p->src)
		put(f, p->payload);
	else if (is_v6(p))
		put_ipv6(f, p);
	else
		put_ipv4(f, p);
}

static void put_mac(struct frame *f, __u64 mac)
{
	add16(f, (__u16)(mac >> 32));
	add16(f, (__u16)(mac >> 16));
	add16(f, (__u16)mac);
}

void packet_build(const struct packet *p, struct frame *f)
{
	__u16 type = p->type ? p->type : is_v6(p) ? TYPE_IPV6 : TYPE_IPV4;

	f->size = 0;
	put_mac(f, p->dmac ? p->dmac : 0x020000000001);
	put_mac(f, p->smac ? p->smac : 0x020000000002);
	for (int i = 0; i < PACKET_TAGS && p->tags[i]; i++) {
		add16(f, p->tags[i]);
		add16(f, p->tcis[i] ? p->tcis[i] : (__u16)(100 + i));
	}
	add16(f, type);
	put_ethernet_payload(f, p);
	put(f, p->padding);
}
