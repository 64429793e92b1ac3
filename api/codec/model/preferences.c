#include "api/codec/model/preferences.h"

#include "api/codec/model/message.h"

Gofer__V1__SystemPreferences *gf_preferences_to_message(const struct gf_preferences *preferences,
                                                        struct gf_arena *arena) {
    Gofer__V1__SystemPreferences *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__SystemPreferences, gofer__v1__system_preferences);
    message->run_starts_paused = preferences->run_starts_paused;
    message->run_starts_paused_reason =
        gf_message_text(preferences->run_starts_paused_reason, arena);
    message->attach_disabled = preferences->attach_disabled;
    message->update_time = gf_message_time(preferences->update_time, arena);
    return message;
}
