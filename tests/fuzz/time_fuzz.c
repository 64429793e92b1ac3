/* Times and durations: what is read and written again must be the same, and nothing may crash. */
#include "base/time.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_time(struct gf_str text) {
    int64_t wall_ns = 0;
    if (gf_time_parse(text, &wall_ns, NULL) != GF_OK) {
        return;
    }
    char formatted[GF_TIME_BYTES_MAX];
    int64_t again_ns = 0;
    (void)gf_time_format(wall_ns, formatted);
    gf_assert(gf_time_parse(gf_str_from(formatted), &again_ns, NULL) == GF_OK);
    gf_assert(again_ns == wall_ns);
}

static void run_duration(struct gf_str text) {
    int64_t duration_ns = 0;
    if (gf_duration_parse(text, &duration_ns, NULL) != GF_OK) {
        return;
    }
    gf_assert(duration_ns >= 0);
    char formatted[GF_DURATION_BYTES_MAX];
    int64_t again_ns = 0;
    (void)gf_duration_format(duration_ns, formatted);
    /* The text is rounded down, to two units at most. */
    gf_assert(gf_duration_parse(gf_str_from(formatted), &again_ns, NULL) == GF_OK);
    gf_assert(again_ns <= duration_ns);
    gf_assert(again_ns >= duration_ns / 2);
}

static void run_any_number(const uint8_t *data, size_t size) {
    int64_t numbers[2] = {0, 0};
    memcpy(numbers, data, size < sizeof(numbers) ? size : sizeof(numbers));
    char time_text[GF_TIME_BYTES_MAX];
    char text[GF_DURATION_BYTES_MAX];
    int64_t again_ns = 0;
    gf_assert(gf_time_parse(gf_str_from(gf_time_format(numbers[0], time_text)), &again_ns, NULL) ==
              GF_OK);
    gf_assert(again_ns == numbers[0]);
    gf_assert(strlen(gf_time_format_seconds(numbers[0], time_text)) ==
              strlen("2026-11-21T20:12:52Z"));
    gf_assert(strlen(gf_duration_format(numbers[0], text)) < GF_DURATION_BYTES_MAX);
    gf_assert(strlen(gf_age_format(numbers[0], numbers[1], text)) < GF_DURATION_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str text = {(const char *)data, size};
    run_time(text);
    run_duration(text);
    run_any_number(data, size);
    return 0;
}
