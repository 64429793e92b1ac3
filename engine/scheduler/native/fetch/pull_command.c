#include "engine/scheduler/native/fetch/pull_command.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/fetch/agent.h"
#include "engine/scheduler/native/fetch/confine.h"
#include "engine/scheduler/native/fetch/docker_config.h"
#include "engine/scheduler/native/fetch/download.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/pull.h"

#include <stdio.h>
#include <unistd.h>

#include <sodium.h>

/* The request, and what is kept of it when its credentials are wiped. */
struct command {
    struct gf_strbuf text;
    struct gf_arena arena;
    struct gf_pull_request request;
    struct gf_pull_source own_source; /* where the request names none */
    char own_host[GF_REFERENCE_CHARS_MAX + 1];
    char repository[GF_REFERENCE_REPOSITORY_BYTES];
    struct gf_pull pull;
    struct gf_fetch_limits limits;
    char hosts[GF_PULL_SOURCES_MAX][GF_PULL_HOST_CHARS_MAX + 1];
    struct gf_progress progress;
};

/* Credentials do not stay in the process that reads what strangers made. */
static void forget(struct command *command) {
    if (command->text.ptr != NULL) {
        sodium_memzero(command->text.ptr, command->text.len);
    }
    gf_arena_wipe(&command->arena);
}

static void command_fini(struct command *command) {
    forget(command);
    gf_strbuf_fini(&command->text);
    gf_arena_fini(&command->arena);
}

static enum gf_code read_request(struct command *command, struct gf_error *err) {
    struct gf_pull_request *request = &command->request;
    enum gf_code rc = gf_read_all(STDIN_FILENO, &command->text, err);
    if (rc == GF_OK) {
        rc = gf_pull_request_parse(gf_strbuf_view(&command->text), &command->arena, request, err);
    }
    if (rc == GF_OK) {
        rc = gf_reference_parse(gf_str_from(request->reference), &command->pull.reference, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "the request");
    }
    gf_reference_split(&command->pull.reference, command->own_host, command->repository);
    if (request->source_count == 0) {
        command->own_source = (struct gf_pull_source){
            .host = command->own_host, .ca_file = "", .user = "", .password = ""};
        request->sources = &command->own_source;
        request->source_count = 1;
    }
    for (size_t i = 0; i < request->source_count; i++) {
        (void)snprintf(command->hosts[i], sizeof(command->hosts[i]), "%s",
                       request->sources[i].host);
    }
    return gf_docker_config_apply(&command->arena, request, err);
}

static int64_t or_default(int64_t value, int64_t default_value) {
    return value > 0 ? value : default_value;
}

static void settle(struct command *command) {
    const struct gf_pull_request *request = &command->request;
    const struct gf_fetch_limits defaults = gf_fetch_limits_default;
    command->limits = (struct gf_fetch_limits){
        .archive_bytes = or_default(request->archive_bytes_max, defaults.archive_bytes),
        .unpacked_bytes = or_default(request->unpacked_bytes_max, defaults.unpacked_bytes),
        .unpacked_files = or_default(request->unpacked_files_max, defaults.unpacked_files),
    };
    command->pull.hosts = (const char(*)[GF_PULL_HOST_CHARS_MAX + 1]) command->hosts;
    command->pull.host_count = request->source_count;
    command->pull.limits = &command->limits;
    command->pull.deadline_mono_ns = gf_deadline_after_ms(gf_mono_ns(), request->timeout_ms);
    command->pull.now_wall_ns = gf_wall_ns();
    command->pull.progress_fd = STDOUT_FILENO;
    command->pull.progress = &command->progress;
    gf_progress_start(&command->progress, STDERR_FILENO);
    gf_progress_step(&command->progress, 0, "unpacking");
}

/* First the network process, which needs the network; then this one gives up what it has. */
static enum gf_code run(struct command *command, struct gf_fetch_store *store,
                        struct gf_agent *agent, struct gf_pull_result *out, struct gf_error *err) {
    const struct gf_agent_opts opts = {
        .request = &command->request,
        .repository = command->repository,
        .store = store,
        .file_bytes_max = command->limits.archive_bytes,
    };
    const int64_t file_bytes_max = command->limits.archive_bytes > command->limits.unpacked_bytes
                                       ? command->limits.archive_bytes
                                       : command->limits.unpacked_bytes;
    gf_download_sweep(store, command->pull.now_wall_ns, GF_DOWNLOAD_LEFTOVER_BYTES_MAX);
    enum gf_code rc = gf_fetch_store_begin(store, err);
    if (rc == GF_OK) {
        rc = gf_agent_start(&opts, agent, err);
    }
    forget(command);
    if (rc == GF_OK) {
        rc = gf_confine(store->root_fd, file_bytes_max, err);
    }
    return rc == GF_OK ? gf_pull_run(&command->pull, store, agent, out, err) : rc;
}

static enum gf_code pull(const char *store_dir, struct gf_pull_result *out, struct gf_error *err) {
    GF_CLEANUP(command_fini) struct command command = {.request = {NULL}};
    struct gf_fetch_store store;
    struct gf_agent agent = {.fd = -1};
    gf_strbuf_init(&command.text, GF_PULL_REQUEST_BYTES_MAX);
    gf_arena_init(&command.arena, 2 * GF_PULL_REQUEST_BYTES_MAX + GF_DOCKER_CONFIG_ARENA_BYTES_MAX);
    if (geteuid() != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "pulling an image needs root: its files keep their owners");
    }
    enum gf_code rc = read_request(&command, err);
    if (rc == GF_OK) {
        settle(&command);
        rc = gf_fetch_store_open(store_dir, &store, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    rc = run(&command, &store, &agent, out, err);
    gf_agent_stop(&agent);
    if (rc == GF_RESOURCE_EXHAUSTED && err->reason[0] == '\0') {
        /* The disk is full: what could be gone on with is in the way of smaller images. */
        gf_download_sweep(&store, command.pull.now_wall_ns, 0);
    }
    gf_fetch_store_close(&store);
    return rc;
}

enum gf_code gf_pull_command(const char *store_dir, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_pull_result result = {.name = ""};
    struct gf_error failure = {.message = ""};
    gf_strbuf_init(&text, GF_PULL_RESULT_BYTES_MAX);
    const enum gf_code rc = pull(store_dir, &result, &failure);
    if (rc != GF_OK) {
        result.failed = true;
        result.failure = failure;
        *err = failure;
    }
    gf_pull_result_write(&result, &text);
    const enum gf_code printed =
        gf_write_all(STDOUT_FILENO, text.ptr, text.len, rc == GF_OK ? err : NULL);
    return rc != GF_OK ? rc : printed;
}
