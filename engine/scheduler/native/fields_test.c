#include "engine/scheduler/native/fields.h"

#include <stddef.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct thing {
    const char *name;
    int64_t size;
    bool open;
    struct gf_field_list parts;
};

static const struct gf_field_def FIELDS[] = {
    {"name", GF_FIELD_TEXT, offsetof(struct thing, name), 1, 8},
    {"size", GF_FIELD_NUMBER, offsetof(struct thing, size), -5, 100},
    {"open", GF_FIELD_FLAG, offsetof(struct thing, open), 0, 1},
    {"part", GF_FIELD_LIST, offsetof(struct thing, parts), 0, 3},
};

static const struct gf_record_def THING = {
    .kind = "thing", .version = 2, .fields = FIELDS, .field_count = GF_ARRAY_COUNT(FIELDS)};

static const struct gf_record_def SEALED = {.kind = "thing",
                                            .version = 2,
                                            .sealed = true,
                                            .fields = FIELDS,
                                            .field_count = GF_ARRAY_COUNT(FIELDS)};

static const struct gf_record_def STRICT = {.kind = "thing",
                                            .version = 2,
                                            .strict = true,
                                            .fields = FIELDS,
                                            .field_count = GF_ARRAY_COUNT(FIELDS)};

/* A literal with its NULs; the last one, which C adds, belongs to the record. */
#define BYTES(literal) ((struct gf_str){"" literal, sizeof(literal)})

static struct gf_error error;
static struct thing thing;

static enum gf_code decode(const struct gf_record_def *def, struct gf_str bytes) {
    thing = (struct thing){0};
    return gf_record_decode(def, bytes, &thing, &error);
}

Test(fields, record_is_readable_text) {
    const char *parts[] = {"a", "b=c"};
    const struct thing from = {.name = "box", .size = -3, .open = true, .parts = {parts, 2}};
    const struct gf_str expected = BYTES("thing=2\0name=box\0size=-3\0open=1\0part=a\0part=b=c");
    struct gf_strbuf out;
    gf_strbuf_init(&out, 200);
    cr_assert(gf_record_encode(&THING, &from, &out, &error) == GF_OK);
    cr_assert(gf_str_eq(gf_strbuf_view(&out), expected));
    gf_strbuf_fini(&out);
}

Test(fields, decoding_gives_what_was_encoded) {
    cr_assert(decode(&THING, BYTES("thing=2\0part=a\0name=box\0size=100\0open=1\0part=b")) ==
              GF_OK);
    cr_assert(eq(str, (char *)thing.name, "box"));
    cr_assert(eq(i64, thing.size, 100));
    cr_assert(thing.open);
    cr_assert(eq(sz, thing.parts.count, (size_t)2));
    cr_assert(eq(str, (char *)thing.parts.items[0], "a"));
    cr_assert(eq(str, (char *)thing.parts.items[1], "b"));
    cr_assert(thing.parts.items[2] == NULL);
    gf_record_release(&THING, &thing);
}

Test(fields, absent_fields_are_empty) {
    cr_assert(decode(&THING, BYTES("thing=2\0name=x")) == GF_OK);
    cr_assert(eq(i64, thing.size, 0));
    cr_assert(not(thing.open));
    cr_assert(eq(sz, thing.parts.count, (size_t)0));
    cr_assert(thing.parts.items != NULL && thing.parts.items[0] == NULL);
    gf_record_release(&THING, &thing);
}

Test(fields, bounds_are_checked_on_both_ways) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 200);
    const char *parts[] = {"1", "2", "3", "4"};
    const struct thing bad[] = {
        {.name = ""},
        {.name = "ninechars"},
        {.name = "x", .size = 101},
        {.name = "x", .size = -6},
        {.name = "x", .parts = {parts, 4}},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert(gf_record_encode(&THING, &bad[i], &out, &error) == GF_INVALID_ARGUMENT, "%zu", i);
    }
    gf_strbuf_fini(&out);
    const struct gf_str wrong[] = {
        BYTES("thing=2"),
        BYTES("thing=2\0name=ninechars"),
        BYTES("thing=2\0name=x\0size=101"),
        BYTES("thing=2\0name=x\0size=1x"),
        BYTES("thing=2\0name=x\0size="),
        BYTES("thing=2\0name=x\0open=2"),
        BYTES("thing=2\0name=x\0part=1\0part=2\0part=3\0part=4"),
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        cr_assert(decode(&THING, wrong[i]) == GF_INVALID_ARGUMENT, "%zu", i);
    }
}

