#include "api/reflection/reflection.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "gofer/v1/run.gofer.h"
#include "grpc/reflection/v1/reflection.gofer.h"
#include "grpc/reflection/v1alpha/reflection.gofer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    ARENA_BYTES = 64 << 20,
    TIMEOUT_MS = 60000,
};

typedef Grpc__Reflection__V1__ServerReflectionRequest question_proto;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer_proto;

/* A server with RunService (without handlers) and reflection, and a stream of questions to it. */
struct env {
    struct gf_reflection *reflection;
    struct gf_rpc_server *server;
    struct gf_rpc_channel *channel;
    struct gf_rpc_stream *stream;
    struct gf_arena arena;
    struct gf_error err;
    char target[32];
};

static void env_start(struct env *env) {
    static const struct gf_rpc_service *const services[] = {&gofer_v1_run_service};
    static const struct gofer_v1_run_service_handlers no_handlers;
    *env = (struct env){.reflection = gf_reflection_create(gf_schema_gofer(), services, 1)};
    gf_arena_init(&env->arena, ARENA_BYTES);
    cr_assert_eq(gf_rpc_server_create(NULL, &env->server, &env->err), GF_OK);
    gofer_v1_run_service_add_to_server(env->server, &no_handlers, NULL);
    gf_reflection_add_to_server(env->reflection, env->server);
    int port = 0;
    cr_assert_eq(gf_rpc_server_listen(env->server, "127.0.0.1:0", NULL, &port, &env->err), GF_OK,
                 "%s", env->err.message);
    gf_rpc_server_start(env->server);
    (void)snprintf(env->target, sizeof(env->target), "127.0.0.1:%d", port);
    cr_assert_eq(gf_rpc_channel_create(env->target, NULL, &env->channel, &env->err), GF_OK);
    const struct gf_rpc_call_opts opts = {.timeout_ms = TIMEOUT_MS};
    enum gf_code code = grpc_reflection_v1_server_reflection_server_reflection_info_stream_open(
        env->channel, &opts, &env->stream, &env->err);
    cr_assert_eq(code, GF_OK);
}

static void env_stop(struct env *env) {
    gf_rpc_stream_destroy(env->stream);
    gf_rpc_channel_destroy(env->channel);
    gf_rpc_server_destroy(env->server);
    gf_reflection_destroy(env->reflection);
    gf_arena_fini(&env->arena);
}

static void send_question(struct env *env, const question_proto *question) {
    enum gf_code code = grpc_reflection_v1_server_reflection_server_reflection_info_stream_send(
        env->stream, question, &env->err);
    cr_assert_eq(code, GF_OK, "%s", env->err.message);
}

static const answer_proto *receive_answer(struct env *env) {
    answer_proto *answer = NULL;
    enum gf_code code = grpc_reflection_v1_server_reflection_server_reflection_info_stream_recv(
        env->stream, -1, &env->arena, &answer, &env->err);
    cr_assert_eq(code, GF_OK, "%s", env->err.message);
    return answer;
}

static const answer_proto *ask(struct env *env, const question_proto *question) {
    send_question(env, question);
    const answer_proto *answer = receive_answer(env);
    cr_assert_not_null(answer);
    cr_assert_not_null(answer->original_request);
    cr_expect_eq(answer->original_request->message_request_case, question->message_request_case);
    return answer;
}

static question_proto ask_symbol(const char *symbol) {
    question_proto question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    question.file_containing_symbol = (char *)symbol;
    return question;
}

static question_proto ask_file(const char *name) {
    question_proto question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    question.file_by_filename = (char *)name;
    return question;
}

/* The answer must have the file in front, and as many with it as given. */
static void expect_file(const answer_proto *answer, const char *name, size_t least_count) {
    cr_assert_eq(
        answer->message_response_case,
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);
    const Grpc__Reflection__V1__FileDescriptorResponse *files = answer->file_descriptor_response;
    cr_assert(files->n_file_descriptor_proto >= least_count);
    struct gf_str expected = gf_schema_find_file(gf_schema_gofer(), gf_str_from(name))->descriptor;
    struct gf_str actual = {(const char *)files->file_descriptor_proto[0].data,
                            files->file_descriptor_proto[0].len};
    cr_expect(gf_str_eq(actual, expected), "%s", name);
}

