#include "engine/scheduler/native/fetch/registry/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/fetch/registry/address.h"
#include "engine/scheduler/native/fetch/registry/client_internal.h"

#include <unistd.h>

#include <sodium.h>

/* The default registry's name is not that of the machine that speaks for it. */
static const char default_registry[] = "docker.io";
static const char default_registry_api[] = "registry-1.docker.io";

static void run_free(struct gf_registry__run *run) {
    gf_exchange_end(&run->exchange, run->client->multi);
    gf_exchange_fini(&run->exchange);
    gf_close(&run->job.fd);
    gf_registry__clear_tags(run);
    gf_vec_fini(&run->tags);
    gf_strbuf_fini(&run->text);
    free(run->url);
    free(run);
}

static void place_fini(struct gf_registry__place *place) {
    if (place->authorization != NULL) {
        sodium_memzero(place->authorization, strlen(place->authorization));
        free(place->authorization);
    }
}

static void client_free_p(struct gf_registry_client **client) {
    gf_registry_client_free(*client);
}

/* Whether a place says of itself that it is this machine. */
static bool is_loopback(const char *host) {
    const char *port = strrchr(host, ':');
    const bool has_port = port != NULL && strchr(port, ']') == NULL;
    const int len = has_port ? (int)(port - host) : (int)strlen(host);
    GF_CLEANUP(gf_free_p) char *name = gf_asprintf("%.*s", len, host);
    return gf_address_kind_of_host(name) == GF_ADDRESS_LOOPBACK;
}

enum gf_code gf_registry_client_new(const struct gf_registry_opts *opts,
                                    struct gf_registry_client **out, struct gf_error *err) {
    GF_CLEANUP(client_free_p) struct gf_registry_client *client = GF_NEW(struct gf_registry_client);
    const struct gf_pull_request *request = opts->request;
    client->opts = *opts;
    client->settings = (struct gf_exchange_settings){
        .proxy = request->proxy,
        .no_proxy = request->no_proxy,
        .connect_timeout_ms = request->connect_timeout_ms,
        .stall_timeout_ms = request->stall_timeout_ms,
    };
    client->places = gf_calloc(request->source_count, sizeof(*client->places));
    client->place_count = request->source_count;
    for (size_t i = 0; i < client->place_count; i++) {
        const char *host = request->sources[i].host;
        const bool is_default = gf_str_eq(gf_str_from(host), gf_str_from(default_registry));
        client->places[i].source = &request->sources[i];
        client->places[i].api_host = is_default ? default_registry_api : host;
        client->places[i].ca = opts->cas[i];
        client->places[i].is_loopback = is_loopback(host);
    }
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        return gf_fail(err, GF_INTERNAL, "libcurl does not start");
    }
    *out = GF_TAKE(client);
    return GF_OK;
}

void gf_registry_client_free(struct gf_registry_client *client) {
    if (client == NULL) {
        return;
    }
    for (size_t i = 0; i < client->runs.count; i++) {
        run_free(client->runs.items[i]);
    }
    gf_vec_fini(&client->runs);
    for (size_t i = 0; i < client->place_count; i++) {
        place_fini(&client->places[i]);
    }
    free(client->places);
    if (client->multi != NULL) {
        (void)curl_multi_cleanup(client->multi);
    }
    free(client);
}

void gf_registry_client_add(struct gf_registry_client *client, const struct gf_registry_job *job) {
    struct gf_registry__run *run = GF_NEW(struct gf_registry__run);
    run->client = client;
    run->job = *job;
    run->answer.id = job->id;
    run->answer.source = job->source < client->place_count ? job->source : client->place_count - 1;
    run->offset = job->offset;
    run->tried_offset = job->offset;
    run->step = GF_REGISTRY__QUEUED;
    gf_vec_push(&client->runs, run);
}

static void end(struct gf_registry__run *run) {
    struct gf_registry_client *client = run->client;
    const struct gf_registry_answer answer = run->answer;
    for (size_t i = 0; i < client->runs.count; i++) {
        if (client->runs.items[i] == run) {
            gf_vec_remove(&client->runs, i);
            break;
        }
    }
    client->active_count -= run->is_active ? 1 : 0;
    run_free(run);
    client->opts.on_answer(client->opts.ctx, &answer);
}

void gf_registry__succeed(struct gf_registry__run *run) {
    run->answer.failed = false;
    end(run);
}

