/*
 * Followers of one log over gRPC, each with a connection of its own; all read it to its end and
 * check every line.
 *
 * Usage: log_followers HOST PIPELINE RUN TASK FOLLOWERS
 *
 * Prints what each has got, how fast all together, and how long lines were on the way: from the
 * write in the container to the follower, of the last line of each piece. Fails when a line is
 * missing, came twice or was damaged.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/sync.h"
#include "clients/c/client.h"
#include "gofer/v1/task_execution.gofer.h"
#include "tests/bench/logs/line.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FOLLOWERS_MAX = 1000,
    LAGS_MAX = 1 << 16, /* of one follower; the newest ones are dropped */
    ARENA_BYTES_MAX = 64 << 20,
    USER_AGENT_BYTES = 32,
};

struct follower {
    pthread_t thread;
    const char *const *argv;
    int64_t run_id;
    char user_agent[USER_AGENT_BYTES]; /* of its own, so that gRPC does not share connections */
    int64_t bytes;
    int64_t end_ns;
    int32_t *lags_us;
    size_t lag_count;
    bool complete;
};

GF_NORETURN static void fail(const struct follower *follower, const char *what) {
    fprintf(stderr, "log_followers: %s after %lld bytes: %s\n", follower->user_agent,
            (long long)follower->bytes, what);
    exit(1);
}

static int64_t read_digits(const uint8_t *at, int digits) {
    int64_t number = 0;
    for (int i = 0; i < digits; i++) {
        number = number * 10 + (at[i] - '0');
    }
    return number;
}

/* Checks the lines whose numbers lie in these bytes; what is cut between two is counted only. */
static void take(struct follower *follower, const uint8_t *bytes, size_t size, int64_t now_ns) {
    const int64_t begin = follower->bytes;
    const int64_t end = begin + (int64_t)size;
    const uint8_t *last = NULL;
    for (int64_t line = (begin + LINE_BYTES - 1) / LINE_BYTES;
         line * LINE_BYTES + LINE_TIME_AT + LINE_TIME_DIGITS <= end; line++) {
        last = bytes + (line * LINE_BYTES - begin);
        if (read_digits(last, LINE_NUMBER_DIGITS) != line) {
            fail(follower, "a line is missing or came twice");
        }
    }
    follower->bytes = end;
    if (last != NULL && follower->lag_count < LAGS_MAX) {
        const int64_t time_ns = read_digits(last + LINE_TIME_AT, LINE_TIME_DIGITS);
        follower->lags_us[follower->lag_count++] = (int32_t)((now_ns - time_ns) / GF_NS_PER_US);
    }
}

static bool take_message(struct follower *follower,
                         const Gofer__V1__FollowTaskExecutionLogsResponse *message) {
    const int64_t now_ns = gf_wall_ns();
    for (size_t i = 0; i < message->n_chunks; i++) {
        take(follower, message->chunks[i]->content.data, message->chunks[i]->content.len, now_ns);
    }
    if (message->end != NULL) {
        follower->complete = message->end->kind == GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE;
    }
    return message->end == NULL;
}

static void *follow(void *ctx) {
    struct follower *follower = ctx;
    const struct gf_client_options options = {.host = follower->argv[1],
                                              .user_agent = follower->user_agent};
    struct gf_client *client = NULL;
    struct gf_rpc_stream *stream = NULL;
    struct gf_arena arena;
    struct gf_error err;
    Gofer__V1__FollowTaskExecutionLogsRequest request =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    request.pipeline_id = (char *)(uintptr_t)follower->argv[2];
    request.run_id = follower->run_id;
    request.task_id = (char *)(uintptr_t)follower->argv[4];
    if (gf_client_create(&options, &client, &err) != GF_OK ||
        gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
            gf_client_channel(client), NULL, &request, &stream, &err) != GF_OK) {
        fail(follower, err.message);
    }
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    for (bool more = true; more; gf_arena_reset(&arena)) {
        Gofer__V1__FollowTaskExecutionLogsResponse *message = NULL;
        if (gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
                stream, -1, &arena, &message, &err) != GF_OK) {
            fail(follower, err.message);
        }
        more = message != NULL && take_message(follower, message);
    }
    follower->end_ns = gf_mono_ns();
    gf_rpc_stream_destroy(stream);
    gf_client_destroy(client);
    gf_arena_fini(&arena);
    return NULL;
}

static int compare(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void print_lags(const struct follower *followers, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += followers[i].lag_count;
    }
    GF_CLEANUP(gf_free_p) int32_t *lags = gf_calloc(total + 1, sizeof(*lags));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(lags + at, followers[i].lags_us, followers[i].lag_count * sizeof(*lags));
        at += followers[i].lag_count;
    }
    qsort(lags, total, sizeof(*lags), compare);
    printf("lag_ms %.1f %.1f %.1f\n", lags[total / 2] / 1e3, lags[total * 99 / 100] / 1e3,
           lags[total == 0 ? 0 : total - 1] / 1e3);
}

int main(int argc, char **argv) {
    int64_t run_id = 0;
    int64_t count = 0;
    if (argc != 6 || !gf_parse_i64(gf_str_from(argv[3]), &run_id) ||
        !gf_parse_i64(gf_str_from(argv[5]), &count) || count < 1 || count > FOLLOWERS_MAX) {
        fprintf(stderr, "usage: log_followers HOST PIPELINE RUN TASK FOLLOWERS\n");
        return 2;
    }
    struct follower *followers = gf_calloc((size_t)count, sizeof(*followers));
    const int64_t start_ns = gf_mono_ns();
    int64_t end_ns = 0;
    for (int64_t i = 0; i < count; i++) {
        followers[i].argv = (const char *const *)argv;
        followers[i].run_id = run_id;
        followers[i].lags_us = gf_calloc(LAGS_MAX, sizeof(int32_t));
        snprintf(followers[i].user_agent, USER_AGENT_BYTES, "follower-%d", (int)i);
        gf_thread_start(&followers[i].thread, "follower", follow, &followers[i]);
    }
    for (int64_t i = 0; i < count; i++) {
        gf_thread_join(followers[i].thread);
        if (followers[i].bytes != followers[0].bytes || !followers[i].complete) {
            fail(&followers[i], "it is not what the first one has got, or not complete");
        }
        end_ns = followers[i].end_ns > end_ns ? followers[i].end_ns : end_ns;
    }
    const double seconds = (double)(end_ns - start_ns) / (double)GF_NS_PER_SEC;
    printf("bytes %lld\n", (long long)followers[0].bytes);
    printf("seconds %.3f\n", seconds);
    print_lags(followers, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        free(followers[i].lags_us);
    }
    free(followers);
    return 0;
}
