// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets in words, against frames whose bytes were written by hand, and
 * against the arithmetic of RFC 1071.
 */
#include <string.h>

#include "describe.h"
#include "test_main.h"

static struct frame frame;

/* Make the frame of a sentence; returns why not, or NULL. */
static const char *make(const char *sentence)
{
	static char said[512];
	char *words[64] = {}, copy[512], *at = copy, *word;
	struct failure why = {};
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", sentence);
	while ((word = strsep(&at, " ")))
		words[count++] = word;
	if (!describe_frame(words, &frame, &why))
		return NULL;
	snprintf(said, sizeof(said), "%s", why.message);
	assert_int_equal(why.code, EXIT_USAGE);
	failure_free(&why);
	return said;
}

static void assert_frame(const char *hex)
{
	static struct frame wanted;
	struct failure why = {};

	assert_int_equal(hex_frame(hex, &wanted, &why), 0);
	/* What follows is padding. */
	assert_true(frame.size >= wanted.size);
	assert_memory_equal(frame.bytes, wanted.bytes, wanted.size);
	for (size_t i = wanted.size; i < frame.size; i++)
		assert_int_equal(frame.bytes[i], 0);
}

/* RFC 1071: with the checksum in it, the sum is all ones. */
static void assert_sum(const __u8 *at, size_t size, __u32 sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (__u32)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
}

static void a_TCP_packet_is_made_byte_by_byte(void **state)
{
	(void)state;
	assert_null(make("tcp from 198.51.100.7:4444 to 192.0.2.1:22 syn,ack ttl 3 dscp ef"));
	assert_frame("02:00:00:00:00:02 02:00:00:00:00:01 0800"
		     "45 b8 0028 0000 0000 03 06 cadc c6336407 c0000201"
		     "115c 0016 00000000 00000000 50 12 ffff b224 0000");
	assert_int_equal(frame.size, 60);
}

static void checksums_are_right(void **state)
{
	static const char *const sentences[] = {
		"tcp from 10.0.0.1:1 to 10.0.0.2:2 length 41",
		"udp from 10.0.0.1:1 to 10.0.0.2:2 length 1500",
		"udp from 10.255.0.1 to 10.0.0.2:65535",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
		const __u8 *ip = frame.bytes + 14;
		__u32 size, pseudo = 0;

		assert_null(make(sentences[i]));
		assert_sum(ip, 20, 0);
		size = ((__u32)ip[2] << 8 | ip[3]) - 20;
		for (int b = 12; b < 20; b++)
			pseudo += b & 1 ? ip[b] : (__u32)ip[b] << 8;
		assert_sum(ip + 20, size, pseudo + ip[9] + size);
	}
	assert_null(make("icmp from 10.0.0.1 to 10.0.0.2 type 3 code 4 length 90"));
	assert_sum(frame.bytes + 34, 70, 0);
}

static void IPv6_has_its_addresses_and_its_checksum(void **state)
{
	__u32 pseudo = 58 + 8;

	(void)state;
	assert_null(make("icmpv6 from 2001:db8::1 to 2001:db8::2 type echo-reply vlan 12"));
	assert_frame("020000000002 020000000001 8100 000c 86dd"
		     "60000000 0008 3a 40 20010db8000000000000000000000001"
		     "20010db8000000000000000000000002 81 00 2348 00000000");
	for (int b = 26; b < 58; b++)
		pseudo += b & 1 ? frame.bytes[b] : (__u32)frame.bytes[b] << 8;
	assert_sum(frame.bytes + 58, 8, pseudo);
}

