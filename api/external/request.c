#include "api/external/request.h"

#include "engine/core/limits.h"

#include <string.h>

/* ---- Texts ---- */

bool gf_external_id_is_fit(struct gf_str id) {
    size_t chars = 0;
    if (id.len == 0 || !gf_utf8_valid(id)) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        const unsigned char byte = (unsigned char)id.ptr[i];
        if (byte < ' ' || byte == 0x7f) {
            return false;
        }
        chars += (byte & 0xc0) != 0x80;
    }
    return chars <= GF_START_KEY_CHARS_MAX;
}

char *gf_external_text(struct gf_str text, struct gf_arena *arena) {
    static const char replacement[] = "\xef\xbf\xbd";
    if (gf_utf8_valid(text)) {
        return (char *)(uintptr_t)gf_arena_str(arena, text).ptr;
    }
    char *out = gf_arena_alloc(arena, 3 * text.len + 1);
    size_t used = 0;
    while (text.len > 0) {
        size_t size = gf_utf8_char(text);
        if (size == 0) {
            memcpy(out + used, replacement, 3);
            used += 3;
            size = 1;
        } else {
            memcpy(out + used, text.ptr, size);
            used += size;
        }
        text = (struct gf_str){text.ptr + size, text.len - size};
    }
    return out;
}

static char *lower(struct gf_str name, struct gf_arena *arena) {
    char *out = gf_external_text(name, arena);
    for (char *at = out; *at != '\0'; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at);
    }
    return out;
}

/* ---- Headers that are named ---- */

struct naming {
    struct {
        struct gf_str name;
        struct gf_str value;
        int count;
    } each[3];
};

static bool note_named(void *ctx, struct gf_str name, struct gf_str value) {
    struct naming *naming = ctx;
    for (size_t i = 0; i < GF_ARRAY_COUNT(naming->each); i++) {
        if (naming->each[i].name.len > 0 && gf_str_eq_nocase(naming->each[i].name, name)) {
            naming->each[i].value = value;
            naming->each[i].count++;
        }
    }
    return true;
}

void gf_external_read_named(const struct gf_http_exchange *exchange,
                            const Gofer__Extension__V1__ExternalEventVerification *verification,
                            struct gf_external_named *out) {
    struct naming naming = {{{.name = gf_str_from(verification->signature_header)},
                             {.name = gf_str_from(verification->timestamp_header)},
                             {.name = gf_str_from(verification->delivery_id_header)}}};
    struct gf_str values[3];
    gf_http_each_header(exchange, note_named, &naming);
    for (size_t i = 0; i < GF_ARRAY_COUNT(values); i++) {
        const bool once = naming.each[i].count == 1;
        values[i] = once ? naming.each[i].value : (struct gf_str){NULL, 0};
    }
    *out = (struct gf_external_named){values[0], values[1], values[2]};
}

/* ---- The message ---- */

struct collecting {
    struct gf_arena *arena;
    struct gf_str connection; /* the header of that name */
    Gofer__Extension__V1__HttpHeader *headers[GF_EXTERNAL_HEADERS_MAX];
    size_t count;
    bool too_many;
};

static bool collect(void *ctx, struct gf_str name, struct gf_str value) {
    struct collecting *collecting = ctx;
    if (gf_external_is_of_connection(name, collecting->connection)) {
        return true;
    }
    if (collecting->count == GF_EXTERNAL_HEADERS_MAX) {
        collecting->too_many = true;
        return false;
    }
    Gofer__Extension__V1__HttpHeader *header =
        GF_ARENA_NEW(collecting->arena, Gofer__Extension__V1__HttpHeader);
    gofer__extension__v1__http_header__init(header);
    header->name = lower(name, collecting->arena);
    header->value = gf_external_text(value, collecting->arena);
    collecting->headers[collecting->count++] = header;
    return true;
}

Gofer__Extension__V1__ExternalEvent *gf_external_event(struct gf_http_exchange *exchange,
                                                       const struct gf_external_target *target) {
    struct gf_arena *arena = gf_http_arena(exchange);
    struct collecting collecting = {.arena = arena,
                                    .connection = gf_http_header(exchange, "connection")};
    gf_http_each_header(exchange, collect, &collecting);
    if (collecting.too_many) {
        return NULL;
    }
    Gofer__Extension__V1__ExternalEvent *event =
        GF_ARENA_NEW(arena, Gofer__Extension__V1__ExternalEvent);
    gofer__extension__v1__external_event__init(event);
    event->method = gf_external_text(gf_http_method(exchange), arena);
    event->path = gf_external_text(target->path, arena);
    event->query = gf_external_text(gf_http_query(exchange), arena);
    event->peer = gf_external_text(gf_http_peer(exchange), arena);
    event->n_headers = collecting.count;
    event->headers = gf_arena_memdup(arena, collecting.headers,
                                     collecting.count * sizeof(collecting.headers[0]));
    return event;
}
