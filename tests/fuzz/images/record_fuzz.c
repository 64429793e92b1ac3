/*
 * Records of images, of names, and reports: what is accepted is written as it was read, and nothing
 * else is.
 */
#include "engine/scheduler/native/images/record.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(struct gf_str input) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf first;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf second;
    struct gf_image_record record;
    gf_arena_init(&arena, 2 * GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    gf_strbuf_init(&first, 4 * GF_IMAGE_RECORD_BYTES_MAX);
    gf_strbuf_init(&second, 4 * GF_IMAGE_RECORD_BYTES_MAX);
    if (gf_image_record_parse(input, &arena, &record, NULL) != GF_OK) {
        return;
    }
    gf_assert(record.layer_count >= 1 && record.layer_count <= GF_IMAGE_LAYERS_MAX);
    gf_image_record_write(&record, &first);
    if (first.len > GF_IMAGE_RECORD_BYTES_MAX) {
        return;
    }
    gf_assert(gf_image_record_parse(gf_strbuf_view(&first), &arena, &record, NULL) == GF_OK);
    gf_image_record_write(&record, &second);
    gf_assert(gf_str_eq(gf_strbuf_view(&first), gf_strbuf_view(&second)));
}

static void check_name(struct gf_str input) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_image_name name;
    char file[GF_REFERENCE_CHARS_MAX + 1];
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    if (gf_image_name_parse(input, &name, NULL) != GF_OK) {
        return;
    }
    gf_assert(strchr(gf_image_name_to_file(name.name, file), '/') == NULL);
    gf_assert(file[0] != '.');
    gf_image_name_write(&name, &text);
    gf_assert(gf_image_name_parse(gf_strbuf_view(&text), &name, NULL) == GF_OK);
}

static void check_report(struct gf_str input) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_image_report report;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    if (gf_image_report_parse(input, &arena, &report, NULL) != GF_OK) {
        return;
    }
    gf_assert(report.failed || report.count <= GF_IMAGE_ARCHIVE_NAMES_MAX);
    gf_assert(!report.failed || gf_utf8_valid(gf_str_from(report.failure.message)));
    gf_image_report_write(&report, &text);
    gf_assert(gf_image_report_parse(gf_strbuf_view(&text), &arena, &report, NULL) == GF_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str input = {(const char *)data, size};
    check_record(input);
    check_name(input);
    check_report(input);
    return 0;
}
