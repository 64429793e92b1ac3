/*
 * What the server and `gofer-fetch pull` say to each other.
 *
 * The server writes one request to gofer-fetch's standard input and closes it. A request never
 * travels in arguments or the environment, because it holds credentials:
 *
 *     gofer-pull-request 1
 *     reference=registry.example:5000/team/app:^1
 *     source=mirror.example            (for each place to ask, in order; what follows belongs to
 * it) plain_http=0 ca_file=/etc/gofer/mirror.pem user=builder password=...
 *     source=registry.example:5000
 *     ...
 *     proxy=http://proxy.example:3128
 *     no_proxy=.internal.example
 *     docker_config=/etc/gofer/docker.json
 *     blobs_at_once=4
 *     timeout_ms=600000
 *     ...
 *     end
 *
 * gofer-fetch answers on standard output: any number of lines of progress, then one result, as a
 * record with an end. Nothing follows.
 *
 *     progress fetching 1200 4000 1 5
 *     progress unpacking 4000 4000 4 5
 *     gofer-pull-result 1              or, when it failed,
 *     name=registry.example:5000/team/app:1.4.2        gofer-pull-result 1
 *     digest=sha256:...                                code=NOT_FOUND
 *     index=sha256:...                                 reason=IMAGE_NOT_FOUND
 *     source=mirror.example                            message=registry ...
 *     received_bytes=4000                              end
 *     new=1
 *     end
 *
 * Values are escaped as in text.h. Standard error has what people read, and must not be parsed.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_REQUEST_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_REQUEST_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/digest.h"
#include "engine/scheduler/native/images/reference.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Places to ask for one image: mirrors, then the registry itself. */
    GF_PULL_SOURCES_MAX = 16,
    /* Each text of a request, without the final NUL. */
    GF_PULL_HOST_CHARS_MAX = 255,
    GF_PULL_TEXT_BYTES_MAX = 16 * 1024,
    /* A whole request; an arena that one is read into needs room for twice as much. */
    GF_PULL_REQUEST_BYTES_MAX = 1024 * 1024,
    /* Blobs that are fetched at the same time. */
    GF_PULL_BLOBS_AT_ONCE_DEFAULT = 4,
    GF_PULL_BLOBS_AT_ONCE_MAX = 32,
    /* How long the whole pull may take. */
    GF_PULL_TIMEOUT_MS_DEFAULT = 10 * 60 * 1000,
    /* How long a connection may take to come about. */
    GF_PULL_CONNECT_TIMEOUT_MS_DEFAULT = 15 * 1000,
    /* How long a transfer may bring less than GF_PULL_SPEED_BYTES_MIN a second. */
    GF_PULL_STALL_TIMEOUT_MS_DEFAULT = 30 * 1000,
    GF_PULL_SPEED_BYTES_MIN = 1024,
    /* All times above at most. */
    GF_PULL_TIME_MS_MAX = 24 * 60 * 60 * 1000,
    /* How often a request is sent in all, when the registry is out of order or busy. */
    GF_PULL_TRIES_DEFAULT = 4,
    GF_PULL_TRIES_MAX = 20,
    /* How long to wait before the second try; each further wait is twice as long. */
    GF_PULL_RETRY_WAIT_MS_DEFAULT = 500,
    /* One line of progress, a whole result. */
    GF_PULL_PROGRESS_LINE_BYTES_MAX = 160,
    GF_PULL_RESULT_BYTES_MAX = 16 * 1024,
};

/* One place to ask. Strings are never NULL in what was read; in what is written NULL means "". */
struct gf_pull_source {
    /* "host" or "host:port", as in a reference; the default registry's is "docker.io". */
    const char *host;
    bool plain_http;     /* no TLS; never tried unless this says so */
    const char *ca_file; /* absolute path of PEM certificates to trust beside the system's; or "" */
    const char *user;    /* "": ask without credentials */
    const char *password;
};

/*
 * What to pull. Numbers that are 0 mean the default. A value; borrowed pointers (from the arena
 * where it was read).
 */
