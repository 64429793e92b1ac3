/*
 * The two short records: a name in the store, and the report of gofer-fetch.
 */
#include "engine/scheduler/native/images/failure.h"
#include "engine/scheduler/native/images/lines.h"
#include "engine/scheduler/native/images/record.h"
#include "engine/scheduler/native/images/text.h"

static const char name_kind[] = "gofer-image-name";
static const char index_kind[] = "gofer-image-index";
static const char report_kind[] = "gofer-fetch";
enum {
    NAME_VERSION = 1,
    INDEX_VERSION = 1,
    REPORT_VERSION = 1,
};

static void put_name(const struct gf_image_name *name, struct gf_strbuf *out) {
    gf_lines_put(out, "name", gf_str_from(name->name));
    gf_lines_put(out, "digest", gf_str_from(name->digest.text));
}

/* A name must be in its short form: one name, one file. */
static enum gf_code take_name(const struct gf_lines *lines, struct gf_str value, char *out,
                              struct gf_error *err) {
    struct gf_error cause;
    struct gf_reference reference;
    char text[GF_REFERENCE_BYTES];
    if (gf_reference_parse_name(value, &reference, &cause) != GF_OK) {
        return gf_lines_fail(lines, err, "%s", cause.message);
    }
    if (!gf_str_eq(value, gf_str_from(gf_reference_format(&reference, text)))) {
        return gf_lines_fail(lines, err, "'%s' must be written '%s'", gf_show(value).text, text);
    }
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return GF_OK;
}

static enum gf_code take_digest(const struct gf_lines *lines, struct gf_str value,
                                struct gf_digest *out, struct gf_error *err) {
    struct gf_error cause;
    if (gf_digest_parse(value, out, &cause) != GF_OK) {
        return gf_lines_fail(lines, err, "%s", cause.message);
    }
    return GF_OK;
}

void gf_image_name_write(const struct gf_image_name *name, struct gf_strbuf *out) {
    gf_lines_begin(out, name_kind, NAME_VERSION);
    put_name(name, out);
    gf_lines_end(out);
}

enum gf_code gf_image_name_parse(struct gf_str text, struct gf_image_name *out,
                                 struct gf_error *err) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    struct gf_lines lines;
    struct gf_image_name name;
    struct gf_str value;
    enum gf_code rc = gf_lines_open(&lines, text, name_kind, NAME_VERSION, &arena, err);
    if (rc == GF_OK) {
        rc = gf_lines_expect(&lines, GF_STR("name"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_name(&lines, value, name.name, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(&lines, GF_STR("digest"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_digest(&lines, value, &name.digest, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect_end(&lines, err);
    }
    if (rc == GF_OK) {
        *out = name;
    }
    return rc;
}

char *gf_image_name_to_file(const char *name, char out[GF_REFERENCE_CHARS_MAX + 1]) {
    const size_t len = strlen(name);
    gf_assert(len <= GF_REFERENCE_CHARS_MAX);
    for (size_t i = 0; i <= len; i++) {
        out[i] = name[i] == '/' ? '~' : name[i];
    }
    return out;
}

void gf_image_index_write(const struct gf_digest *index, const struct gf_digest *image,
                          struct gf_strbuf *out) {
    gf_lines_begin(out, index_kind, INDEX_VERSION);
    gf_lines_put(out, "index", gf_str_from(index->text));
    gf_lines_put(out, "digest", gf_str_from(image->text));
    gf_lines_end(out);
}

enum gf_code gf_image_index_parse(struct gf_str text, struct gf_digest *out_index,
                                  struct gf_digest *out_image, struct gf_error *err) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    struct gf_lines lines;
    struct gf_digest index;
    struct gf_digest image;
    struct gf_str value;
    enum gf_code rc = gf_lines_open(&lines, text, index_kind, INDEX_VERSION, &arena, err);
    if (rc == GF_OK) {
        rc = gf_lines_expect(&lines, GF_STR("index"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_digest(&lines, value, &index, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(&lines, GF_STR("digest"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_digest(&lines, value, &image, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect_end(&lines, err);
    }
    if (rc == GF_OK) {
        *out_index = index;
        *out_image = image;
    }
    return rc;
}

void gf_image_report_write(const struct gf_image_report *report, struct gf_strbuf *out) {
    gf_lines_begin(out, report_kind, REPORT_VERSION);
    if (report->failed) {
        gf_failure_put(out, &report->failure);
    }
    for (size_t i = 0; !report->failed && i < report->count; i++) {
        put_name(&report->items[i].name, out);
        gf_lines_put(out, "new", report->items[i].is_new ? GF_STR("1") : GF_STR("0"));
    }
    gf_lines_end(out);
}

/* The lines of one image behind "name=". */
static enum gf_code take_item(struct gf_lines *lines, struct gf_str value,
                              struct gf_image_report_item *out, struct gf_error *err) {
    enum gf_code rc = take_name(lines, value, out->name.name, err);
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("digest"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_digest(lines, value, &out->name.digest, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("new"), &value, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    out->is_new = gf_str_eq(value, GF_STR("1"));
    if (!out->is_new && !gf_str_eq(value, GF_STR("0"))) {
        return gf_lines_fail(lines, err, "must be 0 or 1");
    }
    return GF_OK;
}

enum gf_code gf_image_report_parse(struct gf_str text, struct gf_arena *arena,
                                   struct gf_image_report *out, struct gf_error *err) {
    struct gf_lines lines;
    struct gf_image_report report = {
        .items = GF_ARENA_ARRAY(arena, GF_IMAGE_ARCHIVE_NAMES_MAX, struct gf_image_report_item),
    };
    enum gf_code rc = gf_lines_open(&lines, text, report_kind, REPORT_VERSION, arena, err);
    while (rc == GF_OK) {
        struct gf_str key;
        struct gf_str value;
        bool more = false;
        rc = gf_lines_next(&lines, &more, &key, &value, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (!more) {
            *out = report;
            return GF_OK;
        }
        if (report.count == 0 && gf_str_eq(key, GF_STR("code"))) {
            report.failed = true;
            rc = gf_failure_take(&lines, value, &report.failure, err);
            if (rc == GF_OK) {
                *out = report;
            }
            return rc;
        }
        if (!gf_str_eq(key, GF_STR("name"))) {
            return gf_lines_fail(&lines, err, "must be name=...");
        }
        if (report.count == GF_IMAGE_ARCHIVE_NAMES_MAX) {
            return gf_lines_fail(&lines, err, "more than %d names", GF_IMAGE_ARCHIVE_NAMES_MAX);
        }
        rc = take_item(&lines, value, &report.items[report.count++], err);
    }
    return rc;
}
