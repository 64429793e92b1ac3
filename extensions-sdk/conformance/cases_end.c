/* Cases about the way out. */
#include "base/clock.h"
#include "extensions-sdk/conformance/suite.h"

#include <signal.h>
#include <time.h>

enum {
    END_MS = 10 * 1000,
};

#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RESPONSE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name

static Google__Protobuf__Timestamp *deadline_of(struct gf_suite *suite) {
    Google__Protobuf__Timestamp *time = GF_ARENA_NEW(&suite->arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(time);
    time->seconds = gf_wall_ns() / GF_NS_PER_SEC + END_MS / 1000;
    return time;
}

static bool say_drain(struct gf_suite *suite) {
    gf_play_response *response = gf_suite_message(suite, RESPONSE(DRAIN));
    Gofer__Extension__V1__Drain drain = GOFER__EXTENSION__V1__DRAIN__INIT;
    drain.reason = gf_arena_strdup(&suite->arena, "the suite drains it");
    drain.deadline_time = deadline_of(suite);
    response->drain = &drain;
    return gf_play_say(suite->play, response);
}

static void say_shutdown(struct gf_suite *suite) {
    gf_play_response *response = gf_suite_message(suite, RESPONSE(SHUTDOWN));
    Gofer__Extension__V1__Shutdown shutdown = GOFER__EXTENSION__V1__SHUTDOWN__INIT;
    shutdown.reason = gf_arena_strdup(&suite->arena, "the suite ends it");
    shutdown.deadline_time = deadline_of(suite);
    response->shutdown = &shutdown;
    (void)gf_play_say(suite->play, response);
}

static void drain(struct gf_suite *suite) {
    struct gf_suite_start start;
    if (!gf_suite_begin(suite, 2) || !say_drain(suite) ||
        gf_suite_expect(suite, REQUEST(DRAINED), "Drained") == NULL) {
        return;
    }
    const int64_t quiet_ms = suite->options->run_within_ms + suite->options->quiet_ms;
    if (gf_suite_next_start(suite, quiet_ms, &start)) {
        gf_case_fail(suite, "it starts a run (key '%s') after its Drained", start.key);
        return;
    }
    (void)gf_suite_ping(suite); /* the connection stays */
}

/* It ends with 0 in time. */
static void expect_end(struct gf_suite *suite) {
    char how[GF_PROC_EXIT_BYTES_MAX];
    /* What is under way is acknowledged, as gofer does. */
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), END_MS);
    while (gf_mono_ns() < deadline && !gf_suite_wait_exit(suite, 0)) {
        const gf_play_request *request = gf_play_next(suite->play, 50, &suite->arena);
        if (request != NULL) {
            gf_suite_ack(suite, request);
        } else {
            (void)gf_suite_wait_exit(suite, 50);
        }
    }
    if (suite->is_running) {
        gf_case_fail(suite, "it runs on %d s later", END_MS / 1000);
    } else if (suite->exit.signaled || suite->exit.status != 0) {
        gf_case_fail(suite, "it ended with %s, 0 was expected",
                     gf_proc_exit_format(suite->exit, how));
    }
}

static void shutdown_(struct gf_suite *suite) {
    if (gf_suite_begin(suite, 1)) {
        say_shutdown(suite);
        expect_end(suite);
    }
}

static void drain_shutdown(struct gf_suite *suite) {
    if (gf_suite_begin(suite, 1) && say_drain(suite) &&
        gf_suite_expect(suite, REQUEST(DRAINED), "Drained") != NULL) {
        say_shutdown(suite);
        expect_end(suite);
    }
}

static void terminate(struct gf_suite *suite) {
    if (gf_suite_begin(suite, 1)) {
        gf_proc_signal(&suite->program, SIGTERM);
        expect_end(suite);
    }
}

const struct gf_case gf_cases_end[] = {
    {"drain", "it answers a Drain with Drained and begins nothing afterwards", drain},
    {"shutdown", "it ends with 0 after a Shutdown, within its deadline", shutdown_},
    {"drain-shutdown", "the same after a Drain, as in an update", drain_shutdown},
    {"terminate", "it ends with 0 after SIGTERM", terminate},
    {0},
};
