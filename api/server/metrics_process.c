/* The figures of the process, by the names that client libraries of Prometheus give them. */
#include "api/server/metrics_internal.h"
#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    STAT_BYTES_MAX = 4096,
    /* The fields of /proc/self/stat behind the name, which ends in ')', from 0. */
    STAT_THREADS = 17,
    STAT_VIRTUAL_BYTES = 20,
    STAT_RESIDENT_PAGES = 21,
    STAT_FIELDS = 22,
};

/* False where there is no /proc: then there are no samples. */
static bool read_stat(int64_t fields[STAT_FIELDS]) {
    struct gf_strbuf buffer;
    struct gf_str name = {0};
    struct gf_str rest = {0};
    gf_strbuf_init(&buffer, STAT_BYTES_MAX);
    bool ok = gf_file_read(AT_FDCWD, "/proc/self/stat", &buffer, NULL) == GF_OK;
    /* A name may have spaces and parentheses, but nothing behind it has. */
    struct gf_str text = gf_strbuf_view(&buffer);
    while (ok && gf_str_cut(text, ')', &name, &rest)) {
        text = rest;
    }
    (void)gf_str_cut(text, ' ', &name, &rest);
    for (int i = 0; ok && i < STAT_FIELDS; i++) {
        struct gf_str field = {0};
        (void)gf_str_cut(rest, ' ', &field, &rest);
        /* The first is a letter: the state. */
        ok = i == 0 || gf_parse_i64(field, &fields[i]);
    }
    gf_strbuf_fini(&buffer);
    return ok;
}

/* -1 where it cannot be known. */
static int64_t count_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return -1;
    }
    int64_t count = -3; /* ".", "..", and the directory's own */
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

static void add_descriptors(struct gf_metrics *metrics) {
    const int64_t open_fds = count_descriptors();
    struct rlimit limit = {0};
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "process_open_fds", "File descriptors in use.");
    if (open_fds >= 0) {
        gf_metrics_add(metrics, open_fds, GF_NO_LABELS);
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "process_max_fds",
                     "File descriptors that the process may have at most.");
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        gf_metrics_add(metrics, (int64_t)limit.rlim_cur, GF_NO_LABELS);
    }
}

static void add_stat(struct gf_metrics *metrics) {
    int64_t fields[STAT_FIELDS] = {0};
    const bool known = read_stat(fields);
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "process_threads", "Threads of the process.");
    if (known) {
        gf_metrics_add(metrics, fields[STAT_THREADS], GF_NO_LABELS);
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "process_virtual_memory_bytes",
                     "Address space in use.");
    if (known) {
        gf_metrics_add(metrics, fields[STAT_VIRTUAL_BYTES], GF_NO_LABELS);
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "process_resident_memory_bytes",
                     "Memory in use, without what is swapped out.");
    if (known) {
        gf_metrics_add(metrics, fields[STAT_RESIDENT_PAGES] * sysconf(_SC_PAGESIZE), GF_NO_LABELS);
    }
}

void gf_server__process_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    struct timespec cpu = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "process_cpu_seconds_total",
                     "Time of processors, of users and of the kernel together.");
    gf_metrics_add_ns(metrics, cpu.tv_sec * GF_NS_PER_SEC + cpu.tv_nsec, GF_NO_LABELS);
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "process_start_time_seconds",
                     "When the server started, in seconds since 1970.");
    gf_metrics_add_ns(metrics, server->services.start_time, GF_NO_LABELS);
    add_stat(metrics);
    add_descriptors(metrics);
}
