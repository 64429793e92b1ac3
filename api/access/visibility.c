#include "api/access/visibility.h"

bool gf_may_read(const struct gf_principal *principal, enum gf_permission_resource resource,
                 struct gf_str namespace_id, struct gf_str id) {
    const struct gf_access_query query = {
        .resource = resource,
        .action = GF_PERMISSION_ACTION_READ,
        .namespace_id = namespace_id,
        .id = id,
    };
    return gf_principal_allows(principal, &query);
}

static bool is_about_secret(enum gf_event_kind kind) {
    return kind == GF_EVENT_SECRET_WRITTEN || kind == GF_EVENT_SECRET_DELETED ||
           kind == GF_EVENT_SECRET_REVEALED;
}

/* What an event without a namespace is about. */
struct subject {
    enum gf_permission_resource resource;
    struct gf_str id;
};

static struct subject subject_of(const struct gf_event *event) {
    if (is_about_secret(event->kind)) {
        return (struct subject){GF_PERMISSION_RESOURCE_GLOBAL_SECRETS, event->key};
    }
    if (event->kind >= GF_EVENT_TOKEN_CREATED && event->kind <= GF_EVENT_TOKEN_DELETED) {
        return (struct subject){GF_PERMISSION_RESOURCE_TOKENS, event->subject_id};
    }
    if (event->kind >= GF_EVENT_ROLE_CREATED && event->kind <= GF_EVENT_ROLE_DELETED) {
        return (struct subject){GF_PERMISSION_RESOURCE_ROLES, event->subject_id};
    }
    if (event->kind >= GF_EVENT_EXTENSION_INSTALLED &&
        event->kind <= GF_EVENT_EXTENSION_UPDATE_FAILED) {
        return (struct subject){GF_PERMISSION_RESOURCE_EXTENSIONS, event->extension_id};
    }
    if (event->kind == GF_EVENT_IMAGE_IMPORTED || event->kind == GF_EVENT_IMAGE_DELETED) {
        return (struct subject){GF_PERMISSION_RESOURCE_IMAGES, event->subject_id};
    }
    /* Keys, preferences, starts, and whatever else there will be. */
    return (struct subject){GF_PERMISSION_RESOURCE_SYSTEM, GF_STR("")};
}

bool gf_may_see_event(const struct gf_principal *principal, const struct gf_event *event) {
    if (event->namespace_id.len == 0) {
        const struct subject subject = subject_of(event);
        return gf_may_read(principal, subject.resource, GF_STR(""), subject.id);
    }
    return gf_may_read(principal, GF_PERMISSION_RESOURCE_EVENTS, event->namespace_id,
                       event->pipeline_id) &&
           (!is_about_secret(event->kind) ||
            gf_may_read(principal, GF_PERMISSION_RESOURCE_PIPELINE_SECRETS, event->namespace_id,
                        event->pipeline_id));
}
