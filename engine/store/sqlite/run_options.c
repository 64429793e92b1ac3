#include "engine/store/sqlite/run_options.h"

#include "engine/core/limits.h"
#include "engine/store/sqlite/packed_fields.h"

enum {
    KEPT_BYTES_MIN = 2, /* two numbers */
};

enum field {
    PRIORITY = 1,
    LABELS = 2,
    INPUT = 3,
    ORDERING = 4,
    RETRIED_RUN = 5,
    KEPT_TASKS = 6,
    FLAGS = 7,
    INITIATOR_TOKEN = 8,
    SUBSCRIPTION = 9,
    CHAIN_DEPTH = 10,
    EVENT_TIME = 11,
};

enum flag {
    HAS_PRIORITY = 1,
    USED_LIVE_VERSION = 2,
};

/* ---- Writing ---- */

static int64_t fold_sign(int32_t number) {
    return number < 0 ? -(int64_t)number * 2 - 1 : (int64_t)number * 2;
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
        gf_sqlite__put_field(out, start, PRIORITY);
        gf_sqlite__put_number(out, fold_sign(run->priority));
    }
    if (run->label_count > 0) {
        gf_sqlite__put_field(out, start, LABELS);
        gf_sqlite__put_labels(out, run->labels, run->label_count);
    }
    if (run->has_input) {
        gf_sqlite__put_field(out, start, INPUT);
        gf_sqlite__put_text(out, run->input.media_type);
        gf_sqlite__put_text(out, run->input.digest);
        gf_sqlite__put_number(out, run->input.size_bytes);
    }
    if (run->ordering_policy != GF_RUN_ORDERING_UNSPECIFIED || run->ordering_key.len > 0) {
        gf_sqlite__put_field(out, start, ORDERING);
        gf_sqlite__put_number(out, run->ordering_policy);
        gf_sqlite__put_text(out, run->ordering_key);
    }
    if (run->retried_run_id != 0) {
        gf_sqlite__put_field(out, start, RETRIED_RUN);
        gf_sqlite__put_number(out, run->retried_run_id);
    }
    if (run->kept_count > 0) {
        gf_sqlite__put_field(out, start, KEPT_TASKS);
        put_kept(out, run);
    }
    if (flags_of(run) != 0) {
        gf_sqlite__put_field(out, start, FLAGS);
        gf_sqlite__put_number(out, flags_of(run));
    }
    if (run->initiator.token_id.len > 0) {
        gf_sqlite__put_field(out, start, INITIATOR_TOKEN);
        gf_sqlite__put_text(out, run->initiator.token_id);
    }
    if (run->initiator.subscription_id.len > 0 || run->initiator.key.len > 0) {
        gf_sqlite__put_field(out, start, SUBSCRIPTION);
        gf_sqlite__put_text(out, run->initiator.subscription_id);
        gf_sqlite__put_text(out, run->initiator.key);
    }
    if (run->chain_depth > 0) {
        gf_sqlite__put_field(out, start, CHAIN_DEPTH);
        gf_sqlite__put_number(out, run->chain_depth);
    }
    if (run->initiator.event_time > 0) {
        gf_sqlite__put_field(out, start, EVENT_TIME);
        gf_sqlite__put_number(out, run->initiator.event_time);
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

static bool take_kept(struct gf_sqlite_fields *fields, struct gf_run *run) {
    struct gf_sqlite_cursor *cursor = &fields->cursor;
    size_t count = 0;
    int64_t tasks_left = GF_CONFIG_TASKS_MAX;
    if (!gf_sqlite__take_count(fields, KEPT_BYTES_MIN, SIZE_MAX, &count) || count == 0) {
        return false;
    }
    struct gf_kept_tasks *kept = gf_sqlite__fields_alloc(fields, count, sizeof(*kept));
    if (kept == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!gf_sqlite__take_number(cursor, &kept[i].task_count) || kept[i].task_count == 0 ||
            kept[i].task_count > tasks_left || !gf_sqlite__take_number(cursor, &kept[i].run_id) ||
            (i > 0 && kept[i - 1].run_id == kept[i].run_id)) {
            return false;
        }
        tasks_left -= kept[i].task_count;
    }
    run->kept_tasks = kept;
    run->kept_count = count;
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

static bool take_subscription(struct gf_sqlite_cursor *cursor, struct gf_run *run) {
    return gf_sqlite__take_text(cursor, &run->initiator.subscription_id) &&
           gf_sqlite__take_text(cursor, &run->initiator.key) &&
           run->initiator.subscription_id.len + run->initiator.key.len > 0;
}

static bool take_chain_depth(struct gf_sqlite_cursor *cursor, struct gf_run *run) {
    int64_t depth = 0;
    if (!gf_sqlite__take_number(cursor, &depth) || depth == 0 || depth > INT32_MAX) {
        return false;
    }
    run->chain_depth = (int32_t)depth;
    return true;
}

static bool take_field(struct gf_sqlite_fields *fields, unsigned char field, void *item) {
    struct gf_run *run = item;
    switch (field) {
    case PRIORITY:
        return take_priority(&fields->cursor, run);
    case LABELS:
        return gf_sqlite__take_labels(fields, &run->labels, &run->label_count);
    case INPUT:
        return take_input(&fields->cursor, run);
    case ORDERING:
        return take_ordering(&fields->cursor, run);
    case RETRIED_RUN:
        return gf_sqlite__take_number(&fields->cursor, &run->retried_run_id) &&
               run->retried_run_id != 0;
    case KEPT_TASKS:
        return take_kept(fields, run);
    case FLAGS:
        return take_flags(&fields->cursor, run);
    case INITIATOR_TOKEN:
        return gf_sqlite__take_text(&fields->cursor, &run->initiator.token_id) &&
               run->initiator.token_id.len > 0;
    case SUBSCRIPTION:
        return take_subscription(&fields->cursor, run);
    case CHAIN_DEPTH:
        return take_chain_depth(&fields->cursor, run);
    case EVENT_TIME:
        return gf_sqlite__take_number(&fields->cursor, &run->initiator.event_time) &&
               run->initiator.event_time > 0;
    default:
        return false;
    }
}

enum gf_code gf_sqlite__run_options_decode(struct gf_str bytes, struct gf_arena *arena,
                                           struct gf_run *run, struct gf_error *err) {
    struct gf_run read = *run;
    const enum gf_code rc =
        gf_sqlite__fields_decode(bytes, "the stored options", arena, take_field, &read, err);
    if (rc == GF_OK) {
        *run = read;
    }
    return rc;
}
