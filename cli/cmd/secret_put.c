/*
 * DESIGN. The value is sealed before it leaves this process, to the public key that the server
 * gives at that moment: neither what is on the way nor the memory of a proxy ever holds it. When
 * the server renews its key in between, the value is sealed once more.
 */
#include "base/str.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/secret_input.h"
#include "cli/secret_place.h"
#include "cli/ui/message.h"
#include "gofer/v1/secret.gofer.h"

#include <string.h>

static const char REASON_KEY_UNKNOWN[] = "SEALING_KEY_UNKNOWN";

enum {
    NAMESPACES_MAX = 100,
    SEAL_TRIES = 2,
};

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SECRET};

static const struct gf_option options[] = {
    GF_OPTION_GLOBAL,
    {.name = "namespaces",
     .kind = GF_OPTION_LIST,
     .value_name = "GLOB[,GLOB]...",
     .help = "with --global: the namespaces whose pipelines may use it, as 'team-*'; may be given "
             "many times; needed for a new secret"},
    {.name = "file",
     .letter = 'f',
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "the value is what this file holds, to the last byte (default: standard input)"},
    {.name = "exact",
     .kind = GF_OPTION_FLAG,
     .help = "keep the newline at the end of standard input, too"},
    {.name = "force",
     .kind = GF_OPTION_FLAG,
     .help = "store the next version of a secret that is there"},
    {.name = "description", .kind = GF_OPTION_TEXT, .value_name = "TEXT", .help = "what it is for"},
    {.name = "unsealed",
     .kind = GF_OPTION_FLAG,
     .help = "send the value as it is, not sealed to the server's key"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "stores it once only, however often the command is given"},
};

/* The value in a request: sealed, unless the option says otherwise. */
struct message_value {
    Gofer__V1__SecretValue value;
    Gofer__V1__SealedSecretValue sealed;
};

/* ---- The value ---- */

static enum gf_exit_code seal(struct gf_cli *cli, const struct gf_secret_value *plain,
                              struct message_value *out) {
    Gofer__V1__GetSecretSealingKeyRequest request = GOFER__V1__GET_SECRET_SEALING_KEY_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    struct gf_error err = {0};
    enum gf_exit_code code = gf_cli_call(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_GET_SECRET_SEALING_KEY],
        &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__GetSecretSealingKeyResponse *key =
        (Gofer__V1__GetSecretSealingKeyResponse *)message;
    if (key->algorithm !=
        GOFER__V1__SECRET_SEALING_ALGORITHM__SECRET_SEALING_ALGORITHM_SEALED_BOX) {
        (void)gf_fail(&err, GF_UNIMPLEMENTED,
                      "the server seals in a way that this gofer does not know: use a newer one");
        return gf_cli_fail(cli, &err);
    }
    struct gf_str box = {0};
    struct gf_str public_key = {(const char *)key->public_key.data, key->public_key.len};
    if (gf_secret_value_seal(plain, public_key, cli->arena, &box, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    out->sealed.key_id = key->key_id;
    out->sealed.ciphertext =
        (ProtobufCBinaryData){.len = box.len, .data = (uint8_t *)(uintptr_t)box.ptr};
    out->value.form_case = GOFER__V1__SECRET_VALUE__FORM_SEALED;
    out->value.sealed = &out->sealed;
    return GF_EXIT_OK;
}

static enum gf_exit_code make_value(struct gf_cli *cli, const struct gf_secret_value *plain,
                                    struct message_value *out) {
    gofer__v1__secret_value__init(&out->value);
    gofer__v1__sealed_secret_value__init(&out->sealed);
    if (!gf_parsed_flag(cli->parsed, "unsealed")) {
        return seal(cli, plain, out);
    }
    out->value.form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    out->value.plaintext =
        (ProtobufCBinaryData){.len = plain->size, .data = (uint8_t *)plain->bytes};
    return GF_EXIT_OK;
}

/* ---- The request ---- */

/* "a,b" and "c" given apart are three globs. */
static enum gf_code read_namespaces(struct gf_cli *cli, char ***out_globs, size_t *out_count,
                                    struct gf_error *err) {
    size_t text_count = 0;
    const char *const *texts = gf_parsed_list(cli->parsed, "namespaces", &text_count);
    char **globs = GF_ARENA_ARRAY(cli->arena, NAMESPACES_MAX, char *);
    size_t count = 0;
    for (size_t i = 0; i < text_count; i++) {
        struct gf_str rest = gf_str_from(texts[i]);
        bool more = true;
        while (more) {
            struct gf_str glob;
            more = gf_str_cut(rest, ',', &glob, &rest);
            if (count == NAMESPACES_MAX) {
                return gf_fail(err, GF_INVALID_ARGUMENT, "--namespaces takes at most %d globs",
                               NAMESPACES_MAX);
            }
            globs[count++] = gf_request_text(gf_arena_str(cli->arena, glob).ptr);
        }
    }
    *out_globs = globs;
    *out_count = count;
    return GF_OK;
}

static enum gf_exit_code put_global(struct gf_cli *cli, const struct gf_cli_secret_place *place,
                                    struct message_value *value, ProtobufCMessage **out_response,
                                    struct gf_error *err) {
    Gofer__V1__PutGlobalSecretRequest request = GOFER__V1__PUT_GLOBAL_SECRET_REQUEST__INIT;
    request.key = gf_request_text(place->key);
    request.value = &value->value;
    request.description = gf_request_text(gf_parsed_text(cli->parsed, "description"));
    request.force = gf_parsed_flag(cli->parsed, "force");
    request.request_id = gf_request_text(gf_parsed_text(cli->parsed, "request-id"));
    if (read_namespaces(cli, &request.namespaces, &request.n_namespaces, err) != GF_OK) {
        return GF_EXIT_USAGE;
    }
    return gf_cli_call(cli,
                       &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_PUT_GLOBAL_SECRET],
                       &request.base, out_response, err);
}

static enum gf_exit_code put_pipeline(struct gf_cli *cli, const struct gf_cli_secret_place *place,
                                      struct message_value *value, ProtobufCMessage **out_response,
                                      struct gf_error *err) {
    Gofer__V1__PutPipelineSecretRequest request = GOFER__V1__PUT_PIPELINE_SECRET_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(place->pipeline_id);
    request.key = gf_request_text(place->key);
    request.value = &value->value;
    request.description = gf_request_text(gf_parsed_text(cli->parsed, "description"));
    request.force = gf_parsed_flag(cli->parsed, "force");
    request.request_id = gf_request_text(gf_parsed_text(cli->parsed, "request-id"));
    return gf_cli_call(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_PUT_PIPELINE_SECRET],
        &request.base, out_response, err);
}

