/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What user space and the datapath must agree on before anything else: the
 * ABI number, the maps and their names, and what one interface's program was
 * specialised for. Every header of include/weir is compiled by clang for the
 * bpf target and by cc.
 */
#ifndef WEIR_ABI_H
#define WEIR_ABI_H

#include <linux/types.h>

/* Raised whenever a pinned map changes its meaning; pins of another are refused. */
#define WEIR_ABI 7

/* A device index of the image's interface table; not an ifindex. */
#define WEIR_MAX_IFACES 1024
/* Rules of all filters of a configuration, defaults included. */
#define WEIR_MAX_RULES (1U << 17)
/* Of all services; a counter for each on every CPU. */
#define WEIR_MAX_BACKENDS (1U << 20)
#define WEIR_MAX_IMAGE_BYTES (256U << 20)

/*
 * X(symbol, name)  every pinned map; the name is the map's and the pin's
 */
#define WEIR_MAPS(X)                                                             \
	X(IMAGE, "weir_image") /* array of one map: the generation in force */   \
	X(REASONS, "weir_reasons") /* [CPU][device][reason] counters */          \
	X(RULES, "weir_rules") /* [CPU][rule id] counters */                     \
	X(BACKENDS, "weir_backends") /* [CPU][backend id] counters */            \
	X(SERVICES, "weir_services") /* [CPU][service id] counters */            \
	X(SETTLE, "weir_settle") /* [service id] how long pins may live */       \
	X(RINGS, "weir_rings") /* rings that services of the image name */       \
	X(PINS, "weir_pins") /* four-way set of flows kept to a backend */       \
	X(NAT, "weir_nat") /* four-way set of flows that are translated */       \
	X(NAT_FLOWS, "weir_nat_flows") /* records of translated flows */         \
	X(PMTU, "weir_pmtu") /* what routers said of paths to backends */        \
	X(FLOWS, "weir_flows") /* four-way set of flows being timed */           \
	X(FLOW_RESTS, "weir_flow_rests") /* what else there is of each */        \
	X(STAMPS, "weir_stamps") /* eight-way set of what awaits an answer */    \
	X(LOSSES, "weir_losses") /* per CPU [device][direction] counters */      \
	X(HEAT, "weir_heat") /* [device][direction][column] of heat maps */      \
	X(HEAT_NOW, "weir_heat_now") /* per CPU, the column of now */            \
	X(PREFIXES, "weir_prefixes") /* histograms by prefix of the client */    \
	X(LIMITS, "weir_limits") /* token buckets, of rules and of sources */    \
	X(CONNS, "weir_conns") /* connections that this host opened */           \
	X(LOG, "weir_log") /* ring buffer of logged packets */                   \
	X(CPU, "weir_cpu") /* per CPU: rates, room to build a packet in */       \
	X(HISTS, "weir_hists") /* per CPU round-trip histograms */               \
	X(PATHS, "weir_paths") /* two-way set of sampled packets on their way */ \
	X(PATH_HISTS, "weir_path_hists") /* by stage and interface pair */       \
	X(PATH_CPU, "weir_path_cpu") /* per CPU: struct weir_path_cpu */         \
	X(SLOW, "weir_slow") /* ring buffer of slow packets */                   \
	X(SLOW_ASK, "weir_slow_ask") /* what a monitor wants to hear of */       \
	X(DROPS, "weir_drops") /* per CPU, by reason and device */               \
	X(RETRANSMITS, "weir_resent") /* four-way set of flows */                \
	X(PROCESSES, "weir_processes") /* four-way set of processes */           \
	X(SETS, "weir_sets") /* one value: all sets that change live */

enum weir_map {
#define X(sym, name) WEIR_MAP_##sym,
	WEIR_MAPS(X)
#undef X
		WEIR_MAP_COUNT
};

/*
 * Packets and bytes, one per CPU. Only the datapath writes it. Bytes are of
 * the whole frame, from the Ethernet header on, without the FCS.
 *
 * The counters of a CPU lie together, in an array that begins at a page: a
 * per-CPU map has each value somewhere else, and takes two cache lines to find.
 */
struct weir_counter {
	__u64 packets;
	__u64 bytes;
};
_Static_assert(sizeof(struct weir_counter) == 16, "counter has holes");

