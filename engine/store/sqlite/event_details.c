#include "engine/store/sqlite/event_details.h"

#include "engine/store/sqlite/packed_fields.h"

enum field {
    KEY = 1,
    SUBJECT = 2,
    ACTOR = 3,
    METADATA = 4,
    EXTENSION = 5,
    SUBSCRIPTION = 6,
};

static bool actor_is_empty(const struct gf_actor *actor) {
    return actor->token_id.len + actor->user.len + actor->peer.len == 0;
}

void gf_sqlite__event_details_encode(const struct gf_event *event, struct gf_strbuf *out) {
    const size_t start = out->len;
    if (event->key.len > 0) {
        gf_sqlite__put_field(out, start, KEY);
        gf_sqlite__put_text(out, event->key);
    }
    if (event->subject_id.len > 0) {
        gf_sqlite__put_field(out, start, SUBJECT);
        gf_sqlite__put_text(out, event->subject_id);
    }
    if (!actor_is_empty(&event->actor)) {
        gf_sqlite__put_field(out, start, ACTOR);
        gf_sqlite__put_text(out, event->actor.token_id);
        gf_sqlite__put_text(out, event->actor.user);
        gf_sqlite__put_text(out, event->actor.peer);
    }
    if (event->metadata_count > 0) {
        gf_sqlite__put_field(out, start, METADATA);
        gf_sqlite__put_labels(out, event->metadata, event->metadata_count);
    }
    if (event->extension_id.len > 0) {
        gf_sqlite__put_field(out, start, EXTENSION);
        gf_sqlite__put_text(out, event->extension_id);
    }
    if (event->subscription_id.len > 0) {
        gf_sqlite__put_field(out, start, SUBSCRIPTION);
        gf_sqlite__put_text(out, event->subscription_id);
    }
}

static bool take_actor(struct gf_sqlite_cursor *cursor, struct gf_actor *actor) {
    return gf_sqlite__take_text(cursor, &actor->token_id) &&
           gf_sqlite__take_text(cursor, &actor->user) &&
           gf_sqlite__take_text(cursor, &actor->peer) && !actor_is_empty(actor);
}

static bool take_field(struct gf_sqlite_fields *fields, unsigned char field, void *item) {
    struct gf_event *event = item;
    switch (field) {
    case KEY:
        return gf_sqlite__take_text(&fields->cursor, &event->key) && event->key.len > 0;
    case SUBJECT:
        return gf_sqlite__take_text(&fields->cursor, &event->subject_id) &&
               event->subject_id.len > 0;
    case ACTOR:
        return take_actor(&fields->cursor, &event->actor);
    case METADATA:
        return gf_sqlite__take_labels(fields, &event->metadata, &event->metadata_count);
    case EXTENSION:
        return gf_sqlite__take_text(&fields->cursor, &event->extension_id) &&
               event->extension_id.len > 0;
    case SUBSCRIPTION:
        return gf_sqlite__take_text(&fields->cursor, &event->subscription_id) &&
               event->subscription_id.len > 0;
    default:
        return false;
    }
}

enum gf_code gf_sqlite__event_details_decode(struct gf_str bytes, struct gf_arena *arena,
                                             struct gf_event *event, struct gf_error *err) {
    struct gf_event read = *event;
    const enum gf_code rc =
        gf_sqlite__fields_decode(bytes, "the stored details", arena, take_field, &read, err);
    if (rc == GF_OK) {
        *event = read;
    }
    return rc;
}
