/*
 * A client of registries: gives manifests, blobs and lists of tags of one repository, from the
 * first of several places that has them.
 *
 * Speaks the OCI distribution protocol, which Docker's registries speak as well. Logs in as a
 * registry asks for it: with a token of its token service, or with user and password. Credentials
 * go to the place that they are for and to the token service that it names: over TLS, or over plain
 * http to the same host when the place itself is spoken to without TLS. They never follow a
 * redirect to another place.
 *
 * What is busy or out of order (408, 429, 5xx, broken connections) is asked again, after waits that
 * double, or as long as "Retry-After" says, up to GF_REGISTRY_RETRY_WAIT_MS_MAX; a blob goes on
 * where it broke off. Then the next place is asked, and a blob starts anew there.
 *
 * The names of the places, in errors, are those of the request.
 *
 * Thread: one.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_CLIENT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_CLIENT_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/pull_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_registry_client;

enum gf_registry_job_kind {
    GF_REGISTRY_MANIFEST, /* by tag or digest, to a file */
    GF_REGISTRY_BLOB,     /* by digest, to a file */
    GF_REGISTRY_TAGS,     /* the newest tag in a range of versions */
};

/* What to get. A value. */
struct gf_registry_job {
    uint64_t id; /* the caller's */
    enum gf_registry_job_kind kind;
    char target[GF_DIGEST_BYTES + GF_REFERENCE_TAG_CHARS_MAX]; /* a tag, a digest or a range */
    int fd;         /* owned by the client from the start on; -1 for tags */
    int64_t offset; /* what the file holds already */
    int64_t size;   /* of a blob exactly, of a manifest at most */
    size_t source;  /* the first place to ask */
};

/* What came of a job. A value. */
struct gf_registry_answer {
    uint64_t id;
    bool failed;
    struct gf_error failure;
    size_t source;                            /* who answered, or failed last */
    int64_t received_bytes;                   /* over the network */
    char tag[GF_REFERENCE_TAG_CHARS_MAX + 1]; /* of a range */
    char media_type[128];                     /* of a manifest, as the registry says; or "" */
    char digest[GF_DIGEST_BYTES];             /* of a manifest, as the registry says; or "" */
};

/* All is borrowed until the client is freed. */
struct gf_registry_opts {
    const struct gf_pull_request *request; /* with at least one source */
    const char *repository;
    const struct gf_str *cas; /* PEM certificates, for each source */
    void (*on_answer)(void *ctx, const struct gf_registry_answer *answer);
    void *ctx;
};

/* Owned by the caller. Code: GF_INTERNAL. */
enum gf_code gf_registry_client_new(const struct gf_registry_opts *opts,
                                    struct gf_registry_client **out,
                                    struct gf_error *err) GF_MUST_USE;
/* Gives up what runs, without an answer. Accepts NULL. */
void gf_registry_client_free(struct gf_registry_client *client);

/* Puts a job in the line: at most blobs_at_once run, the others wait for their turn. */
void gf_registry_client_add(struct gf_registry_client *client, const struct gf_registry_job *job);

/*
 * Goes on with all jobs, and waits for what comes next, also on wake_fd, up to timeout_ms. Calls
 * on_answer, in which jobs may be added. *out_woken: wake_fd is readable. Code: GF_INTERNAL.
 */
enum gf_code gf_registry_client_run(struct gf_registry_client *client, int wake_fd, int timeout_ms,
                                    bool *out_woken, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_CLIENT_H_ */
