// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"

#include "counters.h"
#include "weir/balance.h"
#include "weir/conn.h"
#include "weir/cpu.h"
#include "weir/image.h"
#include "weir/latency.h"
#include "weir/limit.h"
#include "weir/nat.h"
#include "weir/path.h"
#include "weir/pmtu.h"
#include "weir/reason.h"

/* X(symbol, name). The image is the first. */
#define PARTS(X)                \
	X(IMAGE, "image")       \
	X(SETS, "sets")         \
	X(CONNS, "connections") \
	X(LIMITS, "limits")     \
	X(RINGS, "rings")       \
	X(PINS, "pins")         \
	X(NAT, "translation")   \
	X(TIMING, "timing")     \
	X(PATH, "path")         \
	X(LOSS, "loss")         \
	X(COUNTERS, "counters") \
	X(LOG, "log")

enum part {
#define X(sym, name) PART_##sym,
	PARTS(X)
#undef X
		PART_COUNT
};

static const char *const names[PART_COUNT] = {
#define X(sym, name) [PART_##sym] = name,
	PARTS(X)
#undef X
};

/* The least that a map can have. */
#define PAGE 4096

/*
 * With a socket, as long as it is open: weir_sockets has 1,552 bytes for one that
 * a packet of the sample has come to, weir_owners 20 for one of TCP that was used.
 * The kernel takes 2,048 and 96 with its own head, and 192 for the first of both.
 */
#define SOCKET_PATH_BYTES (2048 + 192)
#define SOCKET_LOSS_BYTES (96 + 192)

struct memory {
	__u64 part[PART_COUNT];
	__u64 total;
};

static struct memory measure(const struct capacity *c)
{
	__u64 cpus = counters_cpus();
	struct memory
		m = { .part = {
			      [PART_IMAGE] = c->image_bytes,
			      [PART_SETS] = c->sets_bytes,
			      [PART_CONNS] = (__u64)c->conn_sets * sizeof(struct weir_conn_set),
			      [PART_LIMITS] = ((__u64)c->limit_base + c->limit_sets) *
					      sizeof(struct weir_bucket_set),
			      [PART_RINGS] = (__u64)c->rings * sizeof(struct weir_ring),
			      [PART_PINS] = (__u64)c->pin_sets * sizeof(struct weir_pin_set) +
					    c->services * sizeof(struct weir_settle) +
					    WEIR_PMTU_SLOTS * sizeof(struct weir_pmtu),
			      [PART_NAT] = (__u64)c->nat_sets * sizeof(struct weir_nat_set) +
					   (__u64)c->nat_flows * sizeof(struct weir_nat_flow),
			      [PART_TIMING] =
				      (__u64)c->flow_sets * (sizeof(struct weir_flow_set) +
							     sizeof(struct weir_flow_rest_set)) +
				      (__u64)c->stamp_sets * sizeof(struct weir_stamp_set) +
				      (__u64)c->prefix_sets * sizeof(struct weir_prefix_set) +
				      (__u64)(c->losses > 1 ? c->losses : 0) * WEIR_HEAT_COLUMNS *
					      sizeof(struct weir_heat_column) +
				      cpus * c->losses *
					      (sizeof(struct weir_heat_column) +
					       sizeof(struct weir_loss)) +
				      cpus * c->hists * sizeof(struct weir_hist),
			      [PART_PATH] = (__u64)c->path_sets * sizeof(struct weir_path_set) +
					    (__u64)c->path_pairs * (sizeof(struct weir_path_pair) +
								    sizeof(struct weir_hist)) +
					    c->slow_bytes + cpus * sizeof(struct weir_path_cpu),
			      [PART_LOSS] =
				      c->drops * (sizeof(struct weir_drop_key) +
						  cpus * sizeof(struct weir_drop)) +
				      c->retransmit_sets * sizeof(struct weir_retransmit_set) +
				      c->process_sets * sizeof(struct weir_process_set),
			      [PART_COUNTERS] =
				      cpus * ((__u64)c->rules * sizeof(struct weir_rule_counter) +
					      ((__u64)c->devices * WEIR_R_COUNT + c->backends +
					       c->services) *
						      sizeof(struct weir_counter)),
			      [PART_LOG] = c->log_bytes + cpus * sizeof(struct weir_cpu),
		      } };

	for (int i = 0; i < PART_COUNT; i++)
		m.total += m.part[i];
	return m;
}

static bool is_off(enum part part, const struct capacity *c)
{
	switch (part) {
	case PART_CONNS:
		return c->conn_sets == 1;
	case PART_PINS:
		return c->pin_sets == 1;
	case PART_NAT:
		return c->nat_flows == 1;
	case PART_LIMITS:
		return !c->limit_base;
	case PART_TIMING:
		return c->flow_sets == 1;
	case PART_PATH:
		return c->path_sets == 1 && c->slow_bytes <= PAGE;
	case PART_LOSS:
		return c->drops == 1;
	case PART_LOG:
		return c->log_bytes <= PAGE;
	default:
		return false;
	}
}

static const char *bytes_text(__u64 bytes, char *buf, size_t size)
{
	if (bytes < 1U << 20)
		snprintf(buf, size, "%llu KiB", (bytes + 1023) >> 10);
	else
		snprintf(buf, size, "%.1f MiB", bytes / 1048576.0);
	return buf;
}

void memory_print(const struct capacity *c, __u32 image_bytes, FILE *out)
{
	struct memory m = measure(c);
	char text[32];

	fprintf(out, "Memory: %s: ", bytes_text(m.total, text, sizeof(text)));
	fprintf(out, "image %u KiB of %u KiB", (image_bytes + 1023) / 1024, c->image_bytes / 1024);
	for (int i = PART_SETS; i < PART_COUNT; i++) {
		if (!is_off(i, c))
			fprintf(out, ", %s %s", names[i],
				bytes_text(m.part[i], text, sizeof(text)));
	}
	fputs(".\n", out);
}

void memory_print_sockets(__u32 stages, FILE *out)
{
	const char *comma = "";

	if (!(stages & WEIR_STAGES_OF_STACK))
		return;
	fputs("And with sockets of the host, in all namespaces, while they are open: ", out);
	if (stages & 1U << WEIR_STAGE_PATH) {
		fprintf(out, "%.1f KiB for each that a packet of the sample comes to",
			SOCKET_PATH_BYTES / 1024.0);
		comma = ", ";
	}
	if (stages & 1U << WEIR_STAGE_LOSS)
		fprintf(out, "%s%.1f KiB for each of TCP that is used", comma,
			SOCKET_LOSS_BYTES / 1024.0);
	fputs(".\n", out);
}

json_t *memory_sockets_json(__u32 stages)
{
	return json_pack("{s:i,s:i}", "path",
			 stages & 1U << WEIR_STAGE_PATH ? SOCKET_PATH_BYTES : 0, "loss",
			 stages & 1U << WEIR_STAGE_LOSS ? SOCKET_LOSS_BYTES : 0);
}

json_t *memory_json(const struct capacity *c)
{
	struct memory m = measure(c);
	json_t *parts = json_object();

	for (int i = 0; i < PART_COUNT; i++)
		json_object_set_new(parts, names[i], json_integer((json_int_t)m.part[i]));
	json_object_set_new(parts, "total", json_integer((json_int_t)m.total));
	return parts;
}
