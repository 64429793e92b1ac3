#include "engine/core/core_internal.h"

enum gf_step gf_core__extension_step(struct gf_core *core, const struct gf_input *input,
                                     struct gf_need *out_need) {
    struct gf_error err = {0};
    (void)out_need;
    (void)gf_fail(&err, GF_UNIMPLEMENTED, "this server has no extensions yet");
    return gf_core__refuse(core, input, &err);
}
