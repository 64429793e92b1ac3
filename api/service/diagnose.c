#include "api/service/diagnose.h"

#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "engine/secrets/vault.h"

#include <sys/stat.h>
#include <unistd.h>

enum {
    LISTENERS_BYTES_MAX = 8 << 10,
};

static struct gf_finding ok(const char *description) {
    return (struct gf_finding){.result = GF_FINDING_OK, .description = description};
}

static struct gf_finding warn(const char *description, const char *remedy) {
    return (struct gf_finding){GF_FINDING_WARNING, description, remedy};
}

static struct gf_finding failed(const char *description, const char *remedy) {
    return (struct gf_finding){GF_FINDING_FAILED, description, remedy};
}

/* ---- Keys ---- */

/* What the vault holds was opened at the start; here, that it still answers. */
static struct gf_finding check_secrets(struct gf_read *read) {
    struct gf_vault_sealing_key key = {0};
    struct gf_error error = {0};
    if (read->services->vault == NULL) {
        return gf_finding_skipped("this server keeps no secrets");
    }
    return gf_vault_sealing_key(read->services->vault, &key, &error) == GF_OK
               ? ok("the store of secrets answers, and its keys open")
               : failed(gf_arena_printf(read->arena, "the store of secrets does not answer: %s",
                                        error.message),
                        "look at secrets.db in the data directory and at its file system");
}

static struct gf_finding check_key_file(struct gf_read *read, const char *path) {
    struct stat status = {0};
    if (lstat(path, &status) != 0) {
        return failed(
            gf_arena_printf(read->arena, "the file of the master key, %s, is not there", path),
            "put it back before the service is started again, or all secrets are lost");
    }
    /* systemd lets a user in by an access list, which looks as if the group could read. */
    const bool is_credential = gf_str_has_prefix(gf_str_from(path), GF_STR("/run/credentials/"));
    if ((status.st_mode & (is_credential ? 037 : 077)) != 0) {
        return failed(gf_arena_printf(read->arena, "others may read the master key in %s", path),
                      "take it away from them with chmod 600, and renew it");
    }
    return ok(gf_arena_printf(read->arena, "the master key is in %s, for its owner alone", path));
}

static struct gf_finding check_master_key(struct gf_read *read) {
    const struct gf_services_host *host = &read->services->host;
    if (host->master_key_path != NULL) {
        return check_key_file(read, host->master_key_path);
    }
    if (host->master_key_source == NULL) {
        return gf_finding_skipped("this server has no master key");
    }
    return ok(gf_arena_printf(read->arena, "the master key is from %s", host->master_key_source));
}

/* ---- Callers ---- */

static struct gf_finding check_authentication(struct gf_read *read) {
    if (read->services->development_mode) {
        return warn("development mode: everybody on this machine may do everything",
                    "start the service without --dev");
    }
    if (read->services->host.allow_anonymous) {
        return warn("callers without a token are let in with the role 'anonymous'",
                    "turn that off where nobody needs it");
    }
    return ok("every caller needs a token");
}

static struct gf_finding check_bootstrap(struct gf_read *read) {
    struct gf_token *items = NULL;
    struct gf_error error = {0};
    size_t count = 0;
    if (read->services->development_mode) {
        return gf_finding_skipped("development mode asks for no token");
    }
    if (read->store->list_tokens(read->reader, NULL, 1, read->arena, &items, &count, &error) !=
        GF_OK) {
        return failed(gf_arena_printf(read->arena, "tokens cannot be read: %s", error.message),
                      "look at the disk and its file system");
    }
    return count > 0 ? ok("there are tokens")
                     : warn("there is no token: nobody can log in", "gofer token bootstrap");
}

/* "0.0.0.0:8080 (gRPC), 0.0.0.0:8081 (HTTP)": those that other machines reach without TLS; or all
 * of them. */
static const char *list_listeners(struct gf_read *read, bool only_open) {
    const struct gf_services_host *host = &read->services->host;
    struct gf_strbuf text;
    gf_strbuf_init(&text, LISTENERS_BYTES_MAX);
    for (size_t i = 0; i < host->listener_count; i++) {
        const struct gf_services_listener *listener = &host->listeners[i];
        if (!only_open || (!listener->is_local && !listener->has_tls)) {
            gf_strbuf_printf(&text, "%s%s (%s%s)", text.len > 0 ? ", " : "", listener->address,
                             listener->purpose,
                             listener->has_tls || listener->is_local ? "" : ", without TLS");
        }
    }
    const char *copy = gf_arena_str(read->arena, gf_strbuf_view(&text)).ptr;
    gf_strbuf_fini(&text);
    return copy;
}

static struct gf_finding check_tls(struct gf_read *read) {
    const struct gf_services_host *host = &read->services->host;
    bool all_local = true;
    bool all_safe = true;
    for (size_t i = 0; i < host->listener_count; i++) {
        const struct gf_services_listener *listener = &host->listeners[i];
        all_local = all_local && listener->is_local;
        all_safe = all_safe && (listener->is_local || listener->has_tls);
    }
    if (!all_safe) {
        return warn(gf_arena_printf(read->arena,
                                    "other machines reach the service without encryption, so that "
                                    "tokens can be read on the way: %s",
                                    list_listeners(read, true)),
                    "give the service a certificate, or let it listen on this machine alone");
    }
    return ok(gf_arena_printf(read->arena, "%s: %s",
                              all_local ? "the service listens on this machine alone"
                                        : "connections from other machines are encrypted",
                              list_listeners(read, false)));
}

/* ---- Containers ---- */