static enum gf_exit_code put(struct gf_cli *cli, const struct gf_cli_secret_place *place,
                             const struct gf_secret_value *plain, ProtobufCMessage **out_response) {
    struct gf_error err = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    for (int i = 0; i < SEAL_TRIES; i++) {
        struct message_value value;
        code = make_value(cli, plain, &value);
        if (code != GF_EXIT_OK) {
            return code;
        }
        code = place->pipeline_id == NULL ? put_global(cli, place, &value, out_response, &err)
                                          : put_pipeline(cli, place, &value, out_response, &err);
        if (code == GF_EXIT_OK || strcmp(err.reason, REASON_KEY_UNKNOWN) != 0) {
            break;
        }
    }
    if (code == GF_EXIT_USAGE) {
        return gf_cli_fail_usage(cli, &err);
    }
    if (code != GF_EXIT_OK && err.code == GF_ALREADY_EXISTS) {
        code = gf_cli_fail(cli, &err);
        gf_cli_hint(cli, "--force stores its next version");
        return code;
    }
    return code == GF_EXIT_OK ? code : gf_cli_fail(cli, &err);
}

/* ---- The answer ---- */

static enum gf_exit_code print_put(struct gf_cli *cli, const struct gf_cli_secret_place *place,
                                   const Gofer__V1__Secret *secret, bool created,
                                   const ProtobufCMessage *response) {
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "secret %s %s", gf_secret_place_show(cli, place),
                created ? "created\n" : "updated: ");
        if (!created) {
            fprintf(cli->out, "version %lld\n", (long long)secret->latest_version);
        }
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", secret->key);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, response);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code print_response(struct gf_cli *cli, const struct gf_cli_secret_place *place,
                                        const ProtobufCMessage *response) {
    const Gofer__V1__PutPipelineSecretResponse *of_pipeline = (const void *)response;
    const Gofer__V1__PutGlobalSecretResponse *global = (const void *)response;
    const bool is_global = place->pipeline_id == NULL;
    char *const *warnings = is_global ? global->warnings : of_pipeline->warnings;
    const size_t count = is_global ? global->n_warnings : of_pipeline->n_warnings;
    for (size_t i = 0; i < count; i++) {
        gf_cli_note(cli, "warning: %s", gf_show_line(cli, warnings[i]));
    }
    return print_put(cli, place, is_global ? global->secret : of_pipeline->secret,
                     is_global ? global->created : of_pipeline->created, response);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    GF_CLEANUP(gf_secret_value_fini) struct gf_secret_value value = {0};
    struct gf_cli_secret_place place = {0};
    struct gf_error err = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_secret_place_read(cli, &place, &code)) {
        return code;
    }
    if (place.pipeline_id != NULL && gf_parsed_has(parsed, "namespaces")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--namespaces goes with --global");
        return gf_cli_fail_usage(cli, &err);
    }
    if (place.pipeline_id == NULL && !gf_parsed_has(parsed, "namespaces") &&
        !gf_parsed_flag(parsed, "force")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "--namespaces is missing: whose pipelines may use it?");
        return gf_cli_fail_usage(cli, &err);
    }
    const struct gf_cli_secret_input input = {
        .file = gf_parsed_text(parsed, "file"),
        .exact = gf_parsed_flag(parsed, "exact"),
        .prompt = gf_show_text(cli, "value of %s", gf_secret_place_show(cli, &place)),
    };
    gf_secret_value_init(&value);
    if (gf_read_secret(cli, &input, &value, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    ProtobufCMessage *response = NULL;
    code = put(cli, &place, &value, &response);
    return code == GF_EXIT_OK ? print_response(cli, &place, response) : code;
}

const struct gf_command gf_cmd_secret_put = {
    .noun = "secret",
    .verb = "put",
    .summary = "store a secret, whose value comes from standard input or a file",
    .description =
        "The value is never an argument, which others could see. At a terminal it is typed and not "
        "shown. Piped, it is all of standard input without one newline at the end; with --exact, "
        "and out of a file, it is every byte. It is sealed to the server's public key before it "
        "leaves this program. Tasks get it where a variable of the pipeline says "
        "pipeline_secret{{KEY}} or global_secret{{KEY}}, and see *** in its place in their logs.",
    .usage = GF_USAGE_SECRET,
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer secret put backup db-password\n"
                "pass show db | gofer secret put backup db-password --force\n"
                "gofer secret put --global registry-key --namespaces 'team-*' --file key.pem",
    .run = run,
};
