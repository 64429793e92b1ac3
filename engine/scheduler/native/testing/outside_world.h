/*
 * For tests of networks: what lies beyond the machine. The test moves into a network namespace of
 * its own, "this machine", whose default route leads to another one, the outside. There a process
 * listens at
 *
 *   - OUTSIDE_ADDRESS and OUTSIDE_METADATA, TCP port OUTSIDE_PORT: it answers every connection with
 *     "hello ADDRESS\n", ADDRESS being whose it takes the connection for;
 *   - UDP port 53: every name is OUTSIDE_ADDRESS.
 *
 * Nothing of the real machine's networks is touched. Everything that is not the test's subject
 * aborts. Thread: the test's, before it has others.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_OUTSIDE_WORLD_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_OUTSIDE_WORLD_H_

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define OUTSIDE_ADDRESS "192.0.2.2"
#define OUTSIDE_METADATA "169.254.169.254"
#define OUTSIDE_OUR_ADDRESS "192.0.2.1" /* of this machine, on the way there */
enum {
    OUTSIDE_PORT = 80,
    OUTSIDE_OUR_PORT = 8080, /* something listens on this machine, on all addresses */
};

struct outside_world {
    pid_t process;
    int listening_fd; /* of this machine's */
};

/* False where namespaces cannot be made (no root): the test is to be skipped. */
bool outside_world_open(struct outside_world *world);
void outside_world_close(struct outside_world *world);

/* What is answered at the address as seen from this machine; "" when nobody does. Gives `out`. */
char *outside_world_ask(const char *address, int port, char *out, size_t size);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_OUTSIDE_WORLD_H_ */