struct gf_pull_request {
    /* Any reference with a name: with a tag, a digest, both, or a range of versions. */
    const char *reference;
    /*
     * Where to ask, in order: the next one is asked when one does not have the image, cannot be
     * reached, refuses, or gives what does not fit its digest. Which name a tag has now is asked of
     * the first that answers. Empty: the registry that the reference names, over TLS, without
     * credentials.
     */
    const struct gf_pull_source *sources;
    size_t source_count;
    const char *proxy;    /* URL, http:// or https://, credentials in it allowed; "": none */
    const char *no_proxy; /* hosts, comma separated, as curl takes them; "*": all */
    /*
     * Absolute path of a configuration of Docker, read by gofer-fetch (fetch/docker_config.h): whom
     * it has credentials for is asked with them, where a source has no user. "": none.
     */
    const char *docker_config_file;
    int64_t blobs_at_once;
    int64_t timeout_ms; /* of the whole pull: GF_DEADLINE_EXCEEDED when it is over */
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    int64_t tries;
    int64_t retry_wait_ms;
    /* As gofer-fetch's options of an import: of all blobs as they come, unpacked, and files. */
    int64_t archive_bytes_max;
    int64_t unpacked_bytes_max;
    int64_t unpacked_files_max;
};

/*
 * Appends the request. Check out->overflowed. The buffer holds credentials afterwards: wipe it
 * (GF_PULL_REQUEST_BYTES_MAX is a fitting limit).
 */
void gf_pull_request_write(const struct gf_pull_request *request, struct gf_strbuf *out);

/*
 * Reads a request into arena; numbers have their defaults then. Codes: GF_DATA_LOSS (malformed,
 * over a limit; the message names the line), GF_INVALID_ARGUMENT (the reference, or one without a
 * name), GF_UNIMPLEMENTED (of another version).
 */
enum gf_code gf_pull_request_parse(struct gf_str text, struct gf_arena *arena,
                                   struct gf_pull_request *out, struct gf_error *err) GF_MUST_USE;

/* The phases of ImagePullPhase in the same order. */
enum gf_pull_phase {
    GF_PULL_RESOLVING,
    GF_PULL_FETCHING,
    GF_PULL_UNPACKING,
    GF_PULL_DONE,
};

/* How far a pull is; as ImagePullProgress. A value. */
struct gf_pull_progress {
    enum gf_pull_phase phase;
    int64_t received_bytes; /* of those below */
    int64_t total_bytes;    /* of the blobs that the store lacks; 0: not known yet */
    int64_t done_layers;    /* that are in the store */
    int64_t total_layers;   /* 0: not known yet */
};

/* One line with its newline. */
void gf_pull_progress_write(const struct gf_pull_progress *progress, struct gf_strbuf *out);
/* Reads a line, without its newline. False: it is none. */
bool gf_pull_progress_parse(struct gf_str line, struct gf_pull_progress *out) GF_MUST_USE;

/* What came of a pull. A value. */
struct gf_pull_result {
    /*
     * What the image is called in the store now, NAME:TAG in its short form: of a range, the
     * version that was chosen. "": it was asked for by digest, and has got no name.
     */
    char name[GF_REFERENCE_CHARS_MAX + 1];
    struct gf_digest digest; /* of the image: its manifest */
    /* Of the index that it was chosen from; not set when there was none. The store finds the image
     * by this digest as well (fetch/store.h: indexes/). */
    struct gf_digest index;
    char source[GF_PULL_HOST_CHARS_MAX + 1]; /* who told what the name leads to */
    int64_t received_bytes;                  /* that came over the network */
    bool is_new;                             /* the image was not in the store before */
    bool failed;                             /* then only `failure` counts */
    struct gf_error failure;                 /* code, reason and message */
};

void gf_pull_result_write(const struct gf_pull_result *result, struct gf_strbuf *out);
/*
 * Reads what follows the progress. Codes: GF_DATA_LOSS (malformed or cut), GF_UNIMPLEMENTED (of
 * another version).
 */
enum gf_code gf_pull_result_parse(struct gf_str text, struct gf_pull_result *out,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * The output of gofer-fetch as it comes, in pieces of any size: feed it, look at `progress`, and
 * parse `rest` as the result at the end. Fields are to be read only.
 */
struct gf_pull_output {
    struct gf_pull_progress progress; /* the newest */
    bool in_result;                   /* the progress is over */
    struct gf_strbuf rest;            /* a part of a line; then the result */
};

void gf_pull_output_init(struct gf_pull_output *output);
void gf_pull_output_fini(struct gf_pull_output *output);
/*
 * Takes the next bytes. *out_changed: `progress` is newer than before. Code: GF_DATA_LOSS (too much
 * output).
 */
enum gf_code gf_pull_output_add(struct gf_pull_output *output, struct gf_str bytes,
                                bool *out_changed, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_REQUEST_H_ */
