/*
 * Design: whether somebody may get into a container is the gate's business; here is whether there
 * is one, and whether getting in is switched on. The switches are read with the task, so that one
 * who turns them off and sees it done sees nobody get in afterwards; who is in by then is put out
 * by the next step of the stream.
 */
#include "api/codec/model/config.h"
#include "api/service/lookup.h"
#include "api/service/session_call.h"
#include "base/identifier.h"
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/environment.h"
#include "engine/core/limits.h"
#include "engine/secrets/references.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    VALUE_BYTES_MAX = GF_VARIABLE_VALUE_BYTES_MAX,
    COMMAND_BYTES_MAX = GF_SERVICES_SMALL_REQUEST_BYTES_MAX + GF_TASK_ARGUMENTS_MAX,
};

/* What of the store an opening needs. In the stream's arena. */
struct target {
    struct gf_run run;
    struct gf_task_execution execution;
    struct gf_config config;    /* of an exec in a kept root */
    const struct gf_task *task; /* likewise */
};

/* The ids of a request of either kind. */
struct place {
    const char *namespace_id;
    const char *pipeline_id;
    int64_t run_id;
    const char *task_id;
};

enum gf_code gf_session_call__fail_disabled(struct gf_error *err) {
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, GF_REASON_ATTACH_DISABLED,
                          "getting into containers is switched off on this server");
}

enum gf_code gf_session_call__read_size(const Gofer__V1__TerminalSize *message, const char *field,
                                        struct gf_terminal_size *out, struct gf_error *err) {
    const struct gf_terminal_size size = {message->columns, message->rows};
    const int32_t values[] = {size.columns, size.rows};
    static const char *const names[] = {"columns", "rows"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(values); i++) {
        if (values[i] < 1 || values[i] > GF_SESSION_TERMINAL_CELLS_MAX) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "%s.%s", field, names[i]);
            return gf_fail_field(err, path, "value is %" PRId32 ", expected 1 to %d", values[i],
                                 GF_SESSION_TERMINAL_CELLS_MAX);
        }
    }
    *out = size;
    return GF_OK;
}

/* ---- Finding it ---- */

static enum gf_code check_switches(struct gf_read *read, struct gf_error *err) {
    struct gf_preferences preferences = {0};
    if (read->services->debugging_disabled) {
        return gf_session_call__fail_disabled(err);
    }
    const enum gf_code rc =
        read->store->get_preferences(read->reader, read->arena, &preferences, err);
    if (rc == GF_OK && preferences.attach_disabled) {
        return gf_session_call__fail_disabled(err);
    }
    return rc;
}

static enum gf_code find_execution(struct gf_read *read, const struct place *place,
                                   struct target *out, struct gf_error *err) {
    const struct gf_str task_id = gf_str_from(place->task_id);
    enum gf_code rc =
        gf_find_run(read, place->namespace_id, place->pipeline_id, place->run_id, &out->run, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(task_id, "task_id", err);
    }
    if (rc == GF_OK) {
        rc = read->store->get_task(read->reader, out->run.run_key, task_id, read->arena,
                                   &out->execution, err);
    }
    return rc;
}

/* What a container that is not there is made of again. */
static enum gf_code find_spec(struct gf_read *read, struct target *target, struct gf_error *err) {
    const enum gf_code rc =
        gf_find_run_config(read, &target->run, read->arena, &target->config, err);
    if (rc != GF_OK) {
        return rc;
    }
    target->task = gf_config_find_task(&target->config, target->execution.task_id);
    return target->task != NULL
               ? GF_OK
               : gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_CONTAINER",
                                "the config version of the run was deleted: there is nothing to "
                                "make a container of");
}

static enum gf_code fail_not_running(const struct gf_task_execution *execution,
                                     struct gf_error *err) {
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "TASK_NOT_RUNNING",
                          "task '%" GF_STR_FMT "' is %s, not RUNNING",
                          GF_STR_ARG(execution->task_id), gf_task_state_name(execution->state));
}

