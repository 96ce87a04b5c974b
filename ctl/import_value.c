// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of nft and iptables to values; more lenient than weir's own. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "import_rule.h"
#include "interface_name.h"

#define WORD_BYTES 128

bool import_number(const char *word, unsigned int most, unsigned int *out)
{
	char *end;
	unsigned long number;

	if (word[0] < '0' || word[0] > '9')
		return false;
	/* not octal: "010" is ten to both */
	number = strtoul(word, &end, !strncasecmp(word, "0x", 2) ? 16 : 10);
	if (*end || number > most)
		return false;
	*out = (unsigned int)number;
	return true;
}

static bool parse_address(const char *word, u128 *out, int *bits)
{
	__u8 addr[16] = { [10] = 0xff, [11] = 0xff };

	*bits = 32;
	if (inet_pton(AF_INET, word, addr + 12) != 1) {
		*bits = 128;
		if (inet_pton(AF_INET6, word, addr) != 1 || addr_is_v4(addr))
			return false;
	}
	*out = addr_number(addr);
	return true;
}

/* Bits of a mask like 255.255.255.0 or ffff::; -1 when they are not in one piece. */
static int mask_length(const char *word, int bits)
{
	unsigned int length;
	int mask_bits, ones = 0;
	u128 mask;

	if (import_number(word, (unsigned int)bits, &length))
		return (int)length;
	if (!parse_address(word, &mask, &mask_bits) || mask_bits != bits)
		return -1;
	mask <<= 128 - bits;
	for (; ones < bits && mask >> 127; ones++)
		mask <<= 1;
	return mask ? -1 : ones;
}

bool import_address(const char *word, range *out)
{
	char start[WORD_BYTES];
	const char *slash = strchr(word, '/');
	u128 number, hosts = 0;
	int bits, length;

	if (strlen(word) >= sizeof(start))
		return false;
	snprintf(start, sizeof(start), "%.*s", (int)strcspn(word, "/"), word);
	if (!parse_address(start, &number, &bits))
		return false;
	length = slash ? mask_length(slash + 1, bits) : bits;
	if (length < 0)
		return false;
	if (length < bits)
		hosts = ~(u128)0 >> (128 - bits + length);
	range_set(out, number & ~hosts, number | hosts);
	return true;
}

bool import_address_range(const char *word, range *out)
{
	char start[WORD_BYTES];
	const char *dash = strchr(word, '-');
	int first_bits, last_bits;
	u128 first, last;

	if (!dash)
		return import_address(word, out);
	if (strlen(word) >= sizeof(start))
		return false;
	snprintf(start, sizeof(start), "%.*s", (int)(dash - word), word);
	if (!parse_address(start, &first, &first_bits) ||
	    !parse_address(dash + 1, &last, &last_bits) || first_bits != last_bits || first > last)
		return false;
	range_set(out, first, last);
	return true;
}

void import_append_address(struct importer *im, range **list, size_t *count, const range *r)
{
	range parts[2];
	size_t n = 1;

	parts[0] = *r;
	/* an IPv6 prefix such as ::/0 does not mean the IPv4 addresses that lie in it */
	if (range_first(r) < V4_FIRST && range_last(r) > V4_LAST)
		n = v6_to_ranges(range_first(r), range_last(r), parts);
	for (size_t i = 0; i < n; i++)
		*IMPORT_APPEND(im->memory, *list, *count) = parts[i];
}

bool import_interface(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (*c <= ' ' || *c >= 0x7f)
			return false;
	}
	return !interface_name_wrong(name, strlen(name)) && name[0] != '$' && name[0] != '@';
}

