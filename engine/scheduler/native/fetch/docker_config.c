/*
 * DESIGN
 * Read by the process that still has root's rights and no connection to anybody; the file is the
 * operator's own. jansson is given memory that is wiped when it is freed, for this one file: its
 * trees and buffers hold passwords.
 *
 * jansson's messages quote the text near an error, which may be a password: only the line is told.
 */
#include "engine/scheduler/native/fetch/docker_config.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/images/text.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

/* What a file has for a source. */
struct search {
    const json_t *entry;  /* NULL: nothing */
    const json_t *helper; /* of credHelpers; NULL: none */
};

static void free_wiped(void *memory) {
    if (memory != NULL) {
        sodium_memzero(memory, malloc_usable_size(memory));
    }
    free(memory);
}

#define fail(err, ...) gf_fail((err), GF_FAILED_PRECONDITION, __VA_ARGS__)

static bool is_default(struct gf_str host) {
    return gf_str_eq_nocase(host, GF_STR("docker.io")) ||
           gf_str_eq_nocase(host, GF_STR("index.docker.io")) ||
           gf_str_eq_nocase(host, GF_STR("registry-1.docker.io"));
}

/* Whether a key stands for the host. */
static bool names_host(struct gf_str key, struct gf_str host) {
    static const struct gf_str schemes[] = {{"https://", 8}, {"http://", 7}};
    static const struct gf_str paths[] = {{"", 0}, {"v1", 2}, {"v1/", 3}, {"v2", 2}, {"v2/", 3}};
    struct gf_str key_host;
    struct gf_str path;
    bool path_known = false;
    for (size_t i = 0; i < GF_ARRAY_COUNT(schemes); i++) {
        if (gf_str_has_prefix(key, schemes[i])) {
            key = (struct gf_str){key.ptr + schemes[i].len, key.len - schemes[i].len};
            break;
        }
    }
    if (!gf_str_cut(key, '/', &key_host, &path)) {
        path = (struct gf_str){"", 0};
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        path_known = path_known || gf_str_eq(path, paths[i]);
    }
    return path_known &&
           (gf_str_eq_nocase(key_host, host) || (is_default(host) && is_default(key_host)));
}

/* The member of the object that is for the host. */
static const json_t *find(json_t *object, const char *host) {
    const char *key = NULL;
    json_t *value = NULL;
    const json_t *exact = json_object_get(object, host);
    if (exact != NULL) {
        return exact;
    }
    json_object_foreach(object, key, value) {
        if (names_host(gf_str_from(key), gf_str_from(host))) {
            return value;
        }
    }
    return NULL;
}

/* "" where there is none, NULL where it is no text. */
static const char *text_of(const json_t *entry, const char *key) {
    const json_t *value = json_object_get(entry, key);
    return value == NULL || json_is_null(value) ? "" : json_string_value(value);
}

static bool is_fit(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return false;
        }
    }
    return text.len <= GF_PULL_TEXT_BYTES_MAX;
}

static enum gf_code fail_entry(const char *host, struct gf_error *err) {
    return fail(err, "what it has for registry %s is no user and password", host);
}

/* "user:password" in base64. */
static enum gf_code take_auth(struct gf_str auth, struct gf_arena *arena,
                              struct gf_pull_source *source, struct gf_error *err) {
    struct gf_str user;
    struct gf_str password;
    size_t size = 0;
    if (gf_base64_decoded_size_max(auth.len) > 3 * GF_PULL_TEXT_BYTES_MAX) {
        return fail_entry(source->host, err);
    }
    char *text = gf_arena_alloc(arena, gf_base64_decoded_size_max(auth.len) + 1);
    if (!gf_base64_decode(auth, text, &size)) {
        return fail_entry(source->host, err);
    }
    /* Some who write such files end the password with NULs. */
    while (size > 0 && text[size - 1] == '\0') {
        size--;
    }
    text[size] = '\0';
    if (!gf_str_cut((struct gf_str){text, size}, ':', &user, &password) || user.len == 0 ||
        !is_fit(user) || !is_fit(password)) {
        return fail_entry(source->host, err);
    }
    text[user.len] = '\0';
    source->user = text;
    source->password = password.ptr;
    return GF_OK;
}

/* Gives the source what was found for it. */
static enum gf_code take(const struct search *search, bool has_store, struct gf_arena *arena,
                         struct gf_pull_source *source, struct gf_error *err) {
    const char *auth = text_of(search->entry, "auth");
    const char *user = text_of(search->entry, "username");
    const char *password = text_of(search->entry, "password");
    const char *identity_token = text_of(search->entry, "identitytoken");
    const char *registry_token = text_of(search->entry, "registrytoken");
    if ((search->entry != NULL && !json_is_object(search->entry)) || auth == NULL || user == NULL ||
        password == NULL || identity_token == NULL || registry_token == NULL) {
        return fail_entry(source->host, err);
    }
    /* With a token `auth` has a user without a password, if anything. */
    if (identity_token[0] != '\0' || registry_token[0] != '\0') {
        return fail(err,
                    "it has a token for registry %s, which is not supported: only user and "
                    "password are",
                    source->host);
    }
    if (auth[0] != '\0') {
        return take_auth(gf_str_from(auth), arena, source, err);
    }
    if (user[0] != '\0') {
        if (!is_fit(gf_str_from(user)) || !is_fit(gf_str_from(password))) {
            return fail_entry(source->host, err);
        }
        source->user = gf_arena_strdup(arena, user);
        source->password = gf_arena_strdup(arena, password);
        return GF_OK;
    }
    if (search->helper != NULL || (search->entry != NULL && has_store)) {
        return fail(err,
                    "the credentials for registry %s are kept by a helper (%s), which is not "
                    "supported: only those in 'auths' are",
                    source->host, search->helper != NULL ? "credHelpers" : "credsStore");
    }
    return GF_OK;
}

