/*
 * What gofer-fetch answers to a pull: lines of progress, and the result.
 */
#include "engine/scheduler/native/images/failure.h"
#include "engine/scheduler/native/images/lines.h"
#include "engine/scheduler/native/images/pull_request.h"
#include "engine/scheduler/native/images/text.h"

static const char result_kind[] = "gofer-pull-result";
static const struct gf_str progress_prefix = {"progress ", 9};

enum {
    RESULT_VERSION = 1,
    PROGRESS_NUMBERS = 4,
};

static const char *const phase_names[] = {
    [GF_PULL_RESOLVING] = "resolving",
    [GF_PULL_FETCHING] = "fetching",
    [GF_PULL_UNPACKING] = "unpacking",
    [GF_PULL_DONE] = "done",
};

void gf_pull_progress_write(const struct gf_pull_progress *progress, struct gf_strbuf *out) {
    gf_strbuf_printf(out, "%s%s %lld %lld %lld %lld\n", progress_prefix.ptr,
                     phase_names[progress->phase], (long long)progress->received_bytes,
                     (long long)progress->total_bytes, (long long)progress->done_layers,
                     (long long)progress->total_layers);
}

static bool phase_from_name(struct gf_str name, enum gf_pull_phase *out) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(phase_names); i++) {
        if (gf_str_eq(name, gf_str_from(phase_names[i]))) {
            *out = (enum gf_pull_phase)i;
            return true;
        }
    }
    return false;
}

bool gf_pull_progress_parse(struct gf_str line, struct gf_pull_progress *out) {
    struct gf_str word;
    int64_t numbers[PROGRESS_NUMBERS];
    enum gf_pull_phase phase = GF_PULL_RESOLVING;
    if (!gf_str_has_prefix(line, progress_prefix)) {
        return false;
    }
    struct gf_str rest = {line.ptr + progress_prefix.len, line.len - progress_prefix.len};
    if (!gf_str_cut(rest, ' ', &word, &rest) || !phase_from_name(word, &phase)) {
        return false;
    }
    for (size_t i = 0; i < PROGRESS_NUMBERS; i++) {
        const bool more = gf_str_cut(rest, ' ', &word, &rest);
        if (more != (i + 1 < PROGRESS_NUMBERS) || !gf_parse_i64(word, &numbers[i]) ||
            numbers[i] < 0) {
            return false;
        }
    }
    *out = (struct gf_pull_progress){phase, numbers[0], numbers[1], numbers[2], numbers[3]};
    return true;
}

void gf_pull_result_write(const struct gf_pull_result *result, struct gf_strbuf *out) {
    gf_lines_begin(out, result_kind, RESULT_VERSION);
    if (result->failed) {
        gf_failure_put(out, &result->failure);
    } else {
        gf_lines_put(out, "name", gf_str_from(result->name));
        gf_lines_put(out, "digest", gf_str_from(result->digest.text));
        gf_lines_put(out, "index", gf_str_from(result->index.text));
        gf_lines_put(out, "source", gf_str_from(result->source));
        gf_lines_put_i64(out, "received_bytes", result->received_bytes);
        gf_lines_put(out, "new", result->is_new ? GF_STR("1") : GF_STR("0"));
    }
    gf_lines_end(out);
}

/* A name in its short form, or none. */
static enum gf_code take_name(const struct gf_lines *lines, struct gf_str value, char *out,
                              struct gf_error *err) {
    struct gf_reference reference;
    char text[GF_REFERENCE_BYTES];
    if (value.len > 0 && (gf_reference_parse_name(value, &reference, NULL) != GF_OK ||
                          !gf_str_eq(value, gf_str_from(gf_reference_format(&reference, text))))) {
        return gf_lines_fail(lines, err, "'%s' is no name of an image", gf_show(value).text);
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

static enum gf_code take_source(const struct gf_lines *lines, struct gf_str value, char *out,
                                struct gf_error *err) {
    if (value.len > GF_PULL_HOST_CHARS_MAX || !gf_reference_host_valid(value)) {
        return gf_lines_fail(lines, err, "'%s' is no host", gf_show(value).text);
    }
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return GF_OK;
}

static enum gf_code take_success(struct gf_lines *lines, struct gf_str name,
                                 struct gf_pull_result *out, struct gf_error *err) {
    struct gf_str value;
    enum gf_code rc = take_name(lines, name, out->name, err);
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("digest"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_digest(lines, value, &out->digest, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("index"), &value, err);
    }
    if (rc == GF_OK && value.len > 0) {
        rc = take_digest(lines, value, &out->index, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("source"), &value, err);
    }
    if (rc == GF_OK) {
        rc = take_source(lines, value, out->source, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("received_bytes"), &value, err);
    }
    if (rc == GF_OK && (!gf_parse_i64(value, &out->received_bytes) || out->received_bytes < 0)) {
        rc = gf_lines_fail(lines, err, "must be a number");
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
    return gf_lines_expect_end(lines, err);
}

enum gf_code gf_pull_result_parse(struct gf_str text, struct gf_pull_result *out,
                                  struct gf_error *err) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    gf_arena_init(&arena, 2 * GF_PULL_RESULT_BYTES_MAX);
    struct gf_lines lines;
    struct gf_str key;
    struct gf_str value;
    bool more = false;
    struct gf_pull_result result = {.name = ""};
    enum gf_code rc = gf_lines_open(&lines, text, result_kind, RESULT_VERSION, &arena, err);
    if (rc == GF_OK) {
        rc = gf_lines_next(&lines, &more, &key, &value, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (more && gf_str_eq(key, GF_STR("code"))) {
        result.failed = true;
        rc = gf_failure_take(&lines, value, &result.failure, err);
    } else if (more && gf_str_eq(key, GF_STR("name"))) {
        rc = take_success(&lines, value, &result, err);
    } else {
        rc = gf_lines_fail(&lines, err, "must be name=... or code=...");
    }
    if (rc == GF_OK) {
        *out = result;
    }
    return rc;
}

void gf_pull_output_init(struct gf_pull_output *output) {
    *output = (struct gf_pull_output){.in_result = false};
    gf_strbuf_init(&output->rest, GF_PULL_RESULT_BYTES_MAX);
}

void gf_pull_output_fini(struct gf_pull_output *output) {
    gf_strbuf_fini(&output->rest);
}

enum gf_code gf_pull_output_add(struct gf_pull_output *output, struct gf_str bytes,
                                bool *out_changed, struct gf_error *err) {
    bool changed = false;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n' && !output->in_result) {
            if (gf_pull_progress_parse(gf_strbuf_view(&output->rest), &output->progress)) {
                changed = true;
                gf_strbuf_reset(&output->rest);
                continue;
            }
            output->in_result = true;
        }
        gf_strbuf_append_char(&output->rest, bytes.ptr[i]);
    }
    if (output->rest.overflowed) {
        return gf_fail(err, GF_DATA_LOSS, "the answer of gofer-fetch has more than %d bytes",
                       GF_PULL_RESULT_BYTES_MAX);
    }
    *out_changed = changed;
    return GF_OK;
}
