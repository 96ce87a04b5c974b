// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of VIPs: for every address and port it names the service that the
 * configuration means, as a plain search through all of it finds it.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "balance.h"
#include "own.h"
#include "random.h"
#include "test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NONE (-1)

static struct model model;
static struct weir_image *image;

static void build_text(const char *text)
{
	OWN(rings_free) struct rings rings = {};
	static const struct ring_past nothing;
	static struct host_route routes[16];
	static __u32 ids[256];
	struct image_spec spec = { .model = &model,
				   .rule_ids = ids,
				   .backend_ids = ids,
				   .service_ids = ids,
				   .rings = &rings,
				   .routes = routes,
				   .config = "" };
	struct diags d = {};
	__u32 bytes;

	model_free(&model);
	free(image);
	image = NULL;
	for (__u32 i = 0; i < COUNT(ids); i++)
		ids[i] = i;
	if (model_parse("test.conf", text, strlen(text), MODEL_FILES_READ, &d, &model)) {
		diag_print(&d, stdout);
		fail_msg("does not parse:\n%s", text);
	}
	diag_free(&d);
	assert_int_equal(rings_make(&model, ids, ids, &nothing, &rings), 0);
	assert_int_equal(image_build(&spec, &image, &bytes), 0);
}

static void mask(__u8 addr[16], unsigned int length)
{
	for (unsigned int bit = length; bit < 128; bit++)
		addr[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
}

static const struct weir_vip *find_vip(const __u8 addr[16], __u8 length)
{
	const struct weir_vip *table = IMAGE_AT(image, image->vips_offset, struct weir_vip);
	__u64 half[2];
	__u32 hash;

	memcpy(half, addr, sizeof(half));
	hash = weir_vip_hash(half[0], half[1], length);
	for (__u32 probe = 0; probe < WEIR_VIP_PROBES; probe++) {
		const struct weir_vip *vip = &table[(hash + probe) & image->vips_mask];

		if (vip->length == length && !memcmp(vip->addr, addr, 16))
			return vip;
	}
	return NULL;
}

static int find_port(const struct weir_vip *vip, __u16 port, __u8 proto)
{
	const struct weir_vip_port *list =
		vip->ports_offset ? IMAGE_AT(image, vip->ports_offset, struct weir_vip_port)
				  : vip->port;

	for (__u32 i = 0; i < vip->ports_count; i++) {
		if (!list[i].proto ||
		    (list[i].proto == proto && list[i].first <= port && port <= list[i].last))
			return list[i].service;
	}
	return NONE;
}

/* As a packet is looked up: by the longest prefix that has the port. */
static int look_up(const __u8 addr[16], __u16 port, __u8 proto)
{
	const __u8 *lengths = addr_is_v4(addr) ? image->vip_lengths_v4 : image->vip_lengths_v6;

	for (int i = 0; i < WEIR_VIP_LENGTHS && lengths[i]; i++) {
		const struct weir_vip *vip;
		__u8 prefix[16];
		int service;

		memcpy(prefix, addr, 16);
		mask(prefix, lengths[i]);
		vip = find_vip(prefix, lengths[i]);
		service = vip ? find_port(vip, port, proto) : NONE;
		if (service != NONE)
			return service;
	}
	return NONE;
}

static bool has_port(const struct vip_port *p, __u16 port, __u8 proto)
{
	return !p->proto || (p->proto == proto && p->first <= port && port <= p->last);
}

static bool in_prefix(const struct prefix *p, const __u8 addr[16])
{
	__u8 masked[16];

	memcpy(masked, addr, 16);
	mask(masked, p->length);
	return addr_is_v4(p->addr) == addr_is_v4(addr) && !memcmp(masked, p->addr, 16);
}

/* Longer prefixes first, then a protocol before all of them, then narrower ranges. */
static long rank(const struct prefix *prefix, const struct vip_port *p)
{
	return (long)prefix->length << 20 | (p->proto ? 1L << 17 : 0) |
	       (0xffff - (p->last - p->first));
}

static int search(const __u8 addr[16], __u16 port, __u8 proto)
{
	int found = NONE;
	long best = -1;

	for (size_t s = 0; s < model.services_count; s++) {
		const struct service *service = &model.services[s];

		for (size_t a = 0; a < service->addrs_count; a++) {
			for (size_t p = 0; p < service->ports_count; p++) {
				if (!in_prefix(&service->addrs[a], addr) ||
				    !has_port(&service->ports[p], port, proto) ||
				    rank(&service->addrs[a], &service->ports[p]) <= best)
					continue;
				best = rank(&service->addrs[a], &service->ports[p]);
				found = (int)s;
			}
		}
	}
	return found;
}

/* The ports around every end of a range, and addresses in and around every prefix. */
static void compare_at(const __u8 addr[16])
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

	for (size_t s = 0; s < model.services_count; s++) {
		for (size_t p = 0; p < model.services[s].ports_count; p++) {
			const struct vip_port *r = &model.services[s].ports[p];
			const __u16 ports[] = { (__u16)(r->first - 1), r->first, r->last,
						(__u16)(r->last + 1) };

			for (size_t k = 0; k < COUNT(ports) * COUNT(protos); k++) {
				__u16 port = ports[k / COUNT(protos)];
				__u8 proto = protos[k % COUNT(protos)];

				assert_int_equal(look_up(addr, port, proto),
						 search(addr, port, proto));
			}
		}
	}
}