static enum gf_code take_all(const json_t *root, struct gf_arena *arena,
                             struct gf_pull_source *sources, size_t count, struct gf_error *err) {
    json_t *auths = json_object_get(root, "auths");
    json_t *helpers = json_object_get(root, "credHelpers");
    const char *store = text_of(root, "credsStore");
    if (!json_is_object(root) || (auths != NULL && !json_is_object(auths))) {
        return fail(err, "it must be an object, with an object 'auths'");
    }
    if (json_object_size(auths) > GF_DOCKER_CONFIG_AUTHS_MAX) {
        return fail(err, "it has more than %d registries", GF_DOCKER_CONFIG_AUTHS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        struct gf_pull_source *source = &sources[i];
        if (source->user != NULL && source->user[0] != '\0') {
            continue;
        }
        const struct search search = {
            .entry = find(auths, source->host),
            .helper = find(helpers, source->host),
        };
        const enum gf_code rc =
            take(&search, store != NULL && store[0] != '\0', arena, source, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_docker_config_read(struct gf_str text, struct gf_arena *arena,
                                   struct gf_pull_source *sources, size_t count,
                                   struct gf_error *err) {
    json_malloc_t malloc_before = NULL;
    json_free_t free_before = NULL;
    json_error_t problem;
    enum gf_code rc = GF_OK;
    if (text.len > GF_DOCKER_CONFIG_BYTES_MAX) {
        return fail(err, "it has more than %d bytes", GF_DOCKER_CONFIG_BYTES_MAX);
    }
    json_get_alloc_funcs(&malloc_before, &free_before);
    json_set_alloc_funcs(malloc, free_wiped);
    json_t *root =
        json_loadb(text.len > 0 ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        rc = fail(err, "line %d is no JSON", problem.line);
        sodium_memzero(&problem, sizeof(problem));
    } else {
        rc = take_all(root, arena, sources, count, err);
    }
    json_decref(root);
    json_set_alloc_funcs(malloc_before, free_before);
    return rc;
}

/* ---- the file ---- */

static enum gf_code open_file(const char *path, int *out_fd, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat status;
    struct gf_error cause;
    if (gf_file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, &cause) != GF_OK) {
        return fail(err, "it cannot be read");
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return fail(err, "it is no plain file");
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return fail(err, "it belongs to user %u: let it belong to the user %u of the server",
                    (unsigned)status.st_uid, (unsigned)geteuid());
    }
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        return fail(err,
                    "it is open to others (mode %04o): close it with 'chmod 600', and renew the "
                    "credentials if others may have read them",
                    (unsigned)(status.st_mode & 07777));
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

/* Into memory of one piece, so that no copy is left behind by growing. */
static enum gf_code read_file(int fd, char *memory, size_t capacity, size_t *out_size,
                              struct gf_error *err) {
    size_t size = 0;
    while (size < capacity) {
        const ssize_t got = read(fd, memory + size, capacity - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(err, "it cannot be read");
        }
        if (got == 0) {
            break;
        }
        size += (size_t)got;
    }
    *out_size = size;
    return GF_OK;
}

static bool lacks_user(const struct gf_pull_request *request) {
    for (size_t i = 0; i < request->source_count; i++) {
        if (request->sources[i].user == NULL || request->sources[i].user[0] == '\0') {
            return true;
        }
    }
    return false;
}

enum gf_code gf_docker_config_apply(struct gf_arena *arena, struct gf_pull_request *request,
                                    struct gf_error *err) {
    const char *path = request->docker_config_file;
    GF_CLEANUP(gf_close_p) int fd = -1;
    size_t size = 0;
    if (path == NULL || path[0] == '\0' || !lacks_user(request)) {
        return GF_OK;
    }
    struct gf_pull_source *sources =
        GF_ARENA_ARRAY(arena, request->source_count, struct gf_pull_source);
    memcpy(sources, request->sources, request->source_count * sizeof(*sources));
    const size_t capacity = GF_DOCKER_CONFIG_BYTES_MAX + 1;
    char *memory = gf_calloc(1, capacity);
    enum gf_code rc = open_file(path, &fd, err);
    if (rc == GF_OK) {
        rc = read_file(fd, memory, capacity, &size, err);
    }
    if (rc == GF_OK) {
        rc = gf_docker_config_read((struct gf_str){memory, size}, arena, sources,
                                   request->source_count, err);
    }
    sodium_memzero(memory, capacity);
    free(memory);
    if (rc != GF_OK) {
        return gf_wrap(err, "the Docker configuration '%s'", gf_show_cstr(path).text);
    }
    request->sources = sources;
    return GF_OK;
}
