// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An explanation as text: a name of 12 columns, and a fact.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "explain.h"
#include "own.h"
#include "parser_names.h"
#include "print.h"
#include "reason.h"
#include "set_text.h"
#include "test_print.h"

static const struct {
	const char *name;
	const char *text;
} whys[WEIR_WHY_COUNT] = {
#define X(sym, name, text) [WEIR_WHY_##sym] = { name, text },
	WEIR_WHYS(X)
#undef X
};

#define MAC_TEXT_BYTES 18
/* Of a VIP, that are named with their ports. */
#define SERVICES_MOST 4

__attribute__((format(printf, 2, 3))) static void line(const char *name, const char *format, ...)
{
	va_list args;

	printf("%-12s", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

#define PROTO_TEXT_BYTES 16

static const char *proto_text(const struct judge_packet *p, char text[PROTO_TEXT_BYTES])
{
	unsigned int proto = (unsigned int)p->value[WEIR_FIELD_PROTO];
	const char *name = name_of(names_proto, proto);

	if (!(p->has & 1U << WEIR_FIELD_PROTO))
		snprintf(text, PROTO_TEXT_BYTES, "ip");
	else if (name)
		snprintf(text, PROTO_TEXT_BYTES, "%s", name);
	else
		snprintf(text, PROTO_TEXT_BYTES, "proto %u", proto);
	return text;
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80" */
#define END_TEXT_BYTES (INET6_ADDRSTRLEN + 8)

static const char *end_text(const struct judge_packet *p, enum weir_field field,
			    enum weir_field port, char text[END_TEXT_BYTES])
{
	char addr[INET6_ADDRSTRLEN];
	__u8 bytes[16] = {};

	explain_addr(p, field, bytes);
	addr_text(bytes, addr, sizeof(addr));
	if (!(p->has & 1U << port))
		snprintf(text, END_TEXT_BYTES, "%s", addr);
	else
		snprintf(text, END_TEXT_BYTES, addr_is_v4(bytes) ? "%s:%u" : "[%s]:%u", addr,
			 (unsigned int)p->value[port]);
	return text;
}

/* "tcp 198.51.100.7:4444 > 192.0.2.10:443" */
#define PACKET_TEXT_BYTES (PROTO_TEXT_BYTES + 2 * END_TEXT_BYTES + 8)

static const char *packet_text(const struct judge_packet *p, char text[PACKET_TEXT_BYTES])
{
	char proto[PROTO_TEXT_BYTES], from[END_TEXT_BYTES], to[END_TEXT_BYTES];

	if (p->has & 1U << WEIR_FIELD_DADDR)
		snprintf(text, PACKET_TEXT_BYTES, "%s %s > %s", proto_text(p, proto),
			 end_text(p, WEIR_FIELD_SADDR, WEIR_FIELD_SPORT, from),
			 end_text(p, WEIR_FIELD_DADDR, WEIR_FIELD_DPORT, to));
	else if (!(p->has & 1U << WEIR_FIELD_ETHERTYPE))
		snprintf(text, PACKET_TEXT_BYTES, "cut short, no Ethernet header");
	else
		snprintf(text, PACKET_TEXT_BYTES, "ethertype 0x%04x, no IP addresses",
			 (unsigned int)p->value[WEIR_FIELD_ETHERTYPE]);
	return text;
}

static void print_filter(const struct explanation *e)
{
	const struct filter *f = e->trial->filter;
	const struct rule *r = e->result.rule;

	if (!f)
		line("filter", "none");
	else if (r && r->action == WEIR_ACTION_LIMIT)
		line("filter", "drop by rule %s, above its limit (filter %s)", r->name, f->name);
	else if (r)
		line("filter", "%s by rule %s (filter %s)", print_action[r->action], r->name,
		     f->name);
	else if (e->result.is_default)
		line("filter", "%s by default (filter %s)", print_action[f->default_action],
		     f->name);
	else
		line("filter", "pass, no rule is for it (filter %s)", f->name);
}

/* "; web there has tcp 80, udp 53; mail has tcp 25" */
static void write_ports(const struct explanation *e, FILE *out)
{
	const struct model *m = e->trial->model;
	unsigned int said = 0;

	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		if (!explain_is_of_vip(e, s))
			continue;
		if (said == SERVICES_MOST) {
			fputs("; and there are more", out);
			return;
		}
		fprintf(out, "; %s %shas ", s->name, said++ ? "" : "there ");
		print_ports(s, out);
	}
}

static void print_no_port(const struct explanation *e, const char *vip)
{
	const struct judge_packet *p = explain_balanced(e);
	char proto[PROTO_TEXT_BYTES], port[16] = "";
	OWN_FREE char *ports = NULL;
	size_t size;
	FILE *out = open_memstream(&ports, &size);

	if (out) {
		write_ports(e, out);
		fclose(out);
	}
	if (p->has & 1U << WEIR_FIELD_DPORT)
		snprintf(port, sizeof(port), " %u", (unsigned int)p->value[WEIR_FIELD_DPORT]);
	line("service", "none: no service has %s%s at the VIP %s%s", proto_text(p, proto), port,
	     vip, ports ?: "");
}

static void print_no_service(const struct explanation *e)
{
	static const char *const texts[] = {
		[EXPLAIN_DECIDED] = "not asked: the packet was dropped before",
		[EXPLAIN_TAGGED] = "none: tagged frames are left to the host",
		[EXPLAIN_NO_ADDRESS] = "none: the packet has no IP address to go by",
		[EXPLAIN_ANSWER] = "none: it is no client's packet but a backend's",
		[EXPLAIN_PING] = "none: a ping of a VIP is answered in its place",
		[EXPLAIN_FRAGMENT] = "none: a later fragment has no ports, and the first one "
				     "went to no backend",
	};
	char vip[INET6_ADDRSTRLEN];
	__u8 addr[16] = {};

	explain_addr(explain_balanced(e), WEIR_FIELD_DADDR, addr);
	addr_text(addr, vip, sizeof(vip));
	if (e->none == EXPLAIN_NO_VIP)
		line("service", "none: %s is no VIP", vip);
	else if (e->none == EXPLAIN_NO_PORT)
		print_no_port(e, vip);
	else if (e->none == EXPLAIN_NOT_BALANCED)
		line("service", "not asked: %s does not balance", e->trial->ifname);
	else
		line("service", "%s", texts[e->none]);
}

static void print_service(const struct explanation *e)
{
	const struct judge_packet *p = &e->packet;
	char proto[PROTO_TEXT_BYTES];

	if (p->has & 1U << WEIR_FIELD_DPORT)
		line("service", "%s, %s %u", e->service->name, proto_text(p, proto),
		     (unsigned int)p->value[WEIR_FIELD_DPORT]);
	else
		line("service", "%s", e->service->name);
}

static const char *slot_backend(const struct explanation *e, __u16 index)
{
	size_t count;
	const struct backend *b = service_backends(e->trial->model, e->service, &count);

	index &= ~WEIR_SLOT_MOVED;
	return index < count ? b[index].name : "no backend";
}

static void print_slot(const struct explanation *e)
{
	const struct weir_slot *s = &e->choice.ring;
	const char *now = slot_backend(e, s->current), *before = slot_backend(e, s->base);
	char left[SET_TEXT_BYTES], text[64] = "?";
	time_t until = (time_t)explain_base_until(e);
	struct tm local;

	if (!(s->current & WEIR_SLOT_MOVED)) {
		line("slot", "%u of %u, of %s", e->choice.slot, WEIR_RING_SLOTS, now);
		return;
	}
	line("slot", "%u of %u, moved from %s to %s", e->choice.slot, WEIR_RING_SLOTS, before, now);
	if (!e->keeps_base) {
		line("base", "over: flows of this protocol do not stay when a slot moves");
		return;
	}
	if (!e->base_left_s) {
		line("base", "over: only flows that are pinned stay where they were");
		return;
	}
	if (localtime_r(&until, &local))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	line("base", "%s for flows from before the move, until %s (%s)", before, text,
	     set_timeout_text(e->base_left_s, left));
}

static void print_way(const struct explanation *e, const char *way)
{
	char as[PACKET_TEXT_BYTES];

	if (e->is_rewritten)
		line("forward", "%s, leaves as %s", way, packet_text(&e->left, as));
	else if (e->is_sent)
		line("forward", "%s, leaves as it came", way);
	else
		line("forward", "%s", way);
}

static const char *mac_text(const __u8 mac[6], char text[MAC_TEXT_BYTES])
{
	snprintf(text, MAC_TEXT_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

static void print_hop(const struct explain_hop *hop)
{
	char addr[INET6_ADDRSTRLEN], mac[MAC_TEXT_BYTES];

	if (hop->error) {
		line("next hop", "none: the kernel has no route to the backend");
		return;
	}
	line("next hop", "%s at %s by %s", addr_text(hop->route.next_hop, addr, sizeof(addr)),
	     hop->has_mac ? mac_text(hop->mac, mac) : "an unknown MAC address", hop->ifname);
}

static void print_backend_lines(const struct explanation *e)
{
	char place[PLACE_TEXT_BYTES];

	if (!e->backend) {
		if (e->result.has_reason && e->result.reason == WEIR_R_LB_NO_BACKEND)
			line("backend", "none is left");
		return;
	}
	line("backend", "%s, %s", e->backend->name, backend_place(e->backend, place));
	line("why", "%s: %s", whys[e->choice.why].name, whys[e->choice.why].text);
	print_way(e, print_forward[e->service->forward]);
	print_hop(&e->hop);
}

static void print_verdict(const struct explanation *e)
{
	const char *verdict = test_verdict(e->trial, &e->result);

	if (e->result.has_reason)
		line("verdict", "%s, %s: %s", verdict, reasons[e->result.reason].name,
		     reasons[e->result.reason].text);
	else
		line("verdict", "%s", verdict);
}

void explain_print(const struct explanation *e)
{
	char packet[PACKET_TEXT_BYTES];

	line("packet", "%s", packet_text(&e->packet, packet));
	line("interface", "%s, %s", e->trial->ifname, hook_names[e->trial->hook]);
	if (e->result.is_refused) {
		line("verdict", "none: too %s, the kernel %s",
		     e->result.is_too_short ? "short" : "long",
		     e->result.is_too_short ? "has no such frame" : "runs no such frame in a test");
		return;
	}
	print_filter(e);
	if (e->service)
		print_service(e);
	else
		print_no_service(e);
	if (e->choice.has_slot)
		print_slot(e);
	if (e->service)
		print_backend_lines(e);
	else if (e->none == EXPLAIN_ANSWER)
		print_way(e, "nat");
	print_verdict(e);
}

static json_t *filter_json(const struct explanation *e)
{
	const struct filter *f = e->trial->filter;
	const struct rule *r = e->result.rule;
	const char *action = "pass";

	if (!f)
		return json_null();
	if (r)
		action = r->action == WEIR_ACTION_LIMIT ? "drop" : print_action[r->action];
	else if (e->result.is_default)
		action = print_action[f->default_action];
	return json_pack("{s:s,s:s,s:s?,s:b}", "name", f->name, "verdict", action, "rule",
			 r ? r->name : NULL, "default", e->result.is_default);
}

static json_t *slot_json(const struct explanation *e)
{
	const struct weir_slot *s = &e->choice.ring;
	bool is_moved = s->current & WEIR_SLOT_MOVED;
	json_t *json;

	if (!e->choice.has_slot)
		return json_null();
	json = json_pack("{s:I,s:s,s:b}", "number", (json_int_t)e->choice.slot, "current",
			 slot_backend(e, s->current), "moved", is_moved);
	if (!is_moved)
		return json;
	json_object_set_new(json, "base", json_string(slot_backend(e, s->base)));
	json_object_set_new(json, "base_holds", json_boolean(e->keeps_base && e->base_left_s));
	if (e->base_left_s) {
		json_object_set_new(json, "base_left_s", json_integer(e->base_left_s));
		json_object_set_new(json, "base_until_s",
				    json_integer((json_int_t)explain_base_until(e)));
	}
	return json;
}

static json_t *backend_json(const struct explanation *e)
{
	char addr[INET6_ADDRSTRLEN];
	json_t *json;

	if (!e->backend)
		return json_null();
	json = json_pack("{s:s,s:s}", "name", e->backend->name, "address",
			 addr_text(e->backend->addr, addr, sizeof(addr)));
	if (e->backend->port)
		json_object_set_new(json, "port", json_integer(e->backend->port));
	return json;
}

static json_t *hop_json(const struct explanation *e)
{
	char addr[INET6_ADDRSTRLEN], mac[MAC_TEXT_BYTES];

	if (!e->backend || e->hop.error)
		return json_null();
	return json_pack("{s:s,s:s?,s:s}", "address",
			 addr_text(e->hop.route.next_hop, addr, sizeof(addr)), "mac",
			 e->hop.has_mac ? mac_text(e->hop.mac, mac) : NULL, "interface",
			 e->hop.ifname);
}

static json_t *service_json(const struct explanation *e)
{
	json_t *json;

	if (!e->service)
		return json_null();
	json = json_pack("{s:s,s:s}", "name", e->service->name, "forward",
			 print_forward[e->service->forward]);
	if (e->packet.has & 1U << WEIR_FIELD_DPORT)
		json_object_set_new(json, "port",
				    json_integer((json_int_t)e->packet.value[WEIR_FIELD_DPORT]));
	return json;
}

json_t *explain_json(const struct explanation *e)
{
	char packet[PACKET_TEXT_BYTES], left[PACKET_TEXT_BYTES];
	const struct trial_result *r = &e->result;

	if (r->is_refused)
		return json_pack("{s:s,s:s,s:n}", "packet", packet_text(&e->packet, packet),
				 "interface", e->trial->ifname, "verdict");
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:s?,s:s?,s:o,s:s,s:s?,s:s?}", "packet",
			 packet_text(&e->packet, packet), "interface", e->trial->ifname, "hook",
			 hook_names[e->trial->hook], "filter", filter_json(e), "service",
			 service_json(e), "slot", slot_json(e), "backend", backend_json(e), "why",
			 e->backend ? whys[e->choice.why].name : NULL, "leaves_as",
			 e->is_sent ? packet_text(&e->left, left) : NULL, "next_hop", hop_json(e),
			 "verdict", test_verdict(e->trial, r), "reason",
			 r->has_reason ? reasons[r->reason].name : NULL, "text",
			 r->has_reason ? reasons[r->reason].text : NULL);
}
