/*
 * Files and readers. The watching of files that grow is in log_watch.c.
 */
#include "engine/logs/log_store.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/logs/log_store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories and files are for the server alone: output may hold what only some may read. */
enum {
    DIRECTORY_MODE = 0700,
    FILE_MODE = 0600,
};

enum gf_code gf_log_store_open(const char *path, struct gf_reactor *reactor,
                               struct gf_log_store **out_store, struct gf_error *err) {
    enum gf_code rc = gf_tree_make(AT_FDCWD, path, DIRECTORY_MODE, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_log_store *store = gf_calloc(1, sizeof(*store));
    store->dir_fd = -1;
    rc = gf_file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &store->dir_fd, err);
    if (rc == GF_OK) {
        rc = gf_log_watch_init(&store->watch, reactor, err);
    }
    if (rc != GF_OK) {
        gf_close(&store->dir_fd);
        free(store);
        return rc;
    }
    *out_store = store;
    return GF_OK;
}

void gf_log_store_destroy(struct gf_log_store *store) {
    if (store == NULL) {
        return;
    }
    gf_log_watch_fini(&store->watch);
    gf_close(&store->dir_fd);
    free(store);
}

/* The path of a log below the store's directory, and the length of its directory part. */
struct log_path {
    char text[GF_LOG_PATH_BYTES_MAX];
    char directory[GF_LOG_PATH_BYTES_MAX];
};

static void make_path(const struct gf_log_name *name, struct log_path *out_path) {
    gf_assert(name->pipeline_key >= 0 && name->run_id > 0);
    gf_assert(name->task_index >= 0);
    gf_assert(name->attempt > 0 || (name->attempt == 0 && name->pipeline_key == 0));
    int length = snprintf(out_path->directory, sizeof(out_path->directory), "%" PRId64 "/%" PRId64,
                          name->pipeline_key, name->run_id / GF_LOG_STORE_RUNS_PER_DIRECTORY);
    gf_assert(length > 0 && (size_t)length < sizeof(out_path->directory));
    length = snprintf(out_path->text, sizeof(out_path->text),
                      "%" PRId64 "/%" PRId64 "/%" PRId64 "-%" PRId32 "-%" PRId32 ".log",
                      name->pipeline_key, name->run_id / GF_LOG_STORE_RUNS_PER_DIRECTORY,
                      name->run_id, name->task_index, name->attempt);
    gf_assert(length > 0 && (size_t)length < sizeof(out_path->text));
}

enum gf_code gf_log_store_create(struct gf_log_store *store, const struct gf_log_name *name,
                                 int *out_fd, struct gf_error *err) {
    struct log_path path;
    make_path(name, &path);
    gf_counter_add(&store->created, 1);
    int flags = O_RDWR | O_CREAT | O_NOFOLLOW;
    struct gf_error first = {0};
    enum gf_code rc = gf_file_open(store->dir_fd, path.text, flags, FILE_MODE, out_fd, &first);
    if (rc != GF_NOT_FOUND) {
        if (rc != GF_OK && err != NULL) {
            *err = first;
        }
        return rc;
    }
    /* The first log of a thousand runs: its directory is not there yet. */
    rc = gf_tree_make(store->dir_fd, path.directory, DIRECTORY_MODE, err);
    if (rc != GF_OK) {
        return rc;
    }
    return gf_file_open(store->dir_fd, path.text, flags, FILE_MODE, out_fd, err);
}

bool gf_log_store_has(const struct gf_log_store *store, const struct gf_log_name *name) {
    struct log_path path;
    struct stat status;
    make_path(name, &path);
    return fstatat(store->dir_fd, path.text, &status, AT_SYMLINK_NOFOLLOW) == 0 ||
           (errno != ENOENT && errno != ENOTDIR);
}

enum gf_code gf_log_store_remove(struct gf_log_store *store, const struct gf_log_name *name,
                                 struct gf_error *err) {
    struct log_path path;
    make_path(name, &path);
    if (unlinkat(store->dir_fd, path.text, 0) != 0 && errno != ENOENT) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log '%s'", path.text);
    }
    return GF_OK;
}

/* Calls each with every name in a directory of logs, until it fails; one that is not there is
 * empty. */
static enum gf_code for_each_entry(struct gf_log_store *store, const char *path,
                                   enum gf_code (*each)(void *ctx, const char *name,
                                                        struct gf_error *err),
                                   void *ctx, struct gf_error *err) {
    int fd = -1;
    struct gf_error why = {0};
    enum gf_code rc = gf_file_open(store->dir_fd, path, O_RDONLY | O_DIRECTORY, 0, &fd, &why);
    if (rc == GF_NOT_FOUND) {
        return GF_OK;
    }
    if (rc != GF_OK) {
        if (err != NULL) {
            *err = why;
        }
        return rc;
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    gf_assert(dir != NULL);
    while (rc == GF_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory of logs");
        }
        if (entry == NULL) {
            return GF_OK;
        }
        rc = each(ctx, entry->d_name, err);
    }
    return rc;
}

static enum gf_code add_pipeline(void *ctx, const char *name, struct gf_error *err) {
    (void)err;
    struct gf_log_pipelines *out = ctx;
    int64_t key = 0;
    if (gf_parse_i64(gf_str_from(name), &key) && key > 0) {
        gf_vec_push(out, key);
    }
    return GF_OK;
}

