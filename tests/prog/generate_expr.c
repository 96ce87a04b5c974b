// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A grammar of pcap-filter(7), walked at random. A row is an alternative; in
 * it, %h is a host, %n a network, %p a port, %d a number, %b an expression over
 * the packet's bytes, %e an expression again.
 */
#include <stdio.h>
#include <string.h>

#include "expr_oracle.h"
#include "generate.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PICK(array) ((array)[generate_below(COUNT(array))])

static const char *const hosts[] = {
	"10.0.0.1",    "10.0.0.3",	  "10.0.1.5", "10.0.1.0", "255.255.255.255",
	"2001:db8::1", "2001:db8:0:1::3", "::",	      "10.0.0.7", "192.0.2.1",
};
static const char *const nets[] = {
	"10.0.0.0/24",	 "10.0.0.0/31", "10.0.0.0/8", "0.0.0.0/0",	   "10.0.1.4/30",
	"2001:db8::/32", "::/0",	"8000::/1",   "2001:db8:0:1::/64", "10.0",
};
static const char *const ports[] = { "22", "53", "80", "443", "0", "1000", "65535", "1005" };
static const char *const numbers[] = { "0",	 "1",	 "2",	       "4",    "5",	"6",
				       "8",	 "0x0f", "0x3f",       "17",   "0x800", "0x86dd",
				       "0x1fff", "64",	 "60",	       "1500", "255",	"31",
				       "32",	 "40",	 "0xffffffff", "14",   "100",	"0x8100" };
static const char *const operators[] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>" };
static const char *const relations[] = { "=", "!=", "<", ">", "<=", ">=" };
static const char *const layers[] = { "ether", "ip", "ip6", "tcp", "udp", "icmp", "icmp6", "arp" };

static const char *const primitives[] = {
	"host %h",
	"src host %h",
	"dst host %h",
	"src or dst host %h",
	"ip6 host %h",
	"net %n",
	"src net %n",
	"dst net %n",
	"port %p",
	"src port %p",
	"tcp port %p",
	"udp dst port %p",
	"tcp src port %p",
	"sctp port %p",
	"portrange 20-1000",
	"udp portrange 53-443",
	"src portrange 0-65535",
	"tcp",
	"udp",
	"icmp",
	"icmp6",
	"sctp",
	"ip",
	"ip6",
	"arp",
	"rarp",
	"ah",
	"esp",
	"pim",
	"vrrp",
	"igmp",
	"ip proto %d",
	"ip6 proto %d",
	"proto 6",
	"ether proto 0x86dd",
	"ether proto %d",
	"ether host 02:00:00:00:00:01",
	"ether src 02:00:00:00:00:01",
	"ether dst 02:00:00:00:00:02",
	"ether broadcast",
	"ether multicast",
	"broadcast",
	"multicast",
	"ip multicast",
	"ip6 multicast",
	"arp host %h",
	"arp net 10.0.0.0/8",
	"vlan",
	"vlan 10",
	"vlan 10 and %e",
	"vlan and %e",
	"vlan and vlan and %e",
	"vlan 10 or %e",
	"not vlan and %e",
	"mpls",
	"mpls 100 and %e",
	"pppoed",
	"pppoes",
	"pppoes 1 and %e",
	"llc",
	"stp",
	"ipx",
	"atalk",
	"iso",
	"less %d",
	"greater %d",
	"len %r %d",
	"len - 14 %r %d",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"tcp[13] & 0x3f = 0",
	"tcp[tcpflags] == tcp-syn",
	"icmp[icmptype] = icmp-echo",
	"icmp6[icmp6type] = icmp6-echo",
	"ip[6:2] & 0x1fff = 0",
	"ip[0] & 0xf != 5",
	"ip[2:2] > 100",
	"ip6[6] = 6",
	"((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
	"%b %r %b",
	"%b %r %d",
	"%l[%b] %r %d",
	"geneve and %e",
};

/* How deep the text may still grow, and how long. */
struct writer {
	char *at, *end;
	int depth;
};

static void put(struct writer *w, const char *word)
{
	size_t bytes = strlen(word);

	if (bytes >= (size_t)(w->end - w->at))
		return;
	memcpy(w->at, word, bytes + 1);
	w->at += bytes;
}

static void write_expr(struct writer *w);

static void write_bytes(struct writer *w)
{
	static const char *const sizes[] = { "", ":1", ":2", ":4" };

	if (w->depth-- <= 0 || !generate_below(4)) {
		put(w, PICK(numbers));
	} else if (generate_below(2)) {
		put(w, PICK(layers));
		put(w, "[");
		if (generate_below(4))
			put(w, PICK(numbers));
		else
			write_bytes(w);
		put(w, PICK(sizes));
		put(w, "]");
	} else {
		put(w, "(");
		write_bytes(w);
		put(w, " ");
		put(w, PICK(operators));
		put(w, " ");
		write_bytes(w);
		put(w, ")");
	}
	w->depth++;
}

static void write_row(struct writer *w, const char *row)
{
	for (; *row; row++) {
		if (*row != '%') {
			put(w, (char[]){ *row, 0 });
			continue;
		}
		switch (*++row) {
		case 'h':
			put(w, PICK(hosts));
			break;
		case 'n':
			put(w, PICK(nets));
			break;
		case 'p':
			put(w, PICK(ports));
			break;
		case 'd':
			put(w, PICK(numbers));
			break;
		case 'r':
			put(w, PICK(relations));
			break;
		case 'l':
			put(w, PICK(layers));
			break;
		case 'b':
			write_bytes(w);
			break;
		case 'e':
			write_expr(w);
			break;
		}
	}
}

static void write_expr(struct writer *w)
{
	bool is_leaf = w->depth-- <= 0;

	if (is_leaf && !generate_below(2)) {
		put(w, "ip");
	} else if (is_leaf || generate_below(2)) {
		write_row(w, PICK(primitives));
	} else if (!generate_below(4)) {
		put(w, "not (");
		write_expr(w);
		put(w, ")");
	} else {
		put(w, "(");
		write_expr(w);
		put(w, generate_below(2) ? ") and (" : ") or (");
		write_expr(w);
		put(w, ")");
	}
	w->depth++;
}

void generate_expr(char text[EXPR_TEXT_BYTES])
{
	struct writer w = { .at = text, .end = text + EXPR_TEXT_BYTES, .depth = 3 };

	text[0] = 0;
	write_expr(&w);
}
