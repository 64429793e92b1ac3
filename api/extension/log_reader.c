/*
 * Design: of each log one frame is read ahead, its head, and the oldest head is given. A log
 * without one waits for its file to grow; one that has come to its end, or whose container is gone
 * and which was read once more after that was known, is over and makes room for a later one. The
 * place of a log is always behind what was given, not behind its head.
 */
#include "api/extension/log_reader.h"

#include "base/clock.h"
#include "base/file.h"

enum {
    STATE_VERSION = 1,
    PLACE_BYTES = 16,
    PLACE_OVER = -1, /* as an offset */
};

static void put_number(char *bytes, int64_t number) {
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)((uint64_t)number >> (8 * i));
    }
}

static int64_t get_number(const char *bytes) {
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return (int64_t)number;
}

static struct gf_extension_log_source *add_source(struct gf_extension_log_reader *reader,
                                                  int32_t attempt) {
    gf_assert(reader->source_count < GF_ARRAY_COUNT(reader->sources));
    struct gf_extension_log_source *source = &reader->sources[reader->source_count++];
    *source = (struct gf_extension_log_source){
        .owner = reader, .attempt = attempt, .growing = true, .log = {.fd = -1}};
    return source;
}

static void close_source(struct gf_extension_log_source *source) {
    if (source->open) {
        gf_log_reader_close(&source->log);
    }
    source->open = false;
    source->has_head = false;
}

void gf_extension_log_reader_init(struct gf_extension_log_reader *reader,
                                  struct gf_log_store *store, int64_t extension_key) {
    *reader = (struct gf_extension_log_reader){
        .store = store, .extension_key = extension_key, .next_attempt = 1};
    (void)add_source(reader, 0);
    const struct gf_log_name name = {.run_id = extension_key};
    int fd = -1;
    if (!gf_log_store_has(store, &name) && gf_log_store_create(store, &name, &fd, NULL) == GF_OK) {
        gf_close(&fd);
    }
}

void gf_extension_log_reader_fini(struct gf_extension_log_reader *reader) {
    for (size_t i = 0; i < reader->source_count; i++) {
        close_source(&reader->sources[i]);
    }
    reader->source_count = 0;
    reader->armed = false;
}

/* ---- State ---- */

struct gf_str gf_extension_log_reader_save(const struct gf_extension_log_reader *reader,
                                           struct gf_arena *arena) {
    const size_t size = PLACE_BYTES + PLACE_BYTES * reader->source_count;
    char *bytes = gf_arena_alloc(arena, size);
    put_number(bytes, STATE_VERSION);
    put_number(bytes + 8, reader->next_attempt);
    for (size_t i = 0; i < reader->source_count; i++) {
        const struct gf_extension_log_source *source = &reader->sources[i];
        char *place = bytes + PLACE_BYTES * (i + 1);
        put_number(place, source->over && i > 0 ? PLACE_OVER : source->offset);
        put_number(place + 8, source->payload_bytes);
    }
    return (struct gf_str){bytes, size};
}

/* Sources of containers have attempts in a row, up to the one before next_attempt. */
enum gf_code gf_extension_log_reader_restore(struct gf_extension_log_reader *reader,
                                             struct gf_str state, struct gf_error *err) {
    const size_t count = state.len / PLACE_BYTES;
    if (state.len % PLACE_BYTES != 0 || count < 2 || count > GF_EXTENSION_LOG_SOURCES_MAX + 1 ||
        get_number(state.ptr) != STATE_VERSION) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "place in the logs is malformed");
    }
    const int64_t next_attempt = get_number(state.ptr + 8);
    const int64_t attempts = (int64_t)count - 2;
    if (next_attempt - attempts < 1 || next_attempt > INT32_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "place in the logs is malformed");
    }
    for (size_t i = 1; i < count; i++) {
        const char *place = state.ptr + PLACE_BYTES * i;
        const int64_t offset = get_number(place);
        if ((offset < 0 && (offset != PLACE_OVER || i == 1)) || get_number(place + 8) < 0) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "place in the logs is malformed");
        }
    }
    gf_assert(reader->source_count == 1 && !reader->sources[0].open);
    reader->next_attempt = (int32_t)next_attempt;
    for (size_t i = 1; i < count; i++) {
        const char *place = state.ptr + PLACE_BYTES * i;
        struct gf_extension_log_source *source =
            i == 1 ? &reader->sources[0]
                   : add_source(reader, (int32_t)(next_attempt - attempts + (int64_t)i - 2));
        source->offset = get_number(place);
        source->payload_bytes = get_number(place + 8);
        source->over = source->offset == PLACE_OVER;
    }
    return GF_OK;
}

