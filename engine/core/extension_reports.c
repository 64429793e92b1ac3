/* What the scheduler says of the containers of extensions, by their attempts: see reports.c. */
#include "engine/core/core_internal.h"

#include <inttypes.h>
#include <string.h>

static void set_digest(struct gf_core *core, struct core_instance *instance, struct gf_str digest) {
    struct gf_extension_instance *row = gf_core__instance_row(instance);
    digest.len = digest.len < GF_IMAGE_DIGEST_BYTES_MAX ? digest.len : GF_IMAGE_DIGEST_BYTES_MAX;
    if (digest.len > 0 && !gf_str_eq(row->image_digest, digest)) {
        gf_core__set_extension_text(core, instance->extension, &row->image_digest, digest);
        gf_core__mark_extension(core, instance->extension);
    }
}

static void started(struct gf_core *core, struct core_instance *instance,
                    const struct gf_start *start) {
    struct gf_extension_instance *row = gf_core__instance_row(instance);
    set_digest(core, instance, start->image_digest);
    if (row->state == GF_INSTANCE_LAUNCHED) {
        row->state = GF_INSTANCE_RUNNING;
        gf_core__mark_extension(core, instance->extension);
        gf_core__instance_watch(core, instance);
    }
}

/* How a program ended, in a sentence about it. */
static void describe_exit(const struct gf_exit *exit, struct gf_strbuf *out) {
    if (exit->failure.len > 0) {
        gf_strbuf_append(out, exit->failure);
    } else if (exit->out_of_memory) {
        gf_strbuf_append_cstr(out, "it used more memory than it may");
    } else if (exit->exit_signal != 0) {
        const char *name = sigabbrev_np(exit->exit_signal);
        gf_strbuf_printf(out, "it was ended by signal %" PRId32 " (%s%s)", exit->exit_signal,
                         name == NULL ? "" : "SIG", name == NULL ? "unknown" : name);
    } else {
        gf_strbuf_printf(out, "it ended with exit code %" PRId32, exit->exit_code);
    }
}

static void exited(struct gf_core *core, struct core_instance *instance,
                   const struct gf_input *input) {
    struct gf_strbuf why;
    gf_strbuf_init(&why, GF_REASON_BYTES_MAX * 2);
    set_digest(core, instance, input->u.exited.image_digest);
    describe_exit(&input->u.exited.exit, &why);
    gf_core__instance_ended(core, instance, gf_strbuf_view(&why));
    gf_strbuf_fini(&why);
}

static void failed(struct gf_core *core, struct core_instance *instance,
                   const struct gf_input *input, struct gf_str otherwise) {
    const struct gf_str message = input->u.failed.message;
    gf_core__instance_ended(core, instance, message.len > 0 ? message : otherwise);
}

/* The launch was interrupted before anything started: it is made again, with the same number. */
static void never_started(struct gf_core *core, struct core_instance *instance,
                          const struct gf_input *input) {
    if (gf_core__instance_row(instance)->state == GF_INSTANCE_LAUNCHED) {
        gf_core__tell_launch(core, instance);
    } else {
        failed(core, instance, input, GF_STR("nothing could be found of its container"));
    }
}

bool gf_core__extension_report(struct gf_core *core, struct gf_attempt attempt,
                               const struct gf_input *input) {
    struct core_extension *extension = gf_core__find_extension_key(core, attempt.run_key);
    struct core_instance *instance = extension == NULL || attempt.task_index != 0
                                         ? NULL
                                         : gf_core__find_instance(extension, attempt.attempt);
    if (instance == NULL) {
        return false;
    }
    if (input->kind == GF_INPUT_TASK_STARTED) {
        started(core, instance, &input->u.started.start);
    } else if (input->kind == GF_INPUT_TASK_EXITED) {
        exited(core, instance, input);
    } else if (input->kind == GF_INPUT_TASK_LAUNCH_FAILED) {
        failed(core, instance, input, GF_STR("the scheduler could not start its container"));
    } else if (input->kind == GF_INPUT_TASK_LOST) {
        failed(core, instance, input, GF_STR("nothing could be found of its container"));
    } else {
        never_started(core, instance, input);
    }
    return true;
}
