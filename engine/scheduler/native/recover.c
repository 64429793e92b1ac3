/*
 * DESIGN
 * Recovery is one sweep before the first launch: every directory of an attempt is looked at, and
 * compared with what the engine thinks is running. Attempts that the engine knows get the answer
 * that their directory gives; the others are ended and removed, and so are control groups without a
 * directory. All answers are handed to the reactor's thread at once, when the sweep is done.
 *
 * No record means that nothing was started, but only where records last: they are in memory, and go
 * with the machine. So after a restart of the machine what has none is lost. That answer must be
 * the same until the engine has recorded it, also when the server ends before: it is written down
 * as a start record of another boot.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/vec.h"
#include "engine/scheduler/native/kept.h"
#include "engine/scheduler/native/native_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ID_TEXT_BYTES_MAX = 24
};

/* An attempt, and what was found. */
struct finding {
    struct gf_native_attempt *attempt;
    struct gf_inspection inspection;
};

struct sweep {
    struct gf_native *native;
    const char *records_lost; /* see gf_native__records_lost */
    struct gf_map names;      /* of directories: name -> a pointer that is not NULL */
    GF_VEC(struct finding) findings;
};

/* The ids of a container that may live stay taken, until nothing is left of it. */
static void adopt_ids(struct gf_native_attempt *attempt) {
    struct gf_native *native = attempt->native;
    char path[GF_NATIVE_NAME_BYTES_MAX + sizeof(GF_ATTEMPT_LINK_IDS) + 1];
    char text[ID_TEXT_BYTES_MAX];
    int64_t first = 0;
    snprintf(path, sizeof(path), "%s/" GF_ATTEMPT_LINK_IDS, attempt->name);
    const ssize_t len = readlinkat(native->attempts_fd, path, text, sizeof(text));
    if (len > 0 && gf_parse_i64((struct gf_str){text, (size_t)len}, &first) && first > 0 &&
        first <= GF_SHIM_USER_ID_FIRST_MAX) {
        gf_user_ranges_adopt(&native->user_ranges, first);
        attempt->user_id_first = first;
    }
}

/* The image of a container that may live is in use. A record without one, or none, is fine. */
static void adopt_image(struct gf_native_attempt *attempt) {
    const struct gf_native *native = attempt->native;
    char path[GF_NATIVE_NAME_BYTES_MAX + sizeof(GF_ATTEMPT_FILE_START) + 1];
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf bytes;
    struct gf_shim_start start;
    struct gf_digest digest;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    snprintf(path, sizeof(path), "%s/" GF_ATTEMPT_FILE_START, attempt->name);
    if (gf_file_read(native->attempts_fd, path, &bytes, NULL) == GF_OK &&
        gf_shim_start_decode(gf_strbuf_view(&bytes), &start, NULL) == GF_OK &&
        gf_digest_parse(gf_str_from(start.image_digest), &digest, NULL) == GF_OK) {
        gf_image_store_hold(native->options.images, gf_str_from(digest.text));
        snprintf(attempt->held_image, sizeof(attempt->held_image), "%s", digest.text);
    }
}

static void note(struct sweep *sweep, struct gf_native_attempt *attempt) {
    struct finding *finding = gf_vec_push_zeroed(&sweep->findings);
    const struct gf_inspection_subject subject = gf_native__subject(attempt);
    finding->attempt = attempt;
    adopt_ids(attempt);
    adopt_image(attempt);
    gf_inspect(&subject, &finding->inspection);
}

