// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pictures of time against latency, from samples that are made up.
 */
#include "heat.h"

#include <math.h>
#include <png.h>
#include <string.h>

#include "heat_axis.h"
#include "own.h"
#include "random.h"
#include "test_main.h"
#include "weir/latency.h"

#define BEGIN_S 1700000000ULL /* 22:13:20 UTC */
#define ROWS 104

static void floors(struct heat *h, unsigned int rows)
{
	for (unsigned int r = 0; r <= rows; r++)
		h->floor_ns[r] = (__u64)((4 + r % 4) * 250) << (r / 4);
}

static struct heat empty(unsigned int columns, unsigned int rows)
{
	struct heat h = { .title = "eth0 wire: round-trip times",
			  .begin_s = BEGIN_S,
			  .column_s = 15 };

	assert_int_equal(heat_room(&h, columns, rows), 0);
	floors(&h, rows);
	return h;
}

static void add(struct heat *h, unsigned int column, __u64 ns, __u64 count)
{
	unsigned int row = 0;

	while (row + 1 < h->rows && h->floor_ns[row + 1] <= ns)
		row++;
	h->count[column * h->rows + row] += count;
}

static double normal(void)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += random_below(1 << 20) / (double)(1 << 20);
	return sum - 6;
}

/* An hour of a service at 800 us with a second mode at 40 ms, an outage and a slow quarter. */
static struct heat an_hour(void)
{
	struct heat h = empty(256, ROWS);

	for (unsigned int c = 16; c < 256; c++) {
		double load = 1 + 0.6 * sin(c / 20.0), slow = c > 150 && c < 200 ? 12 : 1;
		unsigned int samples = c > 100 && c < 108 ? 0 : (unsigned int)(300 * load);

		for (unsigned int i = 0; i < samples; i++)
			add(&h, c, (__u64)(800e3 * slow * exp(0.25 * normal()) * load), 1);
		for (unsigned int i = 0; i < samples / 40; i++)
			add(&h, c, (__u64)(40e6 * exp(0.1 * normal())), 1);
	}
	return h;
}

static void quantiles_lie_within_their_row(void **state)
{
	struct heat h = empty(2, ROWS);

	(void)state;
	add(&h, 0, 1000000, 100);
	add(&h, 0, 40000000, 1);
	assert_in_range(heat_quantile_ns(&h, 0, 500), 896000, 1024000);
	assert_in_range(heat_quantile_ns(&h, 0, 990), 896000, 1024000);
	assert_in_range(heat_quantile_ns(&h, 0, 1000), 32768000, 40960000);
	assert_int_equal(heat_quantile_ns(&h, 1, 500), 0);
	heat_free(&h);
}

static void cropping_and_shrinking_lose_no_sample(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		unsigned int columns = 1 + random_below(256), rows = 1 + random_below(ROWS);
		struct heat h = empty(columns, rows);
		__u64 samples = 0, end_s = h.begin_s + columns * 15ULL;

		for (unsigned int n = random_below(40); n; n--) {
			h.count[random_below(columns * rows)] += n;
			samples += n;
		}
		heat_crop(&h);
		assert_int_equal(heat_samples(&h), samples);
		assert_int_equal(h.begin_s + h.columns * 15ULL, end_s);
		heat_shrink(&h, 1 + random_below(80), 1 + random_below(40));
		assert_int_equal(heat_samples(&h), samples);
		assert_true(h.begin_s + (__u64)h.columns * h.column_s >= end_s);
		for (unsigned int r = 0; r < h.rows; r++)
			assert_true(h.floor_ns[r] < h.floor_ns[r + 1]);
		heat_free(&h);
	}
}

