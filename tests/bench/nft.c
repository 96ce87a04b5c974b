// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nftables at netdev ingress, on a veth of the benchmark's own namespace. Every
 * packet is dropped, by a rule or by the chain's policy, so that what comes
 * after the hook costs nothing; what comes before it is in the empty case, too.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addresses.h"
#include "bench_case.h"
#include "own.h"

/* What a chain filters by: rules, or addresses. */
struct content {
	const struct bench_rule *rules;
	__u32 count;
	const struct addresses *addresses;
	void (*print)(const struct content *what, const char *name, FILE *out);
};

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

static void load(const char *name, const struct content *what)
{
	char path[] = "/tmp/weir-bench.XXXXXX";
	FILE *out = fdopen(mkstemp(path), "w");

	need(out != NULL, "no temporary file");
	what->print(what, name, out);
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

static bool is_missed(const struct content *what, const struct trace_header4 *h)
{
	if (what->addresses)
		return !addresses_hold4(what->addresses, h);
	return rules_match(what->rules, what->count, h) == what->count;
}

static void verify(struct bench_case *c, const char *name, const struct content *what)
{
	__u32 packets = what->count > 1000 ? SAMPLE / 8 : SAMPLE;
	long long wanted = 0, got;

	for (__u32 i = 0; i < packets; i++)
		wanted += is_missed(what, &c->driver.trace4->header[i]);
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

static void print_linear(const struct content *what, const char *name, FILE *out)
{
	open_chain(name, out);
	for (__u32 i = 0; i < what->count; i++) {
		const struct bench_rule *r = &what->rules[i];
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

static void print_set(const struct content *what, const char *name, FILE *out)
{
	fprintf(out,
		"table netdev %s {\ncounter missed {\n}\n"
		"set s { type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service; "
		"flags interval; elements = {\n",
		name);
	for (__u32 i = 0; i < what->count; i++) {
		const struct bench_rule *r = &what->rules[i];
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

static void print_prefixes(const struct content *what, const char *name, FILE *out)
{
	const struct addresses *a = what->addresses;

	fprintf(out,
		"table netdev %s {\ncounter missed {\n}\n"
		"set s { type ipv4_addr; flags interval; elements = {\n",
		name);
	for (__u32 i = 0; i < a->sorted_count; i++) {
		struct in_addr first = { htonl((__u32)a->sorted[i].first) };
		struct in_addr last = { htonl((__u32)a->sorted[i].last) };

		fputs(inet_ntoa(first), out);
		if (first.s_addr != last.s_addr)
			fprintf(out, "-%s", inet_ntoa(last));
		fputs(",\n", out);
	}
	fprintf(out,
		"} }\nchain c {\ntype filter hook ingress device \"%s\" priority 0; policy drop;\n"
		"ip saddr @s counter drop\n",
		name);
	close_chain(out);
}

static void add(struct bench_case *c, const struct content *what)
{
	static int devices;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "nft%d", ++devices);
	c->bare = bare_device();
	c->ruled = make_device(name);
	load(name, what);
	verify(c, name, what);
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
	add(c, &(struct content){ .rules = rules, .count = count, .print = print_linear });
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
	add(c, &(struct content){ .rules = rules, .count = kept, .print = print_set });
}

void nft_prefixes(__u32 count)
{
	struct bench_case *c = is_installed() ? case_add("nft IPv4 %u prefixes", count) : NULL;
	struct addresses a = {};

	if (!c)
		return;
	driver_open(&c->driver, DRIVER_INJECT4, DRIVER_PLAIN);
	case_seed("prefixes", count);
	addresses_make(&a, count, 4, SET_PREFIXES);
	addresses_trace4(&a, c->driver.trace4);
	add(c, &(struct content){ .addresses = &a, .count = count, .print = print_prefixes });
	addresses_free(&a);
}
