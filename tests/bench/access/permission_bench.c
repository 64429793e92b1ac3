/*
 * What a check of rights costs: ten roles of ten permissions of ten globs each, as people write
 * them and as bad as the limits allow; then as many as a token can have. Beside them what else
 * letting a caller in costs, and strcmp over as many names for scale. Each figure is the best of
 * several rounds, as other programs may be running. Build it with -c opt.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "engine/auth/access.h"
#include "engine/auth/glob.h"
#include "engine/auth/run_token.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUNDS = 500,
    COUNT = 100, /* calls of a round, which is short enough to be left alone now and then */
    PERMISSIONS = 10,
    GLOBS = 10,
    ROLES = 10,
};

static struct gf_arena arena;

/* ---- sets of roles ---- */

/* Writes the glob of a number. */
typedef struct gf_str (*glob_fn)(size_t number);

static struct gf_str text_of(const char *text) {
    return gf_str_from(gf_arena_strdup(&arena, text));
}

static struct gf_str usual_glob(size_t number) {
    char text[GF_GLOB_CHARS_MAX + 1];
    switch (number % 4) {
    case 0:
        (void)snprintf(text, sizeof(text), "payments-service-%zu", number);
        break;
    case 1:
        (void)snprintf(text, sizeof(text), "web-%zu-*", number);
        break;
    case 2:
        (void)snprintf(text, sizeof(text), "team%zu-nightly", number);
        break;
    default:
        (void)snprintf(text, sizeof(text), "*-%zu-prod", number);
        break;
    }
    return text_of(text);
}

/* The characters that rule most globs out do fit; the one that does not stands elsewhere. */
static struct gf_str long_glob(size_t number) {
    char text[GF_GLOB_CHARS_MAX + 1] = {0};
    memset(text, 'a', GF_GLOB_CHARS_MAX);
    text[8 + number % 40] = 'b';
    text[50 + number / 40 % 6] = '?';
    return text_of(text);
}

/* As above, and of each hundred ten may float: those see every character of the id. */
static struct gf_str worst_glob(size_t number) {
    char text[GF_GLOB_CHARS_MAX + 1] = {0};
    if (number % 10 != 0) {
        return long_glob(number);
    }
    for (size_t i = 0; i < GF_GLOB_CHARS_MAX - 2; i += 2) {
        memcpy(text + i, "*a", 2);
    }
    memcpy(text + GF_GLOB_CHARS_MAX - 4, number % 20 == 0 ? "ab*a" : "*b*a", 4);
    return text_of(text);
}

static const struct gf_role *make_role(size_t seed, size_t permission_count, size_t glob_count,
                                       glob_fn glob) {
    static const enum gf_permission_action actions[] = {GF_PERMISSION_ACTION_READ,
                                                        GF_PERMISSION_ACTION_WRITE};
    struct gf_permission *permissions =
        GF_ARENA_ARRAY(&arena, permission_count, struct gf_permission);
    struct gf_role *role = GF_ARENA_NEW(&arena, struct gf_role);
    struct gf_str *namespaces = GF_ARENA_NEW(&arena, struct gf_str);
    *namespaces = text_of("team-*");
    for (size_t i = 0; i < permission_count; i++) {
        struct gf_permission_target *target = GF_ARENA_NEW(&arena, struct gf_permission_target);
        struct gf_str *globs = GF_ARENA_ARRAY(&arena, glob_count, struct gf_str);
        for (size_t k = 0; k < glob_count; k++) {
            globs[k] = glob((seed * permission_count + i) * glob_count + k);
        }
        *target = (struct gf_permission_target){GF_PERMISSION_RESOURCE_RUNS, globs, glob_count};
        permissions[i] = (struct gf_permission){namespaces, 1, target, 1, actions, 2, 0};
    }
    role->permissions = permissions;
    role->permission_count = permission_count;
    return role;
}

static struct gf_access *make_access(size_t role_count, size_t permission_count, size_t glob_count,
                                     glob_fn glob) {
    const struct gf_role *roles[GF_TOKEN_ROLES_MAX];
    struct gf_access *access = NULL;
    struct gf_error err;
    for (size_t i = 0; i < role_count; i++) {
        roles[i] = make_role(i, permission_count, glob_count, glob);
    }
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        gf_access_destroy(GF_TAKE(access));
        const int64_t start_ns = gf_mono_ns();
        if (gf_access_create(roles, role_count, &access, &err) != GF_OK) {
            fprintf(stderr, "permission_bench: %s: %s\n", err.field, err.message);
            exit(1);
        }
        const int64_t took_ns = gf_mono_ns() - start_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    printf("%-32s %10.1f us   %zu roles, %zu globs\n", "compile",
           (double)least_ns / (double)GF_NS_PER_US, role_count,
           role_count * permission_count * glob_count);
    return access;
}

