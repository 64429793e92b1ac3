/*
 * Design: one heap of times under the mutex, and one timer of the reactor for the first of them. A
 * time that comes due kicks or queues a job; nothing is done on the reactor's thread.
 */
#include "api/extension/hub_internal.h"

int64_t gf_hub__ms(int64_t option_ms, int64_t default_ms) {
    return (option_ms != 0 ? option_ms : default_ms) * GF_NS_PER_MS;
}

static void fire(struct gf_timer *timer, void *ctx);

/* On the reactor's thread. */
static void arm(void *ctx) {
    struct gf_extension_hub *hub = ctx;
    gf_mutex_lock(&hub->mutex);
    const struct gf_heap_node *first = hub->stopping ? NULL : gf_heap_peek(&hub->times);
    const int64_t deadline = first != NULL ? first->key : GF_NEVER;
    hub->armed_mono = deadline;
    gf_mutex_unlock(&hub->mutex);
    if (deadline == GF_NEVER) {
        gf_timer_stop(&hub->timer);
    } else {
        gf_timer_start(hub->options.reactor, &hub->timer, deadline, fire, hub);
    }
}

static void fire(struct gf_timer *timer, void *ctx) {
    (void)timer;
    struct gf_extension_hub *hub = ctx;
    const int64_t now = gf_mono_ns();
    gf_mutex_lock(&hub->mutex);
    for (;;) {
        struct gf_heap_node *first = gf_heap_peek(&hub->times);
        if (first == NULL || first->key > now || hub->stopping) {
            break;
        }
        (void)gf_heap_pop(&hub->times);
        struct gf_hub_time *time = GF_CONTAINER_OF(first, struct gf_hub_time, node);
        time->due(hub, time);
    }
    gf_mutex_unlock(&hub->mutex);
    arm(hub);
}

void gf_hub__set_time(struct gf_extension_hub *hub, struct gf_hub_time *time,
                      int64_t deadline_mono_ns) {
    gf_mutex_assert_held(&hub->mutex);
    gf_heap_remove(&hub->times, &time->node);
    if (deadline_mono_ns == GF_NEVER || hub->stopping) {
        return;
    }
    gf_heap_push(&hub->times, &time->node, deadline_mono_ns);
    if (deadline_mono_ns < hub->armed_mono) {
        hub->armed_mono = deadline_mono_ns;
        (void)gf_reactor_post(hub->options.reactor, arm, hub);
    }
}

void gf_hub__stop_times(struct gf_extension_hub *hub) {
    gf_reactor_call(hub->options.reactor, arm, hub);
}
