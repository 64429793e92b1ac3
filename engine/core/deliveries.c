#include "engine/core/core_internal.h"

enum gf_step gf_core__delivery_step(struct gf_core *core, const struct gf_input *input,
                                    struct gf_need *out_need) {
    struct gf_error err = {0};
    (void)out_need;
    (void)gf_fail(&err, GF_UNIMPLEMENTED, "this server has no extensions yet");
    return gf_core__refuse(core, input, &err);
}

void gf_core_give_delivery(struct gf_core *core, const struct gf_need *need,
                           const struct gf_delivery *delivery) {
    (void)core;
    (void)need;
    (void)delivery;
}

void gf_core_give_dead_letters(struct gf_core *core, const struct gf_need *need,
                               const struct gf_delivery *deliveries, size_t count) {
    (void)core;
    (void)need;
    (void)deliveries;
    (void)count;
}

void gf_core_restore_deliveries(struct gf_core *core, int64_t extension_key, int64_t pending_count,
                                int64_t pending_bytes) {
    (void)core;
    (void)extension_key;
    (void)pending_count;
    (void)pending_bytes;
}
