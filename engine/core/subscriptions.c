#include "engine/core/core_internal.h"

enum gf_step gf_core__subscription_step(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need) {
    struct gf_error err = {0};
    (void)out_need;
    (void)gf_fail(&err, GF_UNIMPLEMENTED, "this server has no extensions yet");
    return gf_core__refuse(core, input, &err);
}

void gf_core_restore_subscription(struct gf_core *core,
                                  const struct gf_subscription *subscription) {
    (void)core;
    (void)subscription;
}

int64_t gf_core__drop_pipeline_subscriptions(struct gf_core *core,
                                             const struct core_pipeline *pipeline) {
    (void)core;
    (void)pipeline;
    return 0;
}

int64_t gf_core__drop_namespace_subscriptions(struct gf_core *core,
                                              const struct core_namespace *ns) {
    (void)core;
    (void)ns;
    return 0;
}

int64_t gf_core__drop_extension_subscriptions(struct gf_core *core, int64_t extension_key) {
    (void)core;
    (void)extension_key;
    return 0;
}
