#include "api/external/answer.h"

#include <string.h>

static const struct answer {
    int status;
    struct gf_str body;
    struct gf_str retry_after; /* empty: none */
} ANSWERS[] = {[GF_EXTERNAL_ACCEPTED] = {202, {"", 0}, {"", 0}},
#define TEXT(literal)                                                                              \
    { literal, sizeof(literal) - 1 }
#define GF_X(name, http_status, code, message, retry)                                              \
    [GF_EXTERNAL_##name] = {.status = (http_status),                                               \
                            .body = TEXT("{\"code\":\"" code "\",\"message\":\"" message "\"}\n"), \
                            .retry_after = TEXT(#retry)},
               GF_EXTERNAL_ANSWERS(GF_X)
#undef GF_X
#undef TEXT
};

int gf_external_status(enum gf_external_answer answer) {
    return ANSWERS[answer].status;
}

void gf_external_respond(struct gf_http_exchange *exchange, enum gf_external_answer which,
                         struct gf_str request_id) {
    const struct answer *answer = &ANSWERS[which];
    struct gf_http_field fields[6];
    size_t count = 0;
    fields[count++] = (struct gf_http_field){"X-Request-Id", request_id};
    fields[count++] = (struct gf_http_field){"Cache-Control", GF_STR("no-store")};
    fields[count++] = (struct gf_http_field){"X-Content-Type-Options", GF_STR("nosniff")};
    if (answer->body.len > 0) {
        fields[count++] = (struct gf_http_field){"Content-Type", GF_STR("application/json")};
    }
    if (which == GF_EXTERNAL_NOT_POST) {
        fields[count++] = (struct gf_http_field){"Allow", GF_STR("POST")};
    }
    if (answer->retry_after.len > 0 && !gf_str_eq(answer->retry_after, GF_STR("0"))) {
        fields[count++] = (struct gf_http_field){"Retry-After", answer->retry_after};
    }
    gf_assert(count <= GF_ARRAY_COUNT(fields));
    const struct gf_http_head head = {answer->status, fields, count};
    gf_http_respond_static(exchange, &head, answer->body);
}

enum gf_external_answer gf_external_answer_of_body(const struct gf_error *error) {
    return error->code == GF_RESOURCE_EXHAUSTED  ? GF_EXTERNAL_TOO_LARGE
           : error->code == GF_DEADLINE_EXCEEDED ? GF_EXTERNAL_LATE
                                                 : GF_EXTERNAL_BUSY;
}

enum gf_external_answer gf_external_answer_of_store(const struct gf_error *error) {
    switch ((int)error->code) {
    case GF_OK:
        return GF_EXTERNAL_ACCEPTED;
    case GF_NOT_FOUND:
        return GF_EXTERNAL_NOT_FOUND;
    case GF_FAILED_PRECONDITION:
        return strcmp(error->reason, "NO_EXTERNAL_EVENTS") == 0 ? GF_EXTERNAL_NOT_FOUND
                                                                : GF_EXTERNAL_NOT_NOW;
    case GF_RESOURCE_EXHAUSTED:
        return strcmp(error->reason, "TOO_MANY_DELIVERIES") == 0  ? GF_EXTERNAL_TOO_MANY_WAIT
               : strcmp(error->reason, "DELIVERY_TOO_LARGE") == 0 ? GF_EXTERNAL_TOO_LARGE
                                                                  : GF_EXTERNAL_BUSY;
    default:
        return GF_EXTERNAL_NOT_NOW;
    }
}
