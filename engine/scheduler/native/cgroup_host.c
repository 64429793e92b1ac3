#include "engine/scheduler/native/cgroup_host.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    CONTROLLERS_BYTES_MAX = 4096,
    PROCS_BYTES_MAX = 1 << 20,
    CLEAR_PAUSE_MS = 2,
};

static const char CONTAINERS_GROUP[] = "gofer";
static const char SERVER_GROUP[] = "gofer-server";

const char *gf_cgroup_controller_name(enum gf_cgroup_controller controller) {
    static const char *const names[] = {
#define GF_X(name, text) [GF_CGROUP_##name] = (text),
        GF_CGROUP_CONTROLLERS(GF_X)
#undef GF_X
    };
    gf_assert(controller < GF_CGROUP_CONTROLLER_COUNT);
    return names[controller];
}

bool gf_cgroup_host_has(const struct gf_cgroup_host *host, enum gf_cgroup_controller controller) {
    return host->split[controller] != NULL || host->in_unified[controller];
}

/* ---- finding and making ---- */

static bool write_file(const char *dir, const char *file, const char *text) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", dir, file);
    GF_CLEANUP(gf_close_p) int fd = open(path, O_WRONLY | O_CLOEXEC);
    const size_t len = strlen(text);
    return fd >= 0 && write(fd, text, len) == (ssize_t)len;
}

static bool has_word(struct gf_str text, struct gf_str word) {
    while (text.len > 0) {
        struct gf_str head;
        (void)gf_str_cut(text, ' ', &head, &text);
        if (head.len > 0 && head.ptr[head.len - 1] == '\n') {
            head.len--;
        }
        if (gf_str_eq(head, word)) {
            return true;
        }
    }
    return false;
}

/* Marks the controllers that groups below dir may have. */
static void read_controllers(const char *dir, const char *file, bool *out_has) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", dir, file);
    struct gf_strbuf text;
    gf_strbuf_init(&text, CONTROLLERS_BYTES_MAX);
    const bool read = gf_file_read(AT_FDCWD, path, &text, NULL) == GF_OK;
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        out_has[i] =
            read && has_word(gf_strbuf_view(&text), gf_str_from(gf_cgroup_controller_name(i)));
    }
    gf_strbuf_fini(&text);
}

/* Gives the groups below dir the controllers that it has itself; what is refused stays off. */
static void enable_controllers(const char *dir) {
    bool has[GF_CGROUP_CONTROLLER_COUNT];
    read_controllers(dir, "cgroup.controllers", has);
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        if (has[i]) {
            GF_CLEANUP(gf_free_p) char *text = gf_asprintf("+%s", gf_cgroup_controller_name(i));
            (void)write_file(dir, "cgroup.subtree_control", text);
        }
    }
}

/* systemd marks a group that it leaves to a service; which of the two marks depends on its version.
 */
static bool is_delegated(const char *dir) {
    char value[8];
    return (getxattr(dir, "user.delegate", value, sizeof(value)) == 1 ||
            getxattr(dir, "trusted.delegate", value, sizeof(value)) == 1) &&
           value[0] == '1';
}

/* Makes room in our own group: processes may only be in its leaves. */
static void move_self_below(const char *dir) {
    GF_CLEANUP(gf_free_p) char *leaf = gf_asprintf("%s/%s", dir, SERVER_GROUP);
    if (mkdir(leaf, 0755) == 0 || errno == EEXIST) {
        (void)write_file(leaf, "cgroup.procs", "0");
    }
}

/* The path of our own group below the mount; NULL where it lies outside of it. */
static char *own_group(const struct gf_cgroup_mounts *mounts, struct gf_error *err) {
    struct gf_strbuf text;
    char *path = NULL;
    gf_strbuf_init(&text, CONTROLLERS_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, "/proc/self/cgroup", &text, err) == GF_OK) {
        struct gf_str own = gf_cgroup_own_path(gf_strbuf_view(&text));
        const struct gf_str root = gf_str_from(mounts->unified_root);
        if (root.len > 1 && gf_str_has_prefix(own, root)) {
            own = (struct gf_str){own.ptr + root.len, own.len - root.len};
        }
        path = gf_asprintf("%s%" GF_STR_FMT, mounts->unified, GF_STR_ARG(own));
    }
    gf_strbuf_fini(&text);
    return path;
}

static bool any(const bool *has) {
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        if (has[i]) {
            return true;
        }
    }
    return false;
}

/* A group that can be used: it is made, or is there and not on a file system that only reads. */
static bool make_group(const char *path) {
    return mkdir(path, 0755) == 0 || (errno == EEXIST && access(path, W_OK) == 0);
}