/* ---- Which logs there are ---- */

static bool is_growing(const struct gf_extension_log_reader *reader, int32_t attempt) {
    return attempt == 0 || attempt == reader->growing[0] || attempt == reader->growing[1] ||
           attempt == reader->growing[2];
}

/* Logs at the beginning that are over are needed no more. */
static void drop_over(struct gf_extension_log_reader *reader) {
    size_t over = 0;
    while (over + 1 < reader->source_count && reader->sources[over + 1].over &&
           !reader->sources[over + 1].has_head) {
        close_source(&reader->sources[over + 1]);
        over++;
    }
    if (over > 0) {
        reader->source_count -= over;
        memmove(&reader->sources[1], &reader->sources[1 + over],
                (reader->source_count - 1) * sizeof(reader->sources[0]));
    }
}

/* Adds logs of containers as far as there is room. True: there was one. */
static bool add_attempts(struct gf_extension_log_reader *reader) {
    const int32_t gone = reader->latest_attempt - GF_RING_LOGS_KEPT; /* and all before it */
    bool added = false;
    drop_over(reader);
    if (reader->source_count == 1 && reader->next_attempt <= gone) {
        reader->next_attempt = gone + 1;
    }
    while (reader->next_attempt <= reader->latest_attempt &&
           reader->source_count < GF_EXTENSION_LOG_SOURCES_MAX) {
        const int32_t attempt = reader->next_attempt++;
        add_source(reader, attempt)->growing = is_growing(reader, attempt);
        added = true;
    }
    return added;
}

void gf_extension_log_reader_look(struct gf_extension_log_reader *reader,
                                  const struct gf_extension *extension) {
    gf_assert(!reader->armed);
    reader->latest_attempt = extension->latest_attempt;
    reader->growing[0] = extension->serving.attempt;
    reader->growing[1] = extension->successor.attempt;
    reader->growing[2] = extension->leaving.attempt;
    for (size_t i = 0; i < reader->source_count; i++) {
        struct gf_extension_log_source *source = &reader->sources[i];
        source->growing = is_growing(reader, source->attempt);
        source->waiting = false; /* it is read once more after that was known */
    }
    (void)add_attempts(reader);
}

/* ---- Reading ---- */

static void set_over(struct gf_extension_log_source *source) {
    close_source(source);
    source->over = true;
}

static enum gf_code open_source(struct gf_extension_log_source *source, struct gf_error *err) {
    struct gf_extension_log_reader *reader = source->owner;
    const struct gf_log_name name = {.run_id = reader->extension_key, .attempt = source->attempt};
    struct gf_error why = {0};
    const enum gf_code rc =
        gf_log_reader_open(reader->store, &name, source->offset, &source->log, &why);
    if (rc == GF_OK) {
        source->open = true;
        gf_logframe_reader_set_payload(&source->log.frames, source->payload_bytes);
        return GF_OK;
    }
    if (rc != GF_NOT_FOUND) {
        *err = why;
        return rc;
    }
    source->waiting = true;
    source->over = !source->growing;
    return GF_OK;
}

/* A log that cannot be read on says so, and the others go on. */
static void give_damage(struct gf_extension_log_source *source) {
    static const char DAMAGED[] = "gofer: this log is damaged and left out from here on\n";
    set_over(source);
    source->has_head = true;
    source->head = (struct gf_logframe){
        .stream = GF_LOG_STREAM_SYSTEM,
        .wall_ns = gf_wall_ns(),
        .payload = {DAMAGED, sizeof(DAMAGED) - 1},
    };
}

/* The end of a log that was cut is a piece, any other end is none. */
static void take_end(struct gf_extension_log_source *source, const struct gf_logframe *frame) {
    if (!frame->cut) {
        set_over(source);
        return;
    }
    source->head = *frame;
    source->head.payload = gf_logframe_note(frame, &source->head.missing_bytes);
    source->has_head = true;
    source->growing = false;
}

