/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as text where printf() would take most of the time: a filter of
 * 10,000 rules is printed each time that it is applied.
 */
#ifndef WEIR_DECIMAL_H
#define WEIR_DECIMAL_H

#define DECIMAL_BYTES 11 /* of 32 bits and the NUL */

/* Write @number at @out, with a NUL. Returns where the NUL is. */
static inline char *decimal(char *out, unsigned int number)
{
	char digits[DECIMAL_BYTES];
	unsigned int count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		*out++ = digits[--count];
	*out = 0;
	return out;
}

#endif
