#include "engine/scheduler/native/network/filter.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;

static char *script(size_t server_count) {
    struct gf_filter filter = {.bridge = "gofer0"};
    struct gf_strbuf out;
    cr_assert(gf_subnet_parse(GF_STR("10.213.0.0/16"), &filter.subnet, &error) == GF_OK);
    filter.resolv.count = server_count;
    for (size_t i = 0; i < server_count; i++) {
        filter.resolv.servers[i] = UINT32_C(0xc0000201) + (uint32_t)i;
    }
    gf_strbuf_init(&out, GF_FILTER_SCRIPT_BYTES_MAX);
    gf_filter_write(&filter, &out);
    cr_assert(not(out.overflowed));
    return gf_strbuf_take(&out);
}

Test(filter, replaces_itself_whole) {
    char *text = script(0);
    cr_assert(gf_str_has_prefix(
        gf_str_from(text), GF_STR("table inet gofer_gofer0\ndelete table inet gofer_gofer0\n")));
    free(text);
}

Test(filter, name_servers_are_named) {
    char *text = script(2);
    cr_assert_not_null(strstr(text, "elements = { 192.0.2.1, 192.0.2.2 }"));
    free(text);
    text = script(0);
    cr_assert_null(strstr(text, "elements"));
    free(text);
}

Test(filter, metadata_addresses_are_refused_after_name_servers) {
    char *text = script(1);
    const char *const chain = strstr(text, "chain to_outside");
    cr_assert_not_null(chain);
    const char *const names = strstr(chain, "@name_servers");
    static const char *const refused[] = {"169.254.0.0/16", "100.100.100.200", "168.63.129.16",
                                          "192.0.0.192"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(refused); i++) {
        const char *const local = strstr(chain, refused[i]);
        cr_assert(names != NULL && local != NULL && names < local, "%s", refused[i]);
    }
    free(text);
}
