/*
 * What the connections of extensions say of themselves.
 *
 * A word counts for the container that it is of, by its attempt; attempt 0 is somebody who runs the
 * extension by hand, and counts where no container serves. What a successor says of itself is kept
 * aside until it serves: while it starts, subscriptions are still checked by what the old one has
 * declared.
 */
#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

/* Who says something. */
struct speaker {
    struct core_extension *extension;
    struct core_instance *instance; /* NULL = it is run by hand */
};

static enum gf_code find_speaker(struct gf_core *core, const struct gf_extension_word *word,
                                 struct speaker *out, struct gf_error *err) {
    struct core_extension *extension = gf_core__find_extension_key(core, word->extension_key);
    if (extension == NULL) {
        return gf_fail_reason(err, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                              "the extension is not installed any more");
    }
    *out = (struct speaker){.extension = extension,
                            .instance = gf_core__find_instance(extension, word->attempt)};
    if (word->attempt != 0 && out->instance == NULL) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "CONTAINER_OVER",
                              "container %d of extension '%" GF_STR_FMT "' is over",
                              (int)word->attempt, GF_STR_ARG(extension->row.extension_id));
    }
    if (word->attempt == 0 && gf_core__serving_spec(&extension->row)->image.len > 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "RUNS_AS_CONTAINER",
                              "extension '%" GF_STR_FMT
                              "' has an image: gofer runs it, nobody else can",
                              GF_STR_ARG(extension->row.extension_id));
    }
    return GF_OK;
}

/* The same of one who wants to be let in. */
static enum gf_code find_newcomer(struct gf_core *core, const struct gf_extension_word *word,
                                  struct speaker *out, struct gf_error *err) {
    const enum gf_code rc = find_speaker(core, word, out, err);
    if (rc == GF_OK && out->extension->row.disabled) {
        return gf_fail_reason(err, GF_PERMISSION_DENIED, "EXTENSION_DISABLED",
                              "extension '%" GF_STR_FMT "' is disabled",
                              GF_STR_ARG(out->extension->row.extension_id));
    }
    return rc;
}

