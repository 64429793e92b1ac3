#include "base/clock.h"
#include "base/time.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/new_token.h"
#include "cli/read.h"
#include "gofer/v1/token.gofer.h"
#include "google/protobuf/duration.pb-c.h"

#define MS_PER_MINUTE ((int64_t)60 * 1000)
#define MS_PER_YEAR ((int64_t)365 * 24 * 60 * MS_PER_MINUTE)

static const struct gf_option options[] = {
    {.name = "user",
     .kind = GF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "the person or program that it is for; required"},
    {.name = "role",
     .kind = GF_OPTION_LIST,
     .value_name = "ROLE",
     .complete = "role",
     .help = "what it may do; may be given many times"},
    {.name = "kind",
     .kind = GF_OPTION_TEXT,
     .value_name = "KIND",
     .choices = "human|bot|extension",
     .help = "what kind of caller it is for (default bot)"},
    {.name = "lifetime",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .help = "how long it lets in, as 12h or 30d (default: for ever)",
     .min = MS_PER_MINUTE,
     .max = 100 * MS_PER_YEAR},
    {.name = "description", .kind = GF_OPTION_TEXT, .value_name = "TEXT", .help = "what it is for"},
    {.name = "metadata",
     .kind = GF_OPTION_LIST,
     .value_name = "KEY=VALUE",
     .help = "a fact for people and tools; may be given many times"},
    {.name = "extension",
     .kind = GF_OPTION_TEXT,
     .value_name = "EXTENSION",
     .help = "with --kind extension: the extension that it is for"},
    GF_OPTION_SAVE_AS_CONTEXT,
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "creates it once only, however often the command is given"},
};

static enum gf_code read_metadata(struct gf_cli *cli, Gofer__V1__CreateTokenRequest *request,
                                  struct gf_error *err) {
    struct gf_pair *pairs = NULL;
    size_t count = 0;
    enum gf_code rc = gf_read_pairs(cli, "metadata", "--metadata", &pairs, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    request->metadata =
        GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__CreateTokenRequest__MetadataEntry *);
    for (size_t i = 0; i < count; i++) {
        Gofer__V1__CreateTokenRequest__MetadataEntry *entry =
            GF_ARENA_NEW(cli->arena, Gofer__V1__CreateTokenRequest__MetadataEntry);
        gofer__v1__create_token_request__metadata_entry__init(entry);
        entry->key = pairs[i].key;
        entry->value = pairs[i].value;
        request->metadata[request->n_metadata++] = entry;
    }
    return GF_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    Google__Protobuf__Duration lifetime = GOOGLE__PROTOBUF__DURATION__INIT;
    struct gf_error err = {0};
    if (!gf_parsed_has(parsed, "user")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--user is missing: who is the token for?");
        return gf_cli_fail_usage(cli, &err);
    }
    if (read_metadata(cli, &request, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    const char *kind = gf_parsed_text(parsed, "kind");
    request.kind = (Gofer__V1__TokenKind)gf_read_enum(&gofer__v1__token_kind__descriptor,
                                                      kind == NULL ? "bot" : kind);
    request.user = gf_request_text(gf_parsed_text(parsed, "user"));
    request.description = gf_request_text(gf_parsed_text(parsed, "description"));
    request.extension_id = gf_request_text(gf_parsed_text(parsed, "extension"));
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    request.role_ids = (char **)(uintptr_t)gf_parsed_list(parsed, "role", &request.n_role_ids);
    if (gf_parsed_has(parsed, "lifetime")) {
        const int64_t lifetime_ms = gf_parsed_number(parsed, "lifetime", 0);
        lifetime.seconds = lifetime_ms / 1000;
        lifetime.nanos = (int32_t)(lifetime_ms % 1000 * GF_NS_PER_MS);
        request.lifetime = &lifetime;
    }
    return gf_make_token(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_CREATE_TOKEN],
                         &request.base);
}

const struct gf_command gf_cmd_token_create = {
    .noun = "token",
    .verb = "create",
    .summary = "make a token and print its text, once",
    .description =
        "The text is all that is printed to standard output, and cannot be had again. Nobody can "
        "give a token more than they may do themselves. gofer role list shows the roles.",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer token create --user alice --kind human --role team-a-dev --lifetime 30d\n"
                "gofer token create --user ci --role deployer --save-as-context ci\n"
                "(umask 077; gofer token create --user ci --role deployer > ci.token)",
    .run = run,
};
