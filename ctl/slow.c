// SPDX-License-Identifier: GPL-2.0-or-later
#include "slow.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"
#include "model.h"
#include "parser_names.h"
#include "path_show.h"

#define TICKS_MOST 4294967295.0

int slow_time_parse(const char *text, __u32 *ticks, struct failure *why)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	char *end = (char *)text;
	double number = isdigit((unsigned char)text[0]) ? strtod(text, &end) : -1, value;

	for (size_t i = 0; number >= 0 && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		value = number * units[i].ns / (1U << WEIR_TICK_SHIFT);
		if (!(value >= 1 && value <= TICKS_MOST))
			break;
		*ticks = (__u32)value;
		return 0;
	}
	return fail(why, EXIT_USAGE,
		    "--over takes a time from 256ns to 1000s, as 800us or 5ms; \"%s\" is not that",
		    text);
}

static int parse_times(const char *text, double *out, struct failure *why)
{
	const char *said = text;
	char *end;
	double times;

	/* "x3" as well. */
	text += text[0] == 'x';
	times = isdigit((unsigned char)text[0]) ? strtod(text, &end) : 0;
	if (times >= 1 && times <= 1000 && !*end) {
		*out = times;
		return 0;
	}
	return fail(why, EXIT_USAGE,
		    "--over-p99 takes how many times the p99, 1 to 1000, as 3 or x3; \"%s\" is not "
		    "that",
		    said);
}

static int parse_host(const char *text, __u8 addr[16], struct failure *why)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		memset(addr, 0, 10);
		memset(addr + 10, 0xff, 2);
		memcpy(addr + 12, &v4, sizeof(v4));
		return 0;
	}
	if (inet_pton(AF_INET6, text, addr) == 1)
		return 0;
	return fail(why, EXIT_USAGE, "--host takes an IPv4 or IPv6 address; \"%s\" is not one",
		    text);
}

static int parse_number(const char *option, const char *text, unsigned long most, __u32 *out,
			struct failure *why)
{
	char *end;
	unsigned long number = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 0;

	if (number && !*end && number <= most) {
		*out = (__u32)number;
		return 0;
	}
	return fail(why, EXIT_USAGE, "%s takes a number from 1 to %lu; \"%s\" is not that", option,
		    most, text);
}

static int parse_proto(const char *text, __u8 *out, struct failure *why)
{
	const struct name *name = name_find(names_proto, text);
	char *end;
	unsigned long number = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 0;

	if (!name && (!number || number > 255 || *end))
		return fail(why, EXIT_USAGE,
			    "--proto takes tcp, udp, icmp, icmpv6 or a number; \"%s\" is not one",
			    text);
	*out = (__u8)(name ? name->number : number);
	return 0;
}

/* "eth0" here, or "eth0@blue". */
static int parse_interface(const char *text, const struct places *p, struct weir_slow_ask *out,
			   struct failure *why)
{
	struct weir_path_place place;

	if (!place_find(p, text, &place))
		return fail(why, EXIT_NOT_FOUND,
			    "there is no interface \"%s\"; one of another network namespace is "
			    "written eth0@NETNS",
			    text);
	out->ifindex = place.ifindex;
	out->netns = place.netns;
	return 0;
}

static int parse_ends(const struct slow_options *o, struct weir_slow_ask *out, struct failure *why)
{
	if (o->is_wrong)
		return fail(why, EXIT_USAGE,
			    "a packet has two ends; --host and --port go twice at most");
	for (int i = 0; i < 2; i++) {
		__u32 port = 0;

		if (o->host[i] && parse_host(o->host[i], out->host[i], why))
			return -1;
		if (o->port[i] && parse_number("--port", o->port[i], 65535, &port, why))
			return -1;
		out->port[i] = (__u16)port;
	}
	return 0;
}