/* The same of a rule, and when it matched last. Half a cache line, so that none straddles two. */
struct weir_rule_counter {
	__u64 packets;
	__u64 bytes;
	__u64 last_ns; /* CLOCK_MONOTONIC, coarse: as of the last tick; 0: never */
	__u64 pad;
};
_Static_assert(sizeof(struct weir_rule_counter) == 32, "rule counter has holes");

/*
 * Where in the maps of counters those of a CPU begin. The value of the per-CPU
 * map weir_scratch, which each program has for itself, begins with it; ctl
 * writes it once the program is loaded.
 */
struct weir_first_counters {
	__u32 reason;
	__u32 rule;
	__u32 backend;
	__u32 service;
};
_Static_assert(sizeof(struct weir_first_counters) == 16, "first counters have holes");

/*
 * What one interface's program does, fixed at load in its .rodata, so that
 * the verifier removes the code of what is off. The masks bound every access
 * to a map value; they are the map's size less one, a power of two less one.
 */
struct weir_program {
	__u64 build; /* which code this is: a hash of the object it was loaded from */
	__u32 device; /* row in the image's table, base of its counters */
	__u32 image_mask;
	__u32 flow_mask; /* in sets of WEIR_FLOW_WAYS */
	__u32 hist_backend_base; /* first histogram of a backend */
	__u32 stages; /* 1 << WEIR_STAGE_*: the code it has */
	__u32 sets_mask;
	__u32 limit_base; /* first set of buckets of sources */
	__u32 limit_mask; /* in sets of WEIR_LIMIT_WAYS */
	__u32 conn_mask; /* in sets of WEIR_CONN_WAYS */
	__u32 hop_mask; /* next hops that a CPU remembers, a power of two, less one */
	__u32 hop_jiffies; /* and for how long */
	__u32 pin_mask; /* in sets of WEIR_PIN_WAYS */
	__u32 services; /* 1 << WEIR_NEED_*: the code of the balancer that it has */
	__u32 flags; /* enum weir_program_flag */
	__u32 nat_mask; /* in sets of WEIR_NAT_WAYS */
	__u32 nat_flow_mask; /* in records */
	__u32 path_mask; /* in sets of WEIR_PATH_WAYS */
	__u32 stamp_mask; /* in sets of WEIR_STAMP_WAYS */
	__u64 exprs; /* a hash of the code of its expressions; 0: it has none */
	__u32 prefix_mask; /* in sets of WEIR_PREFIX_WAYS */
	__u8 prefix_v4, prefix_v6; /* bits of prefixes that have a histogram; 0: they have none */
	__u16 pad; /* must be 0 */
	/* How many each CPU has in the map; 0: all count in the same ones. */
	__u32 reason_counters;
	__u32 rule_counters;
	__u32 backend_counters;
	__u32 service_counters;
	/* Of the hooks in the stack, which are numbered by ctl/stack.h. */
	__u32 hooks; /* that were loaded together, 1 << number */
	__u32 hook_reads; /* enum weir_hook_reads */
	__u64 hook_providers; /* two bits for each number: enum weir_hook_provider */
	__u64 hook_load; /* a random number that those of one load share */
	__u32 hook_casts; /* 1: the kernel has bpf_rdonly_cast() */
	__u32 pad2; /* must be 0 */
};
_Static_assert(sizeof(struct weir_program) == 144, "program config has holes");

/*
 * What calls a hook of the stack, in the order in which they are tried.
 * X(symbol, word, name of several)
 */
#define WEIR_HOOK_PROVIDERS(X)           \
	X(BTF, "btf", "BTF tracepoints") \
	X(RAW, "raw", "raw tracepoints") \
	X(FENTRY, "fentry", "fentry")    \
	X(KPROBE, "kprobe", "kprobes")

enum weir_hook_provider {
#define X(sym, word, name) WEIR_HOOK_##sym,
	WEIR_HOOK_PROVIDERS(X)
#undef X
		WEIR_HOOK_PROVIDER_COUNT
};

/* How hooks read what the kernel gives them: raw tracepoints and kprobes do not know its type. */
enum weir_hook_reads { WEIR_HOOK_READS_TYPED, WEIR_HOOK_READS_BY_HELPER };

#endif
