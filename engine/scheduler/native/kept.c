/*
 * DESIGN
 * What is known of a root changes by what happens, and advance() then does the next thing that is
 * possible: start a container for those who wait, end it when nobody is in it, remove the root when
 * it is to go. One container at a time, and the next one only when the shim of the last has gone:
 * an upper directory is never mounted twice.
 */
#include "engine/scheduler/native/kept.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "engine/scheduler/native/kept_internal.h"
#include "engine/scheduler/native/session_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ID_PARTS = 3
};

static void advance(struct gf_kept_root *root);

/* ---- removing ---- */

struct removal {
    struct gf_native *native;
    char name[GF_NATIVE_NAME_BYTES_MAX];
    char *image_digest;
    int64_t user_id_first;
};

/* The record goes first: half a root is none. */
static void remove_files(const struct gf_native *native, const char *name) {
    const int dir_fd = native->kept->dir_fd;
    char record[GF_NATIVE_NAME_BYTES_MAX + sizeof("/" GF_KEPT_FILE)];
    struct gf_error error;
    snprintf(record, sizeof(record), "%s/" GF_KEPT_FILE, name);
    (void)unlinkat(dir_fd, record, 0);
    if (gf_tree_remove(dir_fd, name, &error) != GF_OK) {
        gf_log_warn("kept_root_left_behind", GF_KV_STR("container", name), GF_KV_ERROR(&error));
    }
}

static void let_go(struct gf_native *native, const char *image_digest, int64_t user_id_first) {
    gf_image_store_release(native->options.images, gf_str_from(image_digest));
    if (user_id_first != 0) {
        gf_user_ranges_give(&native->user_ranges, user_id_first);
    }
}

static void removal_job(void *ctx) {
    struct removal *removal = ctx;
    remove_files(removal->native, removal->name);
    let_go(removal->native, removal->image_digest, removal->user_id_first);
    free(removal->image_digest);
    free(removal);
}

static void free_root(struct gf_kept_root *root) {
    gf_list_remove(&root->link);
    root->native->kept->count--;
    gf_gauge_add(&root->native->kept_count, -1);
    gf_vec_fini(&root->waiting);
    free(root->image_digest);
    free(root);
}

static void remove_root(struct gf_kept_root *root) {
    struct gf_native *native = root->native;
    struct removal *removal = GF_NEW(struct removal);
    removal->native = native;
    removal->image_digest = gf_strdup(root->image_digest);
    removal->user_id_first = root->user_id_first;
    snprintf(removal->name, sizeof(removal->name), "%s", root->name);
    gf_log_info("kept_root_removed", GF_KV_STR("container", root->name));
    free_root(root);
    gf_pool_submit_reserved(native->options.pool, removal_job, removal);
}

/* ---- how many, and for how long ---- */

static struct gf_kept_root *first_to_go(const struct gf_kept *kept) {
    struct gf_kept_root *first = NULL;
    GF_LIST_FOREACH(link, &kept->roots) {
        struct gf_kept_root *root = GF_CONTAINER_OF(link, struct gf_kept_root, link);
        if (!root->doomed && (first == NULL || root->expire_time < first->expire_time)) {
            first = root;
        }
    }
    return first;
}

static size_t count_staying(const struct gf_kept *kept) {
    size_t count = 0;
    GF_LIST_FOREACH(link, &kept->roots) {
        count += !GF_CONTAINER_OF(link, struct gf_kept_root, link)->doomed;
    }
    return count;
}

static void on_time(struct gf_timer *timer, void *ctx);

/* Dooms those that are over or too many, and waits for the next one. */
static void expire(struct gf_native *native) {
    struct gf_kept *kept = native->kept;
    const size_t count_max = (size_t)native->options.keep_failed_count;
    const int64_t now = gf_wall_ns();
    struct gf_kept_root *first = first_to_go(kept);
    while (first != NULL && (first->expire_time <= now || count_staying(kept) > count_max)) {
        first->doomed = true;
        advance(first);
        first = first_to_go(kept);
    }
    gf_timer_stop(&kept->timer);
    if (first != NULL) {
        gf_timer_start(native->options.reactor, &kept->timer,
                       gf_mono_ns() + (first->expire_time - now), on_time, native);
    }
}

static void on_time(struct gf_timer *timer, void *ctx) {
    (void)timer;
    expire(ctx);
}

/* ---- what is kept ---- */

static struct gf_kept_root *find(const struct gf_kept *kept, struct gf_attempt id) {
    GF_LIST_FOREACH(link, &kept->roots) {
        struct gf_kept_root *root = GF_CONTAINER_OF(link, struct gf_kept_root, link);
        if (root->id.run_key == id.run_key && root->id.task_index == id.task_index &&
            root->id.attempt == id.attempt) {
            return root;
        }
    }
    return NULL;
}

