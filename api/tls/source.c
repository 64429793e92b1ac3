/*
 * DESIGN. A listener asks its source at the beginning of each handshake, one at a time. It gets
 * what was read and checked before, if that is new; so what it gets can be used. Once a second at
 * most the source looks whether the files are others than those that it read last, good or bad: a
 * bad one is told of once.
 *
 * The mutex guards what is handed over. Files are read without it; so a reload and a handshake may
 * read at once, and the later one counts.
 */
#include "api/tls/source.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILES = 3,
    CHECK_INTERVAL_MS = 1000,
    KEY_MODE_REFUSED = 037, /* the group may read it, others nothing */
};

/* Tells one state of a file from another: also the rights that were put right. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct gf_tls_source {
    struct gf_tls_files files; /* owned copies */
    struct gf_mutex mutex;
    struct gf_tls_pem pending; /* for the next handshake; guarded, as what follows */
    bool has_pending;
    struct stamp stamps[FILES]; /* of what was read last */
    int64_t next_check_ns;
};

/* ---- Reading ---- */

static enum gf_code check_key_file(const char *file, struct gf_error *err) {
    struct stat status;
    if (stat(file, &status) != 0) {
        return GF_OK; /* reading it tells why */
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "TLS key '%s' belongs to user %u: let it belong to root or to the user %u "
                       "that the service runs as",
                       file, (unsigned)status.st_uid, (unsigned)geteuid());
    }
    if ((status.st_mode & KEY_MODE_REFUSED) != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "TLS key '%s' is open to others (mode %04o): close it with 'chmod 600', and "
                       "make a new key if others may have read it",
                       file, (unsigned)(status.st_mode & 07777));
    }
    return GF_OK;
}

static enum gf_code read_files(const struct gf_tls_files *files, struct gf_tls_pem *out,
                               int64_t *out_expires_ns, struct gf_error *err) {
    enum gf_code code =
        gf_tls_pem_read("TLS certificate", files->cert_file, "CERTIFICATE", &out->cert, err);
    if (code == GF_OK) {
        code = check_key_file(files->key_file, err);
    }
    if (code == GF_OK) {
        code = gf_tls_pem_read("TLS key", files->key_file, "PRIVATE KEY", &out->key, err);
    }
    if (code == GF_OK && files->client_ca_file != NULL) {
        code = gf_tls_pem_read("TLS client authorities", files->client_ca_file, "CERTIFICATE",
                               &out->authorities, err);
    }
    return code == GF_OK ? gf_tls_check(out, files, out_expires_ns, err) : code;
}

static void take_stamps(const struct gf_tls_files *files, struct stamp out[FILES]) {
    const char *const names[FILES] = {files->cert_file, files->key_file, files->client_ca_file};
    for (size_t i = 0; i < FILES; i++) {
        struct stat status;
        out[i] = (struct stamp){0};
        if (names[i] != NULL && stat(names[i], &status) == 0) {
            out[i] = (struct stamp){status.st_dev, status.st_ino, status.st_size, status.st_ctim};
        }
    }
}

static bool same_stamps(const struct stamp a[FILES], const struct stamp b[FILES]) {
    for (size_t i = 0; i < FILES; i++) {
        if (a[i].device != b[i].device || a[i].inode != b[i].inode || a[i].size != b[i].size ||
            a[i].changed.tv_sec != b[i].changed.tv_sec ||
            a[i].changed.tv_nsec != b[i].changed.tv_nsec) {
            return false;
        }
    }
    return true;
}

static void log_loaded(const struct gf_tls_files *files, int64_t expires_ns) {
    char until[GF_TIME_BYTES_MAX];
    (void)gf_time_format_seconds(expires_ns, until);
    if (expires_ns <= gf_wall_ns()) {
        gf_log_warn("tls_certificate_expired", GF_KV_STR("file", files->cert_file),
                    GF_KV_STR("expired", until));
    } else {
        gf_log_info("tls_certificate_loaded", GF_KV_STR("file", files->cert_file),
                    GF_KV_STR("expires", until));
    }
}