static enum gf_step answer(struct gf_core *core, const struct gf_input *input,
                           const struct core_extension *extension, bool changed) {
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->extension = &extension->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

static bool has_seat(const struct speaker *speaker, enum core_seat seat) {
    return speaker->instance != NULL && speaker->instance->seat == seat;
}

/* ---- Registered ---- */

static enum gf_code check_registration(const struct gf_core *core, const struct speaker *speaker,
                                       struct gf_str registration, struct gf_error *err) {
    const size_t before = speaker->extension->row.registration.len;
    if (registration.len > GF_REGISTRATION_BYTES_MAX) {
        return gf_fail_field(err, "registration", "registration has %zu bytes, expected up to %d",
                             registration.len, GF_REGISTRATION_BYTES_MAX);
    }
    return registration.len <= before
               ? GF_OK
               : gf_core__check_extension_bytes(core, registration.len - before, err);
}

static enum gf_step registered(struct gf_core *core, const struct gf_input *input) {
    const struct gf_str registration = input->u.word.registration;
    struct speaker speaker = {0};
    struct gf_error err = {0};
    enum gf_code rc = find_newcomer(core, &input->u.word, &speaker, &err);
    if (rc == GF_OK) {
        rc = check_registration(core, &speaker, registration, &err);
    }
    if (rc != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct gf_extension *row = &speaker.extension->row;
    if (has_seat(&speaker, CORE_SEAT_SUCCESSOR)) {
        free((char *)speaker.instance->registration.ptr);
        speaker.instance->registration =
            (struct gf_str){gf_str_dup(registration), registration.len};
        return answer(core, input, speaker.extension, /* changed= */ false);
    }
    const bool changed =
        !has_seat(&speaker, CORE_SEAT_LEAVING) && !gf_str_eq(row->registration, registration);
    if (changed) {
        gf_core__set_extension_text(core, speaker.extension, &row->registration, registration);
        gf_core__mark_extension(core, speaker.extension);
    }
    return answer(core, input, speaker.extension, changed);
}

/* ---- Ready ---- */

static void tell_connected(struct gf_core *core, const struct core_extension *extension,
                           struct gf_str version) {
    const struct core_extension_facts facts = {.version = version};
    if (!extension->row.installer) {
        gf_core__tell_extension(
            core, gf_core__event_extension(core, GF_EVENT_EXTENSION_CONNECTED, extension), &facts);
    }
}

/* A container that is to work is ready. */
static void container_ready(struct gf_core *core, struct core_instance *instance,
                            struct gf_str version) {
    struct gf_extension_instance *row = gf_core__instance_row(instance);
    struct core_extension *extension = instance->extension;
    if (row->state == GF_INSTANCE_LAUNCHED || row->ready_time == 0) {
        /* The scheduler may tell of its start later. */
        row->state = GF_INSTANCE_RUNNING;
        row->ready_time = core->now;
        gf_core__mark_extension(core, extension);
    }
    instance->connected = true;
    gf_core__instance_watch(core, instance);
    if (instance->seat == CORE_SEAT_SUCCESSOR) {
        gf_core__update_complete(core, extension);
    }
    tell_connected(core, extension, version);
}

static enum gf_step ready(struct gf_core *core, const struct gf_input *input) {
    struct speaker speaker = {0};
    struct gf_error err = {0};
    if (find_newcomer(core, &input->u.word, &speaker, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (speaker.instance == NULL) {
        speaker.extension->connected_by_hand = true;
        tell_connected(core, speaker.extension, input->u.word.version);
        return answer(core, input, speaker.extension, /* changed= */ true);
    }
    const enum gf_instance_state state = gf_core__instance_row(speaker.instance)->state;
    const bool works = state == GF_INSTANCE_LAUNCHED || state == GF_INSTANCE_RUNNING;
    if (works) {
        container_ready(core, speaker.instance, input->u.word.version);
    }
    return answer(core, input, speaker.extension, works);
}

/* ---- Drained, gone ---- */

static enum gf_step drained(struct gf_core *core, const struct gf_input *input) {
    struct speaker speaker = {0};
    struct gf_error err = {0};
    if (find_speaker(core, &input->u.word, &speaker, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const bool was_draining =
        speaker.instance != NULL &&
        gf_core__instance_row(speaker.instance)->state == GF_INSTANCE_DRAINING;
    if (was_draining) {
        gf_core__instance_stop(core, speaker.instance, /* force= */ false);
    }
    return answer(core, input, speaker.extension, was_draining);
}

void gf_core__tell_disconnected(struct gf_core *core, const struct core_extension *extension,
                                struct gf_str why) {
    const struct core_extension_facts facts = {.reason = why};
    if (!extension->row.installer) {
        gf_core__tell_extension(
            core, gf_core__event_extension(core, GF_EVENT_EXTENSION_DISCONNECTED, extension),
            &facts);
    }
}

static bool container_gone(struct gf_core *core, struct core_instance *instance,
                           struct gf_str why) {
    const bool was_connected = instance->connected;
    const enum gf_instance_state state = gf_core__instance_row(instance)->state;
    gf_core__instance_disconnected(core, instance, why);
    if (was_connected && state == GF_INSTANCE_RUNNING) {
        gf_core__instance_watch(core, instance);
    } else if (was_connected && state == GF_INSTANCE_DRAINING &&
               instance->extension->row.disabled) {
        /* It is not let in again, so there is nothing to wait for. */
        gf_core__instance_stop(core, instance, /* force= */ false);
    }
    return was_connected;
}

static enum gf_step gone(struct gf_core *core, const struct gf_input *input) {
    const struct gf_extension_word *word = &input->u.word;
    struct core_extension *extension = gf_core__find_extension_key(core, word->extension_key);
    struct gf_error err = {0};
    if (extension == NULL) {
        (void)gf_fail_reason(&err, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                             "the extension is not installed any more");
        return gf_core__refuse(core, input, &err);
    }
    struct core_instance *instance = gf_core__find_instance(extension, word->attempt);
    bool changed = false;
    if (instance != NULL) {
        changed = container_gone(core, instance, word->reason);
    } else if (word->attempt == 0 && extension->connected_by_hand) {
        extension->connected_by_hand = false;
        gf_core__tell_disconnected(core, extension, word->reason);
        changed = true;
    }
    return answer(core, input, extension, changed);
}

enum gf_step gf_core__extension_word(struct gf_core *core, const struct gf_input *input) {
    if (input->kind == GF_INPUT_EXTENSION_REGISTERED) {
        return registered(core, input);
    }
    if (input->kind == GF_INPUT_EXTENSION_READY) {
        return ready(core, input);
    }
    if (input->kind == GF_INPUT_EXTENSION_DRAINED) {
        return drained(core, input);
    }
    gf_assert(input->kind == GF_INPUT_EXTENSION_GONE);
    return gone(core, input);
}
