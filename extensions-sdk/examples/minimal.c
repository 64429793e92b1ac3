/* A whole extension: it starts a run of every pipeline that subscribes, once a minute. */
#include <gofer/extension.h>
#include <stdio.h>

static const int64_t minute_ns = INT64_C(60000000000);

static void wake(struct gofer_extension *extension, void *ctx) {
    const int64_t minute = gofer_now_ns() / minute_ns;
    char key[32];
    (void)ctx;
    (void)snprintf(key, sizeof(key), "minute-%lld", (long long)minute);
    const struct gofer_run_start start = {
        .size = sizeof(start),
        .idempotency_key = key, /* names the minute: it starts one run, whatever happens */
        .reason = "a minute has passed",
    };
    struct gofer_subscription *each = NULL;
    while ((each = gofer_extension_next_subscription(extension, each)) != NULL) {
        (void)gofer_extension_start_run(extension, each, &start);
    }
    gofer_extension_wake_at(extension, (minute + 1) * minute_ns);
}

int main(int argc, char **argv) {
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "minute",
        .version = "1.0.0",
        .documentation = "Starts a run once a minute.",
        .ready = wake,
        .wake = wake,
    };
    return gofer_extension_run(&definition, argc, argv);
}
