/*
 * What strangers say of themselves: the value of `authorization`, and the address that they come
 * from. A value that is taken must hold a token, and lets in only if it is the one that is known;
 * no message has any of it. An address gives a key, and is of this machine only if it says so.
 */
#include "api/access/credential.h"
#include "api/access/peer.h"
#include "api/access/table.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The one token that there is. */
static void make_known(struct gf_token_text *out_text) {
    const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {1};
    gf_token_make(GF_TOKEN_KIND_BOT, entropy, out_text);
}

static struct gf_access_table *make_table(void) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_token_text known;
    make_known(&known);
    struct gf_token token = {.token_id = GF_STR("tok_known"), .kind = GF_TOKEN_KIND_BOT};
    gf_token_digest(gf_token_text_view(&known), &token.digest);
    (void)gf_access_table_put_token(table, &token);
    const struct gf_run run = {
        .run_key = 1, .run_id = 1, .namespace_id = GF_STR("red"), .pipeline_id = GF_STR("nightly")};
    gf_access_table_put_run(table, &run);
    const struct gf_extension extension = {
        .extension_key = 1, .extension_id = GF_STR("cron"), .serving = {.attempt = 1}};
    (void)gf_access_table_put_extension(table, &extension);
    return table;
}

/* Who it would be taken for. */
static void check_entry(struct gf_access_table *table, const struct gf_credential *credential) {
    struct gf_token_text known;
    make_known(&known);
    struct gf_access_entry *entry = NULL;
    int64_t key = 0;
    int32_t attempt = 0;
    if (credential->kind == GF_TOKEN_KIND_RUN) {
        gf_assert(gf_run_token_key(credential->text, &key, NULL) == GF_OK);
        entry = gf_access_table_find_run(table, key);
        gf_assert((entry != NULL) == (key == 1));
    } else if (credential->kind == GF_TOKEN_KIND_CONTAINER) {
        if (gf_extension_token_claim(credential->text, &key, &attempt, NULL) != GF_OK) {
            return; /* There is no attempt 0. */
        }
        entry = gf_access_table_find_container(table, key, attempt);
        gf_assert((entry != NULL) == (key == 1 && attempt == 1));
    } else {
        struct gf_token_digest digest;
        gf_token_digest(credential->text, &digest);
        entry = gf_access_table_find_token(table, &digest);
        gf_assert((entry != NULL) == gf_str_eq(credential->text, gf_token_text_view(&known)));
    }
    gf_access_entry_unref(entry);
}

static void check_credential(struct gf_access_table *table, struct gf_str value) {
    struct gf_credential credential = {.kind = GF_TOKEN_KIND_UNSPECIFIED};
    struct gf_error err = {0};
    if (gf_credential_parse(value, &credential, &err) == GF_OK) {
        gf_assert(value.len <= GF_CREDENTIAL_BYTES_MAX);
        gf_assert(credential.text.ptr + credential.text.len == value.ptr + value.len);
        gf_assert(gf_token_parse(credential.text, &credential.kind, NULL) == GF_OK);
        check_entry(table, &credential);
        return;
    }
    gf_assert(err.code == GF_UNAUTHENTICATED);
    gf_assert(gf_str_eq(gf_str_from(err.reason), GF_STR(GF_REASON_TOKEN_MALFORMED)));
    /* The same words, whatever the value is: but for what is counted. */
    for (size_t at = 0; at + 12 <= value.len; at++) {
        gf_assert(memmem(err.message, strlen(err.message), value.ptr + at, 12) == NULL ||
                  memchr(value.ptr + at, ' ', 12) != NULL);
    }
}

static void check_peer(const char *text) {
    struct gf_peer peer;
    gf_peer_parse(text, &peer);
    gf_assert(peer.key_len <= GF_PEER_KEY_BYTES_MAX);
    if (peer.local) {
        gf_assert(strncmp(text, "unix:", 5) == 0 || strcmp(text, "unix") == 0 ||
                  strncmp(text, "ipv4:", 5) == 0 || strncmp(text, "ipv6:", 5) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct gf_access_table *table;
    if (table == NULL) {
        table = make_table();
    }
    check_credential(table, (struct gf_str){(const char *)data, size});
    char *text = gf_malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    check_peer(text);
    free(text);
    return 0;
}