static void expect_error(const answer_proto *answer, enum gf_code code) {
    cr_assert_eq(answer->message_response_case,
                 GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE);
    cr_expect_eq(answer->error_response->error_code, (int)code);
    cr_expect(answer->error_response->error_message[0] != '\0');
}

Test(reflection, services_of_the_server_are_listed) {
    struct env env;
    env_start(&env);
    question_proto question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    question.list_services = (char *)"*";
    question.host = (char *)"here";
    const answer_proto *answer = ask(&env, &question);
    cr_expect_str_eq(answer->valid_host, "here");
    cr_assert_eq(
        answer->message_response_case,
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE);
    const Grpc__Reflection__V1__ListServiceResponse *list = answer->list_services_response;
    cr_assert_eq(list->n_service, 3);
    cr_expect_str_eq(list->service[0]->name, "gofer.v1.RunService");
    cr_expect_str_eq(list->service[1]->name, "grpc.reflection.v1.ServerReflection");
    cr_expect_str_eq(list->service[2]->name, "grpc.reflection.v1alpha.ServerReflection");
    env_stop(&env);
}

Test(reflection, files_are_found_with_what_they_import) {
    struct env env;
    env_start(&env);
    const question_proto by_name = ask_file("gofer/v1/run.proto");
    expect_file(ask(&env, &by_name), "gofer/v1/run.proto", 3);
    const question_proto leaf = ask_file("google/protobuf/timestamp.proto");
    expect_file(ask(&env, &leaf), "google/protobuf/timestamp.proto", 1);
    static const char *const symbols[] = {
        "gofer.v1.RunService", "gofer.v1.RunService.GetRun", "gofer.v1.Run",
        "gofer.v1.Run.run_id", "gofer.v1.RunState",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(symbols); i++) {
        const question_proto question = ask_symbol(symbols[i]);
        expect_file(ask(&env, &question), "gofer/v1/run.proto", 3);
    }
    env_stop(&env);
}

Test(reflection, what_does_not_exist_is_an_error_and_the_stream_goes_on) {
    struct env env;
    env_start(&env);
    const question_proto no_file = ask_file("none.proto");
    expect_error(ask(&env, &no_file), GF_NOT_FOUND);
    const question_proto no_symbol = ask_symbol("gofer.v1.None");
    expect_error(ask(&env, &no_symbol), GF_NOT_FOUND);
    const question_proto nothing = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    expect_error(ask(&env, &nothing), GF_INVALID_ARGUMENT);
    question_proto question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    extension.containing_type = (char *)"gofer.v1.Run";
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION;
    question.file_containing_extension = &extension;
    expect_error(ask(&env, &question), GF_NOT_FOUND);
    const question_proto again = ask_symbol("gofer.v1.Run");
    expect_file(ask(&env, &again), "gofer/v1/run.proto", 3);
    env_stop(&env);
}

Test(reflection, messages_have_no_extensions) {
    struct env env;
    env_start(&env);
    question_proto question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE;
    question.all_extension_numbers_of_type = (char *)"gofer.v1.Run";
    const answer_proto *answer = ask(&env, &question);
    cr_assert_eq(
        answer->message_response_case,
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE);
    cr_expect_str_eq(answer->all_extension_numbers_response->base_type_name, "gofer.v1.Run");
    cr_expect_eq(answer->all_extension_numbers_response->n_extension_number, 0);
    question.all_extension_numbers_of_type = (char *)"gofer.v1.None";
    expect_error(ask(&env, &question), GF_NOT_FOUND);
    env_stop(&env);
}

