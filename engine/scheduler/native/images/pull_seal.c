#include "engine/scheduler/native/images/pull_seal.h"

#include "base/file.h"
#include "engine/scheduler/native/images/text.h"
#include "engine/secrets/guarded.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FRAME_BYTES = 64, /* of one line, without its value; more than the longest key */
    ESCAPE_BYTES = 4, /* that one byte becomes at most */
    HEAD_LINES = 20,
    SOURCE_LINES = 5,
};

/* A request in the making. */
struct sealing {
    const struct gf_image_settings *settings;
    struct gf_pull_source sources[GF_PULL_SOURCES_MAX];
    char *passwords[GF_PULL_SOURCES_MAX]; /* guarded; NULL: of the caller, or none */
    size_t count;
};

static void sealing_fini(struct sealing *sealing) {
    for (size_t i = 0; i < sealing->count; i++) {
        gf_guarded_free(sealing->passwords[i]);
    }
}

static bool is_given(const char *text) {
    return text != NULL && text[0] != '\0';
}

static const char *or_empty(const char *text) {
    return text == NULL ? "" : text;
}

static const struct gf_image_registry *find(const struct gf_image_settings *settings,
                                            const char *host) {
    for (size_t i = 0; i < settings->registry_count; i++) {
        if (gf_str_eq_nocase(gf_str_from(settings->registries[i].host), gf_str_from(host))) {
            return &settings->registries[i];
        }
    }
    return NULL;
}

/* Reads into guarded memory, of which nothing is left elsewhere. */
static enum gf_code read_password(const char *path, char **out, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    GF_CLEANUP(gf_guarded_free_p) char *text = NULL;
    struct stat status;
    size_t size = 0;
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
    if (rc != GF_OK) {
        return gf_fail_errno(err, GF_FAILED_PRECONDITION, errno,
                             "the password file '%s' cannot be read", path);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & S_IRWXO) != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the password file '%s' must be a file that others cannot read: chmod 600",
                       path);
    }
    text = gf_guarded_alloc(GF_IMAGE_PASSWORD_BYTES_MAX + 1);
    while (size <= GF_IMAGE_PASSWORD_BYTES_MAX) {
        const ssize_t got = read(fd, text + size, GF_IMAGE_PASSWORD_BYTES_MAX + 1 - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "the password file '%s'",
                                 path);
        }
        if (got == 0) {
            break;
        }
        size += (size_t)got;
    }
    if (size > GF_IMAGE_PASSWORD_BYTES_MAX) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "the password file '%s' has more than %d bytes",
                       path, GF_IMAGE_PASSWORD_BYTES_MAX);
    }
    if (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    text[size] = '\0';
    *out = GF_TAKE(text);
    return GF_OK;
}

/* One place to ask, as the settings say; with a user, as that one. */
static enum gf_code add_source(struct sealing *sealing, const char *host, const char *user,
                               const char *password, struct gf_error *err) {
    const struct gf_image_registry *registry = find(sealing->settings, host);
    if (sealing->count == GF_PULL_SOURCES_MAX) {
        return GF_OK; /* the settings were checked: there are fewer */
    }
    struct gf_pull_source *source = &sealing->sources[sealing->count];
    char **own = &sealing->passwords[sealing->count];
    *source = (struct gf_pull_source){.host = host, .user = user, .password = password};
    *own = NULL;
    if (registry != NULL) {
        source->plain_http = registry->plain_http;
        source->ca_file = registry->ca_file;
    }
    if (registry != NULL && !is_given(user) && is_given(registry->user)) {
        source->user = registry->user;
        if (is_given(registry->password_file)) {
            const enum gf_code rc = read_password(registry->password_file, own, err);
            if (rc != GF_OK) {
                return rc;
            }
            source->password = *own;
        }
    }
    sealing->count++;
    return GF_OK;
}

static enum gf_code add_sources(struct sealing *sealing, const char *host, const char *user,
                                const char *password, struct gf_error *err) {
    const struct gf_image_registry *registry = find(sealing->settings, host);
    enum gf_code rc = GF_OK;
    for (size_t i = 0; registry != NULL && i < registry->mirror_count && rc == GF_OK; i++) {
        if (i < GF_IMAGE_MIRRORS_MAX) {
            rc = add_source(sealing, registry->mirrors[i], NULL, NULL, err);
        }
    }
    return rc == GF_OK ? add_source(sealing, host, user, password, err) : rc;
}

/* What the request takes at most: guarded memory does not grow. */
static size_t request_size(const struct gf_pull_request *request) {
    size_t chars = strlen(request->reference) + strlen(or_empty(request->proxy)) +
                   strlen(or_empty(request->no_proxy)) +
                   strlen(or_empty(request->docker_config_file));
    size_t lines = HEAD_LINES;
    for (size_t i = 0; i < request->source_count; i++) {
        const struct gf_pull_source *source = &request->sources[i];
        chars += strlen(source->host) + strlen(or_empty(source->ca_file)) +
                 strlen(or_empty(source->user)) + strlen(or_empty(source->password));
        lines += SOURCE_LINES;
    }
    return chars * ESCAPE_BYTES + lines * FRAME_BYTES;
}

static enum gf_code seal(const struct gf_pull_request *request, int *out_fd, struct gf_error *err) {
    const size_t size = request_size(request);
    GF_CLEANUP(gf_guarded_free_p) char *memory = gf_guarded_alloc(size);
    struct gf_strbuf text;
    gf_strbuf_init_in(&text, memory, size);
    gf_pull_request_write(request, &text);
    gf_assert(!text.overflowed);
    if (text.len > GF_PULL_REQUEST_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the request has more than %d bytes",
                       GF_PULL_REQUEST_BYTES_MAX);
    }
    return gf_memfd_sealed("gofer-pull", gf_strbuf_view(&text), /* executable = */ false, out_fd,
                           err);
}

/* A copy that ends with NUL, in guarded memory. */
static char *guard(struct gf_str text) {
    char *copy = gf_guarded_alloc(text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

enum gf_code gf_pull_seal(const struct gf_image_settings *settings, struct gf_str reference,
                          struct gf_str user, struct gf_str password, int64_t timeout_ms,
                          int *out_fd, struct gf_error *err) {
    GF_CLEANUP(sealing_fini) struct sealing sealing = {.settings = settings};
    GF_CLEANUP(gf_guarded_free_p) char *user_text = guard(user);
    GF_CLEANUP(gf_guarded_free_p) char *password_text = guard(password);
    char host[GF_REFERENCE_CHARS_MAX + 1];
    char repository[GF_REFERENCE_REPOSITORY_BYTES];
    char text[GF_REFERENCE_BYTES];
    struct gf_reference parsed;
    enum gf_code rc = gf_reference_parse(reference, &parsed, err);
    if (rc == GF_OK && parsed.name[0] == '\0') {
        rc = gf_fail(err, GF_INVALID_ARGUMENT,
                     "image '%s' cannot be pulled: a digest alone names no registry",
                     gf_reference_format(&parsed, text));
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_reference_split(&parsed, host, repository);
    rc = add_sources(&sealing, host, user_text, password_text, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_pull_request request = {
        .reference = gf_reference_format(&parsed, text),
        .sources = sealing.sources,
        .source_count = sealing.count,
        .proxy = settings->proxy,
        .no_proxy = settings->no_proxy,
        .docker_config_file = settings->docker_config_file,
        .blobs_at_once = settings->blobs_at_once,
        .timeout_ms = timeout_ms,
    };
    return seal(&request, out_fd, err);
}
