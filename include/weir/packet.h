/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a frame turned out to have. The datapath finds it, the compiler of
 * filters says what a rule needs.
 */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

enum pkt_has {
	PKT_IP = 1 << 0, /* the Ethernet type says IPv4 or IPv6, or nobody can say */
	PKT_ADDR = 1 << 1, /* src, dst, ttl, traffic_class */
	PKT_PROTO = 1 << 2, /* proto, l4_offset, l4_bytes */
	PKT_PORTS = 1 << 3, /* sport, dport */
	PKT_TCP = 1 << 4, /* tcp_flags, tcp_header_bytes */
	PKT_ICMP = 1 << 5, /* icmp_type, icmp_code */
	PKT_FRAGMENT = 1 << 6, /* any fragment, the first included */
	PKT_TAGGED = 1 << 7, /* 802.1Q or 802.1ad; vlan */
	PKT_LENGTH = 1 << 8, /* ip_bytes, as the header says, true or not */
	PKT_ETHERNET = 1 << 9, /* smac, dmac, ethertype */
	PKT_LEAVES = 1 << 10, /* it is on its way out */
	PKT_MARKED = 1 << 11, /* mark */
	PKT_LOGGED = 1 << 12, /* a log rule has an event of it */
	PKT_ASKED = 1 << 13, /* whether it is of a connection was asked; PKT_ESTABLISHED tells */
	PKT_ESTABLISHED = 1 << 14,
};

#endif
