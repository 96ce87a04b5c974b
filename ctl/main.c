// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "command.h"
#include "netns.h"
#include "note.h"
#include "own.h"

struct verb {
	const char *name;
	const char *arguments;
	int fewest, most;
	int (*run)(struct command *c);
	const char *summary;
};

static const struct verb verbs[] = {
#define X(name, arguments, fewest, most, function, summary) \
	{ #name, arguments, fewest, most, function, summary },
	COMMANDS(X)
#undef X
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

enum {
	OPTION_ALL = 256,
	OPTION_EXIT_CODE,
	OPTION_CONFIRM,
	OPTION_DEV,
	OPTION_HEX,
	OPTION_CASES,
	OPTION_CONFIG,
	OPTION_EXPECT,
	OPTION_RULE,
	OPTION_EGRESS,
	OPTION_STRICT,
	OPTION_KIND,
	OPTION_SINCE,
	OPTION_PREFIX,
	OPTION_OVER,
	OPTION_OVER_P99,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_INTERFACE,
	OPTION_IN,
	OPTION_PID,
	OPTION_PROTO,
};

static const struct option options[] = {
	{ "netns", required_argument, NULL, 'n' },
	{ "instance", required_argument, NULL, 'i' },
	{ "json", no_argument, NULL, 'j' },
	{ "watch", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "exit-code", no_argument, NULL, OPTION_EXIT_CODE },
	{ "confirm", required_argument, NULL, OPTION_CONFIRM },
	{ "dev", required_argument, NULL, OPTION_DEV },
	{ "hex", required_argument, NULL, OPTION_HEX },
	{ "cases", required_argument, NULL, OPTION_CASES },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "expect", required_argument, NULL, OPTION_EXPECT },
	{ "rule", required_argument, NULL, OPTION_RULE },
	{ "egress", no_argument, NULL, OPTION_EGRESS },
	{ "strict", no_argument, NULL, OPTION_STRICT },
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "prefix", no_argument, NULL, OPTION_PREFIX },
	{ "output", required_argument, NULL, 'o' },
	{ "over", required_argument, NULL, OPTION_OVER },
	{ "over-p99", required_argument, NULL, OPTION_OVER_P99 },
	{ "host", required_argument, NULL, OPTION_HOST },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "interface", required_argument, NULL, OPTION_INTERFACE },
	{ "in", required_argument, NULL, OPTION_IN },
	{ "pid", required_argument, NULL, OPTION_PID },
	{ "proto", required_argument, NULL, OPTION_PROTO },
	{},
};

static void help(FILE *out)
{
	fputs("Usage: weir [-n NETNS] [-i INSTANCE] [-j] COMMAND\n\n", out);
	for (size_t i = 0; i < VERBS; i++) {
		char usage[80];

		snprintf(usage, sizeof(usage), "%s %s", verbs[i].name, verbs[i].arguments);
		fprintf(out, "  %-52s %s\n", usage, verbs[i].summary);
	}
	fputs("\n"
	      "  -n, --netns NETNS        work in a network namespace (a name of \"ip netns\", or "
	      "a path)\n"
	      "  -i, --instance INSTANCE  one of several weirs side by side; \"main\" by default\n"
	      "  -j, --json               JSON on stdout, errors as JSON on stderr\n"
	      "  -w, --watch SECONDS      show filter, top: again and again, each so many "
	      "seconds\n"
	      "  -c, --count COUNT        with --watch, top, monitor: so many times, so many "
	      "events\n"
	      "  -v, --verbose            what libbpf and the verifier say, on stderr\n"
	      "      --exit-code          plan: exit with 10 when there is something to change\n"
	      "      --confirm TIME       apply, rollback: undone after 60s, 5m, 1h unless "
	      "confirmed\n"
	      "      --dev INTERFACE      test, explain: where the packet comes in, or with "
	      "--egress leaves\n"
	      "      --hex BYTES          test, explain: the frame, from its Ethernet header on\n"
	      "      --config FILE        test, explain: a configuration that need not be in "
	      "force\n"
	      "      --cases FILE         test: packets in words, with what is expected of each\n"
	      "      --expect VERDICT     test: fail unless it is pass, drop, reject or forward\n"
	      "      --rule NAME          test: fail unless this rule decided, or \"default\"\n"
	      "      --egress             test: at tc egress\n"
	      "      --strict             import: exit with 1 when something was left out\n"
	      "      --kind KIND          latency: tcp, ack, handshake, icmp, dns, quic, rtt, "
	      "response\n"
	      "      --since TIME         latency, heatmap: the last 10m of an interface\n"
	      "      --prefix             latency: by prefix of the client, or [PREFIX] alone\n"
	      "  -o, --output FILE        latency heatmap: a picture, FILE.svg or FILE.png\n"
	      "      --over TIME          monitor slow: packets that waited longer, as 5ms\n"
	      "      --over-p99 TIMES     monitor slow: longer than so many times their stage's "
	      "p99\n"
	      "      --host ADDRESS       monitor slow: from or to it; twice for both ends\n"
	      "      --port PORT          monitor slow: from or to it; twice for both ends\n"
	      "      --interface NAME     monitor slow: that the packet passed\n"
	      "      --in NETNS           monitor slow: that passed that network namespace\n"
	      "      --proto PROTOCOL     monitor slow: tcp, udp, icmp, icmpv6 or a number\n"
	      "      --pid PID            monitor slow: that reads the packet\n"
	      "\n"
	      "FILE is text or JSON; \"-\" is standard input. See weir(8) and weir.conf(5).\n",
	      out);
}