/* ---- measuring ---- */

typedef bool (*work_fn)(const void *with);

static void measure(const char *name, work_fn work, const void *with) {
    int64_t least_ns = INT64_MAX;
    size_t yes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t start_ns = gf_mono_ns();
        for (int i = 0; i < COUNT; i++) {
            yes += work(with) ? 1 : 0;
        }
        const int64_t took_ns = gf_mono_ns() - start_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    printf("%-32s %10.1f ns   %s\n", name, (double)least_ns / COUNT, yes > 0 ? "yes" : "no");
}

struct question {
    const struct gf_access *access;
    struct gf_access_query query;
};

static bool ask(const void *with) {
    const struct question *question = with;
    return gf_access_allows(question->access, &question->query);
}

static void measure_question(const char *name, const struct gf_access *access,
                             const char *namespace_id, const char *id) {
    const struct question question = {access,
                                      {GF_PERMISSION_RESOURCE_RUNS, GF_PERMISSION_ACTION_READ,
                                       gf_str_from(namespace_id), gf_str_from(id), 0}};
    measure(name, ask, &question);
}

static bool compare_names(const void *with) {
    const struct gf_str *names = with;
    bool found = false;
    for (size_t i = 0; i < ROLES * PERMISSIONS * GLOBS; i++) {
        found = found || gf_str_eq(names[i], GF_STR("payments-service-x"));
    }
    return found;
}

static const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES] = {7};
static const struct gf_run_identity run = {
    .run_key = 123456, .run_id = 42, .namespace_id = {"default", 7}, .pipeline_id = {"nightly", 7}};

/* What the edge does with the text of a call before it looks the digest up. */
static bool digest_token(const void *with) {
    const struct gf_token_text *text = with;
    struct gf_token_digest digest;
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    if (gf_token_parse(gf_token_text_view(text), &kind, NULL) != GF_OK) {
        return false;
    }
    gf_token_digest(gf_token_text_view(text), &digest);
    return digest.bytes[0] != digest.bytes[1] || kind == GF_TOKEN_KIND_BOT;
}

static bool verify_run_token(const void *with) {
    const struct gf_token_text *text = with;
    int64_t key = 0;
    return gf_run_token_key(gf_token_text_view(text), &key, NULL) == GF_OK &&
           gf_run_token_verify(secret, &run, gf_token_text_view(text), NULL) == GF_OK;
}

static void measure_tokens(void) {
    const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {3};
    struct gf_token_text text;
    gf_token_make(GF_TOKEN_KIND_BOT, entropy, &text);
    measure("token_parse_and_digest", digest_token, &text);
    gf_run_token_make(secret, &run, &text);
    measure("run_token_verify", verify_run_token, &text);
}

static void measure_usual(void) {
    struct gf_access *access = make_access(ROLES, PERMISSIONS, GLOBS, usual_glob);
    measure_question("usual_allowed_by_the_first", access, "team-a", "payments-service-0");
    measure_question("usual_allowed_by_a_middle_one", access, "team-a", "web-501-api");
    measure_question("usual_denied", access, "team-a", "payments-service-x");
    measure_question("usual_denied_by_namespace", access, "default", "payments-service-0");
    gf_access_destroy(access);
}

static void measure_worst(void) {
    char id[GF_IDENTIFIER_CHARS_MAX + 1] = {0};
    memset(id, 'a', GF_IDENTIFIER_CHARS_MAX);
    struct gf_access *access = make_access(ROLES, PERMISSIONS, GLOBS, long_glob);
    measure_question("long_globs_denied", access, "team-a", id);
    gf_access_destroy(access);
    access = make_access(ROLES, PERMISSIONS, GLOBS, worst_glob);
    measure_question("worst_denied", access, "team-a", id);
    gf_access_destroy(access);
    access = make_access(GF_TOKEN_ROLES_MAX, 90, GLOBS, usual_glob);
    measure_question("largest_token_usual_denied", access, "team-a", "payments-service-x");
    gf_access_destroy(access);
}

int main(void) {
    gf_arena_init(&arena, 256 << 20);
    struct gf_str *names = GF_ARENA_ARRAY(&arena, ROLES * PERMISSIONS * GLOBS, struct gf_str);
    for (size_t i = 0; i < ROLES * PERMISSIONS * GLOBS; i++) {
        names[i] = usual_glob(i);
    }
    measure("compare_with_1000_names", compare_names, names);
    measure_usual();
    measure_worst();
    measure_tokens();
    gf_arena_fini(&arena);
    return 0;
}
