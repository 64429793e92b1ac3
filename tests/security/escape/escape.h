/*
 * A program that runs inside a container and tries to get out of it. Every attempt is a check with
 * a name and one of three outcomes: it was refused as expected; it got through; or it could not be
 * tried. Only the first is good: what cannot be tried proves nothing.
 *
 * It is static and stands alone: containers have no libraries of ours.
 */
#ifndef GOFER_TESTS_SECURITY_ESCAPE_ESCAPE_H_
#define GOFER_TESTS_SECURITY_ESCAPE_ESCAPE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome {
    HELD = 0,
    GOT_THROUGH = 1,
    UNTRIED = 2,
    NOT_HERE =
        3, /* the check says nothing of this container: of another user, of the host's network */
};

/* What of the host there is to be found, from the command line. */
struct host {
    const char *file;     /* a path */
    const char *abstract; /* the name of a listening unix socket, without the leading NUL */
    int key;              /* of a System V shared memory segment */
    int pid;              /* a process of the host */
    int port;             /* of a listener on 127.0.0.1 */
    bool own_network;     /* the container is not in the host's */
};

extern struct host host;

struct check {
    const char *name;
    enum outcome (*try)(void);
};

/*
 * What a system call has given. Refused: it failed with one of the errors, which end with 0;
 * failing with any other one counts as not tried, and the error is noted.
 */
enum outcome refused(long result, ...);

/* Opens the path; refused as above. */
enum outcome refused_open(const char *path, int flags, ...);

/* The file is not there, or not to be opened, or there is nothing in it. */
enum outcome reads_as_empty(const char *path);
/* The same of a directory. */
enum outcome lists_as_empty(const char *path);

/* Says why, for the line of a check. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool is_root(void);

/* The checks, by their subject; each list ends with one without a name. */
extern const struct check FILE_CHECKS[];
extern const struct check KERNEL_CHECKS[];
extern const struct check PROCESS_CHECKS[];

#endif /* GOFER_TESTS_SECURITY_ESCAPE_ESCAPE_H_ */