static const struct verb *find_verb(const char *name, struct failure *why)
{
	const char *names[VERBS + 1] = {};
	const char *near;

	for (size_t i = 0; i < VERBS; i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	near = diag_suggest(name, names);
	if (near)
		fail(why, EXIT_USAGE, "there is no command \"%s\"; did you mean \"%s\"?", name,
		     near);
	else
		fail(why, EXIT_USAGE, "there is no command \"%s\"; \"weir --help\" lists them",
		     name);
	return NULL;
}

/* Instances are folders of bpffs, which takes no dots. */
#define INSTANCE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static int check_instance(const char *name, struct failure *why)
{
	if (name[0] && !name[strspn(name, INSTANCE_LETTERS)] && strlen(name) < NAME_BYTES)
		return 0;
	return fail(why, EXIT_USAGE,
		    "\"%s\" cannot be an instance's name; use letters, digits, \"-\" and \"_\"",
		    name);
}

/* getopt has a short option's letter in optopt, and 0 or its number there for a long one. */
static int refuse_option(struct command *c, int found, const char *word)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	const char *name = word[0] == '-' && word[1] == '-' ? word : letter;

	if (found == ':')
		return fail(&c->why, EXIT_USAGE, "%s takes a value; see \"weir --help\"", name);
	return fail(&c->why, EXIT_USAGE, "%s is not an option; see \"weir --help\"", name);
}

/* Options of the command test. Returns whether @option is one. */
static bool parse_test_option(struct test_options *t, int option)
{
	switch (option) {
	case OPTION_DEV:
		t->dev = optarg;
		return true;
	case OPTION_HEX:
		t->hex = optarg;
		return true;
	case OPTION_CASES:
		t->cases = optarg;
		return true;
	case OPTION_CONFIG:
		t->config = optarg;
		return true;
	case OPTION_EXPECT:
		t->expect = optarg;
		return true;
	case OPTION_RULE:
		t->rule = optarg;
		return true;
	case OPTION_EGRESS:
		t->egress = true;
		return true;
	}
	return false;
}

/* Options of the command latency. Returns whether @option is one. */
static bool parse_latency_option(struct latency_options *l, int option)
{
	switch (option) {
	case OPTION_KIND:
		l->kind = optarg;
		return true;
	case OPTION_SINCE:
		l->since = optarg;
		return true;
	case OPTION_PREFIX:
		l->prefix = true;
		return true;
	case 'o':
		l->output = optarg;
		return true;
	}
	return false;
}

static void add_end(struct slow_options *s, const char *ends[2])
{
	if (ends[1])
		s->is_wrong = true;
	ends[ends[0] != NULL] = optarg;
}

/* Options of "monitor slow". Returns whether @option is one. */
static bool parse_slow_option(struct slow_options *s, int option)
{
	switch (option) {
	case OPTION_OVER:
		s->over = optarg;
		return true;
	case OPTION_OVER_P99:
		s->over_p99 = optarg;
		return true;
	case OPTION_HOST:
		add_end(s, s->host);
		return true;
	case OPTION_PORT:
		add_end(s, s->port);
		return true;
	case OPTION_INTERFACE:
		s->interface = optarg;
		return true;
	case OPTION_IN:
		s->in = optarg;
		return true;
	case OPTION_PID:
		s->pid = optarg;
		return true;
	case OPTION_PROTO:
		s->proto = optarg;
		return true;
	}
	return false;
}

#define LONGEST_WATCH_S 86400

/* @option is 'w' or 'c'. */
static int parse_interval(struct command *c, int option, const char *text)
{
	char *end;
	double value = strtod(text, &end);
	bool is_number = end != text && !*end;

	if (option == 'w') {
		if (!is_number || !(value >= 0.1 && value <= LONGEST_WATCH_S))
			return fail(&c->why, EXIT_USAGE,
				    "--watch takes seconds, 0.1 to %d; \"%s\" is not that",
				    LONGEST_WATCH_S, text);
		c->watch_s = value;
		return 0;
	}
	if (!is_number || !(value >= 1 && value <= INT_MAX) || value != (unsigned int)value)
		return fail(&c->why, EXIT_USAGE,
			    "--count takes a number, 1 or more; \"%s\" is not that", text);
	c->count = (unsigned int)value;
	return 0;
}

/* Said by the user and passed over by weir would be worse than refused. */
static int check_interval(struct command *c, const struct verb *verb)
{
	if (verb->run == cmd_top || (c->watch_s > 0 && verb->run == cmd_show && c->args_count &&
				     !strcmp(c->args[0], "filter")))
		return 0;
	if (c->watch_s > 0)
		return fail(&c->why, EXIT_USAGE,
			    "--watch goes with \"weir show filter\" and \"weir top\" only");
	if (c->count && verb->run != cmd_monitor)
		return fail(&c->why, EXIT_USAGE, "--count goes with --watch, top and monitor only");
	return 0;
}

