/*
 * What the comments of .proto files say, for people and for validators.
 *
 * The comments follow rules (proto/README.md), so that some of what they say can be stated as a
 * schema: these are read here, each from one fixed wording, and nothing is guessed from another.
 *
 * Results live in the arena. Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_COMMENT_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_COMMENT_H_

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The text without its line breaks but those between paragraphs and items of lists; the errors of
 * an RPC are a paragraph. "" of NULL. */
const char *oas_comment_text(struct gf_arena *arena, const char *comment);

/* The first sentence, without the full stop. */
const char *oas_comment_summary(struct gf_arena *arena, const char *text);

/* Whether a text has that phrase. */
bool oas_comment_says(const char *text, const char *phrase);

/* Whether an RPC, a field or the value of an enum is not there yet: "Not in this version." or "Not
 * in this version: answers UNIMPLEMENTED.", as a sentence of its text. */
bool oas_comment_is_unavailable(const char *text);

/* What a field allows. */
struct oas_limits {
    bool is_required;    /* "Required." */
    const char *pattern; /* of identifiers; NULL: none is told */
    int64_t chars_max;   /* "Up to 1024 characters"; -1: none is told */
    int64_t items_max;   /* "At most 100" of a list or map; -1: none is told */
    bool has_least;
    bool has_most;
    int64_t least; /* "1 to 100." of a number, with 0, which means "not given"; "Not negative." */
    int64_t most;
};

/* Reads the text of a field. */
void oas_comment_limits(const char *text, struct oas_limits *out_limits);

/* Calls `each` for every clause of the errors that an RPC names: "NOT_FOUND if ...". The code is
 * the canonical one's name. */
void oas_comment_each_error(const char *text, struct gf_arena *arena,
                            void (*each)(const char *code, const char *clause, void *ctx),
                            void *ctx);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_COMMENT_H_ */