int slow_ask_parse(const struct slow_options *o, const struct places *p, struct weir_slow_ask *out,
		   double *times_p99, struct failure *why)
{
	struct weir_slow_ask ask = {};
	double times = 0;
	__u32 over = 0;

	if (!o->over == !o->over_p99)
		return fail(
			why, EXIT_USAGE,
			"slower than what? \"weir monitor slow --over 5ms\", or --over-p99 3 for "
			"three times what 99 in 100 take");
	if ((o->over && slow_time_parse(o->over, &over, why)) ||
	    (o->over_p99 && parse_times(o->over_p99, &times, why)))
		return -1;
	for (int i = 0; i < WEIR_SLOW_COUNT; i++)
		ask.over[i] = over;
	ask.total = over;
	if (parse_ends(o, &ask, why) || (o->proto && parse_proto(o->proto, &ask.proto, why)) ||
	    (o->pid && parse_number("--pid", o->pid, 4194304, &ask.pid, why)) ||
	    (o->interface && parse_interface(o->interface, p, &ask, why)))
		return -1;
	if (o->in && o->interface)
		return fail(why, EXIT_USAGE,
			    "--interface names its network namespace already; leave out --in");
	if (o->in && netns_find(p, o->in, &ask.netns, why))
		return -1;
	*out = ask;
	*times_p99 = times;
	return 0;
}

static __u64 to_ns(__u32 ticks)
{
	return (__u64)ticks << WEIR_TICK_SHIFT;
}

#define COMM sizeof(((struct weir_slow *)0)->comm)

/* What a process calls itself is not printed as it is. */
static void process_text(const char comm[COMM], char text[COMM + 1])
{
	memcpy(text, comm, COMM);
	text[COMM] = 0;
	for (char *at = text; *at; at++) {
		if (!isascii((unsigned char)*at) || !isgraph((unsigned char)*at))
			*at = '?';
	}
}

static const char *end_text(const __u8 addr[16], __u16 port, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	addr_text(addr, text, sizeof(text));
	if (!port)
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u", text, port);
	return buf;
}

static const char *proto_text(const struct weir_slow *e, char buf[16])
{
	const char *name = name_of(names_proto, e->proto);

	snprintf(buf, 16, "%u", e->proto);
	return name ? name : buf;
}

static void print_tcp(const struct weir_slow *e, FILE *out)
{
	const char *before = " ";

	for (const struct name *flag = names_flag; flag->text; flag++) {
		if (!(e->tcp_flags & flag->number))
			continue;
		fprintf(out, "%s%s", before, flag->text);
		before = ",";
	}
	fprintf(out, "%s seq %u ack %u win %u", e->tcp_flags ? "" : " none", e->seq, e->ack,
		e->window);
}

static void print_packet(const struct weir_slow *e, FILE *out)
{
	char proto[16], from[80], to[80];

	fprintf(out, "  %s %s > %s", proto_text(e, proto),
		end_text(e->saddr, e->sport, from, sizeof(from)),
		end_text(e->daddr, e->dport, to, sizeof(to)));
	if (e->proto == IPPROTO_TCP)
		print_tcp(e, out);
}

static void print_delays(const struct weir_slow *e, FILE *out)
{
	const char *before = "  ";
	char text[32];

	for (int i = 0; i < WEIR_PATH_COUNT; i++) {
		if (!e->delay[i])
			continue;
		fprintf(out, "%s%s %s", before, stage_names[i],
			hist_time_text(to_ns(e->delay[i] - 1), text, sizeof(text)));
		before = ", ";
	}
	if (e->stage != WEIR_SLOW_RTT)
		fprintf(out, "  total %s", hist_time_text(to_ns(e->total), text, sizeof(text)));
}