Test(fields, malformed_records_are_refused) {
    const struct gf_str wrong[] = {
        {"", 0},
        {"thing=2", 7}, /* without its NUL */
        BYTES("other=2\0name=x"),
        BYTES("thing=1\0name=x"),
        BYTES("name=x\0thing=2"),
        BYTES("thing=2\0name=x\0"), /* an empty field */
        BYTES("thing=2\0name=x\0nokey"),
        BYTES("thing=2\0name=x\0=value"),
        BYTES("thing=2\0name=x\0Upper=1"),
        BYTES("thing=2\0name=x\0name=y"),
        BYTES("thing=2\0name=x\0abcdefghijklmnopqrstuvwxyzabcdefghi=1"),
        {"thing=2\0name=x\0size=1", 21},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        cr_assert(decode(&THING, wrong[i]) == GF_INVALID_ARGUMENT, "%zu", i);
    }
}

Test(fields, unknown_keys_are_skipped_unless_strict) {
    const struct gf_str bytes = BYTES("thing=2\0name=x\0later=1");
    cr_assert(decode(&THING, bytes) == GF_OK);
    gf_record_release(&THING, &thing);
    cr_assert(decode(&STRICT, bytes) == GF_INVALID_ARGUMENT);
    cr_assert(eq(str, error.message, "thing record: unknown field 'later'"));
}

Test(fields, every_cut_and_every_change_of_a_sealed_record_is_noticed) {
    const char *parts[] = {"a"};
    const struct thing from = {.name = "box", .size = 7, .open = true, .parts = {parts, 1}};
    struct gf_strbuf out;
    gf_strbuf_init(&out, 200);
    cr_assert(gf_record_encode(&SEALED, &from, &out, &error) == GF_OK);
    cr_assert(decode(&SEALED, gf_strbuf_view(&out)) == GF_OK);
    gf_record_release(&SEALED, &thing);
    for (size_t len = 0; len < out.len; len++) {
        cr_assert(decode(&SEALED, (struct gf_str){out.ptr, len}) == GF_INVALID_ARGUMENT, "%zu",
                  len);
    }
    for (size_t i = 0; i < out.len; i++) {
        out.ptr[i] ^= 1;
        cr_assert(decode(&SEALED, gf_strbuf_view(&out)) == GF_INVALID_ARGUMENT, "%zu", i);
        out.ptr[i] ^= 1;
    }
    gf_strbuf_fini(&out);
}

Test(fields, record_that_does_not_fit_is_an_error) {
    const struct thing from = {.name = "box"};
    struct gf_strbuf out;
    gf_strbuf_init(&out, 10);
    cr_assert(gf_record_encode(&THING, &from, &out, &error) == GF_RESOURCE_EXHAUSTED);
    gf_strbuf_fini(&out);
}

Test(fields, kind_is_the_first_key) {
    cr_assert(gf_str_eq(gf_record_kind(BYTES("stop=1\0x=2")), GF_STR("stop")));
    cr_assert(eq(sz, gf_record_kind(BYTES("nothing")).len, (size_t)0));
    cr_assert(eq(sz, gf_record_kind((struct gf_str){NULL, 0}).len, (size_t)0));
}

Test(fields, wiped_lists_are_of_empty_texts) {
    char first[] = "PASSWORD=correct-horse";
    char second[] = "";
    const char *items[] = {first, second, NULL};
    static const char zeros[sizeof(first)];
    gf_field_list_wipe(&(struct gf_field_list){items, 2});
    cr_assert(eq(int, memcmp(first, zeros, sizeof(first)), 0));
    gf_field_list_wipe(&(struct gf_field_list){NULL, 0});
}
