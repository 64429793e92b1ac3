/*
 * Design: what waits of an extension is one buffer of records (time, length, text). Who adds the
 * first line to an empty one submits a job; the job takes the buffer as it is, writes it without
 * the mutex, and goes on until nothing came meanwhile. So there is at most one job an extension,
 * and lines stay in their order. The file stays open: to resume a ring is to read it.
 */
#include "api/extension/log.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/sync.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct gf_extension_logs {
    struct gf_log_store *store;
    struct gf_pool *pool;
    const struct gf_clock *clock;
    struct gf_mutex mutex;
    struct gf_map_i64 entries; /* extension_key -> struct entry_log */
    uint64_t lines_total;
    uint64_t dropped_total;
};

struct entry_log {
    struct gf_extension_logs *logs;
    int64_t extension_key;
    /* Guarded by the mutex. */
    struct gf_strbuf waiting; /* records */
    int64_t dropped;          /* lines that found no room, and were not told of yet */
    int64_t last_ns;          /* time of the line that was added last */
    bool busy;                /* a job of it is under way */
    bool removed;             /* that job removes it when it is done */
    /* The job's alone. */
    int fd;
    bool failed; /* said so in the log of the server; until it works again */
    struct gf_logframe_writer writer;
};

struct record {
    int64_t wall_ns;
    size_t len;
};

/* ---- Writing ---- */

