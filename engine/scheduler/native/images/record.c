#include "engine/scheduler/native/images/record.h"

#include "base/vec.h"
#include "engine/scheduler/native/images/lines.h"
#include "engine/scheduler/native/images/text.h"

static const char record_kind[] = "gofer-image";
enum {
    RECORD_VERSION = 1
};

static void put_words(struct gf_strbuf *out, const char *key, const struct gf_image_words *words) {
    for (size_t i = 0; i < words->count; i++) {
        gf_lines_put(out, key, gf_str_from(words->items[i]));
    }
}

static void put_unless_empty(struct gf_strbuf *out, const char *key, const char *value) {
    if (value[0] != '\0') {
        gf_lines_put(out, key, gf_str_from(value));
    }
}

void gf_image_record_write(const struct gf_image_record *record, struct gf_strbuf *out) {
    gf_assert(record->layer_count >= 1);
    gf_lines_begin(out, record_kind, RECORD_VERSION);
    gf_lines_put(out, "digest", gf_str_from(record->digest.text));
    gf_lines_put(out, "config", gf_str_from(record->config.text));
    gf_lines_put(out, "platform", gf_str_from(record->platform));
    gf_lines_put_i64(out, "created_ns", record->created_ns);
    gf_lines_put_i64(out, "imported_ns", record->imported_ns);
    gf_lines_put_i64(out, "size_bytes", record->size_bytes);
    for (size_t i = 0; i < record->layer_count; i++) {
        gf_lines_put(out, "layer", gf_str_from(record->layers[i].text));
    }
    put_words(out, "entrypoint", &record->entrypoint);
    put_words(out, "cmd", &record->cmd);
    put_words(out, "env", &record->env);
    put_unless_empty(out, "workdir", record->workdir);
    put_unless_empty(out, "user", record->user);
    put_unless_empty(out, "stop_signal", record->stop_signal);
    gf_lines_end(out);
}

/* What the lines of a record are gathered in. */
struct parser {
    struct gf_lines lines;
    struct gf_arena *arena;
    struct gf_image_record record;
    GF_VEC(struct gf_digest) layers;
    GF_VEC(const char *) entrypoint;
    GF_VEC(const char *) cmd;
    GF_VEC(const char *) env;
};

static void parser_fini(struct parser *parser) {
    gf_vec_fini(&parser->layers);
    gf_vec_fini(&parser->entrypoint);
    gf_vec_fini(&parser->cmd);
    gf_vec_fini(&parser->env);
}

static enum gf_code take_digest(const struct parser *parser, struct gf_str value,
                                struct gf_digest *out, struct gf_error *err) {
    struct gf_error cause;
    if (gf_digest_is_set(out)) {
        return gf_lines_fail(&parser->lines, err, "given twice");
    }
    if (gf_digest_parse(value, out, &cause) != GF_OK) {
        return gf_lines_fail(&parser->lines, err, "%s", cause.message);
    }
    return GF_OK;
}

static enum gf_code take_number(const struct parser *parser, struct gf_str value, int64_t *out,
                                struct gf_error *err) {
    if (!gf_parse_i64(value, out) || *out < 0) {
        return gf_lines_fail(&parser->lines, err, "must be a number that is not negative");
    }
    return GF_OK;
}

static enum gf_code take_string(const struct parser *parser, struct gf_str value, const char **out,
                                struct gf_error *err) {
    if (*out != NULL) {
        return gf_lines_fail(&parser->lines, err, "given twice");
    }
    if (value.len > GF_IMAGE_STRING_BYTES_MAX) {
        return gf_lines_fail(&parser->lines, err, "longer than %d bytes",
                             GF_IMAGE_STRING_BYTES_MAX);
    }
    *out = value.ptr;
    return GF_OK;
}

