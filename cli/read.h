/*
 * Values of options that several commands read alike.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_READ_H_
#define GOFER_CLI_READ_H_

#include "cli/cli.h"

#include <protobuf-c/protobuf-c.h>

enum {
    GF_DOCUMENT_BYTES_MAX = 256 << 10, /* of a run's document, as the server's limit */
};

/* KEY=VALUE, both in the cli's arena. */
struct gf_pair {
    char *key;
    char *value;
};

/*
 * The pairs that a list option gives, in order; of those with the same key the last one counts, as
 * everywhere on the command line. GF_INVALID_ARGUMENT for a text without '=' or without a key;
 * `shown` is the option as the error names it.
 */
enum gf_code gf_read_pairs(struct gf_cli *cli, const char *option, const char *shown,
                           struct gf_pair **out_pairs, size_t *out_count,
                           struct gf_error *err) GF_MUST_USE;

/*
 * The value of an enum by its word without the prefix, in any case and with hyphens:
 * "run-completed" is EVENT_KIND_RUN_COMPLETED. 0 when there is none.
 */
int gf_read_enum(const ProtobufCEnumDescriptor *descriptor, const char *word);

/*
 * All values of a list option whose choices are words of the enum. In the cli's arena, as ints: the
 * type of a repeated enum field of protobuf-c.
 */
int *gf_read_enums(struct gf_cli *cli, const char *option,
                   const ProtobufCEnumDescriptor *descriptor, size_t *out_count);

/*
 * A document of at most GF_DOCUMENT_BYTES_MAX from a file, or from standard input for "-". In the
 * cli's arena. Codes: GF_NOT_FOUND (no such file), GF_INVALID_ARGUMENT (no file, or too large).
 */
enum gf_code gf_read_document(struct gf_cli *cli, const char *path, struct gf_str *out_document,
                              struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLI_READ_H_ */