bool import_mac(const char *word, __u64 *out)
{
	unsigned int b[6];
	int end = 0;

	if (sscanf(word, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    word[end])
		return false;
	*out = 0;
	for (int i = 0; i < 6; i++)
		*out = *out << 8 | b[i];
	return true;
}

static bool find_number(const struct name *names, const char *word, unsigned int *out)
{
	const struct name *name = name_find(names, word);

	if (name)
		*out = name->number;
	return name != NULL;
}

/* nft and iptables look names up as the administrator has them. */
bool import_port(const char *word, unsigned int *out)
{
	const struct servent *service;

	if (import_number(word, 65535, out))
		return true;
	if ((word[0] >= '0' && word[0] <= '9') || strlen(word) >= WORD_BYTES)
		return false;
	service = getservbyname(word, NULL);
	if (service) {
		*out = ntohs((uint16_t)service->s_port);
		return true;
	}
	return find_number(names_port, word, out);
}

bool import_proto(const char *word, unsigned int *out)
{
	static const struct name more[] = { { "ipv6-icmp", 58 }, { "icmp6", 58 },
					    { "igmp", 2 },	 { "dccp", 33 },
					    { "udplite", 136 },	 { "comp", 108 },
					    { "ipencap", 4 },	 { "ospf", 89 },
					    { "vrrp", 112 },	 { NULL, 0 } };
	const struct protoent *known;

	if (import_number(word, 255, out) || find_number(names_proto, word, out) ||
	    find_number(more, word, out))
		return true;
	known = strlen(word) < WORD_BYTES ? getprotobyname(word) : NULL;
	if (known)
		*out = (unsigned int)known->p_proto;
	return known != NULL;
}

bool import_dscp(const char *word, unsigned int *out)
{
	unsigned int class, drop;
	char end;

	if (import_number(word, 63, out))
		return true;
	*out = 0;
	if (!strcasecmp(word, "be") || !strcasecmp(word, "df"))
		return true;
	*out = 46;
	if (!strcasecmp(word, "ef"))
		return true;
	*out = 44;
	if (!strcasecmp(word, "va"))
		return true;
	if (sscanf(word, "%*1[cC]%*1[sS]%1u%c", &class, &end) == 1 && class < 8)
		*out = class * 8;
	else if (sscanf(word, "%*1[aA]%*1[fF]%1u%1u%c", &class, &drop, &end) == 2 && class > 0 &&
		 class < 5 && drop > 0 && drop < 4)
		*out = class * 8 + drop * 2;
	else
		return false;
	return true;
}

bool import_icmp_type(const char *word, bool v6, unsigned int *out)
{
	static const struct name v4_more[] = { { "source-quench", 4 },
					       { "ping", 8 },
					       { "pong", 0 },
					       { "ttl-exceeded", 11 },
					       { "info-request", 15 },
					       { "info-reply", 16 },
					       { "address-mask-request", 17 },
					       { "address-mask-reply", 18 },
					       { NULL, 0 } };
	static const struct name v6_more[] = { { "mld-listener-query", 130 },
					       { "mld-listener-report", 131 },
					       { "mld-listener-done", 132 },
					       { "mld-listener-reduction", 132 },
					       { "nd-router-solicit", 133 },
					       { "nd-router-advert", 134 },
					       { "nd-neighbor-solicit", 135 },
					       { "nd-neighbor-advert", 136 },
					       { "nd-redirect", 137 },
					       { "router-renumbering", 138 },
					       { "ind-neighbor-solicit", 141 },
					       { "ind-neighbor-advert", 142 },
					       { "mld2-listener-report", 143 },
					       { "ttl-exceeded", 3 },
					       { NULL, 0 } };

	return import_number(word, 255, out) || find_number(v6 ? v6_more : v4_more, word, out) ||
	       find_number(v6 ? names_icmpv6 : names_icmp, word, out);
}

bool import_icmp_code(const char *word, bool v6, unsigned int *out)
{
	static const struct name v4[] = {
		{ "net-unreachable", 0 },  { "host-unreachable", 1 },  { "prot-unreachable", 2 },
		{ "port-unreachable", 3 }, { "frag-needed", 4 },       { "net-prohibited", 9 },
		{ "host-prohibited", 10 }, { "admin-prohibited", 13 }, { NULL, 0 }
	};
	static const struct name v6_names[] = { { "no-route", 0 },
						{ "admin-prohibited", 1 },
						{ "addr-unreachable", 3 },
						{ "port-unreachable", 4 },
						{ "policy-fail", 5 },
						{ "reject-route", 6 },
						{ NULL, 0 } };

	return import_number(word, 255, out) || find_number(v6 ? v6_names : v4, word, out);
}
