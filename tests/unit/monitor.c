// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the log tells of a packet: the words that it was made from, whatever
 * the head of it is cut to, and nothing harmful of bytes that are no packet.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "describe.h"
#include "monitor.h"
#include "own.h"
#include "random.h"
#include "test_main.h"

#define RANDOM_EVENTS 200000

static struct frame frame;

static void make(const char *sentence)
{
	char *words[64] = {}, copy[512], *at = copy, *word;
	struct failure why = {};
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", sentence);
	while ((word = strsep(&at, " ")))
		words[count++] = word;
	if (describe_frame(words, &frame, &why))
		fail_msg("%s", why.message);
}

static void make_hex(const char *hex)
{
	struct failure why = {};

	assert_int_equal(hex_frame(hex, &frame, &why), 0);
}

/*
 * An event of @frame with @bytes of its head and nothing behind them, so that
 * a read behind them is found; freed by the caller.
 */
static struct weir_log_event *event_of(size_t bytes)
{
	struct weir_log_event *e = malloc(offsetof(struct weir_log_event, head) + bytes);

	assert_non_null(e);
	memset(e, 0, offsetof(struct weir_log_event, head));
	e->bytes = (__u32)frame.size;
	e->head_bytes = (__u8)bytes;
	memcpy(e->head, frame.bytes, bytes);
	return e;
}

static size_t head_bytes(void)
{
	return frame.size < WEIR_LOG_HEAD ? frame.size : WEIR_LOG_HEAD;
}

/* Words and JSON of an event; the JSON is only made to see that it can be. */
static const char *text_of(const struct weir_log_event *e)
{
	static char text[1024];
	FILE *out = fmemopen(text, sizeof(text), "w");
	OWN_FREE char *dumped = NULL;
	struct seen seen;
	json_t *json;

	assert_non_null(out);
	seen_decode(e, &seen);
	seen_print(&seen, out);
	fclose(out);
	json = seen_json(&seen);
	dumped = json_dumps(json, JSON_COMPACT);
	assert_non_null(dumped);
	json_decref(json);
	for (const char *at = text; *at; at++)
		assert_true(isprint((unsigned char)*at));
	return text;
}

static void assert_text(const char *want)
{
	OWN_FREE struct weir_log_event *e = event_of(head_bytes());

	assert_string_equal(text_of(e), want);
}

static void a_packet_is_told_in_the_words_that_made_it(void **state)
{
	static const char *const sentences[] = {
		"tcp from 198.51.100.7:4444 to 192.0.2.1:22 syn length 40 ttl 64",
		"tcp from 198.51.100.7:4444 to 192.0.2.1:22 psh,ack length 1500 ttl 3 dscp ef",
		"tcp from [2001:db8::7]:4444 to [2001:db8::1]:22 none length 60 ttl 64 vlan 7",
		"udp from 10.0.0.1:53 to 10.0.0.2:65535 length 28 ttl 255 dscp 5",
		"udp from 10.0.0.1:53 to 10.0.0.2:1 length 1400 ttl 64 fragment first",
		"tcp from 10.0.0.1 to 10.0.0.2 length 40 ttl 64 fragment later",
		"udp from 2001:db8::7 to 2001:db8::1 length 56 ttl 64 fragment later",
		"icmp from 10.0.0.1 to 10.0.0.2 type unreachable code 4 length 90 ttl 64",
		"icmp from 10.0.0.1 to 10.0.0.2 type 42 code 255 length 28 ttl 1",
		"icmpv6 from fe80::1 to ff02::1 type neighbour-solicitation code 0 length 48 ttl "
		"255",
		"gre from 10.0.0.1 to 10.0.0.2 length 20 ttl 64",
		"proto 200 from 2001:db8::7 to 2001:db8::1 length 60 ttl 64",
		"sctp from 10.0.0.1:1 to 10.0.0.2:2 length 32 ttl 64",
		"ethertype arp smac 02:00:00:00:00:0a dmac ff:ff:ff:ff:ff:ff",
		"ethertype 0x88b5 smac 02:00:00:00:00:0a dmac 02:00:00:00:00:0b vlan 4095",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
		make(sentences[i]);
		assert_text(sentences[i]);
	}
}

