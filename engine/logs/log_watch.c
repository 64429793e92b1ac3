/*
 * Watching files that grow.
 *
 * A reader is armed on the reactor's thread: first the inotify watch is there, then the size is
 * compared, so that bytes that are written in between are never missed. When the kernel reports
 * that a file was written, all its readers are told and disarmed; whoever wants more arms again. A
 * burst of writes so costs one wake-up for each round of a reader, not one for each write.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "engine/logs/log_store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    INOTIFY_BUFFER_BYTES = 16 * 1024,
};

struct watched_file {
    int64_t watch_descriptor;
    struct gf_list readers; /* armed; never empty outside of the functions here */
};

static struct watched_file *find_file(struct gf_log_watch *watch, int64_t watch_descriptor) {
    return gf_map_i64_get(&watch->files, watch_descriptor);
}

static void drop_file(struct gf_log_watch *watch, struct watched_file *file) {
    gf_assert(gf_list_empty(&file->readers));
    (void)gf_map_i64_remove(&watch->files, file->watch_descriptor);
    gf_gauge_add(&watch->file_count, -1);
    free(file);
}

/* Tells every reader of the file. They are taken out first, because a reader may arm again at once.
 */
static void wake_file(struct gf_log_watch *watch, struct watched_file *file) {
    struct gf_list readers;
    gf_list_init(&readers);
    gf_counter_add_owned(&watch->wakes, 1);
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&file->readers)) != NULL) {
        gf_list_push_back(&readers, link);
    }
    drop_file(watch, file);
    while ((link = gf_list_pop_front(&readers)) != NULL) {
        struct gf_log_reader *reader = GF_CONTAINER_OF(link, struct gf_log_reader, link);
        reader->watch_descriptor = -1;
        reader->wake(reader);
    }
}

static void on_inotify(struct gf_watch *reactor_watch, uint32_t events, void *ctx) {
    (void)reactor_watch;
    (void)events;
    struct gf_log_watch *watch = ctx;
    _Alignas(struct inotify_event) char buffer[INOTIFY_BUFFER_BYTES];
    ssize_t size = 0;
    while ((size = read(watch->inotify_fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            at += (ssize_t)(sizeof(*event) + event->len);
            if ((event->mask & IN_Q_OVERFLOW) != 0) {
                gf_counter_add_owned(&watch->overflows, 1);
                /* Some reports are lost: tell everybody; those who find nothing arm again. */
                size_t position = 0;
                void *file = NULL;
                int64_t descriptor = 0;
                while (gf_map_i64_next(&watch->files, &position, &descriptor, &file)) {
                    (void)inotify_rm_watch(watch->inotify_fd, (int)descriptor);
                    wake_file(watch, file);
                }
                continue;
            }
            struct watched_file *file = find_file(watch, event->wd);
            if (file == NULL) {
                continue;
            }
            if ((event->mask & IN_IGNORED) == 0) {
                (void)inotify_rm_watch(watch->inotify_fd, event->wd);
            }
            wake_file(watch, file);
        }
    }
}

struct init_request {
    struct gf_log_watch *watch;
    enum gf_code code;
    struct gf_error *err;
};

static void init_on_reactor(void *ctx) {
    struct init_request *request = ctx;
    struct gf_log_watch *watch = request->watch;
    request->code = gf_watch_start(watch->reactor, &watch->watch, watch->inotify_fd, EPOLLIN,
                                   on_inotify, watch, request->err);
}

enum gf_code gf_log_watch_init(struct gf_log_watch *watch, struct gf_reactor *reactor,
                               struct gf_error *err) {
    *watch = (struct gf_log_watch){.reactor = reactor, .inotify_fd = -1};
    gf_map_i64_init(&watch->files);
    watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->inotify_fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno,
                             "cannot watch log files (see fs.inotify.max_user_instances)");
    }
    struct init_request request = {.watch = watch, .err = err};
    gf_reactor_call(reactor, init_on_reactor, &request);
    if (request.code != GF_OK) {
        gf_close(&watch->inotify_fd);
    }
    return request.code;
}

