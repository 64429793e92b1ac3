/*
 * What an extension says, from the wire: a registration that is accepted can be kept and read
 * again, and says the same; a delivery that is accepted is within the limits of its input, and what
 * would be kept of it, where it must wait, is read as the same run.
 */
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "engine/core/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 256 << 20
};

static void check_error(enum gf_code rc, const struct gf_error *err) {
    gf_assert(rc == GF_INVALID_ARGUMENT || rc == GF_FAILED_PRECONDITION || rc == GF_UNIMPLEMENTED);
    gf_assert(err->message[0] != '\0' && gf_utf8_valid(gf_str_from(err->message)));
}

static void check_registration(const Gofer__Extension__V1__Registration *registration,
                               struct gf_arena *arena) {
    struct gf_registration_facts facts;
    struct gf_error err = {0};
    const enum gf_code rc = gf_registration_check(registration, &facts, &err);
    if (rc != GF_OK) {
        check_error(rc, &err);
        return;
    }
    gf_assert(facts.window >= 1 && facts.window <= GF_REGISTRATION_WINDOW_MAX);
    struct gf_str bytes;
    if (gf_registration_write(registration, arena, &bytes, &err) != GF_OK) {
        return; /* more than is kept */
    }
    const Gofer__Extension__V1__Registration *again = gf_registration_read(bytes, arena);
    gf_assert(again != NULL);
    struct gf_registration_facts same;
    gf_assert(gf_registration_check(again, &same, &err) == GF_OK);
    gf_assert(same.window == facts.window && same.health_interval_ms == facts.health_interval_ms);
}

static void check_settings(const Gofer__Extension__V1__Registration *registration,
                           struct gf_arena *arena) {
    if (gf_parameters_check(registration->subscription_parameters,
                            registration->n_subscription_parameters, "p", NULL) != GF_OK) {
        return;
    }
    /* Each parameter is given its own name as its value. */
    const size_t count = registration->n_subscription_parameters;
    struct gf_setting *given = GF_ARENA_ARRAY(arena, count, struct gf_setting);
    for (size_t i = 0; i < count; i++) {
        const struct gf_str name = gf_str_from(registration->subscription_parameters[i]->name);
        given[i] = (struct gf_setting){name, name};
    }
    struct gf_settings_check check;
    gf_settings_check(registration->subscription_parameters, count, given, count, GF_SETTINGS_GIVEN,
                      true, arena, &check);
    gf_assert(check.count + check.problem_count == count);
}

static void check_start(const Gofer__Extension__V1__ConnectRequest *request,
                        struct gf_arena *arena) {
    struct gf_extension_start start;
    struct gf_error err = {0};
    const enum gf_code rc = gf_starts__read(request, arena, &start, &err);
    if (rc != GF_OK) {
        check_error(rc, &err);
        return;
    }
    gf_assert(start.subscription_count >= 1 &&
              start.subscription_count <= GF_START_SUBSCRIPTIONS_MAX);
    gf_assert(start.key.len >= 1 && start.checkpoint.len <= GF_CHECKPOINT_BYTES_MAX);
    if (start.refusal != NULL) {
        check_error(start.refusal->code, start.refusal);
        return;
    }
    const struct gf_delivery row = {.delivery_key = 1, .extension_key = 1};
    struct gf_extension_start kept;
    gf_assert(gf_starts__read_kept(start.content, &row, arena, &kept, &err) == GF_OK);
    gf_assert(gf_str_eq(kept.key, start.key) && kept.variable_count == start.variable_count);
    gf_assert(kept.label_count == start.label_count && !kept.set_checkpoint);
    gf_assert(gf_str_eq(kept.reason, start.reason));
    gf_assert((kept.document == NULL) == (start.document == NULL));
}

static void check_report(const Gofer__Extension__V1__Report *report, struct gf_arena *arena) {
    const struct gf_hub_connection connection = {.extension_key = 1, .extension_id = "ext"};
    struct gf_report_put put;
    struct gf_error err = {0};
    const enum gf_code rc = gf_starts__read_report(&connection, report, arena, &put, &err);
    if (rc != GF_OK) {
        check_error(rc, &err);
        return;
    }
    gf_assert(put.row->title.len > 0 && put.row->body.len <= GF_REPORT_BODY_BYTES_MAX);
}

static void check_request(const Gofer__Extension__V1__ConnectRequest *request,
                          struct gf_arena *arena) {
    switch ((int)request->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION:
        check_registration(request->registration, arena);
        check_settings(request->registration, arena);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT:
        check_start(request, arena);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT:
        check_report(request->report, arena);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_arena arena;
    ProtobufCMessage *message = NULL;
    gf_model_codec_init();
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    if (gf_wire_decode(&gofer__extension__v1__connect_request__descriptor, data, size, &arena,
                       &message, NULL) == GF_OK) {
        check_request((const Gofer__Extension__V1__ConnectRequest *)(const void *)message, &arena);
    }
    gf_arena_fini(&arena);
    return 0;
}
