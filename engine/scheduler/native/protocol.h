/*
 * What the server and its shims agree on: the descriptors that a shim is born with, the files of an
 * attempt's directory, the records in them, and the messages on the control socket.
 *
 * A shim outlives the server that started it, and may be adopted by a later version of it.
 * Everything here but the spec (shim/spec.h) and the descriptors of a new shim, which come from the
 * server that brings the shim along, therefore stays compatible: fields and kinds are added, never
 * changed. A side that receives a kind that it does not know says so (GF_SHIM_MESSAGE_UNSUPPORTED)
 * or skips it.
 *
 * The directory of an attempt:
 *
 *   - it is itself locked (flock) from before the shim's birth to its end. The server takes the
 *     lock and the shim inherits it, so that there is no moment in which nobody holds it: who gets
 *     the lock knows that no shim lives and none will come;
 *   - `ids`, made by the server before the shim is born, is a symbolic link whose text is the first
 *     of the user ids that the container has for itself (user_ranges.h); not there: it has none;
 *   - `control` is the shim's listening socket (SOCK_SEQPACKET);
 *   - `start` is written before the command may run: a container exists;
 *   - `exit` is written when the command has ended.
 *
 * The conversation, the same on the socket that a shim is born with and on every connection to its
 * control socket: the shim sends `started` when the command runs and `exited` when it has ended (at
 * once, where that has happened before the connection); the other side sends requests, at any time.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_PROTOCOL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_PROTOCOL_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Descriptors of a new shim. 0 to 2 are /dev/null. */
enum {
    GF_SHIM_FD_SPEC = 3,   /* a sealed memory file with the spec */
    GF_SHIM_FD_SERVER = 4, /* a connected SOCK_SEQPACKET socket */
    GF_SHIM_FD_DIR = 5,    /* the attempt's directory, locked */
    GF_SHIM_FD_LOG = 6,    /* the log file, for reading and writing; used if the spec says so */
    GF_SHIM_FD_INPUT = 7,  /* a sealed memory file: the run's document; else the spec once more */
    GF_SHIM_FD_MASKS = 8,  /* a sealed memory file: a set of base/mask.h; else the spec once more */
    GF_SHIM_FD_NETWORK = 9, /* a network namespace for the container; else the spec once more */
    GF_SHIM_FDS_END = 10,
};

/* First argument of the program for its other use (shim/probe.h): then the stage and an id. */
#define GF_SHIM_PROBE "--probe"

#define GF_ATTEMPT_LINK_IDS "ids"
#define GF_ATTEMPT_FILE_CONTROL "control"
#define GF_ATTEMPT_FILE_START "start"
#define GF_ATTEMPT_FILE_EXIT "exit"

enum {
    GF_SHIM_MESSAGE_BYTES_MAX = 8192, /* of one message, and of one record on disk */
    GF_SHIM_TEXT_BYTES_MAX = 1024,    /* of one text in them */
};

/* Of sessions. */
enum {
    GF_SHIM_DATA_BYTES_MAX = 32 << 10, /* of one piece of input or output */
    /* Of one message of a connection that belongs to a session. */
    GF_SHIM_SESSION_MESSAGE_BYTES_MAX = GF_SHIM_DATA_BYTES_MAX + 256,
    GF_SHIM_SESSIONS_MAX = 16, /* of one container at once */
    GF_SHIM_BEHIND_BYTES_MAX = 8 << 20,
    GF_SHIM_TERMINAL_CELLS_MAX = 10000, /* columns, and rows */
};
/* The user ids of one container: 0 to GF_SHIM_USER_IDS - 1 inside. Groups are the same. */
enum {
    GF_SHIM_USER_IDS = 65536
};
/* The kernel's ids are 32 bits wide, and the last one means none. */
#define GF_SHIM_USER_ID_FIRST_MAX (INT64_C(0xffffffff) - GF_SHIM_USER_IDS)

/* Exit codes of a container whose command never ran; shells use the same. */
enum {
    GF_SHIM_EXIT_SETUP_FAILED = 125,
    GF_SHIM_EXIT_NOT_EXECUTABLE = 126,
    GF_SHIM_EXIT_NOT_FOUND = 127,
};

/* The file "start". Texts are never NULL after decoding. Times of processes are those of /proc. */
struct gf_shim_start {
    const char *boot_id; /* of the kernel that all this happened under */
    const char *image_digest;
    int64_t shim_pid;
    int64_t shim_start_ticks;
    int64_t container_pid; /* of the container's pid 1, as the host sees it */
    int64_t container_start_ticks;
};

/* The message "started". */
struct gf_shim_started {
    const char *image_digest;
    int64_t start_time; /* ns since 1970 UTC; when the command began to run */
    int64_t container_pid;
    int64_t missing_protections; /* of engine/core/protection.h: what the container goes without */
};