/* Its ids and its image are in use from here on. */
static void add(struct gf_native *native, struct gf_attempt id,
                const struct gf_kept_record *record) {
    struct gf_kept_root *root = GF_NEW(struct gf_kept_root);
    root->native = native;
    root->id = id;
    root->image_digest = gf_strdup(record->image_digest);
    root->user_id_first = record->user_id_first;
    root->expire_time = record->expire_time;
    (void)gf_native__name(id, root->name);
    gf_image_store_hold(native->options.images, gf_str_from(root->image_digest));
    if (root->user_id_first != 0) {
        gf_user_ranges_adopt(&native->user_ranges, root->user_id_first);
    }
    gf_list_push_back(&native->kept->roots, &root->link);
    native->kept->count++;
    gf_gauge_add(&native->kept_count, 1);
}

void gf_kept_add(struct gf_native_attempt *attempt, const struct gf_shim_exit *exit) {
    struct gf_native *native = attempt->native;
    const struct gf_kept_record record = {
        .image_digest = exit->image_digest,
        .user_id_first = attempt->user_id_first,
        .expire_time = exit->root_expire_time,
    };
    if (exit->root_expire_time > 0 && find(native->kept, attempt->id) == NULL &&
        faccessat(native->kept->dir_fd, attempt->name, F_OK, 0) == 0) {
        add(native, attempt->id, &record);
        expire(native);
    }
}

void gf_kept_lost(struct gf_native_attempt *attempt) {
    struct gf_native *native = attempt->native;
    const struct gf_kept_record record = {
        .image_digest = attempt->held_image,
        .user_id_first = attempt->user_id_first,
    };
    struct gf_kept_root *root = find(native->kept, attempt->id);
    if (root == NULL && faccessat(native->kept->dir_fd, attempt->name, F_OK, 0) == 0) {
        add(native, attempt->id, &record);
        root = find(native->kept, attempt->id);
    }
    if (root != NULL) {
        root->expire_time = 0;
        expire(native);
    }
}

/* ---- after a restart ---- */

static bool parse_name(const char *name, struct gf_attempt *out_id) {
    struct gf_str rest = gf_str_from(name);
    int64_t parts[ID_PARTS];
    char again[GF_NATIVE_NAME_BYTES_MAX];
    for (size_t i = 0; i < ID_PARTS; i++) {
        struct gf_str part;
        (void)gf_str_cut(rest, '-', &part, &rest);
        if (!gf_parse_i64(part, &parts[i]) || parts[i] < 0 || (i > 0 && parts[i] > INT32_MAX)) {
            return false;
        }
    }
    *out_id = (struct gf_attempt){
        .run_key = parts[0],
        .task_index = (int32_t)parts[1],
        .attempt = (int32_t)parts[2],
    };
    return strcmp(gf_native__name(*out_id, again), name) == 0;
}

