/*
 * One change of a token, a role, a secret or its keys, or one look, as one call.
 */
#ifndef GOFER_TESTS_FAULT_KILL_CALL_THINGS_H_
#define GOFER_TESTS_FAULT_KILL_CALL_THINGS_H_

#include "tests/fault/kill/things.h"

/*
 * Makes the call of the change. Sets its version, where it has one; and the id and the text of a
 * token, where the answer has them.
 */
enum gf_code call_change(struct worker *worker, struct thing *thing, struct change *change,
                         struct gf_error *err);

/*
 * What the server says of a thing. A secret is revealed. Code: GF_NOT_FOUND where it is not there.
 */
struct seen_thing {
    bool disabled;           /* of a token */
    const char *description; /* of a role */
    const char *value;       /* of a secret */
    int64_t version;
};
enum gf_code call_look(struct worker *worker, const struct thing *thing, struct seen_thing *out,
                       struct gf_error *err);

/* What a call with the token itself answers. */
enum gf_code call_who_am_i(struct worker *worker, const char *token, struct gf_error *err);

/* Asks for a first token, which there is already. */
enum gf_code call_bootstrap(struct worker *worker, struct gf_error *err);

#endif /* GOFER_TESTS_FAULT_KILL_CALL_THINGS_H_ */