static enum gf_code fail_no_container(const struct gf_task_execution *execution,
                                      struct gf_error *err) {
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_CONTAINER",
                          "task '%" GF_STR_FMT "' is %s and its file system %s",
                          GF_STR_ARG(execution->task_id), gf_task_state_name(execution->state),
                          execution->root_expire_time != 0
                              ? "is not kept any longer"
                              : "was not kept (a failed task's is, with keep_failed)");
}

/* Whether the program's environment, the container or its root is there. */
static enum gf_code choose_kind(struct gf_read *read, struct target *target, bool is_attach,
                                enum gf_session_kind *out_kind, struct gf_error *err) {
    const struct gf_task_execution *execution = &target->execution;
    if (execution->state == GF_TASK_STATE_RUNNING) {
        *out_kind = is_attach ? GF_SESSION_ATTACH : GF_SESSION_EXEC;
        return GF_OK;
    }
    if (is_attach) {
        return fail_not_running(execution, err);
    }
    if (execution->root_expire_time <= gf_clock_wall_ns(read->services->clock)) {
        return fail_no_container(execution, err);
    }
    *out_kind = GF_SESSION_EXEC_KEPT;
    return find_spec(read, target, err);
}

static enum gf_code find(struct gf_session_call *self, struct gf_read *read,
                         const struct place *place, struct target *out,
                         enum gf_session_kind *out_kind, struct gf_error *err) {
    enum gf_code rc = check_switches(read, err);
    if (rc == GF_OK) {
        rc = find_execution(read, place, out, err);
    }
    if (rc == GF_OK) {
        rc = choose_kind(read, out, self->is_attach, out_kind, err);
    }
    if (rc == GF_OK && read->services->scheduler.ops->open_session == NULL) {
        rc = gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_CONTAINER",
                            "the scheduler '%s' has no containers",
                            read->services->scheduler.ops->name);
    }
    return rc;
}

/* ---- The program ---- */

static enum gf_code check_command(const Gofer__V1__ExecStart *start, struct gf_error *err) {
    if (start->n_command > GF_TASK_ARGUMENTS_MAX) {
        return gf_fail_field(err, "command", "there are %zu arguments, expected up to %d",
                             start->n_command, GF_TASK_ARGUMENTS_MAX);
    }
    for (size_t i = 0; i < start->n_command; i++) {
        const size_t size = strlen(start->command[i]);
        if (size > GF_ARGUMENT_BYTES_MAX) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "command[%zu]", i);
            return gf_fail_field(err, path, "has %zu bytes, expected up to %d", size,
                                 GF_ARGUMENT_BYTES_MAX);
        }
    }
    return start->n_command > 0 && start->command[0][0] == '\0'
               ? gf_fail_field(err, "command[0]", "the program has no name")
               : GF_OK;
}

static enum gf_code check_texts(const Gofer__V1__ExecStart *start, struct gf_error *err) {
    const enum gf_code rc = gf_text_check(gf_str_from(start->user), GF_USER_CHARS_MAX, "user", err);
    const char *directory = start->working_directory;
    if (rc != GF_OK || directory[0] == '\0') {
        return rc;
    }
    if (strlen(directory) > GF_PATH_BYTES_MAX) {
        return gf_fail_field(err, "working_directory", "has more than %d bytes", GF_PATH_BYTES_MAX);
    }
    return directory[0] == '/'
               ? GF_OK
               : gf_fail_field(err, "working_directory", "expected an absolute path, from '/' on");
}

static enum gf_code read_variables(const Gofer__V1__ExecStart *start, struct gf_arena *arena,
                                   struct gf_variable **out_variables, struct gf_error *err) {
    const size_t count = start->n_variables;
    struct gf_variable *variables = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        rc =
            gf_variable_from_entry(start->variables[i]->key, start->variables[i]->value,
                                   GF_VARIABLE_SOURCE_RUN_OPTIONS, "variables", &variables[i], err);
    }
    if (rc == GF_OK) {
        gf_variables_sort(variables, count);
        rc = gf_variables_check(variables, count, "variables", err);
    }
    *out_variables = variables;
    return rc;
}

