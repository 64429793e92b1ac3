/* Versions and ranges: two words of the input are versions, what is behind them a range. */
#include "engine/scheduler/native/images/semver.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_str first;
    struct gf_str second;
    struct gf_str rest = {(const char *)data, size};
    struct gf_semver a;
    struct gf_semver b;
    struct gf_semver_range range;
    struct gf_error err = {.message = ""};
    (void)gf_str_cut(rest, '\n', &first, &rest);
    (void)gf_str_cut(rest, '\n', &second, &rest);
    const bool a_valid = gf_semver_parse(first, &a);
    const bool b_valid = gf_semver_parse(second, &b);
    if (a_valid && b_valid) {
        gf_assert((gf_semver_cmp(&a, &b) < 0) == (gf_semver_cmp(&b, &a) > 0));
        gf_assert(gf_semver_cmp(&a, &a) == 0);
    }
    (void)gf_semver_is_range(rest);
    if (gf_semver_range_parse(rest, &range, &err) != GF_OK) {
        gf_assert(gf_utf8_valid(gf_str_from(err.message)));
    } else if (a_valid) {
        (void)gf_semver_matches(&range, &a);
    }
    return 0;
}
