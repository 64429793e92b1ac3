/*
 * DESIGN. The two versions of the service differ in their names alone, so one handler speaks the
 * messages of v1 under both. Every question has one answer. A question whose answer does not fit
 * the call's queue waits, with reading paused, until there is room.
 */
#include "api/reflection/reflection.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "grpc/reflection/v1/reflection.gofer.h"

#include <string.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest question_proto;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer_proto;

static const struct gf_rpc_method alpha_methods[] = {{
    .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    .service = "grpc.reflection.v1alpha.ServerReflection",
    .name = "ServerReflectionInfo",
    .kind = GF_RPC_BIDI_STREAM,
    .request = &grpc__reflection__v1__server_reflection_request__descriptor,
    .response = &grpc__reflection__v1__server_reflection_response__descriptor,
}};

static const struct gf_rpc_service alpha_service = {
    .name = "grpc.reflection.v1alpha.ServerReflection",
    .methods = alpha_methods,
    .method_count = GF_ARRAY_COUNT(alpha_methods),
};

struct gf_reflection {
    const struct gf_schema *schema;
    /* The answer to list_services, with what it points to. */
    Grpc__Reflection__V1__ListServiceResponse list;
    Grpc__Reflection__V1__ServiceResponse *services;
};

static void add_service(struct gf_reflection *reflection, const struct gf_rpc_service *service) {
    Grpc__Reflection__V1__ServiceResponse *response =
        &reflection->services[reflection->list.n_service];
    grpc__reflection__v1__service_response__init(response);
    response->name = (char *)service->name; /* only read */
    reflection->list.service[reflection->list.n_service++] = response;
}

struct gf_reflection *gf_reflection_create(const struct gf_schema *schema,
                                           const struct gf_rpc_service *const *services,
                                           size_t service_count) {
    struct gf_reflection *reflection = GF_NEW(struct gf_reflection);
    reflection->schema = schema;
    grpc__reflection__v1__list_service_response__init(&reflection->list);
    reflection->services = gf_calloc(service_count + 2, sizeof(*reflection->services));
    reflection->list.service = gf_calloc(service_count + 2, sizeof(*reflection->list.service));
    for (size_t i = 0; i < service_count; i++) {
        add_service(reflection, services[i]);
    }
    add_service(reflection, &grpc_reflection_v1_server_reflection);
    add_service(reflection, &alpha_service);
    return reflection;
}

void gf_reflection_destroy(struct gf_reflection *reflection) {
    if (reflection == NULL) {
        return;
    }
    free(reflection->services);
    free(reflection->list.service);
    free(reflection);
}

/* ---- answers ---- */

/* A file and all that it imports, each once. */
struct file_list {
    GF_VEC(const struct gf_schema_file *) files;
};

/* Recurses as deep as files import each other. */
static void gather(struct file_list *list, const struct gf_schema_file *file) {
    for (size_t i = 0; i < list->files.count; i++) {
        if (list->files.items[i] == file) {
            return;
        }
    }
    gf_vec_push(&list->files, file);
    for (size_t i = 0; i < file->import_count; i++) {
        gather(list, file->imports[i]);
    }
}

static enum gf_code send_file(struct gf_rpc_call *call, answer_proto *answer,
                              const struct gf_schema_file *file) {
    struct file_list list = {.files = {0}};
    gather(&list, file);
    Grpc__Reflection__V1__FileDescriptorResponse files =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    files.n_file_descriptor_proto = list.files.count;
    files.file_descriptor_proto = gf_calloc(list.files.count, sizeof(*files.file_descriptor_proto));
    for (size_t i = 0; i < list.files.count; i++) {
        struct gf_str descriptor = list.files.items[i]->descriptor;
        files.file_descriptor_proto[i] =
            (ProtobufCBinaryData){descriptor.len, (uint8_t *)descriptor.ptr}; /* only read */
    }
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    answer->file_descriptor_response = &files;
    enum gf_code code =
        grpc_reflection_v1_server_reflection_server_reflection_info_send(call, answer, NULL);
    free(files.file_descriptor_proto);
    gf_vec_fini(&list.files);
    return code;
}

static enum gf_code send_error(struct gf_rpc_call *call, answer_proto *answer,
                               const struct gf_error *err) {
    Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    error.error_code = (int32_t)err->code;
    error.error_message = (char *)err->message; /* only read */
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    answer->error_response = &error;
    return grpc_reflection_v1_server_reflection_server_reflection_info_send(call, answer, NULL);
}