/* Asks for more than the call's queue holds, and reads only then. */
Test(reflection, a_client_that_reads_late_gets_every_answer) {
    enum {
        QUESTIONS = 300
    };
    struct env env;
    env_start(&env);
    const question_proto question = ask_symbol("gofer.v1.RunService");
    for (int i = 0; i < QUESTIONS; i++) {
        send_question(&env, &question);
    }
    gf_rpc_stream_close_send(env.stream);
    for (int i = 0; i < QUESTIONS; i++) {
        gf_arena_reset(&env.arena);
        const answer_proto *answer = receive_answer(&env);
        cr_assert_not_null(answer);
        expect_file(answer, "gofer/v1/run.proto", 3);
    }
    cr_expect_null(receive_answer(&env));
    cr_expect_eq(gf_rpc_stream_finish(env.stream, &env.err), GF_OK);
    env_stop(&env);
}

Test(reflection, a_client_that_goes_away_in_between_is_no_trouble) {
    struct env env;
    env_start(&env);
    const question_proto question = ask_symbol("gofer.v1.RunService");
    for (int i = 0; i < 300; i++) {
        send_question(&env, &question);
    }
    gf_rpc_stream_destroy(env.stream);
    env.stream = NULL;
    env_stop(&env);
}

Test(reflection, the_older_name_answers_as_well) {
    struct env env;
    env_start(&env);
    const struct gf_rpc_call_opts opts = {.timeout_ms = TIMEOUT_MS};
    struct gf_rpc_stream *stream = NULL;
    enum gf_code code =
        grpc_reflection_v1alpha_server_reflection_server_reflection_info_stream_open(
            env.channel, &opts, &stream, &env.err);
    cr_assert_eq(code, GF_OK);
    Grpc__Reflection__V1alpha__ServerReflectionRequest question =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    question.list_services = (char *)"";
    code = grpc_reflection_v1alpha_server_reflection_server_reflection_info_stream_send(
        stream, &question, &env.err);
    cr_assert_eq(code, GF_OK);
    Grpc__Reflection__V1alpha__ServerReflectionResponse *answer = NULL;
    code = grpc_reflection_v1alpha_server_reflection_server_reflection_info_stream_recv(
        stream, -1, &env.arena, &answer, &env.err);
    cr_assert_eq(code, GF_OK, "%s", env.err.message);
    cr_expect_eq(answer->list_services_response->n_service, 3);
    gf_rpc_stream_destroy(stream);
    env_stop(&env);
}

/* Runs the client in Python against the server. Gives what it printed; the caller frees it. */
static char *run_python(const struct env *env, const char *package) {
    int out[2];
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    const char *const argv[] = {"python3", "api/reflection/reflection_client.py", env->target,
                                package, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", NULL};
    const struct gf_proc_fd fds[] = {{out[1], STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
    const struct gf_proc_spec spec = {.program = "/usr/bin/python3",
                                      .argv = argv,
                                      .envp = envp,
                                      .fds = fds,
                                      .fd_count = GF_ARRAY_COUNT(fds)};
    struct gf_proc proc;
    struct gf_error err;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_OK, "%s", err.message);
    close(out[1]);
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    cr_assert_eq(gf_read_all(out[0], &text, &err), GF_OK);
    close(out[0]);
    struct gf_proc_exit end;
    cr_assert_eq(gf_proc_wait(&proc, GF_NEVER, &end, &err), GF_OK);
    cr_expect(!end.signaled && end.status == 0, "python ended with %d", end.status);
    return gf_strbuf_take(&text);
}

Test(reflection, official_client_of_another_language_reads_the_contracts) {
    static const char *const packages[] = {"grpc.reflection.v1", "grpc.reflection.v1alpha"};
    struct env env;
    env_start(&env);
    for (size_t i = 0; i < GF_ARRAY_COUNT(packages); i++) {
        char *text = run_python(&env, packages[i]);
        cr_assert_not_null(text);
        cr_expect_not_null(strstr(text, "gofer.v1.RunService GetRun gofer.v1.GetRunRequest "
                                        "gofer.v1.GetRunResponse\n"),
                           "%s", text);
        cr_expect_not_null(strstr(text, "grpc.reflection.v1.ServerReflection "), "%s", text);
        free(text);
    }
    env_stop(&env);
}