/* A start record of no boot that there ever was: the attempt stays lost. */
static void write_lost(const struct gf_native *native, const char *name) {
    const struct gf_shim_start start = {.boot_id = "lost"};
    GF_CLEANUP(gf_close_p) int dir_fd = -1;
    struct gf_error error;
    struct gf_strbuf record;
    gf_strbuf_init(&record, GF_SHIM_MESSAGE_BYTES_MAX);
    enum gf_code rc = gf_tree_make(native->attempts_fd, name, 0700, &error);
    if (rc == GF_OK) {
        rc = gf_file_open(native->attempts_fd, name, O_RDONLY | O_DIRECTORY, 0, &dir_fd, &error);
    }
    if (rc == GF_OK) {
        rc = gf_shim_start_encode(&start, &record, &error);
    }
    if (rc == GF_OK) {
        rc = gf_file_replace(dir_fd, GF_ATTEMPT_FILE_START, gf_strbuf_view(&record), 0600,
                             GF_FILE_SYNC_NONE, &error);
    }
    if (rc != GF_OK) {
        gf_log_warn("attempt_not_marked", GF_KV_STR("container", name), GF_KV_ERROR(&error));
    }
    gf_strbuf_fini(&record);
}

static void remove_now(int dir_fd, const char *name) {
    struct gf_error error;
    if (gf_tree_remove(dir_fd, name, &error) != GF_OK) {
        gf_log_warn("attempt_left_behind", GF_KV_STR("container", name), GF_KV_ERROR(&error));
    }
}

/*
 * Attempts that were never started have nothing to keep; they may be launched again under this
 * name. A shim that was killed together with its server may have come so far that its container
 * made the place for what it writes.
 */
static void remove_unstarted(const struct gf_native *native, const char *name) {
    remove_now(native->uppers_fd, name);
    remove_now(native->attempts_fd, name);
}

static void sweep_known(struct sweep *sweep, struct gf_attempt id) {
    struct gf_native *native = sweep->native;
    char name[GF_NATIVE_NAME_BYTES_MAX];
    struct gf_native_attempt *attempt =
        gf_native__add(native, id, gf_native__name(id, name), /* known = */ true);
    gf_assert(attempt != NULL);
    (void)gf_map_remove(&sweep->names, gf_str_from(name));
    note(sweep, attempt);
    struct gf_inspection *found = &sweep->findings.items[sweep->findings.count - 1].inspection;
    if (found->kind == GF_INSPECTION_NOTHING && sweep->records_lost != NULL) {
        found->kind = GF_INSPECTION_LOST;
        found->sentence = sweep->records_lost;
        write_lost(native, name);
    } else if (found->kind == GF_INSPECTION_NOTHING) {
        remove_unstarted(native, name);
    }
}

/* The engine knows nothing of it: nobody is told, and it is ended and removed. */
static void sweep_unknown(struct sweep *sweep, const char *name) {
    struct gf_native_attempt *attempt =
        gf_native__add(sweep->native, (struct gf_attempt){0}, name, /* known = */ false);
    gf_log_info("attempt_unknown", GF_KV_STR("container", name));
    attempt->ended = true;
    attempt->forgotten = true;
    attempt->stop_requested = true;
    attempt->stop_force = true;
    note(sweep, attempt);
}

