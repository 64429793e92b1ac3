/*
 * Sealed values, marks, wrapped keys and sealed settings as a store may give them: any bytes, and
 * right ones that are changed. Nothing opens but what was sealed; errors are those of a damaged
 * store; nothing crashes.
 *
 * The first byte says what the others are.
 */
#include "base/arena.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/seal.h"
#include "engine/secrets/vault.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 1 << 20,
    VALUE_BYTES_MAX = 1 << 16,
};

static const struct gf_secret_place place = {7, 70, {"password", 8}};
static const struct gf_str value = {"correct horse", 13};

/* What is right, made once. */
static struct world {
    struct gf_arena arena;
    struct gf_master_keys *masters;
    struct gf_secret_key key;
    struct gf_keyring *ring;
    struct gf_secret secret;
    struct gf_secret_version version;
    struct gf_fake_clock clock;
    struct gf_vault *vault;
    struct gf_str settings;
} world;

static struct gf_master_keys *make_masters(void) {
    struct gf_secret_buffer text;
    struct gf_master_keys *masters = gf_master_keys_create();
    gf_secret_buffer_init(&text, GF_MASTER_KEY_FILE_BYTES_MAX);
    gf_master_key_generate(&text);
    gf_assert(gf_master_keys_add_text(masters, gf_secret_buffer_view(&text), "fuzz", NULL) ==
              GF_OK);
    gf_secret_buffer_fini(&text);
    return masters;
}

static const struct gf_str settings_place = {"extension/cron", 14};

static void make_vault(void) {
    gf_fake_clock_init(&world.clock, 1, 1);
    const struct gf_vault_options options = {
        .store = gf_memory_secret_store_create(),
        .masters = make_masters(),
        .clock = &world.clock.clock,
    };
    gf_assert(gf_vault_create(&options, &world.vault, NULL) == GF_OK);
    gf_vault_seal_settings(world.vault, settings_place, value, &world.arena, &world.settings);
}

static void make_world(void) {
    gf_arena_init(&world.arena, ARENA_BYTES_MAX);
    make_vault();
    world.masters = make_masters();
    gf_assert(gf_secret_key_create(world.masters, GF_SECRET_KEY_VALUES, 7, NULL, 0, 1, &world.arena,
                                   &world.key, NULL) == GF_OK);
    gf_assert(gf_keyring_create(world.masters, GF_SECRET_KEY_VALUES, 7, &world.key, 1, &world.ring,
                                NULL) == GF_OK);
    world.version.create_time = 5;
    gf_assert(gf_secret_seal(world.ring, &place, 3, value, &world.arena, &world.version, NULL) ==
              GF_OK);
    world.secret =
        (struct gf_secret){.place = place, .latest_version = 3, .create_time = 4, .update_time = 5};
    gf_assert(gf_secret_mark(world.ring, &world.secret, &world.arena, &world.secret.mark, NULL) ==
              GF_OK);
}

static bool is_of_damage(enum gf_code code) {
    return code == GF_DATA_LOSS || code == GF_FAILED_PRECONDITION;
}

/* Right bytes with the others laid over them. *out_same where nothing is changed by it. */
static struct gf_str lay_over(struct gf_str right, struct gf_str over, struct gf_arena *arena,
                              bool *out_same) {
    char *bytes = gf_arena_memdup(arena, right.ptr, right.len);
    *out_same = true;
    for (size_t i = 0; i < right.len && i < over.len; i++) {
        bytes[i] = (char)(bytes[i] ^ over.ptr[i]);
        *out_same = *out_same && over.ptr[i] == 0;
    }
    return (struct gf_str){bytes, right.len};
}

static void open_value(const struct gf_secret_place *at, const struct gf_secret_version *row,
                       bool right) {
    struct gf_secret_buffer out;
    struct gf_error err = {0};
    gf_secret_buffer_init(&out, VALUE_BYTES_MAX);
    const enum gf_code rc = gf_secret_open(world.ring, at, row->version, row, &out, &err);
    gf_assert(right ? rc == GF_OK && gf_str_eq(gf_secret_buffer_view(&out), value)
                    : is_of_damage(rc) && out.len == 0 && err.message[0] != '\0');
    /* Errors name the key, and nothing of a value. */
    gf_assert(right || at != &place || strstr(err.message, "horse") == NULL);
    gf_secret_buffer_fini(&out);
}

static void check_mark(const struct gf_secret *secret, bool right) {
    const enum gf_code rc = gf_secret_check_mark(world.ring, secret, NULL, NULL);
    gf_assert(right ? rc == GF_OK : is_of_damage(rc));
}

static void open_key(const struct gf_secret_key *key, bool right) {
    struct gf_keyring *ring = NULL;
    const enum gf_code rc =
        gf_keyring_create(world.masters, key->purpose, key->namespace_key, key, 1, &ring, NULL);
    gf_assert(right ? rc == GF_OK : is_of_damage(rc));
    gf_keyring_destroy(ring);
}

static void open_settings(struct gf_str at, struct gf_str sealed, bool right) {
    struct gf_secret_buffer out;
    struct gf_error err = {0};
    gf_secret_buffer_init(&out, VALUE_BYTES_MAX);
    const enum gf_code rc = gf_vault_open_settings(world.vault, at, sealed, &out, &err);
    gf_assert(right ? rc == GF_OK && gf_str_eq(gf_secret_buffer_view(&out), value)
                    : (rc == GF_DATA_LOSS || rc == GF_RESOURCE_EXHAUSTED) && out.len == 0);
    gf_secret_buffer_fini(&out);
}

static void use(uint8_t kind, struct gf_str rest, struct gf_arena *arena) {
    struct gf_secret_version version = world.version;
    struct gf_secret secret = world.secret;
    struct gf_secret_key key = world.key;
    struct gf_secret_place elsewhere = place;
    bool same = false;
    switch (kind % 9) {
    case 0:
        version.sealed = rest;
        version.size_bytes = (int64_t)rest.len - GF_SEALED_OVERHEAD_BYTES;
        open_value(&place, &version, false);
        return;
    case 1:
        version.sealed = lay_over(version.sealed, rest, arena, &same);
        open_value(&place, &version, same);
        return;
    case 2:
        secret.mark = rest;
        check_mark(&secret, false);
        return;
    case 3:
        secret.mark = lay_over(secret.mark, rest, arena, &same);
        check_mark(&secret, same);
        return;
    case 4:
        key.wrapped = lay_over(key.wrapped, rest, arena, &same);
        open_key(&key, same);
        return;
    case 6:
        open_settings(settings_place, rest, false);
        return;
    case 7:
        rest = lay_over(world.settings, rest, arena, &same);
        open_settings(settings_place, rest, same);
        return;
    case 8:
        rest.len = rest.len > GF_VAULT_PLACE_BYTES_MAX ? GF_VAULT_PLACE_BYTES_MAX : rest.len;
        open_settings(rest, world.settings, gf_str_eq(rest, settings_place));
        return;
    default:
        elsewhere.key = rest;
        secret.place = elsewhere;
        same = gf_str_eq(rest, place.key);
        open_value(&elsewhere, &version, same);
        check_mark(&secret, same);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_arena arena;
    if (world.ring == NULL) {
        make_world();
    }
    if (size == 0) {
        return 0;
    }
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    use(data[0], (struct gf_str){(const char *)data + 1, size - 1}, &arena);
    gf_arena_fini(&arena);
    return 0;
}