/*
 * Reads the files and leaves them for the next handshake. The stamps are taken before: who writes
 * meanwhile is read again.
 */
static enum gf_code load(struct gf_tls_source *source, struct gf_error *err) {
    struct stamp stamps[FILES];
    struct gf_tls_pem pem;
    int64_t expires_ns = 0;
    take_stamps(&source->files, stamps);
    gf_tls_pem_init(&pem);
    const enum gf_code code = read_files(&source->files, &pem, &expires_ns, err);
    gf_mutex_lock(&source->mutex);
    memcpy(source->stamps, stamps, sizeof(stamps));
    if (code == GF_OK) {
        const struct gf_tls_pem before = source->pending;
        source->pending = pem;
        source->has_pending = true;
        pem = before;
    }
    gf_mutex_unlock(&source->mutex);
    gf_tls_pem_fini(&pem);
    if (code == GF_OK) {
        log_loaded(&source->files, expires_ns);
    }
    return code;
}

/* ---- Handshakes ---- */

/* Whether it is time to look, and the files are not those that were read last. */
static bool is_stale(struct gf_tls_source *source) {
    struct stamp last[FILES];
    struct stamp now[FILES];
    const int64_t now_ns = gf_mono_ns();
    gf_mutex_lock(&source->mutex);
    const bool due = now_ns >= source->next_check_ns;
    if (due) {
        source->next_check_ns = gf_deadline_after_ms(now_ns, CHECK_INTERVAL_MS);
    }
    memcpy(last, source->stamps, sizeof(last));
    gf_mutex_unlock(&source->mutex);
    if (!due) {
        return false;
    }
    take_stamps(&source->files, now);
    return !same_stamps(last, now);
}

const struct gf_tls_files *gf_tls_source_files(const struct gf_tls_source *source) {
    return &source->files;
}

bool gf_tls_source_fetch(struct gf_tls_source *source, struct gf_tls_pem *out) {
    struct gf_error err = {0};
    if (is_stale(source) && load(source, &err) != GF_OK) {
        gf_log_warn("tls_certificate_refused", GF_KV_ERROR(&err));
    }
    gf_mutex_lock(&source->mutex);
    const bool is_new = source->has_pending;
    if (is_new) {
        const struct gf_tls_pem empty = *out;
        *out = source->pending;
        source->pending = empty;
        source->has_pending = false;
    }
    gf_mutex_unlock(&source->mutex);
    return is_new;
}

/* ---- Life ---- */

enum gf_code gf_tls_source_create(const struct gf_tls_files *files,
                                  struct gf_tls_source **out_source, struct gf_error *err) {
    if (files->cert_file == NULL || files->key_file == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "a TLS certificate and its key must be given together");
    }
    struct gf_tls_source *source = GF_NEW(struct gf_tls_source);
    gf_mutex_init(&source->mutex, GF_RANK_TLS);
    gf_tls_pem_init(&source->pending);
    source->files = (struct gf_tls_files){
        .cert_file = gf_strdup(files->cert_file),
        .key_file = gf_strdup(files->key_file),
        .client_ca_file = gf_strdup(files->client_ca_file),
        .clients_optional = files->clients_optional,
    };
    const enum gf_code code = load(source, err);
    if (code != GF_OK) {
        gf_tls_source_destroy(source);
        return code;
    }
    source->next_check_ns = gf_deadline_after_ms(gf_mono_ns(), CHECK_INTERVAL_MS);
    *out_source = source;
    return GF_OK;
}

void gf_tls_source_destroy(struct gf_tls_source *source) {
    if (source == NULL) {
        return;
    }
    gf_tls_pem_fini(&source->pending);
    gf_mutex_fini(&source->mutex);
    free((char *)source->files.cert_file);
    free((char *)source->files.key_file);
    free((char *)source->files.client_ca_file);
    free(source);
}

enum gf_code gf_tls_source_reload(struct gf_tls_source *source, struct gf_error *err) {
    return load(source, err);
}
