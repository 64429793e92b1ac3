#include "engine/engine_internal.h"

/* The command is its submitter's again from the begin of `done`, which may free it: so what `done`
 * logs has the request from a copy. */
static void answer(struct gf_command *command, const struct gf_reply *reply) {
    char request[GF_LOG_REQUEST_BYTES_MAX];
    const size_t size = command->request_size;
    memcpy(request, command->request, size);
    GF_LOG_SCOPE(.request = {request, size});
    command->done(command, reply);
}

void gf_engine__answer(struct gf_command *command, const struct gf_error *err) {
    const struct gf_reply reply = {.error = *err};
    answer(command, &reply);
}

static void release(struct gf_engine *engine, const struct gf_effect *effect) {
    struct gf_command *command = effect->token;
    switch (effect->kind) {
    case GF_EFFECT_REPLY:
        /* The engine's own commands want no answer. */
        if (command != NULL) {
            answer(command, effect->reply); /* its step may have been in an earlier batch */
        }
        return;
    case GF_EFFECT_LAUNCH:
        gf_engine__launch(engine, effect);
        return;
    case GF_EFFECT_STOP:
        engine->scheduler.ops->stop(engine->scheduler.self, effect->attempt, effect->force);
        return;
    case GF_EFFECT_FORGET:
        engine->scheduler.ops->forget(engine->scheduler.self, effect->attempt);
        return;
    case GF_EFFECT_INQUIRE:
        engine->scheduler.ops->inquire(engine->scheduler.self, effect->attempt);
        return;
    }
    gf_unreachable();
}

void gf_engine__release_effects(struct gf_engine *engine) {
    const struct gf_batch *batch = gf_core_batch(engine->core);
    size_t cause = 0;
    for (size_t i = 0; i < batch->effects.count; i++) {
        gf_engine__count_effect(engine, &batch->effects.items[i]);
        GF_LOG_SCOPE(.request = gf_engine__cause_of_effect(engine, i, &cause));
        release(engine, &batch->effects.items[i]);
    }
    gf_engine__end_launches(engine);
}

void gf_engine__refuse_effects(struct gf_engine *engine, const struct gf_error *err) {
    const struct gf_batch *batch = gf_core_batch(engine->core);
    for (size_t i = 0; i < batch->effects.count; i++) {
        const struct gf_effect *effect = &batch->effects.items[i];
        if (effect->kind == GF_EFFECT_REPLY && effect->token != NULL) {
            gf_engine__answer(effect->token, err);
        }
    }
}
