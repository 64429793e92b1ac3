#include "api/codec/model/namespace.h"

#include "api/codec/model/message.h"

Gofer__V1__Namespace *gf_namespace_to_message(const struct gf_namespace *ns,
                                              struct gf_arena *arena) {
    Gofer__V1__Namespace *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__Namespace, gofer__v1__namespace);
    message->namespace_id = gf_message_text(ns->namespace_id, arena);
    message->name = gf_message_text(ns->name.len > 0 ? ns->name : ns->namespace_id, arena);
    message->description = gf_message_text(ns->description, arena);
    message->run_parallelism = (int32_t)ns->run_parallelism;
    message->create_time = gf_message_time(ns->create_time, arena);
    message->update_time = gf_message_time(ns->update_time, arena);
    return message;
}
