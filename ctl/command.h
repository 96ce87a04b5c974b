/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function per command. It writes data to stdout, and leaves what went
 * wrong to main(): in diags what is wrong with a configuration, in failure the
 * rest.
 */
#ifndef WEIR_COMMAND_H
#define WEIR_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "diag.h"
#include "failure.h"
#include "host.h"
#include "model.h"
#include "plan.h"
#include "state.h"

/* Of the command test, and the first three of explain. */
struct test_options {
	const char *dev; /* NULL: the only one that there is */
	const char *hex; /* the packet as bytes */
	const char *config; /* a file that need not be in force */
	const char *cases; /* a file of packets in words, with what is expected of each */
	const char *expect;
	const char *rule;
	bool egress;
};

/* Of the command latency. */
struct latency_options {
	const char *kind, *since, *output; /* NULL: not written */
	bool prefix;
};

/* Of "monitor slow"; NULL: not written. */
struct slow_options {
	const char *over, *over_p99;
	const char *host[2], *port[2]; /* NULL behind the last */
	const char *interface, *in, *pid, *proto;
	bool is_wrong; /* a third host or port */
};

struct command {
	const char *instance;
	bool json;
	bool all; /* --all */
	bool exit_code; /* --exit-code */
	const char *confirm; /* --confirm TIME, or NULL */
	struct test_options test;
	struct latency_options latency;
	struct slow_options slow;
	double watch_s; /* --watch; 0: once, or of top, each second */
	unsigned int count; /* --count, of intervals; 0: no end */
	bool strict; /* --strict */
	char **args; /* after the command's name; NULL-terminated */
	int args_count;
	struct diags diags;
	struct failure why;
};

/*
 * X(name, arguments, fewest, most, function, summary)
 */
#define COMMANDS(X)                                                                                \
	X(check, "FILE", 1, 1, cmd_check, "say what is wrong with a configuration")                \
	X(plan, "FILE", 1, 1, cmd_plan, "say what apply would change")                             \
	X(apply, "[--confirm TIME] FILE", 1, 1, cmd_apply, "put a configuration in force")         \
	X(confirm, "", 0, 0, cmd_confirm, "keep what apply --confirm has put in force")            \
	X(rollback, "[--confirm TIME] [N]", 0, 1, cmd_rollback,                                    \
	  "put a former configuration in force again")                                             \
	X(history, "", 0, 0, cmd_history, "configurations that were in force")                     \
	X(test, "PACKET... | --hex BYTES | --cases FILE | FILE", 0, 64, cmd_test,                  \
	  "what becomes of a packet, without sending it")                                          \
	X(explain, "PACKET... | --hex BYTES", 0, 64, cmd_explain,                                  \
	  "what becomes of a packet, and which backend gets it, and why")                          \
	X(show, "[config|filter|service|backend|set|interface|flow|drops] [NAME]", 0, 9, cmd_show, \
	  "what is in force, with its counters")                                                   \
	X(set, "add|del|load|flush NAME [ELEMENT...|FILE]", 2, 65536, cmd_set,                     \
	  "change a set of the applied configuration")                                             \
	X(backend, "set|drain|undrain SERVICE BACKEND [weight N]", 3, 5, cmd_backend,              \
	  "change a backend of the applied configuration")                                         \
	X(reset, "filter [NAME [RULE]]", 1, 3, cmd_reset, "set counters of rules to zero")         \
	X(status, "", 0, 0, cmd_status, "where weir stands and how")                               \
	X(doctor, "[INTERFACE]", 0, 1, cmd_doctor, "what is wrong, and what to do about it")       \
	X(latency, "[NAME] | path|heatmap [INTERFACE] | reset", 0, 2, cmd_latency,                 \
	  "where the time goes: network, NIC, veth, stack, program")                               \
	X(top, "[latency|path|drops|service|filter] [NAME]", 0, 2, cmd_top,                        \
	  "what comes in at this moment, again and again")                                         \
	X(monitor, "log|slow", 1, 1, cmd_monitor,                                                  \
	  "print what rules log, or packets that are slow, as they come")                          \
	X(attach, "INTERFACE", 1, 1, cmd_attach,                                                   \
	  "put an interface under the applied configuration")                                      \
	X(detach, "INTERFACE | --all", 0, 1, cmd_detach, "leave an interface, or everything")      \
	X(import, "nft|iptables-save FILE", 2, 2, cmd_import,                                      \
	  "translate rules of another packet filter")                                              \
	X(version, "", 0, 0, cmd_version, "versions of weir and its libraries")

#define X(name, arguments, fewest, most, function, summary) int function(struct command *c);
COMMANDS(X)
#undef X

/* What a command that reads needs: the state, and the configuration in force. */
struct applied {
	struct state state;
	struct model model;
};

#define APPLIED_NONE                \
	{                           \
		.state = STATE_NONE \
	}

int applied_open(struct applied *a, struct command *c);
/* With the lock: an apply that moves counters to larger maps would bring the old ones back. */
int applied_open_to_reset(struct applied *a, struct command *c);
void applied_close(struct applied *a);

/* Print @data, which is consumed, to stdout. Returns an exit code. */
int json_print(json_t *data);

/* The exit code of a command that failed; never EXIT_DONE. */
int command_failed(const struct command *c);

struct session;

/* Say what came of a plan that was carried out. Returns an exit code. */
int apply_report(struct session *s, struct command *c);

/*
 * Carry out the session's plan, with --confirm guarded. Fails with EXIT_CONFLICT
 * where another change waits for its confirmation.
 *
 * @file  what it comes from, for the history
 */
int put_in_force(struct session *s, struct command *c, const char *file);

/* "show config N": one from the history. */
int show_former(struct command *c, const struct applied *a, const char *number);

/* The nouns of show. */
int show_filter(struct command *c, const struct applied *a, const char *name);
int show_service(struct command *c, const struct applied *a, const char *name);
int show_backend(struct command *c, const struct applied *a, const char *name);
int show_set(struct command *c, const struct applied *a, const char *name);
int show_interface(struct command *c, const struct applied *a, const char *name);
int show_drops(struct command *c, const struct applied *a, const char *name);
int show_flow(struct command *c, const struct applied *a, const char *name);

/* "1.2 M" bytes or packets: at most four digits and a unit of 1000. */
const char *count_text(unsigned long long n, char *buf, size_t size);

#endif
