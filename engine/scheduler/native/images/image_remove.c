/*
 * DESIGN
 * gofer-fetch takes things off the disk, as it has put them there. While it does, the image is
 * marked in memory, so that nobody gets hold of it; afterwards the catalog does not have it any
 * more.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/image_catalog.h"
#include "engine/scheduler/native/images/image_store_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    REMOVE_TIMEOUT_MS = 10 * 60 * 1000,
    REMOVED_AT_ONCE_MAX = 64, /* images of one gofer-fetch */
    OUTPUT_BYTES_MAX = 4096,
    MARK_PATH_BYTES = 128,
};

static bool is_stopping(const struct gf_image_store *store) {
    struct pollfd fd = {.fd = store->stop_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

/* Runs `gofer-fetch remove` on names and digests. */
static enum gf_code run(const struct gf_image_store *store, const char *const *targets,
                        size_t count, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf output;
    GF_VEC(const char *) argv = {0};
    struct gf_proc_exit status;
    char text[GF_PROC_EXIT_BYTES_MAX];
    if (is_stopping(store)) {
        return gf_fail(err, GF_CANCELLED, "the server is being stopped");
    }
    gf_strbuf_init(&output, OUTPUT_BYTES_MAX);
    gf_vec_push(&argv, "gofer-fetch");
    gf_vec_push(&argv, "remove");
    gf_vec_push(&argv, "--store");
    gf_vec_push(&argv, store->dir);
    gf_vec_push(&argv, "--");
    for (size_t i = 0; i < count; i++) {
        gf_vec_push(&argv, targets[i]);
    }
    gf_vec_push(&argv, NULL);
    const struct gf_proc_spec spec = {.program = store->fetch_program, .argv = argv.items};
    enum gf_code rc = gf_proc_run(&spec, gf_deadline_after_ms(gf_mono_ns(), REMOVE_TIMEOUT_MS),
                                  &output, &status, err);
    gf_vec_fini(&argv);
    if (rc == GF_OK && (status.signaled || status.status != 0)) {
        rc = gf_fail(err, GF_INTERNAL, "gofer-fetch could not remove it: %s: %" GF_STR_FMT,
                     gf_proc_exit_format(status, text), GF_STR_ARG(gf_strbuf_view(&output)));
    }
    return rc;
}

/* ---- marks in memory ---- */

static enum gf_code fail_in_use(int64_t holders, struct gf_error *err) {
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "IMAGE_IN_USE",
                          "the image is used by %lld containers", (long long)holders);
}

/*
 * The one place that decides whether an image may go. Codes: GF_FAILED_PRECONDITION (somebody holds
 * it), GF_NOT_FOUND (it is being removed already).
 */
static enum gf_code mark_removing(struct gf_image_store *store, const struct gf_digest *digest,
                                  struct gf_error *err) {
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_image_use *use = gf_image_store__use(store, digest, /* make = */ true);
    if (use->count > 0) {
        return fail_in_use(use->count, err);
    }
    if (use->removing) {
        return gf_fail_reason(err, GF_NOT_FOUND, "IMAGE_NOT_FOUND", "the image is being removed");
    }
    use->removing = true;
    return GF_OK;
}

/* What was removed is forgotten; what could not be is as before. */
static void unmark_removing(struct gf_image_store *store, const struct gf_digest *digest) {
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_image_use *use = gf_image_store__use(store, digest, /* make = */ false);
    gf_assert(use != NULL && use->removing);
    use->removing = false;
    if (use->count == 0 && gf_image_catalog_find(store->catalog, digest) == NULL) {
        const struct gf_str key = {gf_digest_hex(digest), GF_DIGEST_HEX_CHARS};
        (void)gf_map_remove(&store->uses, key);
        free(use);
    }
}

/* Removes images that are marked, and takes the marks away. */
static enum gf_code remove_marked(struct gf_image_store *store,
                                  const struct gf_digest *const *marked, size_t count,
                                  struct gf_error *err) {
    const char *targets[REMOVED_AT_ONCE_MAX] = {NULL};
    gf_assert(count <= REMOVED_AT_ONCE_MAX);
    for (size_t i = 0; i < count; i++) {
        targets[i] = marked[i]->text;
    }
    enum gf_code rc = run(store, targets, count, err);
    /* Also after a failure: a part may be gone. */
    const enum gf_code reloaded = gf_image_store__reload(store, rc == GF_OK ? err : NULL);
    for (size_t i = 0; i < count; i++) {
        unmark_removing(store, marked[i]);
    }
    return rc == GF_OK ? reloaded : rc;
}

static enum gf_code remove_some(struct gf_image_store *store, const struct gf_digest *digests,
                                size_t count, struct gf_error *err) {
    const struct gf_digest *marked[REMOVED_AT_ONCE_MAX];
    size_t marked_count = 0;
    gf_assert(count <= REMOVED_AT_ONCE_MAX);
    for (size_t i = 0; i < count; i++) {
        if (mark_removing(store, &digests[i], NULL) == GF_OK) {
            marked[marked_count++] = &digests[i];
        }
    }
    return marked_count == 0 ? GF_OK : remove_marked(store, marked, marked_count, err);
}

enum gf_code gf_image_store__remove_images(struct gf_image_store *store,
                                           const struct gf_digest *digests, size_t count,
                                           struct gf_error *err) {
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < count && rc == GF_OK; i += REMOVED_AT_ONCE_MAX) {
        const size_t left = count - i;
        rc = remove_some(store, digests + i,
                         left < REMOVED_AT_ONCE_MAX ? left : REMOVED_AT_ONCE_MAX, err);
    }
    return rc;
}

