// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP segments from senders that do not exist, as fast as they go out.
 *
 *     flood IF DMAC DADDR DPORT FLAGS SECONDS
 *
 * FLAGS is a number: 2 for SYN, 16 for ACK. IPv4; the sources are random ones
 * of 198.18.0.0/15. Prints how many left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define SOURCES 0xC6120000U
#define SOURCE_BITS 17

struct segment {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

/* xorshift64: fast, and nobody guesses these. */
static uint64_t next_random(void)
{
	static uint64_t state = 0x9E3779B97F4A7C15ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* RFC 1071 over @size bytes, an even number. */
static uint32_t sum(const void *bytes, size_t size, uint32_t total)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < size; i += 2)
		total += (uint32_t)b[i] << 8 | b[i + 1];
	return total;
}

static uint16_t checksum(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	total += total >> 16;
	return htons((uint16_t)~total);
}

static void make_another(struct segment *s)
{
	uint64_t r = next_random();

	s->ip.saddr = htonl(SOURCES | (r & ((1U << SOURCE_BITS) - 1)));
	s->ip.check = 0;
	s->ip.check = checksum(sum(&s->ip, sizeof(s->ip), 0));
	s->tcp.source = htons((uint16_t)(r >> 20 | 1024));
	s->tcp.seq = (uint32_t)(r >> 32);
	s->tcp.check = 0;
	s->tcp.check = checksum(
		sum(&s->tcp, sizeof(s->tcp), sum(&s->ip.saddr, 8, IPPROTO_TCP + sizeof(s->tcp))));
}

static int fill(struct segment *s, char **argv)
{
	*s = (struct segment){
		.eth = { .h_source = { 2, 0, 0, 0, 0, 9 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP },
		.tcp = { .doff = 5, .window = 0xffff },
	};
	s->ip.tot_len = htons(sizeof(s->ip) + sizeof(s->tcp));
	s->tcp.dest = htons((uint16_t)atoi(argv[4]));
	((uint8_t *)&s->tcp)[13] = (uint8_t)atoi(argv[5]);
	if (inet_pton(AF_INET, argv[3], &s->ip.daddr) != 1)
		return -1;
	return sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &s->eth.h_dest[0],
		      &s->eth.h_dest[1], &s->eth.h_dest[2], &s->eth.h_dest[3], &s->eth.h_dest[4],
		      &s->eth.h_dest[5]) == 6
		       ? 0
		       : -1;
}

static int open_device(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	return fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)) ? fd : -1;
}

static uint64_t send_until(int fd, const struct segment *template, time_t end)
{
	struct segment segments[BATCH];
	struct iovec io[BATCH];
	struct mmsghdr messages[BATCH] = {};
	uint64_t sent = 0;

	for (int i = 0; i < BATCH; i++) {
		segments[i] = *template;
		io[i] = (struct iovec){ &segments[i], sizeof(segments[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &io[i], .msg_iovlen = 1 };
	}
	while (time(NULL) < end) {
		int n;

		for (int i = 0; i < BATCH; i++)
			make_another(&segments[i]);
		n = sendmmsg(fd, messages, BATCH, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			break;
		sent += n > 0 ? (uint64_t)n : 0;
	}
	return sent;
}

int main(int argc, char **argv)
{
	struct segment template;
	int fd;

	if (argc != 7 || fill(&template, argv)) {
		fputs("usage: flood IF DMAC DADDR DPORT FLAGS SECONDS\n", stderr);
		return 2;
	}
	fd = open_device(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "flood: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("%llu\n", (unsigned long long)send_until(fd, &template, time(NULL) + atoi(argv[6])));
	return 0;
}
