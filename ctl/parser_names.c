// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser_names.h"

#include <netinet/in.h>
#include <strings.h>

#include "diag.h"
#include "weir/filter.h"

/* The first name of a number is the one that is printed. */
const struct name names_proto[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", 58 },
	{ "sctp", IPPROTO_SCTP },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "ipip", IPPROTO_IPIP },
	{ "ipv6", 41 },
	{ NULL, 0 },
};

/* https://www.iana.org/assignments/icmp-parameters */
const struct name names_icmp[] = {
	{ "echo-reply", 0 },
	{ "unreachable", 3 },
	{ "destination-unreachable", 3 },
	{ "redirect", 5 },
	{ "echo-request", 8 },
	{ "router-advertisement", 9 },
	{ "router-solicitation", 10 },
	{ "time-exceeded", 11 },
	{ "parameter-problem", 12 },
	{ "timestamp-request", 13 },
	{ "timestamp-reply", 14 },
	{ NULL, 0 },
};

/* https://www.iana.org/assignments/icmpv6-parameters */
const struct name names_icmpv6[] = {
	{ "unreachable", 1 },
	{ "destination-unreachable", 1 },
	{ "packet-too-big", 2 },
	{ "time-exceeded", 3 },
	{ "parameter-problem", 4 },
	{ "echo-request", 128 },
	{ "echo-reply", 129 },
	{ "mld-query", 130 },
	{ "mld-report", 131 },
	{ "mld-done", 132 },
	{ "router-solicitation", 133 },
	{ "router-advertisement", 134 },
	{ "neighbour-solicitation", 135 },
	{ "neighbor-solicitation", 135 },
	{ "neighbour-advertisement", 136 },
	{ "neighbor-advertisement", 136 },
	{ "redirect", 137 },
	{ "mld2-report", 143 },
	{ NULL, 0 },
};

/* https://www.iana.org/assignments/dscp-registry */
const struct name names_dscp[] = {
	{ "cs0", 0 },	{ "cs1", 8 },	{ "cs2", 16 },	{ "cs3", 24 },	{ "cs4", 32 },
	{ "cs5", 40 },	{ "cs6", 48 },	{ "cs7", 56 },	{ "af11", 10 }, { "af12", 12 },
	{ "af13", 14 }, { "af21", 18 }, { "af22", 20 }, { "af23", 22 }, { "af31", 26 },
	{ "af32", 28 }, { "af33", 30 }, { "af41", 34 }, { "af42", 36 }, { "af43", 38 },
	{ "ef", 46 },	{ "va", 44 },	{ "le", 1 },	{ NULL, 0 },
};

/* https://www.iana.org/assignments/ieee-802-numbers */
const struct name names_ethertype[] = {
	{ "ip", 0x0800 },    { "arp", 0x0806 },	 { "ip6", 0x86dd },	   { "ipv4", 0x0800 },
	{ "ipv6", 0x86dd },  { "mpls", 0x8847 }, { "pppoe-disc", 0x8863 }, { "pppoe", 0x8864 },
	{ "eapol", 0x888e }, { "lldp", 0x88cc }, { "macsec", 0x88e5 },	   { "ptp", 0x88f7 },
	{ NULL, 0 },
};

/* Only for a hint: what a name means is the administrator's /etc/services. */
const struct name names_port[] = {
	{ "ftp", 21 },	  { "ssh", 22 },     { "telnet", 23 },	     { "smtp", 25 },
	{ "dns", 53 },	  { "domain", 53 },  { "http", 80 },	     { "ntp", 123 },
	{ "snmp", 161 },  { "bgp", 179 },    { "ldap", 389 },	     { "https", 443 },
	{ "imaps", 993 }, { "mysql", 3306 }, { "postgresql", 5432 }, { NULL, 0 },
};

const struct name names_none[] = { { NULL, 0 } };

const struct name names_flag[] = {
#define X(sym, keyword, bit) { keyword, bit },
	WEIR_TCP_FLAGS(X)
#undef X
		{ NULL, 0 },
};

const struct name *name_find(const struct name *names, const char *word)
{
	for (; names->text; names++) {
		if (!strcasecmp(names->text, word))
			return names;
	}
	return NULL;
}

const char *name_suggest(const struct name *names, const char *word)
{
	const char *words[32];
	size_t count = 0;

	for (; names->text && count < 31; names++)
		words[count++] = names->text;
	words[count] = NULL;
	return diag_suggest(word, words);
}

const char *name_of(const struct name *names, unsigned int number)
{
	for (; names->text; names++) {
		if (names->number == number)
			return names->text;
	}
	return NULL;
}
