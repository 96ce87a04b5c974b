// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands behind an action: rates, bursts, samples; and comparisons. */
#include <string.h>

#include "parser_value_internal.h"
#include "ranges.h"

static const struct {
	const char *text;
	__u16 per_s;
} units[] = {
	{ "s", 1 }, { "m", 60 }, { "h", 3600 }, { "second", 1 }, { "minute", 60 }, { "hour", 3600 },
};

const char *value_unit_text(__u16 per_s)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].per_s == per_s)
			return units[i].text;
	}
	return "?";
}

bool value_rate(const char *word, struct limit *out, struct problem *why)
{
	const char *slash = strchr(word, '/');
	unsigned int rate;

	if (!slash || !value_digits(word, (size_t)(slash - word), &rate))
		return value_refuse(why,
				    "\"%.60s\" is no rate; write packets per second, minute or "
				    "hour, as in 200/s",
				    word);
	if (!rate || rate > LIMIT_RATE_MAX)
		return value_refuse(why, "rate %.60s is out of range; it goes from 1 to %d", word,
				    LIMIT_RATE_MAX);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(slash + 1, units[i].text))
			continue;
		out->rate = rate;
		out->per_s = units[i].per_s;
		return true;
	}
	return value_refuse(why, "\"%.60s\" is no unit of a rate; write %u/s, %u/m or %u/h",
			    slash + 1, rate, rate, rate);
}

__u32 value_default_burst(const struct limit *limit)
{
	__u32 burst = limit->per_s ? limit->rate / limit->per_s : 0;

	return !burst ? 1 : burst > LIMIT_BURST_MAX ? LIMIT_BURST_MAX : burst;
}

/* Prefix length up to @end. */
static bool parse_bits(const char *word, const char *end, unsigned int most, __u8 *out)
{
	unsigned int bits;

	if (!value_digits(word, (size_t)(end - word), &bits) || !bits || bits > most)
		return false;
	*out = (__u8)bits;
	return true;
}

bool value_source_bits(const char *word, const char *keyword, __u8 *v4_bits, __u8 *v6_bits)
{
	const char *v4 = word + strlen(keyword), *v6;
	__u8 bits[2] = { 32, 128 };

	if (strncmp(word, keyword, strlen(keyword)) != 0)
		return false;
	v6 = *v4 == '/' ? strchr(v4 + 1, '/') : NULL;
	if (*v4 && (!v6 || !parse_bits(v4 + 1, v6, 32, &bits[0]) ||
		    !parse_bits(v6 + 1, v6 + strlen(v6), 128, &bits[1])))
		return false;
	*v4_bits = bits[0];
	*v6_bits = bits[1];
	return true;
}

bool value_limit_per(const char *word, struct limit *out, struct problem *why)
{
	if (value_source_bits(word, "saddr", &out->v4_bits, &out->v6_bits)) {
		out->per_saddr = true;
		return true;
	}
	return value_refuse(why,
			    "a limit is not kept per \"%.60s\"; write \"per saddr\", or with the "
			    "prefix lengths of IPv4 and IPv6 \"per saddr/24/64\"",
			    word);
}

bool value_sample(const char *word, __u32 *out, struct problem *why)
{
	unsigned int of;

	if (strncmp(word, "1/", 2) || !value_digits(word + 2, strlen(word + 2), &of) || !of ||
	    of > LIMIT_RATE_MAX)
		return value_refuse(why,
				    "\"%.60s\" is no sample; write 1/N, as 1/100 for one packet in "
				    "a hundred",
				    word);
	*out = of;
	return true;
}

bool value_has_order(enum value_kind kind)
{
	return kind != VALUE_ADDR && kind != VALUE_MAC && small_kinds[kind].has_order;
}

bool value_compared(enum value_kind kind, enum compare how, const char *word, range *out,
		    struct problem *why)
{
	const struct small_kind *small = &small_kinds[kind];
	unsigned int number;

	if (!value_small(small, word, &number, why))
		return false;
	if (how == COMPARE_GREATER && number == small->most)
		return value_refuse(why, "no %s is over %u; it goes from 0 to %u", small->what,
				    number, small->most);
	if (how == COMPARE_LESS && !number)
		return value_refuse(why, "no %s is below 0; it goes from 0 to %u", small->what,
				    small->most);
	if (how == COMPARE_LESS || how == COMPARE_LESS_EQUAL)
		range_set(out, 0, number - (how == COMPARE_LESS));
	else
		range_set(out, number + (how == COMPARE_GREATER), small->most);
	return true;
}

bool value_compared_text(enum value_kind kind, const range *ranges, size_t count,
			 value_text_fn each, void *arg)
{
	char word[24];
	__u64 most;

	if ((kind != VALUE_LENGTH && kind != VALUE_TTL) || count != 1 ||
	    ranges[0].first_lo == ranges[0].last_lo)
		return false;
	most = small_kinds[kind].most;
	if (ranges[0].first_lo && ranges[0].last_lo == most)
		snprintf(word, sizeof(word), "> %u", (unsigned int)ranges[0].first_lo - 1);
	else if (!ranges[0].first_lo && ranges[0].last_lo < most)
		snprintf(word, sizeof(word), "< %u", (unsigned int)ranges[0].last_lo + 1);
	else
		return false;
	each(arg, word);
	return true;
}
