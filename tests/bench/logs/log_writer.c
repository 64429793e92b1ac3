/*
 * What runs in the container of the log benchmarks: writes numbered lines to its standard output.
 *
 * Usage: log_writer fast BYTES             as fast as they are taken
 *        log_writer paced BYTES SECONDS    so many bytes a second, a hundredth of them at a time
 */
#include "base/clock.h"
#include "base/str.h"
#include "tests/bench/logs/line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK_LINES = 640,
    TICKS_PER_SECOND = 100,
};

static char block[BLOCK_LINES * LINE_BYTES];
static int64_t line_count;

static void put_digits(char *out, int digits, int64_t number) {
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

static void fill_block(void) {
    for (int i = 0; i < BLOCK_LINES; i++) {
        char *line = block + (size_t)i * LINE_BYTES;
        memset(line, '.', LINE_BYTES - 1);
        line[LINE_NUMBER_DIGITS] = ' ';
        line[LINE_TIME_AT + LINE_TIME_DIGITS] = ' ';
        line[LINE_BYTES - 1] = '\n';
    }
}

/* Writes at most a block; false when nobody takes it any more. */
static bool write_lines(int64_t lines) {
    const int64_t now_ns = gf_wall_ns();
    for (int64_t i = 0; i < lines; i++) {
        char *line = block + (size_t)i * LINE_BYTES;
        put_digits(line, LINE_NUMBER_DIGITS, line_count++);
        if (i == 0) {
            put_digits(line + LINE_TIME_AT, LINE_TIME_DIGITS, now_ns);
        } else {
            memcpy(line + LINE_TIME_AT, block + LINE_TIME_AT, LINE_TIME_DIGITS);
        }
    }
    const size_t size = (size_t)lines * LINE_BYTES;
    for (size_t at = 0; at < size;) {
        const ssize_t written = write(STDOUT_FILENO, block + at, size - at);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        at += written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool write_bytes(int64_t bytes) {
    for (int64_t left = bytes / LINE_BYTES; left > 0;) {
        const int64_t lines = left < BLOCK_LINES ? left : BLOCK_LINES;
        if (!write_lines(lines)) {
            return false;
        }
        left -= lines;
    }
    return true;
}

static bool write_paced(int64_t bytes_per_second, int64_t seconds) {
    struct timespec next;
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    for (int64_t tick = 0; tick < seconds * TICKS_PER_SECOND; tick++) {
        if (!write_bytes(bytes_per_second / TICKS_PER_SECOND)) {
            return false;
        }
        next.tv_nsec += GF_NS_PER_SEC / TICKS_PER_SECOND;
        if (next.tv_nsec >= GF_NS_PER_SEC) {
            next.tv_nsec -= GF_NS_PER_SEC;
            next.tv_sec++;
        }
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    return true;
}

int main(int argc, char **argv) {
    int64_t bytes = 0;
    int64_t seconds = 0;
    const bool fast = argc == 3 && strcmp(argv[1], "fast") == 0;
    const bool paced =
        argc == 4 && strcmp(argv[1], "paced") == 0 && gf_parse_i64(gf_str_from(argv[3]), &seconds);
    if (!(fast || paced) || !gf_parse_i64(gf_str_from(argv[2]), &bytes) || bytes < LINE_BYTES) {
        fprintf(stderr, "usage: log_writer fast BYTES | log_writer paced BYTES SECONDS\n");
        return 2;
    }
    fill_block();
    return (fast ? write_bytes(bytes) : write_paced(bytes, seconds)) ? 0 : 1;
}