enum gf_code gf_log_store_list_pipelines(struct gf_log_store *store, struct gf_log_pipelines *out,
                                         struct gf_error *err) {
    return for_each_entry(store, ".", add_pipeline, out, err);
}

/* ---- Logs of one run ---- */

struct run_walk {
    struct gf_log_store *store;
    int64_t pipeline_key;
    struct gf_log_runs *out; /* of a list; NULL: what is of run_id is removed */
    int64_t run_id;
    char directory[GF_LOG_PATH_BYTES_MAX];
};

/* The run of a log by the name of its file: "12-0-1.log". */
static bool run_of(const char *name, int64_t *out_run_id) {
    const char *dash = strchr(name, '-');
    return dash != NULL && gf_parse_i64((struct gf_str){name, (size_t)(dash - name)}, out_run_id) &&
           *out_run_id > 0;
}

static enum gf_code visit_file(void *ctx, const char *name, struct gf_error *err) {
    struct run_walk *walk = ctx;
    int64_t run_id = 0;
    if (!run_of(name, &run_id)) {
        return GF_OK;
    }
    if (walk->out != NULL) {
        gf_vec_push(walk->out, run_id);
        return GF_OK;
    }
    char path[GF_LOG_PATH_BYTES_MAX + NAME_MAX + 2];
    (void)snprintf(path, sizeof(path), "%s/%s", walk->directory, name);
    if (run_id == walk->run_id && unlinkat(walk->store->dir_fd, path, 0) != 0 && errno != ENOENT) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log '%s'", path);
    }
    return GF_OK;
}

static enum gf_code visit_directory(void *ctx, const char *name, struct gf_error *err) {
    struct run_walk *walk = ctx;
    int64_t number = 0;
    if (!gf_parse_i64(gf_str_from(name), &number)) {
        return GF_OK;
    }
    (void)snprintf(walk->directory, sizeof(walk->directory), "%" PRId64 "/%" PRId64,
                   walk->pipeline_key, number);
    return for_each_entry(walk->store, walk->directory, visit_file, walk, err);
}

enum gf_code gf_log_store_list_runs(struct gf_log_store *store, int64_t pipeline_key,
                                    struct gf_log_runs *out, struct gf_error *err) {
    struct run_walk walk = {.store = store, .pipeline_key = pipeline_key, .out = out};
    char path[GF_LOG_PATH_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%" PRId64, pipeline_key);
    return for_each_entry(store, path, visit_directory, &walk, err);
}

enum gf_code gf_log_store_remove_run(struct gf_log_store *store, int64_t pipeline_key,
                                     int64_t run_id, struct gf_error *err) {
    struct run_walk walk = {.store = store, .pipeline_key = pipeline_key, .run_id = run_id};
    (void)snprintf(walk.directory, sizeof(walk.directory), "%" PRId64 "/%" PRId64, pipeline_key,
                   run_id / GF_LOG_STORE_RUNS_PER_DIRECTORY);
    return for_each_entry(store, walk.directory, visit_file, &walk, err);
}

enum gf_code gf_log_store_remove_pipeline(struct gf_log_store *store, int64_t pipeline_key,
                                          struct gf_error *err) {
    char path[GF_LOG_PATH_BYTES_MAX];
    int length = snprintf(path, sizeof(path), "%" PRId64, pipeline_key);
    gf_assert(length > 0 && (size_t)length < sizeof(path));
    return gf_tree_remove(store->dir_fd, path, err);
}

enum gf_code gf_log_reader_open(struct gf_log_store *store, const struct gf_log_name *name,
                                int64_t offset, struct gf_log_reader *reader,
                                struct gf_error *err) {
    struct log_path path;
    make_path(name, &path);
    int fd = -1;
    enum gf_code rc = gf_file_open(store->dir_fd, path.text, O_RDONLY | O_NOFOLLOW, 0, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    *reader = (struct gf_log_reader){.store = store, .fd = fd, .watch_descriptor = -1};
    gf_gauge_add(&store->readers, 1);
    gf_logframe_reader_init(&reader->frames, fd, offset);
    return GF_OK;
}

void gf_log_reader_close(struct gf_log_reader *reader) {
    if (reader->store == NULL) {
        return;
    }
    gf_log_reader_disarm(reader);
    gf_gauge_add(&reader->store->readers, -1);
    gf_logframe_reader_fini(&reader->frames);
    gf_close(&reader->fd);
    reader->store = NULL;
}

enum gf_code gf_log_reader_arm(struct gf_log_reader *reader,
                               void (*wake)(struct gf_log_reader *reader), struct gf_error *err) {
    gf_assert(reader->store != NULL && wake != NULL);
    reader->wake = wake;
    int64_t offset = gf_logframe_reader_offset(&reader->frames);
    if (reader->known_size < offset) {
        reader->known_size = offset;
    }
    return gf_log_watch_arm(&reader->store->watch, reader, err);
}

void gf_log_reader_disarm(struct gf_log_reader *reader) {
    if (reader->store != NULL) {
        gf_log_watch_disarm(&reader->store->watch, reader);
    }
}

void gf_log_store_stats(const struct gf_log_store *store, struct gf_log_store_stats *out) {
    *out = (struct gf_log_store_stats){
        .readers = (size_t)gf_gauge_read(&store->readers),
        .files_watched = (size_t)gf_gauge_read(&store->watch.file_count),
        .created_total = gf_counter_read(&store->created),
        .wakes_total = gf_counter_read(&store->watch.wakes),
        .overflows_total = gf_counter_read(&store->watch.overflows),
    };
}