void slow_print(const struct weir_slow *e, const struct places *p, FILE *out)
{
	char pair[PAIR_TEXT], delay[32], process[COMM + 1];
	int stage = e->stage <= WEIR_SLOW_RTT ? e->stage : WEIR_SLOW_RTT;
	/* A line goes to where nobody knows who wrote it: no namespace goes without saying. */
	struct places nowhere = *p;

	nowhere.own = 0;
	fprintf(out, "%s %s  %s  cpu %u", stage_names[stage],
		hist_time_text(to_ns(e->ticks), delay, sizeof(delay)),
		pair_text(&nowhere, &e->from, &e->to, pair), e->cpu);
	process_text(e->comm, process);
	if (e->pid)
		fprintf(out, "  %s[%u]", process, e->pid);
	process_text(e->woken_comm, process);
	if (e->woken_pid)
		fprintf(out, "  woke %s[%u]", process, e->woken_pid);
	print_packet(e, out);
	print_delays(e, out);
	if (e->retransmits)
		fprintf(out, "  after %u retransmit%s", e->retransmits,
			e->retransmits == 1 ? "" : "s");
	if (e->process_retransmits)
		fprintf(out, "%s %u of the process", e->retransmits ? "," : "  after",
			e->process_retransmits);
	if (e->is_again)
		fputs("  again", out);
}

static void add_number(json_t *object, const char *key, __u64 number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void add_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static void add_tcp(json_t *object, const struct weir_slow *e)
{
	json_t *flags = json_array();

	for (const struct name *flag = names_flag; flag->text; flag++) {
		if (e->tcp_flags & flag->number)
			json_array_append_new(flags, json_string(flag->text));
	}
	json_object_set_new(object, "flags", flags);
	add_number(object, "seq", e->seq);
	add_number(object, "ack", e->ack);
	add_number(object, "window", e->window);
}

static void add_packet(json_t *object, const struct weir_slow *e)
{
	char text[INET6_ADDRSTRLEN], proto[16];

	add_text(object, "proto", proto_text(e, proto));
	add_text(object, "saddr", addr_text(e->saddr, text, sizeof(text)));
	add_text(object, "daddr", addr_text(e->daddr, text, sizeof(text)));
	if (e->sport || e->dport) {
		add_number(object, "sport", e->sport);
		add_number(object, "dport", e->dport);
	}
	if (e->proto == IPPROTO_TCP)
		add_tcp(object, e);
}

static void add_place(json_t *object, const char *key, const struct weir_path_place *place,
		      const struct places *p)
{
	char text[PLACE_TEXT];

	if (place->ifindex)
		add_text(object, key, place_text(p, place, text));
}

json_t *slow_json(const struct weir_slow *e, const struct places *p)
{
	const struct weir_path_place *at = e->to.ifindex ? &e->to : &e->from;
	json_t *object = json_object(), *delays = json_object();
	int stage = e->stage <= WEIR_SLOW_RTT ? e->stage : WEIR_SLOW_RTT;
	char text[PLACE_TEXT], process[COMM + 1];

	add_text(object, "stage", stage_names[stage]);
	add_number(object, "delay_ns", to_ns(e->ticks));
	add_number(object, "total_ns", to_ns(e->total));
	add_text(object, "netns", netns_text(p, at->netns ? at->netns : p->own, text));
	add_place(object, "from", &e->from, p);
	add_place(object, "to", &e->to, p);
	add_number(object, "cpu", e->cpu);
	process_text(e->comm, process);
	if (e->pid) {
		add_number(object, "pid", e->pid);
		add_text(object, "process", process);
	}
	process_text(e->woken_comm, process);
	if (e->woken_pid) {
		add_number(object, "woken_pid", e->woken_pid);
		add_text(object, "woken_process", process);
	}
	add_packet(object, e);
	for (int i = 0; i < WEIR_PATH_COUNT; i++) {
		if (e->delay[i])
			add_number(delays, stage_names[i], to_ns(e->delay[i] - 1));
	}
	json_object_set_new(object, "delays_ns", delays);
	add_number(object, "retransmits", e->retransmits);
	add_number(object, "process_retransmits", e->process_retransmits);
	json_object_set_new(object, "again", json_boolean(e->is_again));
	return object;
}