static void compare_all(void)
{
	for (size_t s = 0; s < model.services_count; s++) {
		for (size_t a = 0; a < model.services[s].addrs_count; a++) {
			__u8 addr[16];

			memcpy(addr, model.services[s].addrs[a].addr, 16);
			compare_at(addr);
			addr[15] |= (__u8)random_below(256);
			compare_at(addr);
			addr[14] ^= 1;
			compare_at(addr);
		}
	}
}

#define SERVICE(name, address, port)                                                    \
	"service " name " { address " address "; port " port "; forward l2; backend b " \
	"10.0.0.1 }\n"

static void narrower_ranges_and_longer_prefixes_win(void **state)
{
	(void)state;
	build_text("interface a { balance }\n" SERVICE("all", "192.0.2.0/24", "any") SERVICE(
		"one", "192.0.2.7", "tcp 80") SERVICE("range", "192.0.2.7", "tcp 1-1000")
			   SERVICE("wide", "192.0.2.7, 2001:db8::/32", "tcp any")
				   SERVICE("inside", "192.0.2.7, 2001:db8::/48", "tcp 900-999")
					   SERVICE("last", "192.0.2.7", "tcp 65535"));
	compare_all();
}

static void a_prefix_without_the_port_leaves_it_to_a_shorter_one(void **state)
{
	__u8 addr[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };

	(void)state;
	build_text("interface a { balance }\n" SERVICE("net", "192.0.2.0/24", "udp 53")
			   SERVICE("host", "192.0.2.7", "tcp 80"));
	assert_int_equal(look_up(addr, 53, IPPROTO_UDP), 0);
	assert_int_equal(look_up(addr, 80, IPPROTO_TCP), 1);
	assert_int_equal(look_up(addr, 53, IPPROTO_TCP), NONE);
}

/* Halves of halves: whatever two of them are, they nest or have nothing in common. */
static void write_service(FILE *out, unsigned int index)
{
	unsigned int width = 1U << random_below(16), first = random_below(65536 / width) * width;
	unsigned int length = 24 + random_below(9);
	unsigned int host = random_below(8) & ~0U << (32 - length);

	fprintf(out, "service s%u { address 192.0.2.%u/%u, 2001:db8::%x/%u; port %s %u-%u\n", index,
		host, length, host, 96 + length, index & 1 ? "tcp" : "udp", first,
		first + width - 1);
	fprintf(out, "forward l2; backend b 10.0.0.1 }\n");
}

static void random_services_are_found_as_a_plain_search_finds_them(void **state)
{
	int built = 0;

	(void)state;
	for (int run = 0; run < 200; run++) {
		struct model m = {};
		struct diags d = {};
		char *text;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		int error;

		fprintf(out, "interface a { balance }\n");
		for (unsigned int i = 0; i < 12; i++)
			write_service(out, i);
		fclose(out);
		/* Two may be the same; that is refused. */
		error = model_parse("test.conf", text, size, MODEL_FILES_READ, &d, &m);
		diag_free(&d);
		if (!error) {
			model_free(&m);
			build_text(text);
			compare_all();
			built++;
		}
		free(text);
	}
	assert_true(built > 50);
}

static int stop(void **state)
{
	(void)state;
	model_free(&model);
	free(image);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narrower_ranges_and_longer_prefixes_win),
		cmocka_unit_test(a_prefix_without_the_port_leaves_it_to_a_shorter_one),
		cmocka_unit_test(random_services_are_found_as_a_plain_search_finds_them),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, NULL, stop);
}