static void the_short_form_is_the_same_packet(void **state)
{
	static const char *const pairs[][2] = {
		{ "tcp 198.51.100.7:4444 192.0.2.1:443",
		  "tcp from 198.51.100.7:4444 to 192.0.2.1:443" },
		{ "udp [2001:db8::7]:53 [2001:db8::1]:53 ttl 3",
		  "udp from [2001:db8::7]:53 to [2001:db8::1]:53 ttl 3" },
		{ "icmp 198.51.100.7 192.0.2.1", "icmp from 198.51.100.7 to 192.0.2.1" },
		{ "tcp ::1 [::2]:80 ack", "tcp from ::1 to [::2]:80 ack" },
		{ "tcp to 192.0.2.1:443 198.51.100.7:4444",
		  "tcp from 198.51.100.7:4444 to 192.0.2.1:443" },
	};
	static struct frame brief;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_null(make(pairs[i][0]));
		brief = frame;
		assert_null(make(pairs[i][1]));
		assert_int_equal(brief.size, frame.size);
		assert_memory_equal(brief.bytes, frame.bytes, frame.size);
	}
	assert_non_null(strstr(make("tcp 10.0.0.1:1 10.0.0.2:2 10.0.0.3"),
			       "\"10.0.0.3\" is one address too many"));
	assert_non_null(strstr(make("tcp 10.0.0.1:1 10.0.0:2"), "\"10.0.0:2\": write an address"));
	assert_non_null(strstr(make("tcp 10.0.0.1:65536"), "write an address"));
	assert_non_null(strstr(make("tcp 10.0.0.1:1 sny"), "did you mean \"syn\"?"));
}

static void fragments_say_so(void **state)
{
	(void)state;
	assert_null(make("udp from 10.0.0.1 to 10.0.0.2 fragment later"));
	assert_int_equal(frame.bytes[20] & 0x1f, 0);
	assert_int_equal(frame.bytes[21], 185);
	assert_null(make("udp from 10.0.0.1 to 10.0.0.2:9 fragment"));
	assert_int_equal(frame.bytes[20], 0x20);
	assert_null(make("udp from 2001:db8::1 to 2001:db8::2 fragment later"));
	assert_int_equal(frame.bytes[20], 44);
	assert_int_equal(frame.bytes[54], 17);
	assert_int_equal(frame.bytes[56] << 8 | frame.bytes[57], 185 << 3);
}

static void a_frame_need_not_be_IP(void **state)
{
	(void)state;
	assert_null(make("ethertype arp smac 02:00:00:00:00:09"));
	assert_frame("020000000002 020000000009 0806");
	assert_int_equal(frame.size, 60);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_string_equal(make("tcp form 10.0.0.1 to 10.0.0.2:1"),
			    "a packet has no \"form\"; did you mean \"from\"?");
	assert_non_null(strstr(make("tcp from 10.0.0.1:99999 to 10.0.0.2:1"), "write an address"));
	assert_non_null(strstr(make("tcp from 10.0.0.1"), "goes to"));
	assert_non_null(strstr(make("tcp from"), "write an address"));
	assert_non_null(strstr(make("tcp from 10.0.0.1 to 2001:db8::1"), "the other IPv6"));
	assert_non_null(strstr(make("tcp from 10.0.0.1 to 10.0.0.2"), "say the port"));
	assert_non_null(strstr(make("from 10.0.0.1 to 10.0.0.2"), "protocol"));
	assert_non_null(strstr(make("udp from 10.0.0.1 to 10.0.0.2:1 syn"), "only tcp"));
	assert_non_null(strstr(make("icmp from 2001:db8::1 to 2001:db8::2"), "icmpv6"));
	assert_non_null(strstr(make("icmp from 10.0.0.1:1 to 10.0.0.2"), "no ports"));
	assert_non_null(strstr(make("tcp from 10.0.0.1 to 10.0.0.2:1 length 39"), "too short"));
	assert_non_null(strstr(make("tcp from 10.0.0.1 to 10.0.0.2:1 ttl 256"), "0 to 255"));
	assert_non_null(strstr(make("tcp from 10.0.0.1 to 10.0.0.2:1 smac 02:00"), "smac"));
}

static void hexadecimal_is_read_as_it_is_written(void **state)
{
	struct failure why = {};

	(void)state;
	assert_int_equal(hex_frame("00:11 22\n aAbB", &frame, &why), 0);
	assert_int_equal(frame.size, 5);
	assert_int_equal(frame.bytes[4], 0xbb);
	assert_int_equal(hex_frame("00 1", &frame, &why), -1);
	failure_free(&why);
	assert_int_equal(hex_frame("0x00", &frame, &why), -1);
	failure_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_TCP_packet_is_made_byte_by_byte),
		cmocka_unit_test(checksums_are_right),
		cmocka_unit_test(IPv6_has_its_addresses_and_its_checksum),
		cmocka_unit_test(the_short_form_is_the_same_packet),
		cmocka_unit_test(fragments_say_so),
		cmocka_unit_test(a_frame_need_not_be_IP),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(hexadecimal_is_read_as_it_is_written),
	};

	return WEIR_RUN(tests);
}
