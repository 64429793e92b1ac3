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
                               const int64_t *delivery_keys, size_t count) {
    (void)core;
    (void)need;
    (void)delivery_keys;
    (void)count;
}