static struct gf_finding check_debugging(struct gf_read *read) {
    struct gf_preferences preferences = {0};
    struct gf_error error = {0};
    if (read->services->debugging_disabled) {
        return ok("nobody gets into containers: the configuration has scheduler.allow_debugging "
                  "off");
    }
    if (read->store->get_preferences(read->reader, read->arena, &preferences, &error) != GF_OK) {
        return failed(
            gf_arena_printf(read->arena, "the preferences cannot be read: %s", error.message),
            "look at the disk and its file system");
    }
    return preferences.attach_disabled
               ? ok("nobody gets into containers: the preference attach_disabled is on")
               : ok("who has the permission ATTACH gets into containers");
}

/* ---- Programs ---- */

static struct gf_finding check_fetch_program(struct gf_read *read) {
    const char *path = read->services->host.fetch_program;
    if (read->services->images == NULL) {
        return gf_finding_skipped("the scheduler has no images");
    }
    return path != NULL && access(path, X_OK) == 0
               ? ok("the program that reads images, gofer-fetch, is there")
               : failed("the program that reads images, gofer-fetch, is not there: no image can "
                        "be imported",
                        "install it beside gofer");
}

/* ---- The call ---- */

static const struct gf_check own_checks[] = {
    {"secrets", check_secrets},
    {"master_key", check_master_key},
    {"authentication", check_authentication},
    {"bootstrap", check_bootstrap},
    {"tls", check_tls},
    {"debugging", check_debugging},
    {"gofer_fetch", check_fetch_program},
};

static Gofer__V1__SystemCheckResult result_to_message(enum gf_finding_result result) {
    switch (result) {
    case GF_FINDING_OK:
        break;
    case GF_FINDING_WARNING:
        return GOFER__V1__SYSTEM_CHECK_RESULT__SYSTEM_CHECK_RESULT_WARNING;
    case GF_FINDING_FAILED:
        return GOFER__V1__SYSTEM_CHECK_RESULT__SYSTEM_CHECK_RESULT_FAILED;
    case GF_FINDING_SKIPPED:
        return GOFER__V1__SYSTEM_CHECK_RESULT__SYSTEM_CHECK_RESULT_SKIPPED;
    }
    return GOFER__V1__SYSTEM_CHECK_RESULT__SYSTEM_CHECK_RESULT_OK;
}

/* The answer, and the worst of what is in it: one that is skipped is no worse. */
struct answer {
    struct gf_read *read;
    Gofer__V1__DiagnoseSystemResponse *response;
    enum gf_finding_result worst;
};

static void add(struct answer *answer, const char *name, const struct gf_finding *finding) {
    struct gf_arena *arena = answer->read->arena;
    Gofer__V1__SystemCheck *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__SystemCheck, gofer__v1__system_check);
    message->name = gf_message_text(gf_str_from(name), arena);
    message->result = result_to_message(finding->result);
    message->description = gf_message_text(gf_str_from(finding->description), arena);
    message->remedy = gf_message_text(gf_str_from(finding->remedy), arena);
    answer->response->checks[answer->response->n_checks++] = message;
    if (finding->result != GF_FINDING_SKIPPED && finding->result > answer->worst) {
        answer->worst = finding->result;
    }
}

static void make_checks(struct answer *answer, const struct gf_check *checks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct gf_finding finding = checks[i].fn(answer->read);
        add(answer, checks[i].name, &finding);
    }
}

static void check_containers(struct answer *answer) {
    const struct gf_services *services = answer->read->services;
    struct gf_named_finding findings[GF_FINDINGS_MAX];
    if (services->check_containers == NULL) {
        const struct gf_finding skipped = gf_finding_skipped("the scheduler has no containers");
        add(answer, "protections", &skipped);
        return;
    }
    const size_t count =
        services->check_containers(services->check_ctx, answer->read->arena, findings);
    for (size_t i = 0; i < count; i++) {
        add(answer, findings[i].name, &findings[i].finding);
    }
}

static void check_extensions(struct answer *answer) {
    const struct gf_services *services = answer->read->services;
    if (services->check_extensions != NULL) {
        const struct gf_finding finding =
            services->check_extensions(services->check_extensions_ctx, answer->read->arena);
        add(answer, "provided_extensions", &finding);
    }
}

static enum gf_code diagnose(struct gf_read *read, GF_UNUSED struct gf_error *err) {
    size_t host_count = 0;
    const struct gf_check *host_checks = gf_host_checks(&host_count);
    const int64_t start = gf_mono_ns();
    Gofer__V1__DiagnoseSystemResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__DiagnoseSystemResponse, gofer__v1__diagnose_system_response);
    struct answer answer = {.read = read, .response = response, .worst = GF_FINDING_OK};
    response->checks =
        GF_ARENA_ARRAY(read->arena, host_count + GF_ARRAY_COUNT(own_checks) + GF_FINDINGS_MAX + 1,
                       Gofer__V1__SystemCheck *);
    make_checks(&answer, host_checks, host_count);
    check_containers(&answer);
    make_checks(&answer, own_checks, GF_ARRAY_COUNT(own_checks));
    check_extensions(&answer);
    response->result = result_to_message(answer.worst);
    response->duration = gf_message_duration_set(gf_mono_ns() - start, read->arena);
    read->response = &response->base;
    return GF_OK;
}

void gf_system_diagnose(struct gf_rpc_call *call, const Gofer__V1__DiagnoseSystemRequest *request,
                        void *ctx) {
    gf_read_start(call, &request->base, ctx, diagnose);
}
