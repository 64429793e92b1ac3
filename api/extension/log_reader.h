/*
 * All logs of an extension (log.h) read as one: what gofer keeps of it and what its containers
 * write, by time, oldest first, and on while they grow, from one container to the next.
 *
 * The order among the logs is that of their times as far as both are written already; what is
 * written while somebody follows comes as it comes. Each log by itself keeps its order.
 *
 * Thread: one at a time; `wake` comes on the reactor's.
 */
#ifndef GOFER_API_EXTENSION_LOG_READER_H_
#define GOFER_API_EXTENSION_LOG_READER_H_

#include "base/arena.h"
#include "engine/core/model_extensions.h"
#include "engine/logs/log_store.h"

enum {
    /* gofer's own, those of the containers that are kept, and one of a container to come. */
    GF_EXTENSION_LOG_SOURCES_MAX = 2 + GF_RING_LOGS_KEPT,
    GF_EXTENSION_LOG_STATE_BYTES_MAX = 16 + 16 * GF_EXTENSION_LOG_SOURCES_MAX,
};

struct gf_extension_log_reader;

/* One log of them. Private. */
struct gf_extension_log_source {
    struct gf_extension_log_reader *owner;
    int32_t attempt; /* 0 = gofer's own */
    int64_t offset;  /* behind what was given last */
    int64_t payload_bytes;
    bool open;
    bool growing; /* as the row of the extension says */
    bool waiting; /* read to what is written */
    bool over;
    bool has_head; /* `head` is read and not given yet */
    struct gf_logframe head;
    struct gf_log_reader log;
};

/* In the caller's memory. The fields are private. */
struct gf_extension_log_reader {
    struct gf_log_store *store;
    int64_t extension_key;
    struct gf_extension_log_source sources[GF_EXTENSION_LOG_SOURCES_MAX]; /* [0]: gofer's own */
    size_t source_count;
    int32_t next_attempt; /* of the sources, the next one is of this */
    int32_t latest_attempt;
    int32_t growing[3]; /* attempts whose containers may be there */
    bool armed;
    void (*wake)(struct gf_extension_log_reader *reader);
};

/* A piece of a log. Its content is borrowed until the next call. */
struct gf_extension_log_piece {
    int64_t wall_ns;
    enum gf_log_stream stream;
    struct gf_str content;
    int64_t missing_bytes; /* that stood before it in its log, and are not there any more */
};

/* `store` is borrowed until fini. Makes gofer's own log where it is missing, so that it can be
 * watched. */
void gf_extension_log_reader_init(struct gf_extension_log_reader *reader,
                                  struct gf_log_store *store, int64_t extension_key);
/* Accepts a zeroed reader. */
void gf_extension_log_reader_fini(struct gf_extension_log_reader *reader);

/* Where it has got to, in the arena: up to GF_EXTENSION_LOG_STATE_BYTES_MAX bytes. */
struct gf_str gf_extension_log_reader_save(const struct gf_extension_log_reader *reader,
                                           struct gf_arena *arena);
/* Before anything is read: goes on from there. Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_extension_log_reader_restore(struct gf_extension_log_reader *reader,
                                             struct gf_str state, struct gf_error *err) GF_MUST_USE;

/*
 * What the row says of the containers: at first before anything is read, then whenever it has
 * changed. Not while it is armed.
 */
void gf_extension_log_reader_look(struct gf_extension_log_reader *reader,
                                  const struct gf_extension *extension);

/*
 * The next piece; *out_found is false where there is none now. A log that is damaged says so in a
 * piece of its own and is not read any further. Codes: those of files.
 */
enum gf_code gf_extension_log_reader_next(struct gf_extension_log_reader *reader,
                                          struct gf_extension_log_piece *out_piece, bool *out_found,
                                          struct gf_error *err) GF_MUST_USE;

/*
 * Has `wake` called, once or several times, when there may be more, at once where there is. Until
 * disarm nothing but disarm and fini may be called. GF_RESOURCE_EXHAUSTED as of gf_log_reader_arm;
 * then it is not armed.
 */
enum gf_code gf_extension_log_reader_arm(struct gf_extension_log_reader *reader,
                                         void (*wake)(struct gf_extension_log_reader *reader),
                                         struct gf_error *err) GF_MUST_USE;
/* After it returns `wake` is not called and is not running. Not from inside `wake`. */
void gf_extension_log_reader_disarm(struct gf_extension_log_reader *reader);

#endif /* GOFER_API_EXTENSION_LOG_READER_H_ */
