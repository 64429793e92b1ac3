#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/system.gofer.h"

static const char *const headers[] = {"CHECK", "RESULT", "DESCRIPTION", "REMEDY"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__SystemCheck *check = (const Gofer__V1__SystemCheck *)item;
    const char *result =
        gf_show_enum(cli, &gofer__v1__system_check_result__descriptor, (int)check->result);
    gf_table_cell(table, check->name);
    gf_table_cell_coloured(table, result, gf_state_colour(result));
    gf_table_cell(table, gf_show_line(cli, check->description));
    gf_table_cell(table, gf_show_line(cli, check->remedy));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__SystemCheck *)item)->name;
}

static const struct gf_listing listing = {
    .items = "checks",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__DiagnoseSystemRequest request = GOFER__V1__DIAGNOSE_SYSTEM_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code =
        gf_cli_call(cli, &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_DIAGNOSE_SYSTEM],
                    &request.base, &message, NULL);
    if (code == GF_EXIT_OK) {
        code = gf_cli_print_list(cli, message, &listing);
    }
    const bool failed =
        code == GF_EXIT_OK && ((Gofer__V1__DiagnoseSystemResponse *)message)->result ==
                                  GOFER__V1__SYSTEM_CHECK_RESULT__SYSTEM_CHECK_RESULT_FAILED;
    return failed ? GF_EXIT_FAILED : code;
}

const struct gf_command gf_cmd_service_doctor = {
    .noun = "service",
    .verb = "doctor",
    .summary = "check the host and the configuration of the server",
    .description = "Says what works, what does not, and what to do about it. Exits with 1 where "
                   "something that gofer needs does not work.",
    .run = run,
};