/* The text that the task got, with doubled braces undone; false where it needs a secret or an
 * object. */
static bool without_references(struct gf_str text, struct gf_arena *arena, struct gf_str *out) {
    struct gf_strbuf value;
    struct gf_text_part part = {0};
    struct gf_error ignored;
    size_t position = 0;
    bool more = true;
    bool plain = true;
    gf_strbuf_init(&value, VALUE_BYTES_MAX);
    while (plain &&
           gf_text_next(text, GF_REFERENCES_ALL, &position, &more, &part, &ignored) == GF_OK) {
        if (!more) {
            break;
        }
        plain = part.kind == GF_REFERENCE_UNSPECIFIED;
        gf_strbuf_append(&value, part.text);
    }
    plain = plain && !more;
    *out = gf_arena_str(arena, gf_strbuf_view(&value));
    gf_strbuf_fini(&value);
    return plain;
}

/*
 * The variables of the task for a program in its kept root, the caller's over them. The program of
 * the task had more: what came from secrets is left out, as nobody has given it to this one.
 */
static size_t kept_variables(const struct target *target, const struct gf_variable *given,
                             size_t given_count, struct gf_arena *arena,
                             struct gf_variable **out_variables) {
    const struct gf_environment_sources sources = {
        .config = &target->config,
        .task = target->task,
        .run = &target->run,
        .attempt = target->execution.attempt,
        .injected = given,
        .injected_count = given_count,
    };
    struct gf_variable *variables = NULL;
    size_t count = 0;
    size_t kept = 0;
    gf_environment_merge(&sources, arena, &variables, &count);
    for (size_t i = 0; i < count; i++) {
        struct gf_variable *variable = &variables[i];
        if (variable->source != GF_VARIABLE_SOURCE_PIPELINE_CONFIG ||
            without_references(variable->value, arena, &variable->value)) {
            variables[kept++] = *variable;
        }
    }
    *out_variables = variables;
    return kept;
}

static void set_environment(const struct gf_variable *variables, size_t count,
                            struct gf_arena *arena, struct gf_session_request *request) {
    const char *const *texts = gf_environment_strings(variables, count, arena);
    struct gf_str *environment = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        environment[i] = gf_str_from(texts[i]);
    }
    request->environment = environment;
    request->environment_count = count;
}

static void set_command(const Gofer__V1__ExecStart *start, struct gf_arena *arena,
                        struct gf_session_request *request) {
    const size_t count = start->n_command > 0 ? start->n_command : 1;
    struct gf_str *command = GF_ARENA_ARRAY(arena, count, struct gf_str);
    command[0] = GF_STR("sh");
    for (size_t i = 0; i < start->n_command; i++) {
        command[i] = gf_str_from(start->command[i]);
    }
    request->command = command;
    request->command_count = count;
    request->user = gf_str_from(start->user);
    request->working_directory = gf_str_from(start->working_directory);
}

/* ---- Opening ---- */

static enum gf_code count_session(struct gf_session_call *self, struct gf_error *err) {
    self->counted = true;
    if (atomic_fetch_add(&self->stream.services->session_count, 1) < GF_SERVICES_SESSIONS_MAX) {
        return GF_OK;
    }
    return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d sessions in containers already",
                   GF_SERVICES_SESSIONS_MAX);
}

/* Notes in the call's arena what the session is about; only steps use that arena from now on. */
static void note_place(struct gf_session_call *self, const struct place *place,
                       const struct target *target, const struct gf_session_request *request) {
    struct gf_arena *arena = gf_rpc_call_arena(self->stream.call);
    self->namespace_id = gf_arena_str(arena, gf_request_namespace(place->namespace_id));
    self->pipeline_id = gf_arena_str(arena, gf_str_from(place->pipeline_id));
    self->run_id = place->run_id;
    self->task_id = gf_arena_str(arena, target->execution.task_id);
    self->attempt = target->execution.attempt;
    struct gf_strbuf shown;
    gf_strbuf_init(&shown, COMMAND_BYTES_MAX);
    for (size_t i = 0; i < request->command_count; i++) {
        gf_strbuf_append_cstr(&shown, i == 0 ? "" : " ");
        gf_strbuf_append(&shown, request->command[i]);
    }
    self->command = gf_text_copy_cut(gf_strbuf_view(&shown), GF_SESSION_COMMAND_BYTES_SHOWN, arena);
    gf_strbuf_fini(&shown);
}