/* What another place has sent so far is left: it may be what was wrong. */
void gf_registry__give_up(struct gf_registry__run *run, const struct gf_error *why) {
    const bool is_last = run->answer.source + 1 == run->client->place_count;
    if (is_last || (run->job.fd >= 0 && ftruncate(run->job.fd, 0) != 0)) {
        run->answer.failed = true;
        run->answer.failure = *why;
        end(run);
        return;
    }
    run->answer.source++;
    run->offset = 0;
    run->tried_offset = 0;
    run->tries = 0;
    run->logins = 0;
    free(GF_TAKE(run->url));
    gf_registry__ask(run);
}

static int64_t wait_ms(const struct gf_registry__run *run, int64_t retry_after_s) {
    int64_t wait = run->client->opts.request->retry_wait_ms;
    for (int i = 1; i < run->tries && wait < GF_REGISTRY_RETRY_WAIT_MS_MAX; i++) {
        wait *= 2;
    }
    if (retry_after_s >= 0) {
        wait = retry_after_s < GF_REGISTRY_RETRY_WAIT_MS_MAX ? retry_after_s * 1000 : INT64_MAX;
    }
    return wait < GF_REGISTRY_RETRY_WAIT_MS_MAX ? wait : GF_REGISTRY_RETRY_WAIT_MS_MAX;
}

void gf_registry__retry(struct gf_registry__run *run, int64_t retry_after_s,
                        const struct gf_error *why) {
    if (run->offset - run->tried_offset >= GF_REGISTRY_PROGRESS_BYTES) {
        run->tries = 0;
    }
    run->tried_offset = run->offset;
    run->tries++;
    if (run->tries >= run->client->opts.request->tries) {
        gf_registry__give_up(run, why);
        return;
    }
    free(GF_TAKE(run->url));
    run->step = GF_REGISTRY__WAITING;
    run->next_mono_ns = gf_mono_ns() + wait_ms(run, retry_after_s) * GF_NS_PER_MS;
}

/* Starts whose turn it is; the time of the next one that waits, GF_NEVER when none does. */
static int64_t start_due(struct gf_registry_client *client) {
    const int64_t now_ns = gf_mono_ns();
    int64_t next_ns = GF_NEVER;
    /* Asking may end a run at once, which changes the list: begin again then. */
    for (size_t i = 0; i < client->runs.count; i++) {
        struct gf_registry__run *run = client->runs.items[i];
        const bool has_turn = run->step == GF_REGISTRY__QUEUED &&
                              client->active_count < (size_t)client->opts.request->blobs_at_once;
        if (run->step == GF_REGISTRY__WAITING && run->next_mono_ns > now_ns) {
            next_ns = run->next_mono_ns < next_ns ? run->next_mono_ns : next_ns;
        } else if (has_turn || run->step == GF_REGISTRY__WAITING) {
            const size_t count = client->runs.count;
            client->active_count += run->is_active ? 0 : 1;
            run->is_active = true;
            gf_registry__ask(run);
            i = client->runs.count == count ? i : (size_t)-1;
        }
    }
    return next_ns;
}

/* Whether there were any. */
static bool take_ended(struct gf_registry_client *client) {
    int left = 0;
    bool any = false;
    const CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        const CURLcode code = message->data.result;
        any = true;
        for (size_t i = 0; i < client->runs.count; i++) {
            struct gf_registry__run *run = client->runs.items[i];
            if (run->exchange.easy == message->easy_handle) {
                gf_exchange_end(&run->exchange, client->multi);
                gf_registry__judge(run, code);
                break;
            }
        }
    }
    return any;
}

enum gf_code gf_registry_client_run(struct gf_registry_client *client, int wake_fd, int timeout_ms,
                                    bool *out_woken, struct gf_error *err) {
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    int running = 0;
    const int64_t next_ns = start_due(client);
    if (next_ns != GF_NEVER) {
        const int64_t left_ms = (next_ns - gf_mono_ns()) / GF_NS_PER_MS + 1;
        timeout_ms = left_ms < timeout_ms ? (int)left_ms : timeout_ms;
    }
    bool goes_on = curl_multi_perform(client->multi, &running) == CURLM_OK;
    /* What has ended already has made new things to do: nothing is waited for. */
    if (goes_on && take_ended(client)) {
        timeout_ms = 0;
    }
    goes_on = goes_on &&
              curl_multi_poll(client->multi, &wake, 1, timeout_ms > 0 ? timeout_ms : 0, NULL) ==
                  CURLM_OK &&
              curl_multi_perform(client->multi, &running) == CURLM_OK;
    if (!goes_on) {
        return gf_fail(err, GF_INTERNAL, "libcurl does not go on");
    }
    (void)take_ended(client);
    *out_woken = wake.revents != 0;
    return GF_OK;
}