static void shrinking_keeps_samples_in_their_time_and_latency(void **state)
{
	struct heat h = empty(8, 8);

	(void)state;
	h.count[5 * 8 + 6] = 7;
	h.count[4 * 8 + 1] = 3;
	heat_shrink(&h, 4, 2);
	assert_int_equal(h.columns, 4);
	assert_int_equal(h.rows, 2);
	assert_int_equal(h.column_s, 30);
	assert_int_equal(h.count[2 * 2 + 1], 7);
	assert_int_equal(h.count[2 * 2 + 0], 3);
	assert_int_equal(h.floor_ns[1], 2000);
	assert_int_equal(h.floor_ns[2], 4000);
	heat_free(&h);
}

static char *printed(struct heat *h, enum heat_style style)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	heat_print(h, style, 40, 20, out);
	fclose(out);
	return text;
}

static void ascii_shows_what_there_is(void **state)
{
	struct heat h = empty(24, ROWS);
	char *text;

	(void)state;
	for (unsigned int c = 0; c < 24; c++)
		add(&h, c, 1100000, 1000);
	add(&h, 12, 5000000, 1);
	text = printed(&h, HEAT_ASCII);
	/* Rows begin at 1.024 ms and the like: the millisecond is in the one below. */
	assert_string_equal(text, "eth0 wire: round-trip times\n"
				  "2023-11-14 22:13:20 to 22:19:20, 15 s a column, 24001 samples\n"
				  "                                \n"
				  "                                \n"
				  "   5 ms             .           \n"
				  "                                \n"
				  "                                \n"
				  "                                \n"
				  "                                \n"
				  "   2 ms                         \n"
				  "                                \n"
				  "                                \n"
				  "        @@@@@@@@@@@@@@@@@@@@@@@@\n"
				  "   1 ms                         \n"
				  "                                \n"
				  "              22:15\n"
				  "        1 .:-=+*#%@ 1000 samples\n");
	free(text);
	heat_free(&h);
}

static void colour_is_for_terminals_and_pipes_get_ascii(void **state)
{
	struct heat h = an_hour();
	char *text = printed(&h, HEAT_COLOUR);
	FILE *out = tmpfile();

	(void)state;
	assert_non_null(strstr(text, "\033[38;5;"));
	assert_non_null(strstr(text, "\xe2\x96\x80"));
	assert_non_null(strstr(text, "\033[0m\n"));
	setenv("LANG", "C.UTF-8", 1);
	assert_int_equal(heat_style_for(out), HEAT_ASCII);
	fclose(out);
	free(text);
	heat_free(&h);
}

static void nothing_measured_is_drawn_all_the_same(void **state)
{
	struct heat h = empty(256, ROWS), none = empty(0, ROWS);
	char *text = printed(&h, HEAT_ASCII), *other = printed(&none, HEAT_COLOUR);
	struct svg svg;
	FILE *out = tmpfile();

	(void)state;
	assert_non_null(strstr(text, "0 samples"));
	svg_begin(&svg, HEAT_WIDTH, HEAT_HEIGHT, "none", out);
	heat_draw(&h, &svg.canvas);
	heat_draw(&none, &svg.canvas);
	svg_end(&svg);
	fclose(out);
	free(text);
	free(other);
	heat_free(&h);
	heat_free(&none);
}

/* $WEIR_TEST_PICTURES: a folder to leave the pictures in, to be looked at. */
static FILE *picture(const char *name)
{
	const char *folder = getenv("WEIR_TEST_PICTURES");
	char path[256];

	if (!folder)
		return tmpfile();
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "w+");
}

static void the_svg_has_title_axes_and_cells(void **state)
{
	struct heat h = an_hour();
	OWN_FILE FILE *out = picture("hour.svg");
	static char text[1 << 20];
	struct svg svg;

	(void)state;
	snprintf(h.title, sizeof(h.title), "a<b & \"c\"\n: round-trip times");
	svg_begin(&svg, HEAT_WIDTH, HEAT_HEIGHT, h.title, out);
	heat_draw(&h, &svg.canvas);
	svg_end(&svg);
	rewind(out);
	text[fread(text, 1, sizeof(text) - 1, out)] = 0;
	assert_non_null(strstr(text, "<title>a&lt;b &amp; \"c\"?: round-trip times</title>"));
	assert_non_null(strstr(text, ">1 ms</text>"));
	assert_non_null(strstr(text, ">22:30</text>"));
	assert_non_null(strstr(text, ">p99</text>"));
	assert_non_null(strstr(text, "<polyline"));
	assert_string_equal(text + strlen(text) - 7, "</svg>\n");
	heat_free(&h);
}

