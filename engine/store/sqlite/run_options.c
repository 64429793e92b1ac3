#include "engine/store/sqlite/run_options.h"

#include "engine/core/limits.h"
#include "engine/store/sqlite/packed.h"

#include <string.h>

enum {
    FORMAT = 1,
    LABEL_BYTES_MIN = 3, /* two lengths and a key of one byte */
    KEPT_BYTES_MIN = 2,  /* two numbers */
};

enum field {
    PRIORITY = 1,
    LABELS = 2,
    INPUT = 3,
    ORDERING = 4,
    RETRIED_RUN = 5,
    KEPT_TASKS = 6,
    FLAGS = 7,
};

enum flag {
    HAS_PRIORITY = 1,
    USED_LIVE_VERSION = 2,
};

/* ---- Writing ---- */

static void put_field(struct gf_strbuf *out, size_t start, enum field field) {
    if (out->len == start) {
        gf_strbuf_append_char(out, FORMAT);
    }
    gf_strbuf_append_char(out, (char)field);
}

static int64_t fold_sign(int32_t number) {
    return number < 0 ? -(int64_t)number * 2 - 1 : (int64_t)number * 2;
}

static void put_labels(struct gf_strbuf *out, const struct gf_run *run) {
    gf_sqlite__put_number(out, (int64_t)run->label_count);
    for (size_t i = 0; i < run->label_count; i++) {
        gf_sqlite__put_text(out, run->labels[i].key);
        gf_sqlite__put_text(out, run->labels[i].value);
    }
}

static void put_kept(struct gf_strbuf *out, const struct gf_run *run) {
    gf_sqlite__put_number(out, (int64_t)run->kept_count);
    for (size_t i = 0; i < run->kept_count; i++) {
        gf_sqlite__put_number(out, run->kept_tasks[i].task_count);
        gf_sqlite__put_number(out, run->kept_tasks[i].run_id);
    }
}

static int64_t flags_of(const struct gf_run *run) {
    return (run->has_priority ? HAS_PRIORITY : 0) |
           (run->used_live_version ? USED_LIVE_VERSION : 0);
}

void gf_sqlite__run_options_encode(const struct gf_run *run, struct gf_strbuf *out) {
    const size_t start = out->len;
    if (run->priority != 0) {
        put_field(out, start, PRIORITY);
        gf_sqlite__put_number(out, fold_sign(run->priority));
    }
    if (run->label_count > 0) {
        put_field(out, start, LABELS);
        put_labels(out, run);
    }
    if (run->has_input) {
        put_field(out, start, INPUT);
        gf_sqlite__put_text(out, run->input.media_type);
        gf_sqlite__put_text(out, run->input.digest);
        gf_sqlite__put_number(out, run->input.size_bytes);
    }
    if (run->ordering_policy != GF_RUN_ORDERING_UNSPECIFIED || run->ordering_key.len > 0) {
        put_field(out, start, ORDERING);
        gf_sqlite__put_number(out, run->ordering_policy);
        gf_sqlite__put_text(out, run->ordering_key);
    }
    if (run->retried_run_id != 0) {
        put_field(out, start, RETRIED_RUN);
        gf_sqlite__put_number(out, run->retried_run_id);
    }
    if (run->kept_count > 0) {
        put_field(out, start, KEPT_TASKS);
        put_kept(out, run);
    }
    if (flags_of(run) != 0) {
        put_field(out, start, FLAGS);
        gf_sqlite__put_number(out, flags_of(run));
    }
}

/* ---- Reading ---- */

static bool take_priority(struct gf_sqlite_cursor *cursor, struct gf_run *run) {
    int64_t folded = 0;
    if (!gf_sqlite__take_number(cursor, &folded) || folded == 0) {
        return false;
    }
    const int64_t priority = folded % 2 == 0 ? folded / 2 : -(folded / 2) - 1;
    if (priority < -GF_PRIORITY_MAX || priority > GF_PRIORITY_MAX) {
        return false;
    }
    run->priority = (int32_t)priority;
    return true;
}

/* *out_exhausted: the arena's cap is reached. */
static bool take_labels(struct gf_sqlite_cursor *cursor, struct gf_arena *arena, struct gf_run *run,
                        bool *out_exhausted) {
    int64_t count = 0;
    if (!gf_sqlite__take_number(cursor, &count) || count == 0 ||
        (uint64_t)count > gf_sqlite__cursor_left(cursor) / LABEL_BYTES_MIN) {
        return false;
    }
    struct gf_label *labels = gf_arena_try_alloc(arena, (size_t)count * sizeof(*labels));
    if (labels == NULL) {
        *out_exhausted = true;
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        if (!gf_sqlite__take_text(cursor, &labels[i].key) || labels[i].key.len == 0 ||
            !gf_sqlite__take_text(cursor, &labels[i].value) ||
            (i > 0 && gf_str_cmp(labels[i - 1].key, labels[i].key) >= 0)) {
            return false;
        }
    }
    run->labels = labels;
    run->label_count = (size_t)count;
    return true;
}