/* The file "exit", and the message "exited". */
struct gf_shim_exit {
    const char *image_digest;
    /* Where the command never ran: why, a sentence; else "". */
    const char *failure;
    int64_t exit_code;   /* 128 + signal where a signal ended the command */
    int64_t exit_signal; /* 0 = none */
    bool timed_out;
    bool out_of_memory;
    bool stopped;
    int64_t start_time; /* ns since 1970 UTC; 0 where the command never ran */
    int64_t end_time;
    int64_t cpu_time_ns;
    int64_t peak_memory_bytes; /* 0 = unknown */
    int64_t log_bytes;
    bool log_truncated;
    int64_t
        root_expire_time;   /* ns since 1970 UTC: what it wrote is kept until then; 0 = it is not */
    int64_t peak_pid_count; /* processes and threads; 0 = unknown */
    int64_t disk_bytes;     /* what it had written at its end; 0 = unknown */
    int64_t missing_protections; /* as in "started" */
};

/* The message "stop". */
struct gf_shim_stop {
    int64_t grace_ms; /* 0: SIGKILL at once */
    /* The grace period that the shim was born with instead; a shim that does not know this field
     * takes grace_ms. */
    bool own_grace;
};

/* The messages "attach" and "resize". Both 0: no terminal. */
struct gf_shim_size {
    int64_t columns;
    int64_t rows;
};

/* The message "session_started". */
struct gf_shim_session_started {
    bool terminal;
    bool accepts_input;
    int64_t window; /* bytes of input that may be on the way */
};

/* The messages "output" and "input": the only ones with bytes of any value, which come last. */
struct gf_shim_data {
    int64_t stream; /* enum gf_log_stream; of input: 0 */
    struct gf_str bytes;
};

/* The message "session_exited". */
struct gf_shim_session_exited {
    int64_t exit_code;   /* 128 + signal where a signal ended the program */
    int64_t exit_signal; /* 0 = none */
    bool out_of_memory;
};

/* The message "session_failed". */
struct gf_shim_session_failed {
    int64_t code; /* enum gf_code, above 0 */
    const char *message;
};

enum gf_shim_message_kind {
    GF_SHIM_MESSAGE_UNKNOWN = 0, /* of a later version */
    /* From the shim. */
    GF_SHIM_MESSAGE_STARTED,
    GF_SHIM_MESSAGE_EXITED,
    GF_SHIM_MESSAGE_PONG,
    GF_SHIM_MESSAGE_UNSUPPORTED, /* the request was not understood */
    /* To the shim. */
    GF_SHIM_MESSAGE_PING,   /* answered by pong */
    GF_SHIM_MESSAGE_STOP,   /* the stop signal, then SIGKILL after the grace period */
    GF_SHIM_MESSAGE_SIGNAL, /* a signal to the command; in a session to its program */
    /* Of sessions; from the shim. */
    GF_SHIM_MESSAGE_SESSION_STARTED,
    GF_SHIM_MESSAGE_OUTPUT,
    GF_SHIM_MESSAGE_TAKEN,
    GF_SHIM_MESSAGE_SESSION_EXITED,
    GF_SHIM_MESSAGE_SESSION_FAILED,
    /* To the shim. */
    GF_SHIM_MESSAGE_ATTACH,
    GF_SHIM_MESSAGE_EXEC, /* with one descriptor */
    GF_SHIM_MESSAGE_INPUT,
    GF_SHIM_MESSAGE_CLOSE_INPUT,
    GF_SHIM_MESSAGE_RESIZE,
};

struct gf_shim_message {
    enum gf_shim_message_kind kind;
    union {
        struct gf_shim_started started;
        struct gf_shim_exit exited;
        struct gf_shim_stop stop;
        struct {
            int64_t number;
        } signal;
        struct gf_shim_session_started session_started;
        struct gf_shim_data data; /* OUTPUT and INPUT */
        struct {
            int64_t bytes;
        } taken;
        struct gf_shim_session_exited session_exited;
        struct gf_shim_session_failed session_failed;
        struct gf_shim_size size; /* ATTACH and RESIZE */
    } u;
};

/*
 * Encodes and decodes messages. What decoding gives borrows from `bytes`. A message of an unknown
 * kind decodes as GF_SHIM_MESSAGE_UNKNOWN. Codes: GF_INVALID_ARGUMENT, and for encoding
 * GF_RESOURCE_EXHAUSTED (out's limit).
 */
enum gf_code gf_shim_message_encode(const struct gf_shim_message *message, struct gf_strbuf *out,
                                    struct gf_error *err) GF_MUST_USE;
enum gf_code gf_shim_message_decode(struct gf_str bytes, struct gf_shim_message *out_message,
                                    struct gf_error *err) GF_MUST_USE;

/* The same for the files, which are sealed with a checksum: a part of a record is never taken for
 * one. */
enum gf_code gf_shim_start_encode(const struct gf_shim_start *start, struct gf_strbuf *out,
                                  struct gf_error *err) GF_MUST_USE;
enum gf_code gf_shim_start_decode(struct gf_str bytes, struct gf_shim_start *out_start,
                                  struct gf_error *err) GF_MUST_USE;
enum gf_code gf_shim_exit_encode(const struct gf_shim_exit *exit, struct gf_strbuf *out,
                                 struct gf_error *err) GF_MUST_USE;
enum gf_code gf_shim_exit_decode(struct gf_str bytes, struct gf_shim_exit *out_exit,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_PROTOCOL_H_ */
