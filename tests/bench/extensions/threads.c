#include "tests/bench/extensions/threads.h"

#include "base/str.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add(struct thread_times *times, const struct thread_time *time) {
    for (size_t i = 0; i < times->count; i++) {
        if (gf_str_eq(gf_str_from(times->items[i].name), gf_str_from(time->name))) {
            times->items[i].cpu_us += time->cpu_us;
            return;
        }
    }
    gf_vec_push(times, *time);
}

static bool read_one(const char *path, struct thread_time *out) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    int64_t user = 0;
    int64_t system = 0;
    /* The second value is the name, in parentheses; the 14th and the 15th are the times. */
    const int count = fscanf(
        file, "%*d (%31[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64,
        out->name, &user, &system);
    (void)fclose(file);
    size_t length = strlen(out->name);
    while (length > 1 &&
           (isdigit((unsigned char)out->name[length - 1]) != 0 || out->name[length - 1] == '-')) {
        out->name[--length] = '\0';
    }
    out->cpu_us = (user + system) * (1000000 / sysconf(_SC_CLK_TCK));
    return count == 3;
}

void threads_read(int64_t pid, struct thread_times *out) {
    char path[512];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/task", pid);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        struct thread_time time = {0};
        (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/task/%s/stat", pid, entry->d_name);
        if (entry->d_name[0] != '.' && read_one(path, &time)) {
            add(out, &time);
        }
    }
    (void)closedir(dir);
}

int64_t threads_since(const struct thread_times *before, const struct thread_time *now) {
    for (size_t i = 0; i < before->count; i++) {
        if (gf_str_eq(gf_str_from(before->items[i].name), gf_str_from(now->name))) {
            return now->cpu_us - before->items[i].cpu_us;
        }
    }
    return now->cpu_us;
}
