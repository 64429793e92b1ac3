/* How the output of an exec ends when others have its streams too: without a container. */
#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/shim/session.h"

#include <fcntl.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    BACKLOG_BYTES = 256 << 10,
    READS_MAX = 1000,
};

/* A session whose program has ended, and somebody who writes to its output without end. */
struct fixture {
    struct gf_shim_session session;
    int writer_fd;
};

static void set_up(struct fixture *fixture, int64_t drain_ns) {
    const struct gf_shim_session_host host = {.masks = NULL};
    int fds[2];
    *fixture = (struct fixture){
        .session = {.used = true, .socket_fd = -1, .ended = true, .drain_ns = drain_ns}};
    cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    gf_exec_init(&fixture->session.exec);
    gf_shim_session__init_output(&fixture->session, &host);
    cr_assert_eq(gf_backlog_open(&fixture->session.own_backlog, BACKLOG_BYTES, NULL), GF_OK);
    fixture->session.exec.stdout_fd = fds[0];
    fixture->writer_fd = fds[1];
}

static void tear_down(struct fixture *fixture) {
    gf_close(&fixture->writer_fd);
    gf_exec_close(&fixture->session.exec);
    gf_backlog_close(&fixture->session.own_backlog);
}

/* The pipe is full before each read. Gives the bytes that were read until the stream has ended. */
static size_t read_on(struct fixture *fixture) {
    static const char much[4096];
    size_t size = 0;
    for (int i = 0; i < READS_MAX && fixture->session.exec.stdout_fd >= 0; i++) {
        while (write(fixture->writer_fd, much, sizeof(much)) > 0) {
        }
        const size_t before = fixture->session.drained_bytes[0];
        gf_shim_session__read(&fixture->session, 0);
        size += fixture->session.drained_bytes[0] - before;
        gf_backlog_rewind(&fixture->session.own_backlog); /* it was sent */
    }
    return size;
}

Test(session_output, stream_that_never_ends_is_ended_when_its_time_is_over) {
    struct fixture fixture;
    set_up(&fixture, /* drain_ns = */ 0);
    const size_t size = read_on(&fixture);
    cr_expect_eq(fixture.session.exec.stdout_fd, -1);
    cr_expect_geq(size, (size_t)GF_SHIM_SESSION_DRAIN_BYTES_MAX, "all that a pipe holds came");
    cr_expect_lt(size, 2 * (size_t)GF_SHIM_SESSION_DRAIN_BYTES_MAX);
    tear_down(&fixture);
}

Test(session_output, stream_stays_open_while_there_is_time) {
    struct fixture fixture;
    set_up(&fixture, GF_NEVER);
    (void)read_on(&fixture);
    cr_expect_geq(fixture.session.exec.stdout_fd, 0);
    tear_down(&fixture);
}