static enum gf_code take_layer(struct parser *parser, struct gf_str value, struct gf_error *err) {
    struct gf_digest layer = {""};
    const enum gf_code rc = take_digest(parser, value, &layer, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (parser->layers.count == GF_IMAGE_LAYERS_MAX) {
        return gf_lines_fail(&parser->lines, err, "more than %d layers", GF_IMAGE_LAYERS_MAX);
    }
    gf_vec_push(&parser->layers, layer);
    return GF_OK;
}

/* One word of a list; `vec` is one of the parser's. */
#define TAKE_WORD(parser, vec, limit, value, err)                                                  \
    ({                                                                                             \
        const char *word_ = NULL;                                                                  \
        enum gf_code word_rc_ = take_string((parser), (value), &word_, (err));                     \
        if (word_rc_ == GF_OK && (vec)->count == (limit)) {                                        \
            word_rc_ =                                                                             \
                gf_lines_fail(&(parser)->lines, (err), "more than %d of these", (int)(limit));     \
        }                                                                                          \
        if (word_rc_ == GF_OK) {                                                                   \
            gf_vec_push((vec), word_);                                                             \
        }                                                                                          \
        word_rc_;                                                                                  \
    })

static enum gf_code take_line(struct parser *parser, struct gf_str key, struct gf_str value,
                              struct gf_error *err) {
    struct gf_image_record *record = &parser->record;
    if (gf_str_eq(key, GF_STR("digest"))) {
        return take_digest(parser, value, &record->digest, err);
    }
    if (gf_str_eq(key, GF_STR("config"))) {
        return take_digest(parser, value, &record->config, err);
    }
    if (gf_str_eq(key, GF_STR("platform"))) {
        return take_string(parser, value, &record->platform, err);
    }
    if (gf_str_eq(key, GF_STR("created_ns"))) {
        return take_number(parser, value, &record->created_ns, err);
    }
    if (gf_str_eq(key, GF_STR("imported_ns"))) {
        return take_number(parser, value, &record->imported_ns, err);
    }
    if (gf_str_eq(key, GF_STR("size_bytes"))) {
        return take_number(parser, value, &record->size_bytes, err);
    }
    if (gf_str_eq(key, GF_STR("layer"))) {
        return take_layer(parser, value, err);
    }
    if (gf_str_eq(key, GF_STR("entrypoint"))) {
        return TAKE_WORD(parser, &parser->entrypoint, GF_IMAGE_ARGS_MAX, value, err);
    }
    if (gf_str_eq(key, GF_STR("cmd"))) {
        return TAKE_WORD(parser, &parser->cmd, GF_IMAGE_ARGS_MAX, value, err);
    }
    if (gf_str_eq(key, GF_STR("env"))) {
        return TAKE_WORD(parser, &parser->env, GF_IMAGE_ENV_MAX, value, err);
    }
    if (gf_str_eq(key, GF_STR("workdir"))) {
        return take_string(parser, value, &record->workdir, err);
    }
    if (gf_str_eq(key, GF_STR("user"))) {
        return take_string(parser, value, &record->user, err);
    }
    if (gf_str_eq(key, GF_STR("stop_signal"))) {
        return take_string(parser, value, &record->stop_signal, err);
    }
    return gf_lines_fail(&parser->lines, err, "unknown key '%s'", gf_show(key).text);
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

#define WORDS_IN_ARENA(arena, vec)                                                                 \
    ((struct gf_image_words){                                                                      \
        .items = (vec)->count == 0                                                                 \
                     ? NULL                                                                        \
                     : gf_arena_memdup((arena), (vec)->items, (vec)->count * sizeof(char *)),      \
        .count = (vec)->count})

/* Moves the gathered lists into the arena, and checks that nothing that must be there is missing.
 */
static enum gf_code finish(struct parser *parser, struct gf_image_record *out,
                           struct gf_error *err) {
    struct gf_image_record *record = &parser->record;
    if (!gf_digest_is_set(&record->digest) || !gf_digest_is_set(&record->config) ||
        record->platform == NULL || parser->layers.count == 0) {
        return gf_lines_fail(&parser->lines, err,
                             "the record lacks its digest, config, platform or layers");
    }
    record->layers = gf_arena_memdup(parser->arena, parser->layers.items,
                                     parser->layers.count * sizeof(struct gf_digest));
    record->layer_count = parser->layers.count;
    record->entrypoint = WORDS_IN_ARENA(parser->arena, &parser->entrypoint);
    record->cmd = WORDS_IN_ARENA(parser->arena, &parser->cmd);
    record->env = WORDS_IN_ARENA(parser->arena, &parser->env);
    record->workdir = or_empty(record->workdir);
    record->user = or_empty(record->user);
    record->stop_signal = or_empty(record->stop_signal);
    *out = *record;
    return GF_OK;
}

enum gf_code gf_image_record_parse(struct gf_str text, struct gf_arena *arena,
                                   struct gf_image_record *out, struct gf_error *err) {
    if (text.len > GF_IMAGE_RECORD_BYTES_MAX) {
        return gf_fail(err, GF_DATA_LOSS, "more than %d bytes", GF_IMAGE_RECORD_BYTES_MAX);
    }
    GF_CLEANUP(parser_fini) struct parser parser = {.arena = arena};
    enum gf_code rc = gf_lines_open(&parser.lines, text, record_kind, RECORD_VERSION, arena, err);
    bool more = true;
    while (rc == GF_OK && more) {
        struct gf_str key;
        struct gf_str value;
        rc = gf_lines_next(&parser.lines, &more, &key, &value, err);
        if (rc == GF_OK && more) {
            rc = take_line(&parser, key, value, err);
        }
    }
    return rc == GF_OK ? finish(&parser, out, err) : rc;
}
