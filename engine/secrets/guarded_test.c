#include "engine/secrets/guarded.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* Whether the kernel may read this byte for us: the way to ask without dying. */
static bool is_readable(const void *byte) {
    int ends[2] = {-1, -1};
    cr_assert_eq(pipe(ends), 0);
    const bool readable = write(ends[1], byte, 1) == 1;
    cr_assert(readable || errno == EFAULT);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return readable;
}

Test(guarded, memory_is_zeroed_and_kept_out_of_core_dumps) {
    unsigned char *bytes = gf_guarded_alloc(100);
    for (size_t i = 0; i < 100; i++) {
        cr_assert_eq(bytes[i], 0);
    }
    /* The flag "dd" of the mapping: do not dump. */
    FILE *maps = fopen("/proc/self/smaps", "r");
    cr_assert_not_null(maps);
    char line[512];
    bool inside = false;
    bool hidden = false;
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from = 0;
        unsigned long to = 0;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            inside = (unsigned long)bytes >= from && (unsigned long)bytes < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            hidden = strstr(line, " dd") != NULL;
        }
    }
    (void)fclose(maps);
    cr_expect(hidden);
    gf_guarded_free(bytes);
    gf_guarded_free(NULL);
}

Test(guarded, a_region_is_readable_only_while_it_is_used) {
    struct gf_guarded region;
    gf_guarded_init(&region, 32);
    const void *place = region.bytes;
    cr_expect_not(is_readable(place));
    unsigned char *writable = gf_guarded_unseal(&region);
    writable[0] = 7;
    gf_guarded_seal(&region);
    cr_expect_not(is_readable(place));
    const unsigned char *first = gf_guarded_open(&region);
    const unsigned char *second = gf_guarded_open(&region);
    cr_expect_eq(first, second);
    cr_expect_eq(first[0], 7);
    gf_guarded_close(&region);
    cr_expect(is_readable(place));
    gf_guarded_close(&region);
    cr_expect_not(is_readable(place));
    gf_guarded_fini(&region);
    gf_guarded_fini(&region);
}

Test(guarded, a_buffer_grows_up_to_its_limit) {
    struct gf_secret_buffer buf;
    gf_secret_buffer_init(&buf, 10000);
    cr_expect_eq(gf_secret_buffer_view(&buf).len, 0);
    for (int i = 0; i < 1000; i++) {
        gf_secret_buffer_append(&buf, GF_STR("0123456789"));
    }
    cr_expect_not(buf.overflowed);
    cr_expect_eq(buf.len, 10000);
    cr_expect_eq(buf.ptr[10000], '\0');
    cr_expect(gf_str_has_suffix(gf_secret_buffer_view(&buf), GF_STR("90123456789")));
    gf_secret_buffer_append(&buf, GF_STR("x"));
    cr_expect(buf.overflowed);
    cr_expect_eq(buf.len, 10000);
    cr_expect_null(gf_secret_buffer_extend(&buf, 0));
    gf_secret_buffer_fini(&buf);
    gf_secret_buffer_fini(&buf);
}

Test(guarded, what_is_cut_off_is_wiped) {
    struct gf_secret_buffer buf;
    gf_secret_buffer_init(&buf, 100);
    gf_secret_buffer_append(&buf, GF_STR("keep-and-wipe"));
    gf_secret_buffer_truncate(&buf, 4);
    cr_expect(gf_str_eq(gf_secret_buffer_view(&buf), GF_STR("keep")));
    for (size_t i = 4; i < 14; i++) {
        cr_expect_eq(buf.ptr[i], '\0');
    }
    gf_secret_buffer_fini(&buf);
}
