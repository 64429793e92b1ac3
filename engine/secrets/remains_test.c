/*
 * What is left in memory: after values were sealed, opened, filled in and freed, they are nowhere
 * in what the process can read, stack, heap and freed memory included.
 */
#include "base/file.h"
#include "base/random.h"
#include "engine/secrets/interpolate.h"
#include "engine/secrets/seal.h"
#include "engine/secrets/sealed_box.h"
#include "engine/secrets/testing/keys.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>

enum {
    VALUE_BYTES = 32,
    ARENA_BYTES_MAX = 1 << 20,
    CHUNK_BYTES = 1 << 16,
    REGION_BYTES_MAX = 64 << 20, /* larger ones are the shadow of a sanitizer */
    VEIL = 0x5a,
};

/* The value is known here by its veiled form alone. */
struct planted {
    unsigned char veiled[VALUE_BYTES];
    struct gf_keyring *ring;
    struct gf_secret_version row;
    struct gf_secret_place place;
};

static bool is_at(const struct planted *planted, const unsigned char *bytes) {
    for (size_t i = 0; i < VALUE_BYTES; i++) {
        if ((bytes[i] ^ VEIL) != planted->veiled[i]) {
            return false;
        }
    }
    return true;
}

/* How often the value is in one mapping. What is looked at is wiped again. */
static size_t count_in(const struct planted *planted, int mem, unsigned long from,
                       unsigned long to) {
    static unsigned char chunk[CHUNK_BYTES];
    size_t count = 0;
    unsigned long at = from;
    while (at + VALUE_BYTES <= to) {
        const size_t size = to - at < CHUNK_BYTES ? to - at : CHUNK_BYTES;
        const ssize_t got = pread(mem, chunk, size, (off_t)at);
        if (got < VALUE_BYTES) {
            break;
        }
        for (size_t i = 0; i + VALUE_BYTES <= (size_t)got; i++) {
            const unsigned long found_at = at + i;
            const bool own = found_at + VALUE_BYTES > (unsigned long)chunk &&
                             found_at < (unsigned long)chunk + sizeof(chunk);
            count += !own && is_at(planted, chunk + i) ? 1 : 0;
        }
        sodium_memzero(chunk, sizeof(chunk));
        at += size < CHUNK_BYTES ? size : CHUNK_BYTES - VALUE_BYTES + 1;
    }
    return count;
}

static size_t count_remains(const struct planted *planted) {
    FILE *maps = fopen("/proc/self/maps", "r");
    GF_CLEANUP(gf_close_p) int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    cr_assert(maps != NULL && mem >= 0);
    char line[512];
    size_t count = 0;
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from = 0;
        unsigned long to = 0;
        char mode[8] = "";
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[0] == 'r' &&
            mode[1] == 'w' && to - from <= REGION_BYTES_MAX) {
            count += count_in(planted, mem, from, to);
        }
    }
    (void)fclose(maps);
    return count;
}

static enum gf_code value_of(void *ctx, GF_UNUSED const struct gf_text_part *reference,
                             struct gf_secret_buffer *out, struct gf_error *err) {
    const struct planted *planted = ctx;
    return gf_secret_open(planted->ring, &planted->place, 1, &planted->row, out, err);
}

/* Makes a value, seals it and keeps its veiled form. */
static void plant(struct planted *planted, struct gf_arena *arena) {
    GF_CLEANUP(gf_guarded_free_p) unsigned char *value = gf_guarded_alloc(VALUE_BYTES);
    for (size_t i = 0; i < VALUE_BYTES; i++) {
        do {
            value[i] = (unsigned char)gf_random_below(256);
        } while (value[i] == 0);
        planted->veiled[i] = value[i] ^ VEIL;
    }
    cr_assert_eq(gf_secret_seal(planted->ring, &planted->place, 1,
                                (struct gf_str){(const char *)value, VALUE_BYTES}, arena,
                                &planted->row, NULL),
                 GF_OK);
}

static void use(struct planted *planted, struct gf_keyring *boxes, struct gf_arena *arena) {
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer out;
    gf_secret_buffer_init(&out, 1 << 20);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(gf_interpolate(GF_STR("x=global_secret{{one}} y=global_secret{{two}}"),
                                    GF_REFERENCES_ALL, value_of, planted, &out, NULL),
                     GF_OK);
    }
    cr_expect_geq(count_remains(planted), 200, "the search finds what is there");
    gf_secret_buffer_truncate(&out, 2 + VALUE_BYTES);
    struct gf_secret_version resealed;
    bool changed = false;
    cr_assert_eq(gf_secret_reseal(planted->ring, &planted->place, &planted->row, arena, &resealed,
                                  &changed, NULL),
                 GF_OK);
    struct gf_sealing_key key;
    unsigned char box[VALUE_BYTES + GF_SEALED_BOX_OVERHEAD_BYTES];
    cr_assert_eq(gf_sealing_key_get(boxes, &key, NULL), GF_OK);
    cr_assert_eq(
        crypto_box_seal(box, (const unsigned char *)out.ptr + 2, VALUE_BYTES, key.public_key), 0);
    cr_assert_eq(gf_sealed_box_open(boxes, gf_str_from(key.key_id),
                                    (struct gf_str){(const char *)box, sizeof(box)}, "value", &out,
                                    NULL),
                 GF_OK);
}

Test(remains, of_a_value_there_are_none) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_master_keys *masters = gf_test_masters(1);
    struct gf_keyring *boxes = gf_test_ring(masters, GF_SECRET_KEY_SEALING, 0, 1);
    struct planted planted = {.place = {7, 70, GF_STR("password")}};
    planted.ring = gf_test_ring(masters, GF_SECRET_KEY_VALUES, 7, 1);
    plant(&planted, &arena);
    use(&planted, boxes, &arena);
    cr_expect_eq(count_remains(&planted), 0);
    gf_keyring_destroy(boxes);
    gf_keyring_destroy(planted.ring);
    gf_master_keys_destroy(masters);
    gf_arena_fini(&arena);
}

Test(remains, of_a_key_there_are_none) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_master_keys *masters = gf_test_masters(1);
    struct planted planted = {.place = {7, 70, GF_STR("password")}};
    planted.ring = gf_test_ring(masters, GF_SECRET_KEY_VALUES, 7, 1);
    unsigned char *key = NULL;
    cr_assert_eq(gf_keyring_derive(planted.ring, 1, GF_DATA_KEY_ENCRYPT, &key, NULL), GF_OK);
    for (size_t i = 0; i < VALUE_BYTES; i++) {
        planted.veiled[i] = key[i] ^ VEIL;
    }
    cr_expect_eq(count_remains(&planted), 1, "the search finds what is there");
    gf_guarded_free(key);
    /* Sealing uses that of the ring, which nobody can read meanwhile, and leaves no copy. */
    struct gf_secret_version row = {0};
    cr_assert_eq(
        gf_secret_seal(planted.ring, &planted.place, 1, GF_STR("value"), &arena, &row, NULL),
        GF_OK);
    cr_expect_eq(count_remains(&planted), 0);
    gf_keyring_destroy(planted.ring);
    gf_master_keys_destroy(masters);
    gf_arena_fini(&arena);
}
