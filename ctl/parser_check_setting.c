// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings of a service that mean nothing, alone or together. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "parser_check_service.h"
#include "print.h"

struct loc setting_loc(const struct build *b, const struct service *s, enum service_word word)
{
	return s->at[word].column ? build_loc(b, s->at[word]) : s->loc;
}

static bool has_protocol(const struct service *s, __u8 proto)
{
	for (size_t i = 0; i < s->ports_count; i++) {
		if (!s->ports[i].proto || s->ports[i].proto == proto)
			return true;
	}
	return false;
}

static void refuse_without(struct build *b, const struct service *s, enum service_word word,
			   const char *protocol)
{
	b->failed = false;
	build_error(b, setting_loc(b, s, word), NULL,
		    "\"%s\" is for %s, and service %s has no port of it; leave it out",
		    words_service.words[word], protocol, s->name);
}

/* Of a service that translates, "settle" is the life of idle connections of TCP alone. */
static void check_remembered(struct build *b, const struct service *s, bool tcp)
{
	const char *way = print_forward[s->forward];

	if (s->track != WEIR_TRACK_MOVED) {
		b->failed = false;
		build_error(b, setting_loc(b, s, SERVICE_TRACK), NULL,
			    "\"track\" says which connections are remembered, and forward %s "
			    "remembers all of them; leave it out of service %s",
			    way, s->name);
	}
	if (tcp || s->settle_s == SETTLE_DEFAULT_S)
		return;
	b->failed = false;
	build_error(b, setting_loc(b, s, SERVICE_SETTLE), NULL,
		    "\"settle\" is how long forward %s remembers idle TCP, and service %s has no "
		    "port of it; write \"udp track TIME\" for UDP",
		    way, s->name);
}

static void check_settle(struct build *b, const struct service *s, bool tcp, bool udp)
{
	if ((tcp && s->track != WEIR_TRACK_NONE) || (udp && s->udp == WEIR_UDP_TRACK) ||
	    s->settle_s == SETTLE_DEFAULT_S)
		return;
	b->failed = false;
	build_error(
		b, setting_loc(b, s, SERVICE_SETTLE), NULL,
		"\"settle\" is how long flows stay where they were, and service %s lets the ring "
		"decide each time; leave it out, or write \"track moved\" or \"udp track 30s\"",
		s->name);
}

/* Without flows that are remembered, no packet of UDP is known to open one. */
static bool counts_udp(const struct service *s)
{
	return s->udp != WEIR_UDP_RING || forward_translates(s->forward);
}

bool service_limits_tcp_alone(const struct service *s)
{
	return (s->limit.per_s || s->limit_source.per_s) && has_protocol(s, IPPROTO_UDP) &&
	       !counts_udp(s);
}

static void check_limit(struct build *b, const struct service *s, bool tcp)
{
	if (tcp || !service_limits_tcp_alone(s))
		return;
	b->failed = false;
	build_error(b, setting_loc(b, s, SERVICE_LIMIT), NULL,
		    "\"limit\" counts new flows, and service %s remembers none of UDP, so that it "
		    "would limit nothing; leave it out, or write \"udp track 30s\"",
		    s->name);
}

static void check_protocols(struct build *b, const struct service *s)
{
	bool tcp = has_protocol(s, IPPROTO_TCP), udp = has_protocol(s, IPPROTO_UDP);

	if (forward_translates(s->forward))
		check_remembered(b, s, tcp);
	else if (!tcp && s->track != WEIR_TRACK_MOVED)
		refuse_without(b, s, SERVICE_TRACK, "TCP");
	if (!udp && s->udp != WEIR_UDP_RING)
		refuse_without(b, s, SERVICE_UDP, "UDP");
	if (!tcp && s->mss_mode != MSS_OFF)
		refuse_without(b, s, SERVICE_MSS, "TCP");
	if (!tcp && s->syncookie != SYNCOOKIE_OFF)
		refuse_without(b, s, SERVICE_SYNCOOKIE, "TCP");
	if (!forward_translates(s->forward))
		check_settle(b, s, tcp, udp);
	check_limit(b, s, tcp);
}

bool forward_encapsulates(enum weir_forward forward)
{
	return forward == WEIR_FORWARD_IPIP || forward == WEIR_FORWARD_GUE;
}

bool forward_translates(enum weir_forward forward)
{
	return forward == WEIR_FORWARD_NAT || forward == WEIR_FORWARD_LOCAL;
}

static void refuse_source(struct build *b, const struct service *s, const __u8 addr[16],
			  const char *why)
{
	char text[INET6_ADDRSTRLEN];

	b->failed = false;
	build_error(b, setting_loc(b, s, SERVICE_SOURCE), NULL, "source %s of service %s %s",
		    addr_text(addr, text, sizeof(text)), s->name, why);
}

static void check_source(struct build *b, const struct service *s, size_t index)
{
	const __u8 *addr = s->sources[index];
	bool v4 = addr_is_v4(addr);

	for (size_t i = 0; i < index; i++) {
		if (!memcmp(s->sources[i], addr, 16)) {
			refuse_source(b, s, addr, "is written twice; delete one");
			return;
		}
		if (forward_encapsulates(s->forward) && addr_is_v4(s->sources[i]) == v4) {
			refuse_source(b, s, addr,
				      v4 ? "is its second one of IPv4; an outer header has one"
					 : "is its second one of IPv6; an outer header has one");
			return;
		}
	}
	if (!addr_is_unicast(addr))
		refuse_source(b, s, addr, "is no address that packets come from");
	else if (s->forward == WEIR_FORWARD_NAT && s->addrs_count &&
		 addr_is_v4(s->addrs[0].addr) != v4)
		refuse_source(b, s, addr,
			      v4 ? "is IPv4, and its addresses are IPv6; delete it"
				 : "is IPv6, and its addresses are IPv4; delete it");
}

static void check_sources(struct build *b, const struct service *s)
{
	if (s->sources_count && s->forward != WEIR_FORWARD_NAT &&
	    !forward_encapsulates(s->forward)) {
		b->failed = false;
		build_error(
			b, setting_loc(b, s, SERVICE_SOURCE), NULL,
			"forward %s leaves the client's address; leave \"source\" out of service "
			"%s",
			print_forward[s->forward], s->name);
		return;
	}
	for (size_t i = 0; i < s->sources_count; i++)
		check_source(b, s, i);
}

static void check_any_protocol(struct build *b, const struct service *s)
{
	for (size_t i = 0; i < s->ports_count && forward_translates(s->forward); i++) {
		if (s->ports[i].proto)
			continue;
		b->failed = false;
		build_error(
			b, build_loc(b, s->ports[i].at), NULL,
			"\"port any\" is every protocol, and forward %s translates TCP and UDP; "
			"write \"tcp any, udp any\"",
			print_forward[s->forward]);
	}
}

static void check_mss(struct build *b, const struct service *s)
{
	if (s->mss_mode != MSS_AUTO || forward_encapsulates(s->forward))
		return;
	b->failed = false;
	build_error(b, setting_loc(b, s, SERVICE_MSS), NULL,
		    "\"mss auto\" is what fits through ipip or gue; forward %s adds nothing, write "
		    "a number",
		    print_forward[s->forward]);
}

void check_settings(struct build *b, const struct service *s)
{
	check_protocols(b, s);
	check_any_protocol(b, s);
	check_sources(b, s);
	check_mss(b, s);
}