/* Whether the directory is a root that is to be kept on; then it is added. */
static bool find_again(struct gf_native *native, const char *name) {
    GF_CLEANUP(gf_close_p)
    int dir_fd =
        openat(native->kept->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct gf_kept_record record;
    struct gf_strbuf bytes;
    struct gf_attempt id;
    gf_strbuf_init(&bytes, GF_KEPT_RECORD_BYTES_MAX);
    const bool stays = gf_kept_dir(native) != NULL && dir_fd >= 0 && parse_name(name, &id) &&
                       gf_file_read(dir_fd, GF_KEPT_FILE, &bytes, NULL) == GF_OK &&
                       gf_kept_record_decode(gf_strbuf_view(&bytes), &record, NULL) == GF_OK &&
                       gf_str_eq(gf_str_from(record.boot_id), gf_str_from(native->boot_id)) &&
                       record.expire_time > gf_wall_ns();
    if (stays) {
        add(native, id, &record);
    }
    gf_strbuf_fini(&bytes);
    return stays;
}

void gf_kept_sweep(struct gf_native *native) {
    int fd = openat(native->kept->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GF_CLEANUP(gf_closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry = NULL;
    if (dir == NULL) {
        gf_close(&fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        const bool is_name = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        if (is_name && !find_again(native, entry->d_name)) {
            remove_files(native, entry->d_name);
        }
    }
}

void gf_kept_begin(struct gf_native *native) {
    expire(native);
}

/* The root and the number of its container of that name (kept_start.c); NULL: it is none. */
static struct gf_kept_root *find_by_container(const struct gf_kept *kept, const char *name,
                                              int64_t *out_number) {
    GF_LIST_FOREACH(link, &kept->roots) {
        struct gf_kept_root *root = GF_CONTAINER_OF(link, struct gf_kept_root, link);
        GF_CLEANUP(gf_free_p) char *prefix = gf_asprintf(GF_KEPT_CONTAINER "%s-", root->name);
        const size_t len = strlen(prefix);
        if (strncmp(name, prefix, len) == 0 && gf_parse_i64(gf_str_from(name + len), out_number)) {
            return root;
        }
    }
    return NULL;
}

void gf_kept_adopt(struct gf_native_attempt *attempt) {
    int64_t number = 0;
    struct gf_kept_root *root = find_by_container(attempt->native->kept, attempt->name, &number);
    /* Of two the older one has ended, else there would not be the other. */
    if (root == NULL || number <= root->starts) {
        return;
    }
    if (root->container != NULL) {
        root->container->kept = NULL;
    }
    attempt->kept = root;
    root->starts = number; /* the next one has another name */
    root->container = attempt;
    root->stopping = true; /* as it is of nobody */
}

/* ---- opening and closing ---- */

enum gf_code gf_kept_open(struct gf_native *native, struct gf_error *err) {
    struct gf_kept *kept = GF_NEW(struct gf_kept);
    gf_list_init(&kept->roots);
    kept->dir_fd = -1;
    native->kept = kept;
    enum gf_code rc = gf_tree_make(native->dir_fd, "kept", 0700, err);
    if (rc == GF_OK) {
        rc = gf_file_open(native->dir_fd, "kept", O_RDONLY | O_DIRECTORY, 0, &kept->dir_fd, err);
    }
    if (rc == GF_OK) {
        /* The directory of uppers is beside it. */
        const size_t parent = strlen(native->uppers) - strlen("uppers");
        kept->dir = gf_asprintf("%.*skept", (int)parent, native->uppers);
    }
    return rc;
}

void gf_kept_close(struct gf_native *native) {
    struct gf_kept *kept = native->kept;
    if (kept == NULL) {
        return;
    }
    gf_timer_stop(&kept->timer);
    while (!gf_list_empty(&kept->roots)) {
        free_root(GF_CONTAINER_OF(gf_list_first(&kept->roots), struct gf_kept_root, link));
    }
    gf_close(&kept->dir_fd);
    free(kept->dir);
    free(kept);
    native->kept = NULL;
}

const char *gf_kept_dir(const struct gf_native *native) {
    const struct gf_native_options *options = &native->options;
    const bool keeps = !options->debugging_disabled && options->keep_failed_ms > 0 &&
                       options->keep_failed_count > 0;
    return keeps ? native->kept->dir : NULL;
}

/* ---- sessions ---- */

static void connect_waiting(struct gf_kept_root *root) {
    while (root->waiting.count > 0) {
        struct gf_session *session = root->waiting.items[--root->waiting.count];
        gf_session__connect(session, root->container->name);
        gf_session__unref(session);
    }
}

/* Each leaves the root by that. */
static void fail_waiting(struct gf_kept_root *root, enum gf_code code, const char *sentence) {
    while (root->waiting.count > 0) {
        gf_session__fail(root->waiting.items[root->waiting.count - 1], code, sentence);
    }
}

static void advance(struct gf_kept_root *root) {
    if (root->starting) {
        return;
    }
    if (root->container == NULL && root->waiting.count > 0) {
        gf_kept__start(root);
    } else if (root->container == NULL && root->doomed && root->sessions == 0) {
        remove_root(root);
    } else if (root->container != NULL && root->sessions == 0 && !root->stopping) {
        root->stopping = true;
        gf_native__request_stop(root->container, /* force = */ true);
    }
}

void gf_kept_enter(struct gf_session *session) {
    struct gf_native *native = session->native;
    struct gf_kept_root *root = find(native->kept, session->attempt);
    if (root == NULL || root->doomed) {
        gf_session__fail(session, GF_FAILED_PRECONDITION, "no root of the attempt is kept");
        return;
    }
    session->kept = root;
    root->sessions++;
    if (root->container != NULL && root->container->started && !root->starting && !root->stopping) {
        gf_session__connect(session, root->container->name);
        return;
    }
    gf_vec_push(&root->waiting, gf_session__ref(session));
    advance(root);
}

void gf_kept_leave(struct gf_session *session) {
    struct gf_kept_root *root = session->kept;
    if (root == NULL) {
        return;
    }
    session->kept = NULL;
    root->sessions--;
    for (size_t i = 0; i < root->waiting.count; i++) {
        if (root->waiting.items[i] == session) {
            root->waiting.items[i] = root->waiting.items[--root->waiting.count];
            gf_session__unref(session); /* its user, or who ends it, has another reference */
            break;
        }
    }
    advance(root);
}

/* ---- the container ---- */

void gf_kept__start_done(struct gf_kept_root *root, const struct gf_error *error) {
    if (error->code != GF_OK) {
        struct gf_native_attempt *container = root->container;
        root->container = NULL;
        gf_native__drop(container);
        fail_waiting(root, error->code,
                     error->message); /* nothing happens while it is `starting` */
    }
    root->starting = false;
    advance(root);
}

void gf_kept_started(struct gf_native_attempt *container) {
    struct gf_kept_root *root = container->kept;
    if (!root->stopping) {
        connect_waiting(root);
    }
}

/* Who came while it was being stopped waits for the next one. */
void gf_kept_ended(struct gf_native_attempt *container, const char *sentence) {
    struct gf_kept_root *root = container->kept;
    container->forgotten = true;
    if (!root->stopping) {
        root->stopping = true;
        fail_waiting(root, GF_INTERNAL, sentence);
    }
}

void gf_kept_gone(struct gf_native_attempt *container) {
    struct gf_kept_root *root = container->kept;
    container->kept = NULL;
    root->container = NULL;
    root->stopping = false;
    advance(root);
}