/* What cannot be gone on with makes room for a new log: a damaged one, or one with an end. */
static enum gf_code open_anew(struct entry_log *entry, const struct gf_log_name *name,
                              struct gf_error *err) {
    gf_close(&entry->fd);
    enum gf_code rc = gf_log_store_remove(entry->logs->store, name, err);
    if (rc == GF_OK) {
        rc = gf_log_store_create(entry->logs->store, name, &entry->fd, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_error why = {0};
    rc = gf_logframe_ring_open(&entry->writer, entry->fd, GF_EXTENSION_LOG_FILE_BYTES_MAX, &why);
    /* Without rings it is a log that is cut, and then begun anew. */
    return rc == GF_OK ? GF_OK : gf_logframe_writer_init(&entry->writer, entry->fd, err);
}

static enum gf_code open_log(struct entry_log *entry, struct gf_error *err) {
    const struct gf_log_name name = {.run_id = entry->extension_key};
    if (entry->fd >= 0) {
        const bool is_ring = entry->writer.ring.bytes_max > 0;
        return is_ring || entry->writer.offset < GF_EXTENSION_LOG_FILE_BYTES_MAX
                   ? GF_OK
                   : open_anew(entry, &name, err);
    }
    enum gf_code rc = gf_log_store_create(entry->logs->store, &name, &entry->fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_error why = {0};
    rc = gf_logframe_ring_open(&entry->writer, entry->fd, GF_EXTENSION_LOG_FILE_BYTES_MAX, &why);
    return rc == GF_OK ? GF_OK : open_anew(entry, &name, err);
}

static enum gf_code write_record(struct entry_log *entry, const struct record *record,
                                 const char *text, struct gf_error *err) {
    const enum gf_code rc = open_log(entry, err);
    return rc != GF_OK ? rc
                       : gf_logframe_write(&entry->writer, GF_LOG_STREAM_SYSTEM, record->wall_ns,
                                           (struct gf_str){text, record->len}, err);
}

/* How many lines could not be written. */
static int64_t write_records(struct entry_log *entry, struct gf_str records) {
    int64_t lost = 0;
    for (size_t at = 0; at < records.len;) {
        struct record record;
        struct gf_error err = {0};
        memcpy(&record, records.ptr + at, sizeof(record));
        at += sizeof(record);
        if (write_record(entry, &record, records.ptr + at, &err) == GF_OK) {
            entry->failed = false;
        } else {
            lost++;
            if (!entry->failed) {
                gf_log_warn("extension_log_failed",
                            GF_KV_I64("extension_key", entry->extension_key), GF_KV_ERROR(&err));
            }
            entry->failed = true;
        }
        at += record.len;
    }
    return lost;
}

static void add_record(struct entry_log *entry, int64_t wall_ns, struct gf_str text) {
    const struct record record = {.wall_ns = wall_ns, .len = text.len};
    gf_strbuf_append_bytes(&entry->waiting, &record, sizeof(record));
    gf_strbuf_append(&entry->waiting, text);
    entry->last_ns = wall_ns;
}

static bool has_room(const struct entry_log *entry, size_t len) {
    return len + sizeof(struct record) <= GF_EXTENSION_LOG_QUEUE_BYTES_MAX - entry->waiting.len;
}

/* Before the first line that has room again, of which this many bytes are to come. */
static void add_dropped(struct entry_log *entry, int64_t wall_ns, size_t len) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_LOGFRAME_NOTE_BYTES_MAX);
    gf_strbuf_printf(&text,
                     "WARNING gofer: the log could not be written fast enough, lines that "
                     "are missing here: %" PRId64 "\n",
                     entry->dropped);
    if (has_room(entry, text.len + sizeof(struct record) + len)) {
        add_record(entry, wall_ns, gf_strbuf_view(&text));
        entry->dropped = 0;
    }
    gf_strbuf_fini(&text);
}

static void init_waiting(struct entry_log *entry) {
    gf_strbuf_init(&entry->waiting, GF_EXTENSION_LOG_QUEUE_BYTES_MAX);
}

static void destroy_entry(struct entry_log *entry) {
    gf_close(&entry->fd);
    gf_strbuf_fini(&entry->waiting);
    free(entry);
}

static void remove_files(struct gf_extension_logs *logs, int64_t extension_key) {
    struct gf_error err = {0};
    if (gf_log_store_remove_run(logs->store, 0, extension_key, &err) != GF_OK) {
        gf_log_warn("extension_log_not_removed", GF_KV_I64("extension_key", extension_key),
                    GF_KV_ERROR(&err));
    }
}

enum taken {
    TAKEN_RECORDS,
    TAKEN_NOTHING, /* the job is over, and the entry not its own any more */
    TAKEN_REMOVED, /* the job ends the entry */
};

static enum taken take_waiting(struct entry_log *entry, struct gf_strbuf *out) {
    struct gf_extension_logs *logs = entry->logs;
    GF_MUTEX_GUARD(&logs->mutex);
    if (entry->removed) {
        (void)gf_map_i64_remove(&logs->entries, entry->extension_key);
        return TAKEN_REMOVED;
    }
    if (entry->waiting.len == 0) {
        entry->busy = false;
        return TAKEN_NOTHING;
    }
    *out = entry->waiting;
    init_waiting(entry);
    return TAKEN_RECORDS;
}

static void write_job(void *ctx) {
    struct entry_log *entry = ctx;
    struct gf_extension_logs *logs = entry->logs;
    struct gf_strbuf records;
    enum taken taken = TAKEN_RECORDS;
    while ((taken = take_waiting(entry, &records)) == TAKEN_RECORDS) {
        const int64_t lost = write_records(entry, gf_strbuf_view(&records));
        gf_strbuf_fini(&records);
        GF_MUTEX_GUARD(&logs->mutex);
        entry->dropped += lost;
        logs->dropped_total += (uint64_t)lost;
    }
    if (taken == TAKEN_REMOVED) {
        const int64_t extension_key = entry->extension_key;
        destroy_entry(entry);
        remove_files(logs, extension_key);
    }
}

/* ---- Adding ---- */

static struct entry_log *get_entry(struct gf_extension_logs *logs, int64_t extension_key) {
    struct entry_log *entry = gf_map_i64_get(&logs->entries, extension_key);
    if (entry == NULL) {
        entry = GF_NEW(struct entry_log);
        entry->logs = logs;
        entry->extension_key = extension_key;
        entry->fd = -1;
        init_waiting(entry);
        (void)gf_map_i64_put(&logs->entries, extension_key, entry);
    }
    return entry;
}

static int64_t choose_time(const struct entry_log *entry, int64_t write_time, int64_t now_ns) {
    const int64_t wanted = write_time < now_ns ? write_time : now_ns;
    return wanted > entry->last_ns ? wanted : entry->last_ns;
}

void gf_extension_logs_add(void *ctx, const struct gf_extension_log_line *line) {
    struct gf_extension_logs *logs = ctx;
    struct gf_strbuf text;
    const int64_t now_ns = gf_clock_wall_ns(logs->clock);
    gf_strbuf_init(&text, GF_EXTENSION_LOG_LINE_BYTES_MAX);
    gf_extension_log_line_write(line, &text);
    struct entry_log *job = NULL;
    {
        GF_MUTEX_GUARD(&logs->mutex);
        struct entry_log *entry = get_entry(logs, line->extension_key);
        const int64_t wall_ns = choose_time(entry, line->write_time, now_ns);
        if (entry->dropped > 0 && !entry->removed) {
            add_dropped(entry, wall_ns, text.len);
        }
        if (entry->removed || entry->dropped > 0 || !has_room(entry, text.len)) {
            entry->dropped++;
            logs->dropped_total++;
        } else {
            logs->lines_total++;
            add_record(entry, wall_ns, gf_strbuf_view(&text));
        }
        if (!entry->busy && entry->waiting.len > 0) {
            entry->busy = true;
            job = entry;
        }
    }
    gf_strbuf_fini(&text);
    if (job != NULL) {
        gf_pool_submit_reserved(logs->pool, write_job, job);
    }
}

/* ---- Removing ---- */

void gf_extension_logs_remove(struct gf_extension_logs *logs, int64_t extension_key) {
    struct entry_log *idle = NULL;
    {
        GF_MUTEX_GUARD(&logs->mutex);
        struct entry_log *entry = gf_map_i64_get(&logs->entries, extension_key);
        if (entry != NULL && entry->busy) {
            entry->removed = true; /* the job sees to the files once more */
        } else if (entry != NULL) {
            (void)gf_map_i64_remove(&logs->entries, extension_key);
            idle = entry;
        }
    }
    if (idle != NULL) {
        destroy_entry(idle);
    }
    remove_files(logs, extension_key);
}

struct removal {
    struct gf_extension_logs *logs;
    size_t count;
    int64_t keys[];
};

static void remove_job(void *ctx) {
    struct removal *removal = ctx;
    for (size_t i = 0; i < removal->count; i++) {
        gf_extension_logs_remove(removal->logs, removal->keys[i]);
    }
    free(removal);
}

static void on_commit(void *ctx, const struct gf_batch *batch) {
    struct gf_extension_logs *logs = ctx;
    const size_t count = batch->deleted_extensions.count;
    if (count == 0) {
        return;
    }
    const size_t keys_bytes = count * sizeof(int64_t);
    struct removal *removal = gf_malloc(sizeof(*removal) + keys_bytes);
    removal->logs = logs;
    removal->count = count;
    memcpy(removal->keys, batch->deleted_extensions.items, keys_bytes);
    gf_pool_submit_reserved(logs->pool, remove_job, removal);
}

struct gf_engine_listener gf_extension_logs_listener(struct gf_extension_logs *logs) {
    return (struct gf_engine_listener){.ctx = logs, .committed = on_commit};
}

static int compare_keys(const void *a, const void *b) {
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

enum gf_code gf_extension_logs_list(struct gf_extension_logs *logs, struct gf_log_runs *out,
                                    struct gf_error *err) {
    struct gf_log_runs found = {0};
    const enum gf_code rc = gf_log_store_list_runs(logs->store, 0, &found, err);
    if (found.count > 0) {
        qsort(found.items, found.count, sizeof(found.items[0]), compare_keys);
    }
    for (size_t i = 0; rc == GF_OK && i < found.count; i++) {
        if (i == 0 || found.items[i] != found.items[i - 1]) {
            gf_vec_push(out, found.items[i]);
        }
    }
    gf_vec_fini(&found);
    return rc;
}

/* ---- Life ---- */

struct gf_extension_logs *gf_extension_logs_create(struct gf_log_store *store, struct gf_pool *pool,
                                                   const struct gf_clock *clock) {
    struct gf_extension_logs *logs = GF_NEW(struct gf_extension_logs);
    logs->store = store;
    logs->pool = pool;
    logs->clock = clock;
    gf_mutex_init(&logs->mutex, GF_RANK_LOGS);
    gf_map_i64_init(&logs->entries);
    return logs;
}

void gf_extension_logs_destroy(struct gf_extension_logs *logs) {
    if (logs == NULL) {
        return;
    }
    size_t position = 0;
    int64_t key = 0;
    void *entry = NULL;
    while (gf_map_i64_next(&logs->entries, &position, &key, &entry)) {
        destroy_entry(entry);
    }
    gf_map_i64_fini(&logs->entries);
    gf_mutex_fini(&logs->mutex);
    free(logs);
}

/* ---- Figures ---- */

void gf_extension_logs_stats(struct gf_extension_logs *logs, struct gf_extension_logs_stats *out) {
    GF_MUTEX_GUARD(&logs->mutex);
    *out = (struct gf_extension_logs_stats){
        .waiting_bytes_limit = GF_EXTENSION_LOG_QUEUE_BYTES_MAX,
        .lines_total = logs->lines_total,
        .dropped_total = logs->dropped_total,
    };
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&logs->entries, &position, NULL, &value)) {
        out->waiting_bytes += ((const struct entry_log *)value)->waiting.len;
    }
}
