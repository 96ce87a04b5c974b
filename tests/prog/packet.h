/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests, described field by field so that a table of them reads
 * well. Everything that is not given is honest: lengths, checksums, protocol
 * chains. Numbers are in host order.
 */
#ifndef WEIR_TEST_PACKET_H
#define WEIR_TEST_PACKET_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define FRAME_MAX 2048
#define PACKET_TAGS 6
#define PACKET_EXTENSIONS 10

#define ETHERNET_BYTES 14
#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_IPV6 0x86dd
#define TYPE_8021Q 0x8100
#define TYPE_8021AD 0x88a8

/* Flags over the offset, in the IPv4 header and in the IPv6 extension. */
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV6_MORE_FRAGMENTS 1

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20

struct frame {
	size_t size;
	__u8 bytes[FRAME_MAX];
};

/* Where a TCP header has its timestamps. */
enum packet_timestamps {
	TIMESTAMPS_NONE,
	TIMESTAMPS_ALIGNED, /* NOP NOP TS: Linux, established */
	TIMESTAMPS_LINUX_SYN, /* MSS SACK-permitted TS NOP WSCALE */
	TIMESTAMPS_BSD_SYN, /* MSS NOP WSCALE NOP NOP TS SACK-permitted EOL */
	TIMESTAMPS_FIRST, /* TS NOP NOP */
	TIMESTAMPS_AFTER_SACK, /* NOP NOP SACK(2 blocks) TS EOL EOL */
	TIMESTAMPS_AFTER_EOL, /* EOL, then what looks like one, and is none */
	TIMESTAMPS_WRONG_SIZE, /* a TS option that says it has 9 bytes */
};

struct packet_extension {
	__u8 type; /* IPPROTO_HOPOPTS ...; see .hopopts for type 0 */
	__u8 units; /* its length field, honest */
	__u16 fragment; /* field of a fragment header: offset * 8 | IPV6_MORE_FRAGMENTS */
	bool hopopts; /* type 0 would end the list */
};

/* UDP's payload before .inner: a GUE header, or none (variant 1). */
struct packet_gue {
	bool is_direct;
	bool has_checksum; /* of UDP; without it, 0 */
	__u8 first; /* variant, control, words of options, which are zeroes */
	__u8 proto;
	__u16 flags;
};

struct packet {
	__u64 smac, dmac; /* 48 bits, as written; 0: 02:00:00:00:00:02 and :01 */
	__u16 tags[PACKET_TAGS]; /* TYPE_8021Q or TYPE_8021AD, outermost first */
	__u16 tcis[PACKET_TAGS]; /* 0: VLAN 100, 101 ... */
	__u16 type; /* 0: by the family of src. TYPE_ARP makes an ARP request */
	const char *src, *dst; /* "10.0.0.1" or "2001:db8::1", both of one family */
	__u8 tos; /* or traffic class: DSCP * 4 + ECN */
	int ttl; /* or hop limit; 0: 61, -1: 0 */
	__u8 option_words; /* IPv4: so many words of NOP options */
	__u16 fragment; /* IPv4: flags and offset field */
	struct packet_extension extensions[PACKET_EXTENSIONS];
	__u8 proto; /* 0 stands for TCP */
	__u16 sport, dport;
	__u8 flags;
	enum packet_timestamps timestamps;
	__u32 tsval, tsecr;
	__u8 icmp_type, icmp_code;
	const struct packet *inner; /* proto IPPROTO_IPIP or IPPROTO_IPV6, or UDP with .gue */
	const struct packet_gue *gue;
	__u16 payload; /* bytes of it */
	__u16 padding; /* bytes behind the IP packet */

	/* Written instead of the truth, where not 0. */
	struct {
		__u8 version;
		__u8 ihl;
		__u8 doff;
		int length; /* IPv4 total, IPv6 payload; -1 for 0 */
	} claim;
};

/* An extension of the fixed kinds, for tables. */
#define EXT_HOPOPTS(n)                   \
	{                                \
		.hopopts = 1, .units = n \
	}
#define EXT_ROUTING(n)                                \
	{                                             \
		.type = IPPROTO_ROUTING, .units = (n) \
	}
#define EXT_DSTOPTS(n)                                \
	{                                             \
		.type = IPPROTO_DSTOPTS, .units = (n) \
	}
#define EXT_AH(n)                                \
	{                                        \
		.type = IPPROTO_AH, .units = (n) \
	}
#define EXT_FRAGMENT(field)                                   \
	{                                                     \
		.type = IPPROTO_FRAGMENT, .fragment = (field) \
	}

/* In network order. */
static inline void put16(__u8 *at, __u32 value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static inline __u32 get16(const __u8 *at)
{
	return (__u32)at[0] << 8 | at[1];
}

/* Build @p; a frame that would exceed FRAME_MAX ends the test. */
void packet_build(const struct packet *p, struct frame *f);

/* RFC 1071 over @size bytes, on top of @sum, which is the result of packet_sum() or 0. */
__u32 packet_sum(const void *bytes, size_t size, __u32 sum);
__u16 packet_checksum(__u32 sum);

/* 16 bytes, v4-mapped for IPv4. Anything that is no address ends the test. */
void packet_address(const char *text, __u8 addr[16]);

/* Print as hex, for a test that failed. */
void frame_print(const struct frame *f);

#endif
