/*
 * Calling the server from a command.
 *
 * A command makes one unary call, or lists, or follows a stream; these functions do all that is the
 * same each time: connect, call, turn the outcome into output and an exit code.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_CALL_H_
#define GOFER_CLI_CALL_H_

#include "base/vec.h"
#include "cli/cli.h"
#include "cli/ui/table.h"
#include "clients/c/client.h"

/* The connection of this command, made at its first use; NULL after an error, which is printed. */
struct gf_client *gf_cli_connect(struct gf_cli *cli, enum gf_exit_code *out_code);

/*
 * One unary call. On GF_EXIT_OK *out_response is in the cli's arena; else the error is printed.
 * With err, it is filled and not printed. What the server finds wrong is told with its field.
 */
enum gf_exit_code gf_cli_call(struct gf_cli *cli, const struct gf_rpc_method *method,
                              const ProtobufCMessage *request, ProtobufCMessage **out_response,
                              struct gf_error *err);

/* As gf_cli_fail, for the error of a stream: told with its field, as that of gf_cli_call is. */
enum gf_exit_code gf_cli_fail_call(struct gf_cli *cli, struct gf_error *err);

/* How one response is shown. */
struct gf_answer {
    void (*show)(struct gf_cli *cli, const ProtobufCMessage *response); /* for -o table */
    /* The identifier for -o name: in the arena or in the response. */
    const char *(*name)(struct gf_cli *cli, const ProtobufCMessage *response);
    /* Shows what takes further calls, behind `show`. NULL = nothing. */
    enum gf_exit_code (*more)(struct gf_cli *cli, const ProtobufCMessage *response);
    /* Goes on when the response was shown, in whatever form. NULL = nothing. */
    enum gf_exit_code (*after)(struct gf_cli *cli, const ProtobufCMessage *response);
};

/* One unary call, and its response in the form that was asked for. */
enum gf_exit_code gf_cli_answer(struct gf_cli *cli, const struct gf_rpc_method *method,
                                const ProtobufCMessage *request, const struct gf_answer *answer);

/*
 * For `delete` commands, which have GF_OPTION_YES: asks, makes the call, and says that what the
 * last argument names, of the command's noun, is deleted.
 */
enum gf_exit_code gf_cli_delete(struct gf_cli *cli, const char *question,
                                const struct gf_rpc_method *method,
                                const ProtobufCMessage *request);

/* A text for a field of a request, borrowed; NULL is the empty text. */
char *gf_request_text(const char *text);

/* How the items of a list are shown. */
struct gf_listing {
    const char *items; /* the repeated field of the response, e.g. "pipelines" */
    const char *const *headers;
    size_t column_count;
    /* Adds the cells of one row. */
    void (*add_row)(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item);
    /* The identifier for -o name; a heap-free string, in the arena or in the item. */
    const char *(*name)(struct gf_cli *cli, const ProtobufCMessage *item);
    const char *empty; /* said to standard error when there is nothing */
};

/* Messages, in the arena; the vector is the heap's. */
struct gf_items {
    GF_VEC(ProtobufCMessage *) all;
    bool more; /* there are others, beyond the limit */
};

/*
 * Calls a List RPC page by page, up to `limit` items (0 = all) of the repeated field `name`, and
 * gives them and the last response. The request has page_size and page_token, which are set here;
 * without them there is one page. The items are there to be freed (gf_vec_fini) on failure too.
 */
enum gf_exit_code gf_cli_collect(struct gf_cli *cli, const struct gf_rpc_method *method,
                                 ProtobufCMessage *request, const char *name, int64_t limit,
                                 struct gf_items *items, ProtobufCMessage **out_response);

/* Collects, and prints what came. */
enum gf_exit_code gf_cli_list(struct gf_cli *cli, const struct gf_rpc_method *method,
                              ProtobufCMessage *request, const struct gf_listing *listing,
                              int64_t limit);

/* Prints the items of one response, as gf_cli_list does. */
enum gf_exit_code gf_cli_print_list(struct gf_cli *cli, const ProtobufCMessage *response,
                                    const struct gf_listing *listing);

/* A positive whole number from an argument, 0 for an optional one that is missing; on failure
 * prints and sets *out_code to GF_EXIT_USAGE.
 */
bool gf_cli_number_argument(struct gf_cli *cli, const struct gf_parsed *parsed, size_t index,
                            int64_t *out_value, enum gf_exit_code *out_code);

#endif /* GOFER_CLI_CALL_H_ */
