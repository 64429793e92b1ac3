/*
 * The whole server under load of several threads, with a main of its own: runs start while others
 * are watched, events are followed, followers go away in the middle, and pipelines come and go.
 * What it checks is little; the thread sanitizer looks at the rest.
 */
#include "api/server/testing/harness.h"
#include "base/arena.h"
#include "base/sync.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/system.gofer.h"

#include <stdio.h>

enum {
    CLIENTS = 4,
    ROUNDS = 25,
    TIMEOUT_MS = 60000,
};

static struct gf_harness harness;

static void must(enum gf_code rc, const struct gf_error *err) {
    if (rc != GF_OK) {
        (void)fprintf(stderr, "%s: %s\n", gf_code_name(rc), err->message);
    }
    gf_assert(rc == GF_OK);
}

static void up(char *id, struct gf_arena *arena) {
    struct gf_error err = {0};
    Gofer__V1__TaskSpec task = GOFER__V1__TASK_SPEC__INIT;
    Gofer__V1__TaskSpec *tasks[] = {&task};
    Gofer__V1__PipelineSpec spec = GOFER__V1__PIPELINE_SPEC__INIT;
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *registered = NULL;
    Gofer__V1__DeployPipelineRequest deploy = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeployPipelineResponse *deployed = NULL;
    task.id = "one";
    task.image = "busybox";
    spec.id = id;
    spec.n_tasks = 1;
    spec.tasks = tasks;
    request.spec = &spec;
    deploy.pipeline_id = id;
    must(gofer_v1_pipeline_config_service_register_pipeline_config(harness.channel, NULL, &request,
                                                                   arena, &registered, &err),
         &err);
    must(gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &deploy, arena,
                                                     &deployed, &err),
         &err);
}

/* Starts a run and watches it; every third watch is given up after its first message. */
static void run_one(struct gf_arena *arena, int round) {
    struct gf_error err = {0};
    Gofer__V1__StartRunRequest start = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *started = NULL;
    Gofer__V1__WatchRunRequest watch = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    Gofer__V1__WatchRunResponse *message = NULL;
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    start.input = round % 2 == 0 ? &input : NULL;
    start.pipeline_id = "hello";
    watch.pipeline_id = "hello";
    must(gofer_v1_run_service_start_run(harness.channel, NULL, &start, arena, &started, &err),
         &err);
    watch.run_id = started->run->run_id;
    must(gofer_v1_run_service_watch_run_stream_open(harness.channel, NULL, &watch, &stream, &err),
         &err);
    Gofer__V1__RunState state = GOFER__V1__RUN_STATE__RUN_STATE_UNSPECIFIED;
    do {
        must(gofer_v1_run_service_watch_run_stream_recv(stream, TIMEOUT_MS, arena, &message, &err),
             &err);
        state = message != NULL ? message->run->state : state;
    } while (message != NULL && round % 3 != 0);
    gf_assert(round % 3 == 0 || state == GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE);
    gf_rpc_stream_destroy(stream);
}

static void *client(void *ctx) {
    (void)ctx;
    struct gf_arena arena;
    gf_arena_init(&arena, (size_t)1 << 28);
    for (int round = 0; round < ROUNDS; round++) {
        run_one(&arena, round);
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return NULL;
}

/* Follows all events and checks their numbers until the last run has ended. */
static void *follower(void *ctx) {
    (void)ctx;
    struct gf_error err = {0};
    struct gf_arena arena;
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    request.include_history = true;
    gf_arena_init(&arena, (size_t)1 << 28);
    must(gofer_v1_event_service_follow_events_stream_open(harness.channel, NULL, &request, &stream,
                                                          &err),
         &err);
    int64_t last = 0;
    for (int ended = 0; ended < CLIENTS * ROUNDS;) {
        Gofer__V1__FollowEventsResponse *message = NULL;
        must(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena, &message,
                                                              &err),
             &err);
        gf_assert(message != NULL);
        if (message->event != NULL) {
            gf_assert(message->event->event_id == last + 1);
            last++;
            ended += message->event->kind == GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED;
        }
        gf_arena_reset(&arena);
    }
    gf_rpc_stream_destroy(stream);
    gf_arena_fini(&arena);
    return NULL;
}

/* Pipelines come and go, and with each deletion the logs are swept. */
static void *gardener(void *ctx) {
    (void)ctx;
    struct gf_error err = {0};
    struct gf_arena arena;
    Gofer__V1__DeletePipelineRequest remove = GOFER__V1__DELETE_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeletePipelineResponse *removed = NULL;
    Gofer__V1__GetPipelineStatsRequest look = GOFER__V1__GET_PIPELINE_STATS_REQUEST__INIT;
    Gofer__V1__GetPipelineStatsResponse *stats = NULL;
    Gofer__V1__GetSystemSummaryRequest sum_up = GOFER__V1__GET_SYSTEM_SUMMARY_REQUEST__INIT;
    Gofer__V1__GetSystemSummaryResponse *summary = NULL;
    gf_arena_init(&arena, (size_t)1 << 28);
    remove.pipeline_id = "passing";
    look.pipeline_id = "hello";
    for (int round = 0; round < ROUNDS; round++) {
        up("passing", &arena);
        must(gofer_v1_pipeline_service_get_pipeline_stats(harness.channel, NULL, &look, &arena,
                                                          &stats, &err),
             &err);
        must(gofer_v1_pipeline_service_delete_pipeline(harness.channel, NULL, &remove, &arena,
                                                       &removed, &err),
             &err);
        must(gofer_v1_system_service_get_system_summary(harness.channel, NULL, &sum_up, &arena,
                                                        &summary, &err),
             &err);
        gf_assert(summary->pipeline_count == 1);
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return NULL;
}

int main(void) {
    pthread_t threads[CLIENTS + 2];
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    gf_harness_start(&harness, GF_SERVER_SCHEDULER_NULL);
    up("hello", &arena);
    gf_thread_start(&threads[CLIENTS], "follower", follower, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        gf_thread_start(&threads[i], "client", client, NULL);
    }
    gf_thread_start(&threads[CLIENTS + 1], "gardener", gardener, NULL);
    for (int i = 0; i < CLIENTS + 2; i++) {
        gf_thread_join(threads[i]);
    }
    gf_harness_stop(&harness);
    gf_arena_fini(&arena);
    return 0;
}
