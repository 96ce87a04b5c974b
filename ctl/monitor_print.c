// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A logged packet in words, and as JSON. All text is made from numbers: what
 * a packet holds is never printed.
 */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <string.h>

#include "monitor.h"
#include "parser_names.h"
#include "weir/filter.h"

#define MAC "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_BYTES(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]

static const char *address_text(const struct seen *s, const __u8 addr[16],
				char text[INET6_ADDRSTRLEN])
{
	const char *made = s->is_v6 ? inet_ntop(AF_INET6, addr, text, INET6_ADDRSTRLEN)
				    : inet_ntop(AF_INET, addr + 12, text, INET6_ADDRSTRLEN);

	return made ? made : "?";
}

static void print_end_point(const struct seen *s, const char *which, const __u8 addr[16],
			    __u16 port, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	fprintf(out, " %s ", which);
	if (!(s->has & PKT_PORTS))
		fputs(address_text(s, addr, text), out);
	else
		fprintf(out, s->is_v6 ? "[%s]:%u" : "%s:%u", address_text(s, addr, text), port);
}

static void print_protocol(const struct seen *s, FILE *out)
{
	const char *name = name_of(names_proto, s->proto);

	if (!(s->has & PKT_PROTO))
		fputs(s->is_v6 ? "ip6" : "ip", out);
	else if (name)
		fputs(name, out);
	else
		fprintf(out, "proto %u", s->proto);
}

static void print_flags(const struct seen *s, FILE *out)
{
	const char *before = " ";

	for (const struct name *flag = names_flag; flag->text; flag++) {
		if (!(s->tcp_flags & flag->number))
			continue;
		fprintf(out, "%s%s", before, flag->text);
		before = ",";
	}
	if (!s->tcp_flags)
		fputs(" none", out);
}

static const struct name *icmp_names(const struct seen *s)
{
	return s->proto == IPPROTO_ICMPV6 ? names_icmpv6 : names_icmp;
}

static void print_icmp(const struct seen *s, FILE *out)
{
	const char *name = name_of(icmp_names(s), s->icmp_type);

	if (name)
		fprintf(out, " type %s", name);
	else
		fprintf(out, " type %u", s->icmp_type);
	fprintf(out, " code %u", s->icmp_code);
}

static void print_dscp(const struct seen *s, FILE *out)
{
	const char *name = name_of(names_dscp, s->dscp);

	if (s->dscp && name)
		fprintf(out, " dscp %s", name);
	else if (s->dscp)
		fprintf(out, " dscp %u", s->dscp);
}

static void print_ip(const struct seen *s, FILE *out)
{
	print_protocol(s, out);
	print_end_point(s, "from", s->src, s->sport, out);
	print_end_point(s, "to", s->dst, s->dport, out);
	if (s->has & PKT_TCP)
		print_flags(s, out);
	if (s->has & PKT_ICMP)
		print_icmp(s, out);
	fprintf(out, " length %u ttl %u", s->length, s->ttl);
	print_dscp(s, out);
	if (s->has & PKT_FRAGMENT)
		fprintf(out, " fragment %s", s->is_later_fragment ? "later" : "first");
}

static void print_link(const struct seen *s, FILE *out)
{
	const char *name = name_of(names_ethertype, s->ethertype);

	if (name)
		fprintf(out, "ethertype %s", name);
	else
		fprintf(out, "ethertype 0x%04x", s->ethertype);
	fprintf(out, " smac " MAC " dmac " MAC, MAC_BYTES(s->smac), MAC_BYTES(s->dmac));
}

void seen_print(const struct seen *s, FILE *out)
{
	static const char *const ends[] = {
		[SEEN_WHOLE] = "",
		[SEEN_CUT] = " cut",
		[SEEN_BROKEN] = " broken",
	};

	if (s->has & PKT_ADDR)
		print_ip(s, out);
	else if (s->has & PKT_ETHERNET)
		print_link(s, out);
	else
		fprintf(out, "%u bytes", s->bytes);
	for (size_t i = 0; i < s->vlan_count; i++)
		fprintf(out, i ? " inner-vlan %u" : " vlan %u", s->vlan[i]);
	fputs(ends[s->end], out);
}

static void add_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static void add_number(json_t *object, const char *key, json_int_t number)
{
	json_object_set_new(object, key, json_integer(number));
}

static void add_mac(json_t *object, const char *key, const __u8 mac[6])
{
	char text[32];

	snprintf(text, sizeof(text), MAC, MAC_BYTES(mac));
	add_text(object, key, text);
}

static json_t *flags_json(const struct seen *s)
{
	json_t *list = json_array();

	for (const struct name *flag = names_flag; flag->text; flag++) {
		if (s->tcp_flags & flag->number)
			json_array_append_new(list, json_string(flag->text));
	}
	return list;
}

static void add_link(json_t *object, const struct seen *s)
{
	json_t *inner;

	if (s->has & PKT_ETHERNET) {
		add_number(object, "ethertype", s->ethertype);
		add_mac(object, "smac", s->smac);
		add_mac(object, "dmac", s->dmac);
	}
	if (s->vlan_count)
		add_number(object, "vlan", s->vlan[0]);
	if (s->vlan_count < 2)
		return;
	inner = json_array();
	for (size_t i = 1; i < s->vlan_count; i++)
		json_array_append_new(inner, json_integer(s->vlan[i]));
	json_object_set_new(object, "inner_vlans", inner);
}

static void add_ip(json_t *object, const struct seen *s)
{
	char text[INET6_ADDRSTRLEN];

	add_text(object, "saddr", address_text(s, s->src, text));
	add_text(object, "daddr", address_text(s, s->dst, text));
	add_number(object, "length", s->length);
	add_number(object, "ttl", s->ttl);
	add_number(object, "dscp", s->dscp);
	if (s->has & PKT_FRAGMENT)
		add_text(object, "fragment", s->is_later_fragment ? "later" : "first");
}

static void add_transport(json_t *object, const struct seen *s)
{
	const char *name = name_of(names_proto, s->proto);

	if (name)
		add_text(object, "proto", name);
	else
		add_number(object, "proto", s->proto);
	if (s->has & PKT_PORTS) {
		add_number(object, "sport", s->sport);
		add_number(object, "dport", s->dport);
	}
	if (s->has & PKT_TCP)
		json_object_set_new(object, "flags", flags_json(s));
	if (s->has & PKT_ICMP) {
		add_number(object, "type", s->icmp_type);
		add_number(object, "code", s->icmp_code);
	}
}

json_t *seen_json(const struct seen *s)
{
	json_t *object = json_object();

	add_number(object, "bytes", s->bytes);
	add_link(object, s);
	if (s->has & PKT_ADDR)
		add_ip(object, s);
	if (s->has & PKT_PROTO)
		add_transport(object, s);
	if (s->end != SEEN_WHOLE)
		add_text(object, "headers", s->end == SEEN_CUT ? "cut" : "broken");
	return object;
}