static void open_unified(const struct gf_cgroup_mounts *mounts, struct gf_cgroup_host *host) {
    bool has[GF_CGROUP_CONTROLLER_COUNT];
    read_controllers(mounts->unified, "cgroup.controllers", has);
    if (!any(has)) {
        return; /* a hybrid host with all that matters elsewhere */
    }
    GF_CLEANUP(gf_free_p) char *own = own_group(mounts, NULL);
    const char *base = mounts->unified;
    if (own != NULL && is_delegated(own)) {
        base = own;
        move_self_below(base);
    }
    enable_controllers(base);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", base, CONTAINERS_GROUP);
    if (!make_group(path)) {
        return;
    }
    enable_controllers(path);
    read_controllers(path, "cgroup.subtree_control", host->in_unified);
    host->unified = GF_TAKE(path);
}

static void open_split(const struct gf_cgroup_mounts *mounts, struct gf_cgroup_host *host) {
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        if (mounts->split[i] == NULL || host->in_unified[i]) {
            continue;
        }
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", mounts->split[i], CONTAINERS_GROUP);
        if (make_group(path)) {
            host->split[i] = GF_TAKE(path);
        }
    }
}

enum gf_code gf_cgroup_host_open(const char *instance, struct gf_cgroup_host *out_host,
                                 struct gf_error *err) {
    struct gf_cgroup_host host = {0};
    struct gf_cgroup_mounts mounts;
    struct gf_strbuf text;

    gf_strbuf_init(&text, GF_CGROUP_MOUNTINFO_BYTES_MAX);
    enum gf_code rc = gf_file_read(AT_FDCWD, "/proc/self/mountinfo", &text, err);
    if (rc != GF_OK) {
        gf_strbuf_fini(&text);
        return gf_wrap(err, "control groups");
    }
    gf_cgroup_mounts_parse(gf_strbuf_view(&text), &mounts);
    gf_strbuf_fini(&text);

    host.prefix = gf_asprintf("%s_", instance);
    if (mounts.unified != NULL) {
        open_unified(&mounts, &host);
    }
    open_split(&mounts, &host);
    gf_cgroup_mounts_fini(&mounts);
    *out_host = host;
    return GF_OK;
}

void gf_cgroup_host_fini(struct gf_cgroup_host *host) {
    free(host->prefix);
    free(host->unified);
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        free(host->split[i]);
    }
    *host = (struct gf_cgroup_host){0};
}

/* The directory of one hierarchy: the unified one first, then the controllers'; NULL = none. */
static const char *hierarchy(const struct gf_cgroup_host *host, int index) {
    return index == 0 ? host->unified : host->split[index - 1];
}
enum {
    HIERARCHY_COUNT = 1 + GF_CGROUP_CONTROLLER_COUNT
};

/* ---- the end of containers ---- */

/* Sends SIGKILL to every process of a group. */
static void kill_group(const char *dir) {
    if (write_file(dir, "cgroup.kill", "1")) {
        return;
    }
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/cgroup.procs", dir);
    struct gf_strbuf procs;
    gf_strbuf_init(&procs, PROCS_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, path, &procs, NULL) == GF_OK) {
        struct gf_str rest = gf_strbuf_view(&procs);
        while (rest.len > 0) {
            struct gf_str line;
            int64_t pid = 0;
            (void)gf_str_cut(rest, '\n', &line, &rest);
            if (gf_parse_i64(line, &pid) && pid > 1) {
                (void)kill((pid_t)pid, SIGKILL); /* it may have ended by itself */
            }
        }
    }
    gf_strbuf_fini(&procs);
}

/* True when the group is gone. */
static bool clear_group(const char *parent, const char *prefix, const char *name) {
    GF_CLEANUP(gf_free_p) char *dir = gf_asprintf("%s/%s%s", parent, prefix, name);
    if (rmdir(dir) == 0 || errno == ENOENT) {
        return true;
    }
    kill_group(dir);
    return rmdir(dir) == 0 || errno == ENOENT;
}

enum gf_code gf_cgroup_host_clear(const struct gf_cgroup_host *host, const char *name,
                                  struct gf_error *err) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), GF_CGROUP_CLEAR_MS_MAX);
    for (;;) {
        bool cleared = true;
        for (int i = 0; i < HIERARCHY_COUNT; i++) {
            const char *parent = hierarchy(host, i);
            if (parent != NULL && !clear_group(parent, host->prefix, name)) {
                cleared = false;
            }
        }
        if (cleared) {
            return GF_OK;
        }
        if (gf_mono_ns() >= deadline) {
            return gf_fail(err, GF_DEADLINE_EXCEEDED,
                           "the processes of control group '%s' do not end", name);
        }
        (void)poll(NULL, 0, CLEAR_PAUSE_MS);
    }
}

void gf_cgroup_host_list(const struct gf_cgroup_host *host, void (*fn)(const char *name, void *ctx),
                         void *ctx) {
    const size_t len = strlen(host->prefix);
    for (int i = 0; i < HIERARCHY_COUNT; i++) {
        if (hierarchy(host, i) == NULL) {
            continue;
        }
        GF_CLEANUP(gf_closedir_p) DIR *dir = opendir(hierarchy(host, i));
        struct dirent *entry = NULL;
        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            if (entry->d_type == DT_DIR && strncmp(entry->d_name, host->prefix, len) == 0) {
                fn(entry->d_name + len, ctx);
            }
        }
    }
}