static void list_names(int dir_fd, struct gf_map *names) {
    /* A copy of the descriptor would share its position, so the directory is opened anew. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GF_CLEANUP(gf_closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry = NULL;
    if (dir == NULL) {
        gf_close(&fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        const struct gf_str name = gf_str_from(entry->d_name);
        if (name.ptr[0] != '.' && name.len < GF_NATIVE_NAME_BYTES_MAX) {
            (void)gf_map_put(names, name, names);
        }
    }
}

static void clear_group(const char *name, void *ctx) {
    struct sweep *sweep = ctx;
    struct gf_error error;
    if (gf_map_get(&sweep->names, gf_str_from(name)) == NULL &&
        gf_cgroup_host_clear(&sweep->native->cgroups, name, &error) != GF_OK) {
        gf_log_warn("container_remains", GF_KV_STR("container", name), GF_KV_ERROR(&error));
    }
}

/* Removes what is in the directory, but for those names in `keep` (may be NULL). */
static void empty(int dir_fd, const struct gf_map *keep) {
    struct gf_map names = {0};
    size_t position = 0;
    struct gf_str name;
    list_names(dir_fd, &names);
    while (gf_map_next(&names, &position, &name, NULL)) {
        if (keep == NULL || gf_map_get(keep, name) == NULL) {
            GF_CLEANUP(gf_free_p) char *copy = gf_str_dup(name);
            remove_now(dir_fd, copy);
        }
    }
    gf_map_fini(&names);
}

/* ---- the answers; reactor's thread ---- */

static void answer(struct gf_native_attempt *attempt, struct gf_inspection *inspection) {
    const bool runs =
        inspection->kind == GF_INSPECTION_CONNECTED || inspection->kind == GF_INSPECTION_HELD;
    gf_counter_add(&attempt->native->adopted, runs && !attempt->unknown);
    if (inspection->kind == GF_INSPECTION_NOTHING && !attempt->unknown) {
        gf_inspection_fini(inspection);
        gf_native__never_started(attempt);
    } else {
        gf_native__inspected(attempt, inspection);
    }
}

static void swept(void *ctx) {
    struct sweep *sweep = ctx;
    for (size_t i = 0; i < sweep->findings.count; i++) {
        struct finding *finding = &sweep->findings.items[i];
        if (finding->attempt->unknown) {
            gf_kept_adopt(finding->attempt);
        }
        answer(finding->attempt, &finding->inspection);
    }
    gf_kept_begin(sweep->native);
    gf_vec_fini(&sweep->findings);
    free(sweep);
}

void gf_native__recover(struct gf_native *native, const struct gf_attempt *attempts, size_t count) {
    struct sweep *sweep = GF_NEW(struct sweep);
    size_t position = 0;
    struct gf_str name;
    sweep->native = native;
    sweep->records_lost = gf_native__records_lost(native);
    gf_map_init(&sweep->names);

    gf_kept_sweep(native);
    empty(native->trash_fd, NULL);
    list_names(native->attempts_fd, &sweep->names);
    empty(native->uppers_fd, &sweep->names);
    gf_cgroup_host_list(&native->cgroups, clear_group, sweep);
    for (size_t i = 0; i < count; i++) {
        sweep_known(sweep, attempts[i]);
    }
    while (gf_map_next(&sweep->names, &position, &name, NULL)) {
        GF_CLEANUP(gf_free_p) char *copy = gf_str_dup(name);
        sweep_unknown(sweep, copy);
    }
    gf_map_fini(&sweep->names);
    gf_native__mark_runtime(native);                         /* what was lost is written down now */
    gf_image_store_start_collecting(native->options.images); /* who uses which is known now */
    if (!gf_reactor_post(native->options.reactor, swept, sweep)) {
        for (size_t i = 0; i < sweep->findings.count; i++) {
            gf_inspection_fini(&sweep->findings.items[i].inspection);
        }
        gf_vec_fini(&sweep->findings);
        free(sweep);
    }
}

/* ---- one attempt that somebody wonders about ---- */

static void adopted(void *ctx) {
    struct finding *finding = ctx;
    finding->attempt->busy = false;
    answer(finding->attempt, &finding->inspection);
    free(finding);
}

static void adopt(void *ctx) {
    struct finding *finding = ctx;
    struct gf_native *native = finding->attempt->native;
    const struct gf_inspection_subject subject = gf_native__subject(finding->attempt);
    adopt_ids(finding->attempt);
    adopt_image(finding->attempt);
    gf_inspect(&subject, &finding->inspection);
    if (finding->inspection.kind == GF_INSPECTION_NOTHING) {
        remove_unstarted(native, finding->attempt->name);
    }
    if (!gf_reactor_post(native->options.reactor, adopted, finding)) {
        gf_inspection_fini(&finding->inspection);
        free(finding);
    }
}

void gf_native__adopt(struct gf_native *native, struct gf_attempt id) {
    char name[GF_NATIVE_NAME_BYTES_MAX];
    struct gf_native_attempt *attempt =
        gf_native__add(native, id, gf_native__name(id, name), /* known = */ true);
    if (attempt == NULL) {
        return; /* it was launched this moment: that tells */
    }
    struct finding *finding = GF_NEW(struct finding);
    finding->attempt = attempt;
    attempt->busy = true;
    gf_pool_submit_reserved(native->options.pool, adopt, finding);
}