static int parse_options(struct command *c, int argc, char **argv, const char **netns)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":n:i:jw:c:o:vhV", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			*netns = optarg;
			break;
		case 'i':
			c->instance = optarg;
			break;
		case 'j':
			c->json = true;
			break;
		case 'w':
		case 'c':
			if (parse_interval(c, option, optarg))
				return c->why.code;
			break;
		case 'v':
			note_libbpf();
			break;
		case 'h':
			help(stdout);
			exit(EXIT_DONE);
		case 'V':
			exit(cmd_version(c));
		case OPTION_ALL:
			c->all = true;
			break;
		case OPTION_EXIT_CODE:
			c->exit_code = true;
			break;
		case OPTION_CONFIRM:
			c->confirm = optarg;
			break;
		case OPTION_STRICT:
			c->strict = true;
			break;
		default:
			if (parse_test_option(&c->test, option) ||
			    parse_latency_option(&c->latency, option) ||
			    parse_slow_option(&c->slow, option))
				break;
			return refuse_option(c, option, argv[optind - 1]);
		}
	}
	return check_instance(c->instance, &c->why);
}

/* Said by the user and passed over by weir would be worse than refused. */
static int check_options(struct command *c, const struct verb *verb)
{
	const struct test_options *t = &c->test;
	bool explains = t->dev || t->hex || t->config;
	bool tests = t->cases || t->expect || t->rule || t->egress;
	const struct latency_options *l = &c->latency;
	const struct slow_options *s = &c->slow;
	bool is_slow = s->over || s->over_p99 || s->host[0] || s->port[0] || s->interface ||
		       s->in || s->pid || s->proto;

	if (c->confirm && verb->run != cmd_apply && verb->run != cmd_rollback)
		return fail(&c->why, EXIT_USAGE, "--confirm goes with apply and rollback only");
	if (c->strict && verb->run != cmd_import)
		return fail(&c->why, EXIT_USAGE, "--strict goes with import only");
	if (explains && verb->run != cmd_test && verb->run != cmd_explain)
		return fail(&c->why, EXIT_USAGE,
			    "--dev, --config and --hex go with test and explain only");
	if (tests && verb->run != cmd_test)
		return fail(&c->why, EXIT_USAGE,
			    "--egress, --cases, --expect and --rule go with test only");
	if ((l->kind || l->since || l->prefix || l->output) && verb->run != cmd_latency)
		return fail(&c->why, EXIT_USAGE,
			    "--kind, --since, --prefix and --output go with latency only");
	if (is_slow &&
	    (verb->run != cmd_monitor || !c->args_count || strcmp(c->args[0], "slow") != 0))
		return fail(
			&c->why, EXIT_USAGE,
			"--over, --over-p99, --host, --port, --proto, --interface, --in and --pid "
			"go with \"monitor slow\" only");
	return 0;
}

static int run(struct command *c, int argc, char **argv)
{
	const char *netns = NULL;
	const struct verb *verb;

	if (parse_options(c, argc, argv, &netns))
		return c->why.code;
	if (optind == argc) {
		help(stderr);
		return EXIT_USAGE;
	}
	verb = find_verb(argv[optind], &c->why);
	if (!verb)
		return c->why.code;
	c->args = argv + optind + 1;
	c->args_count = argc - optind - 1;
	if (c->args_count < verb->fewest || c->args_count > verb->most) {
		fail(&c->why, EXIT_USAGE, "usage: weir %s %s", verb->name, verb->arguments);
		return c->why.code;
	}
	if (check_options(c, verb) || check_interval(c, verb))
		return c->why.code;
	if (netns && netns_enter(netns, &c->why))
		return c->why.code;
	return verb->run(c);
}

static void print_failure(const struct command *c)
{
	json_t *error;

	if (!c->why.message)
		return;
	if (!c->json) {
		fprintf(stderr, "weir: %s\n", c->why.message);
		return;
	}
	error = json_pack("{s:{s:i,s:s}}", "error", "code", c->why.code, "message", c->why.message);
	if (error)
		json_dumpf(error, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(error);
}

/* A full disk is no success. */
static int close_output(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	note("cannot write to standard output: %s", strerror(errno));
	return code ? code : EXIT_REFUSED;
}

/* Every attachment takes descriptors, and a host may have hundreds of interfaces. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct command c = { .instance = "main" };
	int code;

	signal(SIGPIPE, SIG_DFL);
	raise_descriptor_limit();
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	note_libbpf_reason();
	code = run(&c, argc, argv);
	if (c.diags.count && c.json)
		diag_print_json(&c.diags, stderr);
	else if (c.diags.count)
		diag_print(&c.diags, stderr);
	print_failure(&c);
	diag_free(&c.diags);
	failure_free(&c.why);
	return close_output(code);
}
