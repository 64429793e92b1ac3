#include "engine/scheduler/native/testing/memory_scan.h"

#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MAPS_BYTES_MAX = 4 << 20,
    CHUNK_BYTES = 1 << 20,
    MAPPING_BYTES_MAX = 1 << 30, /* the shadow of a sanitizer is larger, and nothing else */
};

static int open_or_abort(pid_t pid, const char *name) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/proc/%d/%s", (int)pid, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        abort();
    }
    return fd;
}

static bool occurs_at(const unsigned char *bytes, struct gf_str hidden) {
    for (size_t i = 0; i < hidden.len; i++) {
        if ((bytes[i] ^ MEMORY_SCAN_KEY) != (unsigned char)hidden.ptr[i]) {
            return false;
        }
    }
    return true;
}

static size_t count_in(const unsigned char *bytes, size_t size, struct gf_str hidden) {
    size_t count = 0;
    for (size_t at = 0; at + hidden.len <= size; at++) {
        count += occurs_at(bytes + at, hidden) ? 1 : 0;
    }
    return count;
}

/* Chunks overlap by less than the text. */
static size_t scan_mapping(int mem_fd, uint64_t start, uint64_t end, struct gf_str hidden,
                           unsigned char *chunk) {
    size_t count = 0;
    while (start < end) {
        const size_t left = (size_t)(end - start);
        const ssize_t n =
            pread(mem_fd, chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES, (off_t)start);
        if (n < (ssize_t)hidden.len) {
            return count; /* nothing is mapped there, or it is the kernel's own */
        }
        count += count_in(chunk, (size_t)n, hidden);
        if ((size_t)n == left) {
            return count;
        }
        start += (uint64_t)n - (hidden.len - 1);
    }
    return count;
}

size_t memory_scan(pid_t pid, struct gf_str hidden, const char *except) {
    GF_CLEANUP(gf_close_p) int mem_fd = open_or_abort(pid, "mem");
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/proc/%d/maps", (int)pid);
    GF_CLEANUP(gf_free_p) unsigned char *chunk = gf_malloc(CHUNK_BYTES);
    struct gf_strbuf maps;
    struct gf_error error;
    size_t count = 0;
    gf_strbuf_init(&maps, MAPS_BYTES_MAX);
    gf_assert(gf_file_read(AT_FDCWD, path, &maps, &error) == GF_OK && maps.len > 0);
    struct gf_str rest = gf_strbuf_view(&maps);
    struct gf_str line;
    while (gf_str_cut(rest, '\n', &line, &rest)) {
        GF_CLEANUP(gf_free_p) char *text = gf_str_dup(line);
        uint64_t start = 0;
        uint64_t end = 0;
        if (sscanf(text, "%" SCNx64 "-%" SCNx64 " r", &start, &end) != 2 ||
            end - start > MAPPING_BYTES_MAX || (except != NULL && strstr(text, except) != NULL)) {
            continue;
        }
        const size_t found = scan_mapping(mem_fd, start, end, hidden, chunk);
        if (found > 0) {
            fprintf(stderr, "found %zu times in %s\n", found, text);
        }
        count += found;
    }
    gf_strbuf_fini(&maps);
    return count;
}

void memory_reveal(struct gf_str hidden, char *out) {
    for (size_t i = 0; i < hidden.len; i++) {
        out[i] = (char)(hidden.ptr[i] ^ MEMORY_SCAN_KEY);
    }
}