static void fini_on_reactor(void *ctx) {
    struct gf_log_watch *watch = ctx;
    gf_watch_stop(&watch->watch);
}

void gf_log_watch_fini(struct gf_log_watch *watch) {
    gf_assert(gf_map_i64_count(&watch->files) == 0);
    if (watch->inotify_fd >= 0) {
        gf_reactor_call(watch->reactor, fini_on_reactor, watch);
        gf_close(&watch->inotify_fd);
    }
    gf_map_i64_fini(&watch->files);
}

struct reader_request {
    struct gf_log_watch *watch;
    struct gf_log_reader *reader;
    enum gf_code code;
    struct gf_error *err;
};

/*
 * True when the file is longer than what the reader has read and than what it was told of before.
 * The second part matters for half a frame at the end, whose writer may be dead: it wakes a reader
 * once.
 */
static bool has_grown(struct gf_log_reader *reader) {
    struct stat status;
    if (fstat(reader->fd, &status) != 0 || status.st_size <= reader->known_size) {
        return false;
    }
    reader->known_size = status.st_size;
    return true;
}

static void arm_on_reactor(void *ctx) {
    struct reader_request *request = ctx;
    struct gf_log_watch *watch = request->watch;
    struct gf_log_reader *reader = request->reader;
    gf_assert(!gf_list_linked(&reader->link));
    /* By descriptor: the file may have been removed or renamed since it was opened. */
    char path[64];
    int length = snprintf(path, sizeof(path), "/proc/self/fd/%d", reader->fd);
    gf_assert(length > 0 && (size_t)length < sizeof(path));
    int descriptor = inotify_add_watch(watch->inotify_fd, path, IN_MODIFY | IN_CLOSE_WRITE);
    if (descriptor < 0) {
        enum gf_code code = errno == ENOSPC ? GF_RESOURCE_EXHAUSTED : gf_code_from_errno(errno);
        request->code = gf_fail_errno(request->err, code, errno,
                                      "cannot watch a log file (see fs.inotify.max_user_watches)");
        return;
    }
    struct watched_file *file = find_file(watch, descriptor);
    if (file == NULL) {
        file = GF_NEW(struct watched_file);
        file->watch_descriptor = descriptor;
        gf_list_init(&file->readers);
        (void)gf_map_i64_put(&watch->files, descriptor, file);
        gf_gauge_add(&watch->file_count, 1);
    }
    reader->watch_descriptor = descriptor;
    gf_list_push_back(&file->readers, &reader->link);
    if (has_grown(reader)) {
        gf_log_watch_disarm(watch, reader);
        reader->wake(reader);
    }
}

enum gf_code gf_log_watch_arm(struct gf_log_watch *watch, struct gf_log_reader *reader,
                              struct gf_error *err) {
    struct reader_request request = {.watch = watch, .reader = reader, .err = err};
    gf_reactor_call(watch->reactor, arm_on_reactor, &request);
    return request.code;
}

static void disarm_on_reactor(void *ctx) {
    struct reader_request *request = ctx;
    struct gf_log_watch *watch = request->watch;
    struct gf_log_reader *reader = request->reader;
    if (!gf_list_linked(&reader->link)) {
        return;
    }
    gf_list_remove(&reader->link);
    struct watched_file *file = find_file(watch, reader->watch_descriptor);
    gf_assert(file != NULL);
    if (gf_list_empty(&file->readers)) {
        (void)inotify_rm_watch(watch->inotify_fd, reader->watch_descriptor);
        drop_file(watch, file);
    }
    reader->watch_descriptor = -1;
}

void gf_log_watch_disarm(struct gf_log_watch *watch, struct gf_log_reader *reader) {
    struct reader_request request = {.watch = watch, .reader = reader};
    gf_reactor_call(watch->reactor, disarm_on_reactor, &request);
}
