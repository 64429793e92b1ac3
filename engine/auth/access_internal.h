/* Private to engine/auth: the compiled form of roles. */
#ifndef GOFER_ENGINE_AUTH_ACCESS_INTERNAL_H_
#define GOFER_ENGINE_AUTH_ACCESS_INTERNAL_H_

#include "base/arena.h"
#include "base/vec.h"
#include "engine/auth/access.h"
#include "engine/auth/glob_internal.h"

#include <stdint.h>

/* Eight characters to compare at once, and which of them count. */
struct gf_access__word {
    uint64_t value;
    uint64_t mask;
};

/*
 * A glob, as what stands before its first star, what stands behind its last one, and how long a
 * match is. Only one that floats has something in between, and a program.
 */
struct gf_access__glob {
    struct gf_access__word first; /* of the head; a mask of 0 where there is none */
    uint32_t words;               /* index of the other words: of the head, then of the tail */
    uint32_t program;             /* index, where it floats */
    uint8_t length_min;
    uint8_t length_max;
    uint8_t head_words; /* without the first */
    uint8_t tail_words;
    uint8_t tail_chars;
    bool floats;
};

/* A run of globs, any of which may match. */
struct gf_access__set {
    uint32_t first;
    uint32_t count;
    bool all; /* one of them matches everything */
};

/* A target of a permission. */
struct gf_access__row {
    int64_t run_id;
    uint32_t namespaces; /* index of a set */
    uint32_t ids;        /* index of a set */
    uint16_t actions;    /* a bit for each action; all where ALL is one */
};

/* A glob of one id: the hash of its text, where it is looked up. */
struct gf_access__exact {
    uint64_t hash;
    uint32_t row;
    uint32_t glob;
};

/*
 * Of any other glob of a target the eight characters that tell most: the last ones before its first
 * star, or where it begins with one the last of all. Most globs are ruled out by them.
 */
struct gf_access__anchor {
    struct gf_access__word word;
    uint32_t row;
    uint32_t glob;
    uint8_t offset; /* in the id; GF_ACCESS__AT_END: its last eight characters */
};

enum {
    GF_ACCESS__AT_END = UINT8_MAX,
};

/* Where the parts of a resource begin; they end where those of the next begin. */
struct gf_access__begin {
    uint32_t row;
    uint32_t open;
    uint32_t exact;
    uint32_t anchor;
};

struct gf_access {
    GF_VEC(struct gf_access__glob) globs;
    GF_VEC(struct gf_str) texts; /* of the globs, in `arena` */
    GF_VEC(struct gf_access__word) words;
    GF_VEC(struct gf_glob__program) programs;
    GF_VEC(struct gf_access__set) namespace_sets;
    GF_VEC(struct gf_access__set) id_sets;
    /* By resource: */
    struct gf_access__begin begins[GF_PERMISSION_RESOURCE_END + 1];
    GF_VEC(struct gf_access__row) rows;
    GF_VEC(uint32_t) open;                  /* rows that are about every id */
    GF_VEC(struct gf_access__exact) exacts; /* by hash */
    GF_VEC(struct gf_access__anchor) anchors;
    struct gf_arena arena;
};

uint64_t gf_access__hash(struct gf_str id);

#define GF_ACCESS__ALL_ACTIONS ((uint16_t)((1u << GF_PERMISSION_ACTION_END) - 1))
_Static_assert(GF_PERMISSION_ACTION_END <= 16, "actions have a bit each");

#endif /* GOFER_ENGINE_AUTH_ACCESS_INTERNAL_H_ */
