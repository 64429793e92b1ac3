/*
 * Messages as JSON, and the small texts of tables: times, ages, enum names.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_MESSAGE_H_
#define GOFER_CLI_UI_MESSAGE_H_

#include "cli/cli.h"
#include "cli/ui/table.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Prints a message to cli->out as proto3 JSON with a newline: indented for -o json, in one line for
 * -o jsonl. GF_EXIT_OK, or what gf_cli_fail gives.
 */
enum gf_exit_code gf_print_message(struct gf_cli *cli, const ProtobufCMessage *message);

/* The same in one line for both: a stream has no end to close a bracket at. */
enum gf_exit_code gf_print_message_line(struct gf_cli *cli, const ProtobufCMessage *message);

/*
 * A time for a table: "3 minutes ago" on a terminal, RFC 3339 elsewhere, "-" for one that is not
 * set. In the cli's arena.
 */
const char *gf_show_time(struct gf_cli *cli, const Google__Protobuf__Timestamp *time);

/* The same in RFC 3339 everywhere: for times that are compared with others. */
const char *gf_show_moment(struct gf_cli *cli, const Google__Protobuf__Timestamp *time);

/* How long between two times: "1m3s"; up to now where end is not set, "-" where start is not. */
const char *gf_show_duration(struct gf_cli *cli, const Google__Protobuf__Timestamp *start,
                             const Google__Protobuf__Timestamp *end);

/* A time to come: "in 5 minutes" on a terminal, RFC 3339 elsewhere, "-" for none. */
const char *gf_show_deadline(struct gf_cli *cli, const Google__Protobuf__Timestamp *time);

/* How long after `base` something happened: "+1.2s"; "-" where either is not set. */
const char *gf_show_offset(struct gf_cli *cli, const Google__Protobuf__Timestamp *base,
                           const Google__Protobuf__Timestamp *time);

/* A duration as such: "1m3s"; "-" where it is not set. */
const char *gf_show_span(struct gf_cli *cli, const Google__Protobuf__Duration *duration);

/* A size: "1.5 MiB" on a terminal, the number of bytes elsewhere. */
const char *gf_show_bytes(struct gf_cli *cli, int64_t bytes);

/* How many letters of an enum's names are its own prefix: "RUN_STATE_" has ten. */
size_t gf_enum_prefix_length(const ProtobufCEnumDescriptor *descriptor);

/*
 * The value of an enum without its prefix: "RUN_STATE_RUNNING" is "RUNNING"; "-" for UNSPECIFIED;
 * the number for a value that this program does not know.
 */
const char *gf_show_enum(struct gf_cli *cli, const ProtobufCEnumDescriptor *descriptor, int value);

/* The same as options take it: "read-logs" for PERMISSION_ACTION_READ_LOGS. */
const char *gf_show_word(struct gf_cli *cli, const ProtobufCEnumDescriptor *descriptor, int value);

/* The colour that states and statuses have in tables, by their word. */
enum gf_cell_colour gf_state_colour(const char *word);

/*
 * A text that somebody else wrote (a name, a reason, a variable), fit for one line of a terminal:
 * bytes that would steer it become '?'. In the cli's arena.
 */
const char *gf_show_line(struct gf_cli *cli, const char *text);

/* printf in the cli's arena. */
const char *gf_show_text(struct gf_cli *cli, const char *fmt, ...) GF_PRINTF(2, 3);

#endif /* GOFER_CLI_UI_MESSAGE_H_ */
