// SPDX-License-Identifier: GPL-2.0-or-later
/* What a rule of nft compares: "ip saddr", "tcp dport", "iifname". */
#include <netinet/in.h>
#include <string.h>

#include "import_nft.h"

#define PROTO_NONE 0

/* A field of a header, with the family and the protocol that nft asks for with it. */
struct header_field {
	const char *header, *field;
	enum nft_type type;
	int weir;
	unsigned int family;
	unsigned int proto;
};

static const struct header_field fields[] = {
	{ "ip", "saddr", NFT_TYPE_ADDR4, WEIR_FIELD_SADDR, IMPORT_V4 },
	{ "ip", "daddr", NFT_TYPE_ADDR4, WEIR_FIELD_DADDR, IMPORT_V4 },
	{ "ip", "protocol", NFT_TYPE_PROTO, WEIR_FIELD_PROTO, IMPORT_V4 },
	{ "ip", "ttl", NFT_TYPE_NUMBER, WEIR_FIELD_TTL, IMPORT_V4 },
	{ "ip", "dscp", NFT_TYPE_DSCP, WEIR_FIELD_DSCP, IMPORT_V4 },
	{ "ip", "length", NFT_TYPE_NUMBER, WEIR_FIELD_LENGTH, IMPORT_V4 },
	{ "ip6", "saddr", NFT_TYPE_ADDR6, WEIR_FIELD_SADDR, IMPORT_V6 },
	{ "ip6", "daddr", NFT_TYPE_ADDR6, WEIR_FIELD_DADDR, IMPORT_V6 },
	{ "ip6", "nexthdr", NFT_TYPE_PROTO, WEIR_FIELD_PROTO, IMPORT_V6 },
	{ "ip6", "hoplimit", NFT_TYPE_NUMBER, WEIR_FIELD_TTL, IMPORT_V6 },
	{ "ip6", "dscp", NFT_TYPE_DSCP, WEIR_FIELD_DSCP, IMPORT_V6 },
	{ "tcp", "sport", NFT_TYPE_PORT, WEIR_FIELD_SPORT, 0, IPPROTO_TCP },
	{ "tcp", "dport", NFT_TYPE_PORT, WEIR_FIELD_DPORT, 0, IPPROTO_TCP },
	{ "tcp", "flags", NFT_TYPE_FLAGS, IMPORT_FLAGS, 0, IPPROTO_TCP },
	{ "udp", "sport", NFT_TYPE_PORT, WEIR_FIELD_SPORT, 0, IPPROTO_UDP },
	{ "udp", "dport", NFT_TYPE_PORT, WEIR_FIELD_DPORT, 0, IPPROTO_UDP },
	{ "udplite", "sport", NFT_TYPE_PORT, WEIR_FIELD_SPORT, 0, IPPROTO_UDPLITE },
	{ "udplite", "dport", NFT_TYPE_PORT, WEIR_FIELD_DPORT, 0, IPPROTO_UDPLITE },
	{ "sctp", "sport", NFT_TYPE_PORT, WEIR_FIELD_SPORT, 0, IPPROTO_SCTP },
	{ "sctp", "dport", NFT_TYPE_PORT, WEIR_FIELD_DPORT, 0, IPPROTO_SCTP },
	{ "dccp", "sport", NFT_TYPE_PORT, WEIR_FIELD_SPORT, 0, IPPROTO_DCCP },
	{ "dccp", "dport", NFT_TYPE_PORT, WEIR_FIELD_DPORT, 0, IPPROTO_DCCP },
	{ "th", "sport", NFT_TYPE_PORT, WEIR_FIELD_SPORT },
	{ "th", "dport", NFT_TYPE_PORT, WEIR_FIELD_DPORT },
	{ "icmp", "type", NFT_TYPE_ICMP, WEIR_FIELD_ICMP_TYPE, IMPORT_V4, IPPROTO_ICMP },
	{ "icmp", "code", NFT_TYPE_CODE, WEIR_FIELD_ICMP_CODE, IMPORT_V4, IPPROTO_ICMP },
	{ "icmpv6", "type", NFT_TYPE_ICMP6, WEIR_FIELD_ICMP_TYPE, IMPORT_V6, IPPROTO_ICMPV6 },
	{ "icmpv6", "code", NFT_TYPE_CODE6, WEIR_FIELD_ICMP_CODE, IMPORT_V6, IPPROTO_ICMPV6 },
	{ "ether", "saddr", NFT_TYPE_MAC, WEIR_FIELD_SMAC },
	{ "ether", "daddr", NFT_TYPE_MAC, WEIR_FIELD_DMAC },
	{ "ether", "type", NFT_TYPE_ETHERTYPE, WEIR_FIELD_ETHERTYPE },
	{ "vlan", "id", NFT_TYPE_NUMBER, WEIR_FIELD_VLAN },
	{ "meta", "l4proto", NFT_TYPE_PROTO, WEIR_FIELD_PROTO },
	{ "meta", "nfproto", NFT_TYPE_FAMILY, WEIR_FIELD_ETHERTYPE },
	{ "meta", "protocol", NFT_TYPE_ETHERTYPE, WEIR_FIELD_ETHERTYPE },
	{ "meta", "length", NFT_TYPE_NUMBER, WEIR_FIELD_LENGTH },
	{ "meta", "iifname", NFT_TYPE_NAME, WEIR_FIELD_IFACE },
	{ "meta", "iif", NFT_TYPE_NAME, WEIR_FIELD_IFACE },
	{ "meta", "oifname", NFT_TYPE_NAME, NFT_LEAVES },
	{ "meta", "oif", NFT_TYPE_NAME, NFT_LEAVES },
	{ "ct", "state", NFT_TYPE_STATE, WEIR_FIELD_ESTABLISHED },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The family that nft asks for, where the chain is for more than that. */
static bool add_family(struct nft_rule *r, unsigned int family)
{
	if (!family || r->chain->families == family)
		return true;
	return import_add_family(r->file->im, &r->rule, family);
}

/* The protocol above IP, where the chain may see frames that are not IP. */
static bool take_field(struct nft_rule *r, const struct header_field *f, struct nft_key *key)
{
	struct importer *im = r->file->im;

	key->type = f->type;
	key->field = f->weir;
	if (!add_family(r, f->family))
		return false;
	if (!strcmp(f->field, "nexthdr"))
		import_note(im, IMPORT_CHANGED, r->rule.line, r->rule.text,
			    "weir's proto is the one behind all extension headers, nexthdr the "
			    "one behind the first header");
	return f->proto == PROTO_NONE || import_add_proto(im, &r->rule, f->proto);
}

static const struct header_field *find_field(const char *header, const char *field)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (!strcmp(fields[i].header, header) && !strcmp(fields[i].field, field))
			return &fields[i];
	}
	return NULL;
}