static void tags_are_told_from_the_outermost_inwards(void **state)
{
	OWN_FREE struct weir_log_event *e = NULL;

	(void)state;
	make_hex("020000000002 020000000001 88a8 0064 8100 00c8 0800"
		 "45000014 00000000 40ff0000 0a000001 0a000002");
	assert_text("proto 255 from 10.0.0.1 to 10.0.0.2 length 20 ttl 64 vlan 100 inner-vlan 200");
	e = event_of(head_bytes());
	e->is_tagged = 1;
	e->vlan = htons(0xe000 | 9);
	assert_string_equal(
		text_of(e),
		"proto 255 from 10.0.0.1 to 10.0.0.2 length 20 ttl 64 vlan 9 inner-vlan 100"
		" inner-vlan 200");
}

static void headers_behind_IPv6_extensions_are_found(void **state)
{
	(void)state;
	make_hex("020000000002 020000000001 86dd 60000000 001c 00 40"
		 "20010db8000000000000000000000001 20010db8000000000000000000000002"
		 "2c00 000000000000 11000000 00000000 0035 0050 000c 0000 00000000");
	assert_text("udp from [2001:db8::1]:53 to [2001:db8::2]:80 length 68 ttl 64");
}

static void what_contradicts_itself_is_called_broken(void **state)
{
	static const struct {
		const char *hex, *text;
	} broken[] = {
		{ "0200", "2 bytes broken" },
		{ "020000000002 020000000001 0800 4500",
		  "ethertype ip smac 02:00:00:00:00:01 dmac 02:00:00:00:00:02 broken" },
		/* more than there is */
		{ "020000000002 020000000001 0800 450000ff 00000000 40060000 0a000001 0a000002",
		  "ip from 10.0.0.1 to 10.0.0.2 length 255 ttl 64 broken" },
		/* a TCP header of four words */
		{ "020000000002 020000000001 0800 45000028 00000000 40060000 0a000001 0a000002"
		  "0001 0002 00000000 00000000 4002 0000 00000000",
		  "tcp from 10.0.0.1 to 10.0.0.2 length 40 ttl 64 broken" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		make_hex(broken[i].hex);
		assert_text(broken[i].text);
	}
}

static void a_head_cut_at_any_byte_is_told_as_far_as_it_goes(void **state)
{
	static const char *const sentences[] = {
		"tcp from [2001:db8::7]:4444 to [2001:db8::1]:22 syn length 400 ttl 64 vlan 7",
		"udp from 10.0.0.1:53 to 10.0.0.2:1 length 400 ttl 64",
		"icmp from 10.0.0.1 to 10.0.0.2 type unreachable code 4 length 400 ttl 64",
		"udp from [2001:db8::7]:1 to [2001:db8::1]:2 length 400 ttl 64 fragment first",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
		bool was_whole = false;

		make(sentences[i]);
		for (size_t bytes = 0; bytes <= WEIR_LOG_HEAD; bytes++) {
			OWN_FREE struct weir_log_event *e = event_of(bytes);
			const char *text = text_of(e);
			bool is_whole = !strcmp(text, sentences[i]);

			assert_true(is_whole || (!was_whole && strstr(text, " cut")));
			was_whole = is_whole;
		}
		assert_true(was_whole);
	}
}

/* Most are near to a packet, so that the walk goes deep. */
static void make_random(void)
{
	static const char *const near[] = {
		"tcp from [2001:db8::7]:4444 to [2001:db8::1]:22 vlan 7",
		"icmp from 10.0.0.1 to 10.0.0.2",
		"udp from [2001:db8::7]:1 to [2001:db8::1]:2 fragment first",
		"ethertype arp",
	};
	__u32 flips = random_below(6);

	make(near[random_below(4)]);
	if (!random_below(4)) {
		frame.size = random_below(200);
		flips = 200;
	}
	while (flips-- && frame.size)
		frame.bytes[random_below((__u32)frame.size)] = (__u8)random_u64();
}

static void random_bytes_harm_nothing(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < RANDOM_EVENTS; i++) {
		OWN_FREE struct weir_log_event *e = NULL;

		make_random();
		e = event_of(random_below((__u32)head_bytes() + 1));
		e->is_tagged = (__u8)random_below(2);
		e->vlan = (__be16)random_u64();
		if (!random_below(8))
			e->bytes = (__u32)random_u64();
		text_of(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_is_told_in_the_words_that_made_it),
		cmocka_unit_test(tags_are_told_from_the_outermost_inwards),
		cmocka_unit_test(headers_behind_IPv6_extensions_are_found),
		cmocka_unit_test(what_contradicts_itself_is_called_broken),
		cmocka_unit_test(a_head_cut_at_any_byte_is_told_as_far_as_it_goes),
		cmocka_unit_test(random_bytes_harm_nothing),
	};

	return WEIR_RUN(tests);
}