static enum gf_code read_head(struct gf_extension_log_source *source, struct gf_error *err) {
    if (!source->open) {
        const enum gf_code rc = open_source(source, err);
        if (rc != GF_OK || !source->open) {
            return rc;
        }
    }
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    struct gf_logframe frame = {0};
    struct gf_error why = {0};
    const enum gf_code rc = gf_logframe_reader_next(&source->log.frames, &event, &frame, &why);
    if (rc == GF_OUT_OF_RANGE && source->attempt == 0) {
        /* Gofer's own log was begun anew, after damage. */
        close_source(source);
        source->offset = 0;
        source->payload_bytes = 0;
        return GF_OK;
    }
    if (rc == GF_DATA_LOSS || rc == GF_OUT_OF_RANGE) {
        give_damage(source);
        return GF_OK;
    }
    if (rc != GF_OK) {
        *err = why;
        return rc;
    }
    if (event == GF_LOGFRAME_FRAME && frame.end) {
        take_end(source, &frame);
    } else if (event == GF_LOGFRAME_FRAME) {
        source->head = frame;
        source->has_head = true;
    } else if (event == GF_LOGFRAME_DONE || !source->growing) {
        set_over(source);
    } else {
        source->waiting = true;
    }
    return GF_OK;
}

static void give(struct gf_extension_log_source *source, struct gf_extension_log_piece *out_piece) {
    *out_piece = (struct gf_extension_log_piece){
        .wall_ns = source->head.wall_ns,
        .stream = source->head.stream,
        .content = source->head.payload,
        .missing_bytes = source->head.missing_bytes,
    };
    source->has_head = false;
    if (source->open) {
        source->offset = gf_logframe_reader_offset(&source->log.frames);
        source->payload_bytes = gf_logframe_reader_payload(&source->log.frames);
    }
}

/* The log whose head is the oldest; NULL where none has one. */
static enum gf_code find_oldest(struct gf_extension_log_reader *reader,
                                struct gf_extension_log_source **out_oldest, struct gf_error *err) {
    struct gf_extension_log_source *oldest = NULL;
    for (size_t i = 0; i < reader->source_count; i++) {
        struct gf_extension_log_source *source = &reader->sources[i];
        while (!source->has_head && !source->over && !source->waiting) {
            const enum gf_code rc = read_head(source, err);
            if (rc != GF_OK) {
                return rc;
            }
        }
        if (source->has_head && (oldest == NULL || source->head.wall_ns < oldest->head.wall_ns)) {
            oldest = source;
        }
    }
    *out_oldest = oldest;
    return GF_OK;
}

enum gf_code gf_extension_log_reader_next(struct gf_extension_log_reader *reader,
                                          struct gf_extension_log_piece *out_piece, bool *out_found,
                                          struct gf_error *err) {
    gf_assert(!reader->armed);
    struct gf_extension_log_source *oldest = NULL;
    do {
        const enum gf_code rc = find_oldest(reader, &oldest, err);
        if (rc != GF_OK) {
            return rc;
        }
    } while (oldest == NULL && add_attempts(reader));
    *out_found = oldest != NULL;
    if (oldest != NULL) {
        give(oldest, out_piece);
    }
    return GF_OK;
}

/* ---- Waiting ---- */

static void wake_by_log(struct gf_log_reader *log) {
    struct gf_extension_log_source *source =
        GF_CONTAINER_OF(log, struct gf_extension_log_source, log);
    source->owner->wake(source->owner);
}

enum gf_code gf_extension_log_reader_arm(struct gf_extension_log_reader *reader,
                                         void (*wake)(struct gf_extension_log_reader *reader),
                                         struct gf_error *err) {
    reader->wake = wake;
    reader->armed = true;
    for (size_t i = 0; i < reader->source_count; i++) {
        struct gf_extension_log_source *source = &reader->sources[i];
        if (!source->open || source->over) {
            continue;
        }
        const enum gf_code rc = gf_log_reader_arm(&source->log, wake_by_log, err);
        if (rc != GF_OK) {
            gf_extension_log_reader_disarm(reader);
            return rc;
        }
    }
    return GF_OK;
}

void gf_extension_log_reader_disarm(struct gf_extension_log_reader *reader) {
    if (!reader->armed) {
        return;
    }
    for (size_t i = 0; i < reader->source_count; i++) {
        struct gf_extension_log_source *source = &reader->sources[i];
        if (source->open) {
            gf_log_reader_disarm(&source->log);
        }
        source->waiting = false;
    }
    reader->armed = false;
}
