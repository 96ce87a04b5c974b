// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nftables at netdev ingress, on a veth of the benchmark's own namespace. Every
 * packet is dropped, by a rule or by the chain's policy, so that what comes
 * after the hook costs nothing; what comes before it is in the empty case, too.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_case.h"
#include "own.h"

static __attribute__((format(printf, 1, 2))) int run(const char *format, ...)
{
	char command[300];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static bool is_installed(void)
{
	static int status = -1;

	if (status < 0) {
		status = !run("nft --version >/dev/null 2>&1");
		if (!status)
			case_note("nftables: not installed (package nftables)\n");
	}
	return status;
}

/* Returns its index. Without IPv6 its other end says nothing of its own. */
static __u32 make_device(const char *name)
{
	need(!run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		  "ip link add %s type veth peer name %s-peer && ip link set %s-peer up && "
		  "ip link set %s up",
		  name, name, name, name),
	     "ip(8) could not make a veth device");
	return if_nametoindex(name);
}

static void open_chain(const char *name, FILE *out)
{
	fprintf(out,
		"table netdev %s {\ncounter missed {\n}\n"
		"chain c {\ntype filter hook ingress device \"%s\" priority 0; policy drop;\n",
		name, name);
}

static void close_chain(FILE *out)
{
	fputs("counter name missed\n}\n}\n", out);
}

static __u32 bare_device(void)
{
	static __u32 index;

	if (index)
		return index;
	index = make_device("nftbare");
	need(!run("nft 'table netdev nftbare { chain c { type filter hook ingress device "
		  "\"nftbare\" priority 0; policy drop; }; }'"),
	     "nft refuses an empty chain");
	return index;
}

/* Load what @print writes. */
static void load(const char *name, const struct bench_rule *rules, __u32 count,
		 void (*print)(const struct bench_rule *rules, __u32 count, const char *name,
			       FILE *out))
{
	char path[] = "/tmp/weir-bench.XXXXXX";
	FILE *out = fdopen(mkstemp(path), "w");

	need(out != NULL, "no temporary file");
	print(rules, count, name, out);
	need(!fclose(out), "the temporary file cannot be written");
	need(!run("nft -f %s", path), "nft refuses the rules");
	unlink(path);
}

/* Packets that no rule matched, by nft's own count. */
static long long missed(const char *name)
{
	long long packets = -1;
	char command[100], line[200];
	FILE *in;

	snprintf(command, sizeof(command), "nft list counter netdev %s missed", name);
	in = popen(command, "re");
	while (in && fgets(line, sizeof(line), in)) {
		if (sscanf(line, " packets %lld", &packets) == 1)
			break;
	}
	if (in)
		pclose(in);
	return packets;
}

static void verify(struct bench_case *c, const char *name, const struct bench_rule *rules,
		   __u32 count)
{
	__u32 packets = count > 1000 ? SAMPLE / 8 : SAMPLE;
	long long wanted = 0, got;

	for (__u32 i = 0; i < packets; i++)
		wanted += rules_match(rules, count, &c->driver.trace4->header[i]) == count;
	driver_seek(&c->driver, 0);
	driver_run(&c->driver, c->ruled, packets, NULL);
	got = missed(name);
	if (got == wanted)
		return;
	fprintf(stderr, "\nbench: %s: %lld packets matched no rule; the slow matcher says %lld\n",
		c->name, got, wanted);
	exit(1);
}

static void print_address(const char *word, __u32 addr, __u8 bits, FILE *out)
{
	if (bits)
		fprintf(out, "ip %s %u.%u.%u.%u/%u ", word, addr >> 24, addr >> 16 & 255,
			addr >> 8 & 255, addr & 255, bits);
}

static void print_port(const char *proto, const char *word, const __u16 port[2], FILE *out)
{
	if (port[0] == port[1])
		fprintf(out, "%s %s %u ", proto, word, port[0]);
	else if (port[0] || port[1] != 65535)
		fprintf(out, "%s %s %u-%u ", proto, word, port[0], port[1]);
}

static void print_linear(const struct bench_rule *rules, __u32 count, const char *name, FILE *out)
{
	open_chain(name, out);
	for (__u32 i = 0; i < count; i++) {
		const struct bench_rule *r = &rules[i];
		const char *proto = r->proto == IPPROTO_TCP ? "tcp" : "udp";

		if (r->proto != PROTO_ANY)
			fprintf(out, "ip protocol %d ", r->proto);
		print_address("saddr", r->saddr, r->saddr_bits, out);
		print_address("daddr", r->daddr, r->daddr_bits, out);
		print_port(proto, "sport", r->sport, out);
		print_port(proto, "dport", r->dport, out);
		fputs("counter drop\n", out);
	}
	close_chain(out);
}