static enum gf_code send_not_found(struct gf_rpc_call *call, answer_proto *answer, const char *what,
                                   const char *name) {
    struct gf_error err;
    (void)gf_fail(&err, GF_NOT_FOUND, "%s '%s' not found", what, name);
    return send_error(call, answer, &err);
}

static enum gf_code answer_file(const struct gf_reflection *reflection, struct gf_rpc_call *call,
                                answer_proto *answer, const char *name) {
    const struct gf_schema_file *file = gf_schema_find_file(reflection->schema, gf_str_from(name));
    return file != NULL ? send_file(call, answer, file)
                        : send_not_found(call, answer, "file", name);
}

static enum gf_code answer_symbol(const struct gf_reflection *reflection, struct gf_rpc_call *call,
                                  answer_proto *answer, const char *symbol) {
    const struct gf_schema_file *file =
        gf_schema_find_symbol(reflection->schema, gf_str_from(symbol));
    return file != NULL ? send_file(call, answer, file)
                        : send_not_found(call, answer, "symbol", symbol);
}

/* Our messages have no extensions. */
static enum gf_code answer_extension_numbers(const struct gf_reflection *reflection,
                                             struct gf_rpc_call *call, answer_proto *answer,
                                             const char *type) {
    if (!gf_schema_has_message(reflection->schema, gf_str_from(type))) {
        return send_not_found(call, answer, "message", type);
    }
    Grpc__Reflection__V1__ExtensionNumberResponse numbers =
        GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;
    numbers.base_type_name = (char *)type; /* only read */
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    answer->all_extension_numbers_response = &numbers;
    return grpc_reflection_v1_server_reflection_server_reflection_info_send(call, answer, NULL);
}

static enum gf_code answer_services(struct gf_reflection *reflection, struct gf_rpc_call *call,
                                    answer_proto *answer) {
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    answer->list_services_response = &reflection->list;
    return grpc_reflection_v1_server_reflection_server_reflection_info_send(call, answer, NULL);
}

/* Answers a question. Codes: those of gf_rpc_send. */
static enum gf_code answer_question(struct gf_reflection *reflection, struct gf_rpc_call *call,
                                    const question_proto *question) {
    answer_proto answer = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    answer.valid_host = question->host;
    answer.original_request = (question_proto *)question; /* only read */
    struct gf_error err;
    /* protobuf-c adds a value to each enum, for its size. */
    switch ((int)question->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        return answer_file(reflection, call, &answer, question->file_by_filename);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        return answer_symbol(reflection, call, &answer, question->file_containing_symbol);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        return send_not_found(call, &answer, "extension of",
                              question->file_containing_extension->containing_type);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        return answer_extension_numbers(reflection, call, &answer,
                                        question->all_extension_numbers_of_type);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        return answer_services(reflection, call, &answer);
    default:
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "no question is asked");
        return send_error(call, &answer, &err);
    }
}

/* ---- the stream ---- */

static void start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)call;
    (void)request;
    (void)ctx;
}

/* The client went away. */
static void cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct gf_error err;
    (void)gf_fail(&err, GF_CANCELLED, "the client went away");
    gf_rpc_fail(call, &err);
}

static void message(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    if (request == NULL) {
        gf_rpc_finish(call);
        return;
    }
    /* GF_CANCELLED is followed by `cancelled`, which ends the call. */
    if (answer_question(ctx, call, (const question_proto *)request) == GF_RESOURCE_EXHAUSTED) {
        gf_rpc_pause_reading(call);
        gf_rpc_call_set_data(call, (void *)request); /* lives until reading goes on */
    }
}

static void writable(struct gf_rpc_call *call, void *ctx) {
    const ProtobufCMessage *request = gf_rpc_call_get_data(call);
    gf_assert(request != NULL);
    if (answer_question(ctx, call, (const question_proto *)request) != GF_RESOURCE_EXHAUSTED) {
        gf_rpc_call_set_data(call, NULL);
        gf_rpc_resume_reading(call);
    }
}

void gf_reflection_add_to_server(struct gf_reflection *reflection, struct gf_rpc_server *server) {
    static const struct gf_rpc_handler handler = {
        .start = start,
        .message = message,
        .writable = writable,
        .cancelled = cancelled,
    };
    gf_rpc_server_add_service(server, &grpc_reflection_v1_server_reflection, &handler, reflection);
    gf_rpc_server_add_service(server, &alpha_service, &handler, reflection);
}