/* ---- by hand ---- */

static int64_t holders(struct gf_image_store *store, const struct gf_digest *digest) {
    GF_MUTEX_GUARD(&store->mutex);
    const struct gf_image_use *use = gf_image_store__use(store, digest, /* make = */ false);
    return use == NULL ? 0 : use->count;
}

/* The names that go: the one that was given, or all. */
static void choose_names(const struct gf_image_entry *entry, const struct gf_reference *reference,
                         struct gf_arena *arena, struct gf_image_removal *out) {
    char name[GF_REFERENCE_BYTES];
    const char **names = GF_ARENA_ARRAY(arena, entry->name_count + 1, const char *);
    (void)gf_reference_format(reference, name);
    for (size_t i = 0; i < entry->name_count; i++) {
        if (gf_digest_is_set(&reference->digest) || strcmp(entry->names[i], name) == 0) {
            names[out->name_count++] = gf_arena_strdup(arena, entry->names[i]);
        }
    }
    out->names = names;
}

/* The image keeps other names, and stays. */
static enum gf_code remove_names(struct gf_image_store *store,
                                 const struct gf_image_removal *removal, bool force,
                                 struct gf_error *err) {
    const int64_t held_by = holders(store, &removal->digest);
    if (held_by > 0 && !force) {
        return fail_in_use(held_by, err);
    }
    const enum gf_code rc = run(store, removal->names, removal->name_count, err);
    return rc == GF_OK ? gf_image_store__reload(store, err) : rc;
}

/* It goes when nobody holds it any more, also in a later life of the server. */
static enum gf_code doom(struct gf_image_store *store, const struct gf_digest *digest,
                         struct gf_error *err) {
    char path[MARK_PATH_BYTES];
    GF_CLEANUP(gf_close_p) int fd = -1;
    (void)snprintf(path, sizeof(path), "images/%s/doomed", gf_digest_hex(digest));
    const enum gf_code rc =
        gf_file_open(store->root_fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600, &fd, err);
    if (rc == GF_OK) {
        GF_MUTEX_GUARD(&store->mutex);
        gf_image_store__use(store, digest, /* make = */ true)->doomed = true;
    }
    return rc;
}

/* Nobody may hold it: whoever wants to while it goes is told that it is being removed. */
static enum gf_code remove_unused(struct gf_image_store *store, struct gf_image_removal *removal,
                                  struct gf_error *err) {
    const struct gf_digest *digest = &removal->digest;
    enum gf_code rc = mark_removing(store, digest, err);
    if (rc == GF_OK) {
        rc = remove_marked(store, &digest, 1, err);
    }
    if (rc == GF_OK) {
        removal->removed = true;
    }
    return rc;
}

/* The image goes, now or when it is not held any more. */
static enum gf_code remove_by_force(struct gf_image_store *store, struct gf_image_removal *removal,
                                    struct gf_error *err) {
    /* Before its names: who releases it last meanwhile finds it doomed. */
    enum gf_code rc = doom(store, &removal->digest, err);
    if (rc == GF_OK && holders(store, &removal->digest) > 0 && removal->name_count > 0) {
        rc = run(store, removal->names, removal->name_count, err);
        const enum gf_code reloaded = gf_image_store__reload(store, rc == GF_OK ? err : NULL);
        rc = rc == GF_OK ? reloaded : rc;
    }
    if (rc == GF_OK) {
        rc = gf_image_store__remove_images(store, &removal->digest, 1, err);
    }
    if (rc == GF_OK) {
        GF_CLEANUP(gf_image_catalog_unref_p)
        struct gf_image_catalog *catalog = gf_image_store_catalog(store);
        removal->removed = gf_image_catalog_find(catalog, &removal->digest) == NULL;
    }
    return rc;
}

enum gf_code gf_image_store_remove(struct gf_image_store *store, struct gf_str text, bool force,
                                   struct gf_arena *arena, struct gf_image_removal *out,
                                   struct gf_error *err) {
    struct gf_reference reference;
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    GF_CLEANUP(gf_image_catalog_unref_p) struct gf_image_catalog *catalog = NULL;
    enum gf_code rc = gf_reference_parse(text, &reference, err);
    if (rc == GF_OK && reference.range[0] != '\0') {
        rc = gf_fail(err, GF_INVALID_ARGUMENT,
                     "a range of versions names no single image: give a name or a digest");
    }
    if (rc == GF_OK) {
        rc = gf_image_store_resolve(store, text, &image, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_image_removal removal = {.digest = image->record.digest};
    catalog = gf_image_store_catalog(store);
    const struct gf_image_entry *entry = gf_image_catalog_find(catalog, &removal.digest);
    if (entry == NULL) {
        return gf_fail_reason(err, GF_NOT_FOUND, "IMAGE_NOT_FOUND", "the image is gone already");
    }
    choose_names(entry, &reference, arena, &removal);
    if (removal.name_count < entry->name_count) {
        rc = remove_names(store, &removal, force, err);
    } else if (force) {
        rc = remove_by_force(store, &removal, err);
    } else {
        rc = remove_unused(store, &removal, err);
    }
    if (rc == GF_OK) {
        *out = removal;
    }
    return rc;
}
