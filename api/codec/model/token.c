#include "api/codec/model/token.h"

#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"

/* The numbers of the contracts are those of the model. */
#define GF_X(name, number, letter)                                                                 \
    _Static_assert((int)GF_TOKEN_KIND_##name == (int)GOFER__V1__TOKEN_KIND__TOKEN_KIND_##name,     \
                   "the same number");
GF_TOKEN_KINDS(GF_X)
#undef GF_X

/* Who may not come in because of two things hears of the one that somebody did. */
static Gofer__V1__TokenState state_of(const struct gf_token *token, int64_t now) {
    if (token->disabled) {
        return GOFER__V1__TOKEN_STATE__TOKEN_STATE_DISABLED;
    }
    return token->expire_time != 0 && token->expire_time <= now
               ? GOFER__V1__TOKEN_STATE__TOKEN_STATE_EXPIRED
               : GOFER__V1__TOKEN_STATE__TOKEN_STATE_ENABLED;
}

Gofer__V1__Token *gf_token_to_message(const struct gf_token *token, int64_t now,
                                      struct gf_arena *arena) {
    Gofer__V1__Token *message = GF_MESSAGE_NEW(arena, Gofer__V1__Token, gofer__v1__token);
    message->token_id = gf_message_text(token->token_id, arena);
    message->kind = (Gofer__V1__TokenKind)token->kind;
    message->user = gf_message_text(token->user, arena);
    message->description = gf_message_text(token->description, arena);
    message->n_role_ids = token->role_count;
    message->role_ids = gf_message_texts(token->role_ids, token->role_count, arena);
    GF_MAP_WRITE(message, metadata, Gofer__V1__Token__MetadataEntry,
                 gofer__v1__token__metadata_entry, token->metadata_count, token->metadata[i].key,
                 token->metadata[i].value, arena);
    message->state = state_of(token, now);
    message->create_time = gf_message_time(token->create_time, arena);
    message->expire_time = gf_message_time(token->expire_time, arena);
    message->last_use_time = gf_message_time(token->last_use_time, arena);
    message->last_use_peer = gf_message_text(token->last_use_peer, arena);
    message->extension_id = gf_message_text(token->extension_id, arena);
    return message;
}