static bool take_input(struct gf_sqlite_cursor *cursor, struct gf_run *run) {
    run->has_input = true;
    return gf_sqlite__take_text(cursor, &run->input.media_type) &&
           gf_sqlite__take_text(cursor, &run->input.digest) &&
           gf_sqlite__take_number(cursor, &run->input.size_bytes);
}

static bool take_ordering(struct gf_sqlite_cursor *cursor, struct gf_run *run) {
    int64_t policy = 0;
    if (!gf_sqlite__take_number(cursor, &policy) ||
        (policy != 0 && !gf_run_ordering_policy_valid(policy))) {
        return false;
    }
    run->ordering_policy = (enum gf_run_ordering_policy)policy;
    return gf_sqlite__take_text(cursor, &run->ordering_key) &&
           (policy != 0 || run->ordering_key.len > 0);
}

/* *out_exhausted: the arena's cap is reached. */
static bool take_kept(struct gf_sqlite_cursor *cursor, struct gf_arena *arena, struct gf_run *run,
                      bool *out_exhausted) {
    int64_t count = 0;
    int64_t tasks_left = GF_CONFIG_TASKS_MAX;
    if (!gf_sqlite__take_number(cursor, &count) || count == 0 ||
        (uint64_t)count > gf_sqlite__cursor_left(cursor) / KEPT_BYTES_MIN) {
        return false;
    }
    struct gf_kept_tasks *kept = gf_arena_try_alloc(arena, (size_t)count * sizeof(*kept));
    if (kept == NULL) {
        *out_exhausted = true;
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        if (!gf_sqlite__take_number(cursor, &kept[i].task_count) || kept[i].task_count == 0 ||
            kept[i].task_count > tasks_left || !gf_sqlite__take_number(cursor, &kept[i].run_id) ||
            (i > 0 && kept[i - 1].run_id == kept[i].run_id)) {
            return false;
        }
        tasks_left -= kept[i].task_count;
    }
    run->kept_tasks = kept;
    run->kept_count = (size_t)count;
    return true;
}

static bool take_flags(struct gf_sqlite_cursor *cursor, struct gf_run *run) {
    int64_t flags = 0;
    if (!gf_sqlite__take_number(cursor, &flags) || flags == 0 ||
        flags > (HAS_PRIORITY | USED_LIVE_VERSION)) {
        return false;
    }
    run->has_priority = (flags & HAS_PRIORITY) != 0;
    run->used_live_version = (flags & USED_LIVE_VERSION) != 0;
    return true;
}

static bool take_field(struct gf_sqlite_cursor *cursor, unsigned char field, struct gf_arena *arena,
                       struct gf_run *run, bool *out_exhausted) {
    switch (field) {
    case PRIORITY:
        return take_priority(cursor, run);
    case LABELS:
        return take_labels(cursor, arena, run, out_exhausted);
    case INPUT:
        return take_input(cursor, run);
    case ORDERING:
        return take_ordering(cursor, run);
    case RETRIED_RUN:
        return gf_sqlite__take_number(cursor, &run->retried_run_id) && run->retried_run_id != 0;
    case KEPT_TASKS:
        return take_kept(cursor, arena, run, out_exhausted);
    case FLAGS:
        return take_flags(cursor, run);
    default:
        return false;
    }
}

static bool take_all(struct gf_sqlite_cursor *cursor, struct gf_arena *arena, struct gf_run *run,
                     bool *out_exhausted) {
    unsigned char format = 0;
    unsigned char last = 0;
    if (!gf_sqlite__take_byte(cursor, &format) || format != FORMAT ||
        gf_sqlite__cursor_left(cursor) == 0) {
        return false;
    }
    while (gf_sqlite__cursor_left(cursor) > 0) {
        unsigned char field = 0;
        if (!gf_sqlite__take_byte(cursor, &field) || field <= last ||
            !take_field(cursor, field, arena, run, out_exhausted)) {
            return false;
        }
        last = field;
    }
    return true;
}

enum gf_code gf_sqlite__run_options_decode(struct gf_str bytes, struct gf_arena *arena,
                                           struct gf_run *run, struct gf_error *err) {
    if (bytes.len == 0) {
        return GF_OK;
    }
    /* One copy of all bytes holds all texts. */
    char *copy = gf_arena_try_alloc(arena, bytes.len);
    bool exhausted = copy == NULL;
    struct gf_run read = *run;
    if (!exhausted) {
        memcpy(copy, bytes.ptr, bytes.len);
        struct gf_sqlite_cursor cursor = gf_sqlite__cursor((struct gf_str){copy, bytes.len});
        if (take_all(&cursor, arena, &read, &exhausted)) {
            *run = read;
            return GF_OK;
        }
    }
    return exhausted ? gf_fail(err, GF_RESOURCE_EXHAUSTED,
                               "the options do not fit into the memory of one answer")
                     : gf_fail(err, GF_DATA_LOSS, "the stored options are damaged");
}
