#include "base/clock.h"
#include "base/time.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/system.gofer.h"

#include <string.h>

static const char *const headers[] = {"LIMIT", "VALUE", "UNIT", "DESCRIPTION"};

/* On a terminal in the unit that fits the number; elsewhere as it is. */
static const char *show_value(struct gf_cli *cli, const Gofer__V1__SystemLimit *limit) {
    if (strcmp(limit->unit, "bytes") == 0) {
        return gf_show_bytes(cli, limit->value);
    }
    if (strcmp(limit->unit, "milliseconds") == 0 && cli->out_is_terminal &&
        limit->value < INT64_MAX / GF_NS_PER_MS) {
        char text[GF_DURATION_BYTES_MAX];
        return gf_show_text(cli, "%s", gf_duration_format(limit->value * GF_NS_PER_MS, text));
    }
    return gf_show_text(cli, "%lld", (long long)limit->value);
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__SystemLimit *limit = (const Gofer__V1__SystemLimit *)item;
    gf_table_cell(table, limit->name);
    gf_table_cell(table, show_value(cli, limit));
    gf_table_cell(table, limit->unit);
    gf_table_cell(table, limit->description);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__SystemLimit *)item)->name;
}

static const struct gf_listing listing = {
    .items = "limits",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__GetSystemLimitsRequest request = GOFER__V1__GET_SYSTEM_LIMITS_REQUEST__INIT;
    return gf_cli_list(cli,
                       &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_GET_SYSTEM_LIMITS],
                       &request.base, &listing, 0);
}

const struct gf_command gf_cmd_service_limits = {
    .noun = "service",
    .verb = "limits",
    .summary = "list the limits that the server enforces",
    .description = "Options of gofer service start set some of them.",
    .run = run,
};
