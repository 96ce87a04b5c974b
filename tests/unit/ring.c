// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hashes of weir/balance.h: where in the ring a flow falls, and where in
 * its table a VIP.
 */
#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "maglev.h"
#include "random.h"
#include "test_main.h"
#include "weir/balance.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIZE WEIR_RING_SLOTS

static __u32 ring[SIZE];

/* Of ten backends alike. */
static void fill_ring(void)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	static const __u16 weight[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

	assert_int_equal(maglev_fill(names, weight, COUNT(names), ring, SIZE), 0);
}

/* An address as the datapath reads it: two words as they lie in memory. */
struct address {
	__u64 word[2];
};

static struct address v4(__u32 host_order)
{
	const __u8 bytes[16] = { [10] = 0xff,
				 [11] = 0xff,
				 [12] = (__u8)(host_order >> 24),
				 [13] = (__u8)(host_order >> 16),
				 [14] = (__u8)(host_order >> 8),
				 [15] = (__u8)host_order };
	struct address a;

	memcpy(&a, bytes, sizeof(a));
	return a;
}

/* Host @n of 2001:db8::/64. */
static struct address v6(__u64 n)
{
	const __u64 words[2] = { htobe64(0x20010db800000000ULL), htobe64(n) };
	struct address a;

	memcpy(&a, words, sizeof(a));
	return a;
}

static __u32 position(struct address s, __u16 sport, struct address d, __u16 dport, __u8 proto)
{
	return weir_ring_position(s.word[0], s.word[1], d.word[0], d.word[1], htobe16(sport),
				  htobe16(dport), proto);
}

/*
 * How many standard deviations @bins, filled with @balls, are from what chance
 * does; beyond 6 it was not chance (1 in 10^9).
 */
static double deviation(const __u32 *bins, __u32 count, double balls)
{
	const double fair = balls / count;
	double chi = 0;
	__u32 i;

	for (i = 0; i < count; i++)
		chi += (bins[i] - fair) * (bins[i] - fair) / fair;
	return (chi - (count - 1)) / sqrt(2.0 * (count - 1));
}

static __u32 position_of_random_flow(int is_v6)
{
	const __u64 r = random_u64();
	const __u8 proto = r & 1 ? 6 : 17;

	if (is_v6)
		return position(v6(random_u64()), (__u16)(r >> 16), v6(1 + (r >> 8 & 15)),
				(__u16)(r >> 32), proto);
	return position(v4((__u32)random_u64()), (__u16)(r >> 16), v4(0xc0000201 + (r >> 8 & 15)),
			(__u16)(r >> 32), proto);
}

static void random_flows_spread_evenly_over_the_ring(void **state)
{
	static __u32 bins[SIZE];
	const __u32 flows = 50 * SIZE;
	int is_v6;
	__u32 i;

	(void)state;
	for (is_v6 = 0; is_v6 < 2; is_v6++) {
		memset(bins, 0, sizeof(bins));
		for (i = 0; i < flows; i++) {
			const __u32 p = position_of_random_flow(is_v6);

			assert_true(p < SIZE);
			bins[p]++;
		}
		printf("  v%c: %.1f standard deviations from chance\n", is_v6 ? '6' : '4',
		       deviation(bins, SIZE, flows));
		assert_true(fabs(deviation(bins, SIZE, flows)) < 6);
	}
}

/* Of 4 clients with neighbouring addresses that use all their ports in turn. */
static double worst_share_of_sequential_ports(int is_v6)
{
	__u32 share[10] = { 0 }, client, port, i;
	const double fair = 4 * (65536 - 1024) / 10.0;
	double worst = 0;

	for (client = 1; client <= 4; client++)
		for (port = 1024; port < 65536; port++) {
			const __u32 p = is_v6 ? position(v6(client), (__u16)port, v6(0x80), 443, 6)
					      : position(v4(0x0a000000 + client), (__u16)port,
							 v4(0xc0000201), 443, 6);

			share[ring[p]]++;
		}
	for (i = 0; i < 10; i++)
		worst = fmax(worst, fabs(share[i] - fair) / fair);
	return worst;
}

static void sequential_source_ports_spread_over_the_backends(void **state)
{
	int is_v6;

	(void)state;
	fill_ring();
	for (is_v6 = 0; is_v6 < 2; is_v6++) {
		const double worst = worst_share_of_sequential_ports(is_v6);

		printf("  v%c: a backend is %.2f %% off its share at most\n", is_v6 ? '6' : '4',
		       100 * worst);
		assert_true(worst < 0.04);
	}
}

static void sequential_clients_spread_over_the_backends(void **state)
{
	__u32 share[10] = { 0 }, i;

	(void)state;
	fill_ring();
	for (i = 0; i < 200000; i++)
		share[ring[position(v4(0x0a000000 + i), 5060, v4(0xc0000201), 5060, 17)]]++;
	for (i = 0; i < 10; i++)
		assert_true(fabs(share[i] - 20000.0) < 800);
}

/* Sequential VIPs, as a configuration has them: addresses, or every other a prefix. */
static void vips_spread_evenly_over_their_table(void **state)
{
	static __u32 bins[1 << 12];
	const __u32 vips = 1 << 16;
	int is_v6;
	__u32 i;

	(void)state;
	for (is_v6 = 0; is_v6 < 2; is_v6++) {
		memset(bins, 0, sizeof(bins));
		for (i = 0; i < vips; i++) {
			const struct address a = is_v6 ? v6(i & ~1U) : v4(0xc6120000 + (i & ~1U));

			bins[weir_vip_hash(a.word[0], a.word[1], i & 1 ? 127 : 128) &
			     (COUNT(bins) - 1)]++;
		}
		printf("  v%c: %.1f standard deviations from chance\n", is_v6 ? '6' : '4',
		       deviation(bins, COUNT(bins), vips));
		/* Less than chance is more even. */
		assert_true(deviation(bins, COUNT(bins), vips) < 6);
	}
}

/* In a table of 65,536, of random VIPs: how many stay in their place when one bit changes. */
static unsigned int unmoved_by(unsigned int bit)
{
	unsigned int i, unmoved = 0;

	for (i = 0; i < 4000; i++) {
		const __u64 word[2] = { random_u64(), random_u64() };
		const __u64 flip[2] = { bit < 64 ? 1ULL << bit : 0,
					bit >= 64 ? 1ULL << (bit - 64) : 0 };
		const __u32 change = weir_vip_hash(word[0], word[1], 128) ^
				     weir_vip_hash(word[0] ^ flip[0], word[1] ^ flip[1], 128);

		unmoved += !(change & 0xffff);
	}
	return unmoved;
}

static void vips_that_differ_in_a_bit_lie_apart(void **state)
{
	unsigned int bit;

	(void)state;
	for (bit = 0; bit < 128; bit++)
		assert_in_range(unmoved_by(bit), 0, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_flows_spread_evenly_over_the_ring),
		cmocka_unit_test(sequential_source_ports_spread_over_the_backends),
		cmocka_unit_test(sequential_clients_spread_over_the_backends),
		cmocka_unit_test(vips_spread_evenly_over_their_table),
		cmocka_unit_test(vips_that_differ_in_a_bit_lie_apart),
	};

	random_start();
	return WEIR_RUN(tests);
}