static void open(struct gf_session_call *self, const struct place *place,
                 const struct target *target, struct gf_session_request *request,
                 const struct gf_session_events *events) {
    const struct gf_scheduler *scheduler = &self->stream.services->scheduler;
    request->attempt = (struct gf_attempt){
        .run_key = target->run.run_key,
        .task_index = target->execution.task_index,
        .attempt = target->execution.attempt,
    };
    if (request->kind == GF_SESSION_EXEC_KEPT) {
        request->task = target->task;
        request->image_digest = target->execution.image_digest;
    }
    note_place(self, place, target, request);
    scheduler->ops->open_session(scheduler->self, request, events, &self->session);
}

static enum gf_code wrap_field(enum gf_code rc, const char *field, struct gf_error *err) {
    if (rc == GF_INVALID_ARGUMENT && err->field[0] != '\0') {
        char prefix[GF_ERROR_FIELD_BYTES_MAX];
        (void)snprintf(prefix, sizeof(prefix), "%s.", field);
        (void)gf_wrap_field(err, prefix);
    }
    return rc;
}

enum gf_code gf_session_call__attach(struct gf_session_call *self,
                                     const Gofer__V1__AttachStart *start, const char *field,
                                     const struct gf_session_events *events, struct gf_error *err) {
    const struct place place = {start->namespace_id, start->pipeline_id, start->run_id,
                                start->task_id};
    struct gf_session_request request = {0};
    struct target target = {0};
    struct gf_read read;
    self->is_attach = true;
    enum gf_code rc = count_session(self, err);
    if (rc == GF_OK && start->terminal_size != NULL) {
        rc = gf_session_call__read_size(start->terminal_size, "terminal_size", &request.terminal,
                                        err);
    }
    if (rc == GF_OK) {
        gf_read_open(&read, self->stream.services, &self->stream.arena);
        rc = find(self, &read, &place, &target, &request.kind, err);
        gf_read_close(&read);
    }
    if (rc == GF_OK) {
        open(self, &place, &target, &request, events);
    }
    return wrap_field(rc, field, err);
}

enum gf_code gf_session_call__exec(struct gf_session_call *self, const Gofer__V1__ExecStart *start,
                                   const char *field, const struct gf_session_events *events,
                                   struct gf_error *err) {
    const struct place place = {start->namespace_id, start->pipeline_id, start->run_id,
                                start->task_id};
    struct gf_session_request request = {0};
    struct gf_arena *arena = &self->stream.arena;
    struct gf_variable *variables = NULL;
    size_t count = start->n_variables;
    struct target target = {0};
    struct gf_read read;
    enum gf_code rc = count_session(self, err);
    if (rc == GF_OK) {
        rc = check_command(start, err);
    }
    if (rc == GF_OK) {
        rc = check_texts(start, err);
    }
    if (rc == GF_OK) {
        rc = read_variables(start, arena, &variables, err);
    }
    if (rc == GF_OK && start->terminal_size != NULL) {
        rc = gf_session_call__read_size(start->terminal_size, "terminal_size", &request.terminal,
                                        err);
    }
    if (rc == GF_OK) {
        gf_read_open(&read, self->stream.services, arena);
        rc = find(self, &read, &place, &target, &request.kind, err);
        gf_read_close(&read);
    }
    if (rc == GF_OK) {
        if (request.kind == GF_SESSION_EXEC_KEPT) {
            count = kept_variables(&target, variables, count, arena, &variables);
        }
        set_environment(variables, count, arena, &request);
        set_command(start, arena, &request);
        open(self, &place, &target, &request, events);
    }
    return wrap_field(rc, field, err);
}
