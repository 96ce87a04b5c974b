// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "import_nft.h"

static bool ethertype(const char *word, unsigned int *out)
{
	static const struct name names[] = { { "ip", ETHERTYPE_IP4 }, { "ip6", ETHERTYPE_IP6 },
					     { "arp", 0x0806 },	      { "pppoe-session", 0x8864 },
					     { "lldp", 0x88cc },      { NULL, 0 } };
	const struct name *name = name_find(names, word);

	if (name)
		*out = name->number;
	return name || import_number(word, 65535, out);
}

static bool one(enum nft_type type, const char *word, unsigned int *out)
{
	switch (type) {
	case NFT_TYPE_PORT:
		return import_port(word, out);
	case NFT_TYPE_PROTO:
		return import_proto(word, out);
	case NFT_TYPE_ICMP:
	case NFT_TYPE_ICMP6:
		return import_icmp_type(word, type == NFT_TYPE_ICMP6, out);
	case NFT_TYPE_CODE:
	case NFT_TYPE_CODE6:
		return import_icmp_code(word, type == NFT_TYPE_CODE6, out);
	case NFT_TYPE_NUMBER:
		return import_number(word, 65535, out);
	case NFT_TYPE_DSCP:
		return import_dscp(word, out);
	case NFT_TYPE_ETHERTYPE:
		return ethertype(word, out);
	case NFT_TYPE_FAMILY:
		*out = !strcmp(word, "ipv4") || !strcmp(word, "2") ? ETHERTYPE_IP4 : ETHERTYPE_IP6;
		return !strcmp(word, "ipv4") || !strcmp(word, "ipv6") || !strcmp(word, "2") ||
		       !strcmp(word, "10");
	default:
		return false;
	}
}

bool nft_value(enum nft_type type, const char *word, range *out)
{
	const char *dash = strchr(word, '-');
	unsigned int first, last;
	char start[64];
	__u64 mac;

	if (type == NFT_TYPE_ADDR4 || type == NFT_TYPE_ADDR6)
		return import_address_range(word, out) &&
		       (range_first(out) >= V4_FIRST && range_last(out) <= V4_LAST) ==
			       (type == NFT_TYPE_ADDR4);
	if (type == NFT_TYPE_MAC) {
		if (import_mac(word, &mac))
			range_set(out, mac, mac);
		return import_mac(word, &mac);
	}
	if (one(type, word, &first)) {
		range_set(out, first, first);
		return true;
	}
	if (!dash || (size_t)(dash - word) >= sizeof(start))
		return false;
	snprintf(start, sizeof(start), "%.*s", (int)(dash - word), word);
	if (!one(type, start, &first) || !one(type, dash + 1, &last) || first > last)
		return false;
	range_set(out, first, last);
	return true;
}

struct typed {
	const char *name;
	enum nft_type type;
};

enum nft_type nft_type_named(const char *name)
{
	static const struct typed names[] = {
		{ "ipv4_addr", NFT_TYPE_ADDR4 },   { "ipv6_addr", NFT_TYPE_ADDR6 },
		{ "inet_service", NFT_TYPE_PORT }, { "inet_proto", NFT_TYPE_PROTO },
		{ "icmp_type", NFT_TYPE_ICMP },	   { "icmpv6_type", NFT_TYPE_ICMP6 },
		{ "icmp_code", NFT_TYPE_CODE },	   { "icmpv6_code", NFT_TYPE_CODE6 },
		{ "dscp", NFT_TYPE_DSCP },	   { "ether_type", NFT_TYPE_ETHERTYPE },
		{ "ether_addr", NFT_TYPE_MAC },	   { "nf_proto", NFT_TYPE_FAMILY },
		{ "ifname", NFT_TYPE_NAME },	   { "iface_index", NFT_TYPE_NAME },
		{ "ct_state", NFT_TYPE_STATE },	   { "tcp_flag", NFT_TYPE_FLAGS },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, name))
			return names[i].type;
	}
	return NFT_TYPE_NONE;
}

enum nft_type nft_type_of(const char *header, const char *field)
{
	bool v4 = !strcmp(header, "ip"), v6 = !strcmp(header, "ip6");

	if (!strcmp(field, "sport") || !strcmp(field, "dport"))
		return NFT_TYPE_PORT;
	if (!strcmp(field, "saddr") || !strcmp(field, "daddr"))
		return v4			  ? NFT_TYPE_ADDR4
		       : v6			  ? NFT_TYPE_ADDR6
		       : !strcmp(header, "ether") ? NFT_TYPE_MAC
						  : NFT_TYPE_NONE;
	if (!strcmp(field, "iifname") || !strcmp(field, "oifname") || !strcmp(field, "iif") ||
	    !strcmp(field, "oif"))
		return NFT_TYPE_NAME;
	if (!strcmp(field, "l4proto") || !strcmp(field, "protocol"))
		return NFT_TYPE_PROTO;
	return NFT_TYPE_NONE;
}

/* One flag, or a number; 256 when it is neither. */
static unsigned int one_flag(const char *word)
{
	const struct name *flag = name_find(names_flag, word);
	unsigned int number;

	if (flag)
		return flag->number;
	if (!strcmp(word, "ecn"))
		return 0x40;
	return import_number(word, 255, &number) ? number : 256;
}

bool nft_flags(struct nft_cursor *c, const char *comma, unsigned int *out)
{
	bool closed = !nft_take(c, "(");

	*out = 0;
	do {
		unsigned int flag = one_flag(nft_next(c)->text);

		if (flag > 255)
			return false;
		*out |= flag;
	} while (nft_take(c, "|") || nft_take(c, comma));
	return closed || nft_take(c, ")");
}
