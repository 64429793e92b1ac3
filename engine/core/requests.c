/* Commands that are given twice: the second one gets the outcome of the first. */
#include "base/siphash.h"
#include "base/vec.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

/* Not a secret: only a caller's own commands are compared. */
static const uint64_t FINGERPRINT_KEY[2] = {0x676f666572, 0x72657175657374};

int64_t gf_core__fingerprint(const struct gf_str *texts, size_t count, const int64_t *numbers,
                             size_t number_count) {
    uint64_t hash = gf_siphash(FINGERPRINT_KEY, numbers, number_count * sizeof(*numbers));
    for (size_t i = 0; i < count; i++) {
        const uint64_t parts[2] = {hash, gf_siphash(FINGERPRINT_KEY, texts[i].ptr, texts[i].len)};
        hash = gf_siphash(FINGERPRINT_KEY, parts, sizeof(parts));
    }
    return (int64_t)(hash >> 1);
}

static bool check(const struct gf_request_ref *request, struct gf_error *err) {
    gf_assert(request->caller.len <= GF_CALLER_BYTES_MAX);
    return gf_core__check_request_id(request->request_id, err) == GF_OK;
}

bool gf_core__replay(struct gf_core *core, const struct gf_input *input,
                     const struct gf_request_ref *request, enum gf_request_kind kind,
                     int64_t fingerprint, struct gf_need *out_need, enum gf_step *out_step) {
    const struct gf_request *outcome = NULL;
    struct gf_error err = {0};
    *out_step = GF_STEP_DONE;
    if (request->request_id.len == 0) {
        return false;
    }
    if (!check(request, &err)) {
        (void)gf_core__refuse(core, input, &err);
        return true;
    }
    const enum core_found found = gf_core__find_outcome(core, request, &outcome, out_need);
    if (found == CORE_NEED) {
        *out_step = GF_STEP_NEED;
        return true;
    }
    if (found == CORE_ABSENT || outcome->create_time + GF_REQUEST_AGE_NS_MAX <= core->now) {
        return false;
    }
    if (outcome->kind != kind || outcome->fingerprint != fingerprint) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "REQUEST_ID_REUSED",
                             "request id '%" GF_STR_FMT "' was used for another call",
                             GF_STR_ARG(request->request_id));
        (void)gf_core__refuse(core, input, &err);
        return true;
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->replayed = outcome;
    reply->unchanged = true;
    return true;
}

void gf_core__record(struct gf_core *core, const struct gf_request_ref *request,
                     const struct gf_request *outcome) {
    if (request->request_id.len == 0) {
        return;
    }
    struct gf_request row = *outcome;
    row.caller = gf_arena_str(&core->batch_arena, request->caller);
    row.request_id = gf_arena_str(&core->batch_arena, request->request_id);
    row.namespace_id = gf_arena_str(&core->batch_arena, outcome->namespace_id);
    row.pipeline_id = gf_arena_str(&core->batch_arena, outcome->pipeline_id);
    row.subject_id = gf_arena_str(&core->batch_arena, outcome->subject_id);
    row.create_time = core->now;
    gf_vec_push(&core->batch.requests, row);
    gf_core__remember_outcome(core, &row);
}