bool nft_take_key(struct nft_rule *r, struct nft_key *key)
{
	static const char *const bare[] = { "iifname", "iif", "oifname", "oif", "l4proto" };
	const struct nft_token *first = nft_next(&r->c), *second;
	const struct header_field *f;

	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		if (nft_is(first, bare[i]))
			return take_field(r, find_field("meta", bare[i]), key);
	}
	if (first->kind != NFT_WORD)
		return import_refuse(r->file->im, &r->rule, "\"%.40s\" is not understood",
				     first->text);
	second = nft_peek(&r->c);
	f = second->kind == NFT_WORD ? find_field(first->text, second->text) : NULL;
	if (!f)
		return import_refuse(r->file->im, &r->rule, "weir has no match for %.40s%s%.40s",
				     first->text, second->kind == NFT_WORD ? " " : "",
				     second->kind == NFT_WORD ? second->text : "");
	nft_next(&r->c);
	return take_field(r, f, key);
}

bool nft_add_cond(struct nft_rule *r, struct import_rule *to, const struct nft_key *key,
		  const struct import_cond *c, enum import_sense sense)
{
	struct importer *im = r->file->im;

	if (key->field != NFT_LEAVES)
		return import_add(im, to, key->field, c, sense);
	if (sense == IMPORT_IS_NOT)
		c = import_cond_not(im, WEIR_FIELD_IFACE, c);
	if (!c || to->leaves)
		return import_refuse(im, to, "weir cannot say these conditions on oifname at once");
	to->leaves = c;
	return true;
}
