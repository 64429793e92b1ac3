/*
 * Usage: escape FILE ABSTRACT KEY PID PORT own|host
 *        escape fork | memory | disk
 *
 * Prints a line for each check that is not good, "GOT THROUGH name: note" or "UNTRIED name: note",
 * and last "N checks held"; the exit code is 0 when all have. The other uses take as much as there
 * is of a resource, and print how much that was.
 */
#include "tests/security/escape/escape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHECK_SECONDS_MAX = 20,
    NOTE_BYTES_MAX = 256,
    FORKS_MAX = 5000,
    BLOCK_BYTES = 1 << 20,
    BLOCKS_MAX = 4096,
};

struct host host;
static char *note_text; /* shared with the process of a check */

/* ---- for checks ---- */

void note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(note_text, NOTE_BYTES_MAX, format, args);
    va_end(args);
}

bool is_root(void) {
    return geteuid() == 0;
}

static enum outcome judge(long result, int errnum, va_list expected) {
    if (result >= 0) {
        note("it gave %ld", result);
        return GOT_THROUGH;
    }
    for (int one = va_arg(expected, int); one != 0; one = va_arg(expected, int)) {
        if (one == errnum) {
            return HELD;
        }
    }
    note("it failed for another reason: %s", strerror(errnum));
    return UNTRIED;
}

enum outcome refused(long result, ...) {
    const int errnum = errno;
    va_list expected;
    va_start(expected, result);
    const enum outcome outcome = judge(result, errnum, expected);
    va_end(expected);
    return outcome;
}

enum outcome refused_open(const char *path, int flags, ...) {
    va_list expected;
    va_start(expected, flags);
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    const enum outcome outcome = judge(fd, errno, expected);
    va_end(expected);
    if (outcome != HELD) {
        char before[NOTE_BYTES_MAX];
        snprintf(before, sizeof(before), "%.200s", note_text);
        note("%.40s: %.200s", path, before);
    }
    return outcome;
}

enum outcome reads_as_empty(const char *path) {
    char byte = 0;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == EACCES || errno == EPERM ? HELD : UNTRIED;
    }
    const ssize_t n = read(fd, &byte, 1);
    if (n > 0) {
        note("%s has something in it", path);
        return GOT_THROUGH;
    }
    return n == 0 || errno == EACCES || errno == EPERM ? HELD : UNTRIED;
}

enum outcome lists_as_empty(const char *path) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT || errno == EACCES ? HELD : UNTRIED;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            note("%s has '%s' in it", path, entry->d_name);
            return GOT_THROUGH;
        }
    }
    return HELD;
}

/* ---- running them ---- */

/* In a process of its own: some end it, and what one changes must not help the next. */
static enum outcome run(const struct check *check) {
    int status = 0;
    note_text[0] = '\0';
    const pid_t pid = fork();
    if (pid < 0) {
        note("no process for it: %s", strerror(errno));
        return UNTRIED;
    }
    if (pid == 0) {
        (void)alarm(CHECK_SECONDS_MAX);
        _exit((int)check->try());
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        note("signal %d ended it", WTERMSIG(status));
        return UNTRIED;
    }
    return (enum outcome)WEXITSTATUS(status);
}

static int run_all(void) {
    static const struct check *const LISTS[] = {FILE_CHECKS, KERNEL_CHECKS, PROCESS_CHECKS};
    int held = 0;
    int bad = 0;
    for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++) {
        for (const struct check *check = LISTS[i]; check->name != NULL; check++) {
            const enum outcome outcome = run(check);
            if (outcome == HELD) {
                held++;
            } else if (outcome != NOT_HERE) {
                bad++;
                printf("%s %s: %s\n", outcome == GOT_THROUGH ? "GOT THROUGH" : "UNTRIED",
                       check->name, note_text);
            }
        }
    }
    printf("%d checks held\n", held);
    return bad == 0 ? 0 : 1;
}

/* ---- taking what there is ---- */

/* Processes that stay, until there is no more to be had. */
static int take_processes(void) {
    int count = 0;
    while (count < FORKS_MAX) {
        const pid_t pid = fork();
        if (pid < 0) {
            break;
        }
        if (pid == 0) {
            for (;;) {
                (void)pause();
            }
        }
        count++;
    }
    printf("%d\n", count);
    return 0;
}

static int take_memory(void) {
    for (int i = 0; i < BLOCKS_MAX; i++) {
        char *block =
            mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) {
            break;
        }
        memset(block, 1, BLOCK_BYTES);
    }
    printf("all that was wanted\n");
    return 0;
}

static int take_disk(void) {
    static char block[BLOCK_BYTES];
    long long total = 0;
    int errnum = 0;
    const int fd = open("/filled", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    memset(block, 1, sizeof(block));
    for (int i = 0; i < BLOCKS_MAX; i++) {
        const ssize_t n = write(fd, block, sizeof(block));
        if (n < 0) {
            errnum = errno;
            break;
        }
        total += n;
    }
    printf("%lld %s\n", total, errnum == ENOSPC || errnum == EDQUOT ? "full" : strerror(errnum));
    return 0;
}

/* Of a set-user-id copy: whose rights has it? */
static int show_user(void) {
    printf("%d\n", (int)geteuid());
    return 0;
}

static int number(const char *text) {
    int value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (*text - '0');
    }
    return value;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    note_text =
        mmap(NULL, NOTE_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (note_text == MAP_FAILED) {
        return 2;
    }
    if (argc == 2) {
        return strcmp(argv[1], "fork") == 0     ? take_processes()
               : strcmp(argv[1], "memory") == 0 ? take_memory()
               : strcmp(argv[1], "disk") == 0   ? take_disk()
               : strcmp(argv[1], "user") == 0   ? show_user()
                                                : 2;
    }
    if (argc != 7) {
        fprintf(stderr, "usage: escape FILE ABSTRACT KEY PID PORT own|host\n");
        return 2;
    }
    host = (struct host){
        .file = argv[1],
        .abstract = argv[2],
        .key = number(argv[3]),
        .pid = number(argv[4]),
        .port = number(argv[5]),
        .own_network = strcmp(argv[6], "own") == 0,
    };
    return run_all();
}
