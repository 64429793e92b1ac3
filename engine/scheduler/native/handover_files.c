#include "engine/scheduler/native/handover_files.h"

#include "base/file.h"
#include "base/mask.h"
#include "engine/secrets/guarded.h"

/* Encodes the spec into its file by way of guarded memory, in which a buffer cannot grow. */
static enum gf_code seal_guarded(const struct gf_spec *spec, int *out_fd, struct gf_error *err) {
    struct gf_spec plain = *spec;
    struct gf_strbuf bytes;
    plain.env = (struct gf_field_list){0};
    gf_strbuf_init(&bytes, GF_SPEC_BYTES_MAX);
    enum gf_code rc = gf_spec_encode(&plain, &bytes, err);
    size_t size = bytes.len + 1;
    gf_strbuf_fini(&bytes);
    for (size_t i = 0; i < spec->env.count; i++) {
        size += strlen(spec->env.items[i]) + sizeof("env=");
    }
    if (rc == GF_OK && size > GF_SPEC_BYTES_MAX) {
        rc = gf_fail(err, GF_INVALID_ARGUMENT, "command and environment are larger than %d bytes",
                     GF_SPEC_BYTES_MAX);
    }
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_guarded_free_p) char *memory = gf_guarded_alloc(size);
    gf_strbuf_init_in(&bytes, memory, size);
    rc = gf_spec_encode(spec, &bytes, err);
    if (rc == GF_OK) {
        rc = gf_memfd_sealed("gofer-spec", gf_strbuf_view(&bytes), /* executable = */ false, out_fd,
                             err);
    }
    return rc;
}

static enum gf_code seal_plain(const struct gf_spec *spec, int *out_fd, struct gf_error *err) {
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SPEC_BYTES_MAX);
    enum gf_code rc = gf_spec_encode(spec, &bytes, err);
    if (rc == GF_OK) {
        rc = gf_memfd_sealed("gofer-spec", gf_strbuf_view(&bytes), /* executable = */ false, out_fd,
                             err);
    }
    gf_strbuf_fini(&bytes);
    return rc;
}

enum gf_code gf_handover_seal_spec(const struct gf_spec *spec, bool guarded, int *out_fd,
                                   struct gf_error *err) {
    return guarded ? seal_guarded(spec, out_fd, err) : seal_plain(spec, out_fd, err);
}

enum gf_code gf_handover_seal_masks(const struct gf_str *values, size_t count, int *out_fd,
                                    struct gf_error *err) {
    struct gf_mask_set set = {0};
    enum gf_code rc = gf_mask_set_init(&set, values, count, err);
    if (rc == GF_OK) {
        const struct gf_str block = {set.block, set.block_size};
        rc = gf_memfd_sealed("gofer-masks", block, /* executable = */ false, out_fd, err);
    }
    gf_mask_set_fini(&set);
    return rc;
}