static void the_png_is_what_was_drawn(void **state)
{
	struct heat h = an_hour();
	OWN_FILE FILE *out = picture("hour.png");
	png_image image = { .version = PNG_IMAGE_VERSION };
	OWN_FREE __u8 *pixels = NULL;
	struct raster png;

	(void)state;
	assert_int_equal(raster_begin(&png, HEAT_WIDTH, HEAT_HEIGHT, 2), 0);
	heat_draw(&h, &png.canvas);
	assert_int_equal(raster_write(&png, out), 0);
	rewind(out);
	assert_true(png_image_begin_read_from_stdio(&image, out));
	image.format = PNG_FORMAT_RGB;
	assert_int_equal(image.width, 2000);
	assert_int_equal(image.height, 1120);
	pixels = malloc(PNG_IMAGE_SIZE(image));
	assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
	assert_memory_equal(pixels, png.pixels, 3UL * png.width * png.height);
	raster_free(&png);
	heat_free(&h);
}

static void drawing_outside_of_the_picture_does_no_harm(void **state)
{
	struct raster png;

	(void)state;
	assert_int_equal(raster_begin(&png, 20, 10, 1), 0);
	png.canvas.rect(&png.canvas, (struct point){ -5, -5 }, 100, 100, 0xff0000);
	png.canvas.rect(&png.canvas, (struct point){ 50, 50 }, 10, 10, 0x00ff00);
	png.canvas.line(&png.canvas, (struct point[]){ { -9, -9 }, { 90, 90 } }, 2, 3, 0x0000ff);
	for (int letter = 1; letter < 256; letter++)
		png.canvas.text(&png.canvas, (struct point){ letter - 9, 5 }, ANCHOR_END, 12, 0,
				(char[]){ (char)letter, 0 });
	assert_int_equal(png.pixels[3 * (9 * 20 + 19)], 255);
	raster_free(&png);
}

/* Four steps per octave from 4 ticks on: a value less than 5/4 of its bucket's floor. */
static void heat_buckets_begin_at_their_floor(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < WEIR_HEAT_BUCKETS; i++) {
		const __u32 floor = (__u32)weir_heat_floor(i), next = (__u32)weir_heat_floor(i + 1);

		assert_int_equal(weir_heat_bucket(floor), i);
		assert_int_equal(weir_heat_bucket(next - 1), i);
		assert_true(next - floor <= (floor + 3) / 4);
	}
	assert_int_equal(weir_heat_bucket(0), 0);
	assert_int_equal(weir_heat_bucket(0xffffffff), WEIR_HEAT_BUCKETS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heat_buckets_begin_at_their_floor),
		cmocka_unit_test(quantiles_lie_within_their_row),
		cmocka_unit_test(cropping_and_shrinking_lose_no_sample),
		cmocka_unit_test(shrinking_keeps_samples_in_their_time_and_latency),
		cmocka_unit_test(ascii_shows_what_there_is),
		cmocka_unit_test(colour_is_for_terminals_and_pipes_get_ascii),
		cmocka_unit_test(nothing_measured_is_drawn_all_the_same),
		cmocka_unit_test(the_svg_has_title_axes_and_cells),
		cmocka_unit_test(the_png_is_what_was_drawn),
		cmocka_unit_test(drawing_outside_of_the_picture_does_no_harm),
	};

	setenv("TZ", "UTC", 1);
	return WEIR_RUN(tests);
}