static void print_range(__u32 first, __u32 last, FILE *out)
{
	if (first == last)
		fprintf(out, " . %u", first);
	else
		fprintf(out, " . %u-%u", first, last);
}

static void print_prefix(__u32 addr, __u8 bits, FILE *out)
{
	fprintf(out, "%u.%u.%u.%u/%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255,
		bits);
}

static void print_set(const struct bench_rule *rules, __u32 count, const char *name, FILE *out)
{
	fprintf(out,
		"table netdev %s {\ncounter missed {\n}\n"
		"set s { type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service; "
		"flags interval; elements = {\n",
		name);
	for (__u32 i = 0; i < count; i++) {
		const struct bench_rule *r = &rules[i];
		bool any = r->proto == PROTO_ANY;

		print_prefix(r->saddr, r->saddr_bits, out);
		fputs(" . ", out);
		print_prefix(r->daddr, r->daddr_bits, out);
		print_range(any ? 0 : (__u32)r->proto, any ? 255 : (__u32)r->proto, out);
		print_range(r->sport[0], r->sport[1], out);
		print_range(r->dport[0], r->dport[1], out);
		fputs(",\n", out);
	}
	fprintf(out,
		"} }\nchain c {\ntype filter hook ingress device \"%s\" priority 0; policy drop;\n"
		"ip saddr . ip daddr . meta l4proto . th sport . th dport @s counter drop\n",
		name);
	close_chain(out);
}

static struct trace_header4 corner(const struct bench_rule *r, int last)
{
	__u32 s = r->saddr_bits ? 0xffffffffU << (32 - r->saddr_bits) : 0;
	__u32 d = r->daddr_bits ? 0xffffffffU << (32 - r->daddr_bits) : 0;

	return (struct trace_header4){ .saddr = htonl(last ? r->saddr | ~s : r->saddr),
				       .daddr = htonl(last ? r->daddr | ~d : r->daddr),
				       .sport = htons(r->sport[last]),
				       .dport = htons(r->dport[last]),
				       .proto = (__u8)(r->proto != PROTO_ANY ? r->proto
						       : last		     ? 255
									     : 0) };
}

/* A concatenated set refuses an element whose first or last corner is in another one. */
static __u32 keep_what_a_set_takes(struct bench_rule *rules, __u32 count)
{
	__u32 kept = 0;

	for (__u32 i = 0; i < count; i++) {
		struct trace_header4 first = corner(&rules[i], 0), last = corner(&rules[i], 1);

		if (rules_match(rules, kept, &first) == kept &&
		    rules_match(rules, kept, &last) == kept)
			rules[kept++] = rules[i];
	}
	return kept;
}

static void add(struct bench_case *c, struct bench_rule *rules, __u32 count, bool is_set)
{
	static int number;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "nft%d", ++number);
	c->bare = bare_device();
	c->ruled = make_device(name);
	load(name, rules, count, is_set ? print_set : print_linear);
	verify(c, name, rules, count);
}

void nft_rules(enum profile profile, __u32 count)
{
	struct bench_case *c =
		is_installed() ? case_add("nft %s %u rules", profile_names[profile], count) : NULL;
	OWN_FREE struct bench_rule *rules = NULL;

	if (!c)
		return;
	driver_open(&c->driver, DRIVER_INJECT4, DRIVER_PLAIN);
	rules = case_rules(profile, count, c->driver.trace4);
	add(c, rules, count, false);
}

void nft_set(enum profile profile, __u32 count)
{
	struct bench_case *c =
		is_installed() ? case_add("nft %s %u, one set", profile_names[profile], count)
			       : NULL;
	OWN_FREE struct bench_rule *rules = NULL;
	__u32 kept;

	if (!c)
		return;
	driver_open(&c->driver, DRIVER_INJECT4, DRIVER_PLAIN);
	rules = case_rules(profile, count, c->driver.trace4);
	kept = keep_what_a_set_takes(rules, count);
	case_note("%s: the set takes %u of them, and has no order\n", c->name, kept);
	add(c, rules, kept, true);
}
