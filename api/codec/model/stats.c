#include "api/codec/model/stats.h"

#include "api/codec/model/message.h"

Gofer__V1__PipelineStats *gf_run_stats_to_message(const struct gf_run_stats *stats,
                                                  int64_t window_ns, struct gf_arena *arena) {
    Gofer__V1__PipelineStats *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__PipelineStats, gofer__v1__pipeline_stats);
    const int64_t judged = stats->successful_count + stats->failed_count;
    message->window = gf_message_duration_set(window_ns, arena);
    message->successful_count = stats->successful_count;
    message->failed_count = stats->failed_count;
    message->cancelled_count = stats->cancelled_count;
    message->truncated = stats->truncated;
    if (judged > 0) {
        message->success_percent = 100.0 * (double)stats->successful_count / (double)judged;
    }
    /* Runs that were cancelled before their start have no durations. One that had started took
     * some time, but perhaps none in the queue. */
    if (judged > 0 || stats->p95_duration > 0) {
        message->median_duration = gf_message_duration_set(stats->median_duration, arena);
        message->p95_duration = gf_message_duration_set(stats->p95_duration, arena);
        message->median_queue_duration =
            gf_message_duration_set(stats->median_queue_duration, arena);
    }
    return message;
}
