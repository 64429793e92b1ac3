/*
 * Connections under the thread sanitizer: several extensions that deliver, lose their connections
 * and come again, while subscriptions change and questions are asked.
 */
#include "base/sync.h"
#include "tests/extension/rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name

enum {
    EXTENSIONS = 3,
    ROUNDS = 4,
    RUNS = 50,
};

static struct hub_rig rig;

struct player {
    pthread_t thread;
    char extension_id[32];
    char subscription_id[32];
    int acknowledged;
};

static void check(bool condition, const char *what) {
    if (!condition) {
        (void)fprintf(stderr, "hub_tsan_test: %s\n", what);
        abort();
    }
}

/* Each has an arena of its own: that of the rig is for one thread. */
static void play_round(struct player *player, int round, struct hub_rig *own) {
    struct script script;
    (void)script_connect_with(&script, own, script_registration(own, player->extension_id), false);
    script_ready(&script);
    for (int i = 0; i < RUNS; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "%d-%d", round, i);
        (void)script_start_run(&script, player->subscription_id, key);
    }
    for (int left = RUNS; left > 0;) {
        const from_gofer *message = script_receive(&script);
        if (message->message_case == MESSAGE(ACK)) {
            check(message->ack->n_outcomes == 1, "one outcome");
            player->acknowledged++;
            left--;
        } else if (message->message_case == MESSAGE(SUBSCRIBE)) {
            script_result(&script, message->subscribe,
                          GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED,
                          "");
        }
    }
    script_close(&script);
}

static void *play(void *ctx) {
    struct player *player = ctx;
    struct hub_rig own = {.hub = rig.hub, .channel = rig.channel};
    gf_arena_init(&own.arena, 1 << 28);
    for (int round = 0; round < ROUNDS; round++) {
        play_round(player, round, &own);
    }
    gf_arena_fini(&own.arena);
    return NULL;
}

static atomic_int answers;

static void answered(struct gf_extension_ask *ask, const struct gf_extension_answer *answer) {
    (void)answer;
    free(ask);
    atomic_fetch_add(&answers, 1);
}

static void changed(struct gf_extension_watcher *watcher) {
    (void)watcher;
}

static void disturb(int64_t extension_key, int count) {
    static const struct gf_setting settings[] = {{GF_STR("every"), GF_STR("5m")}};
    struct gf_extension_watcher watcher = {.extension_key = extension_key, .changed = changed};
    gf_extension_hub_watch(rig.hub, &watcher);
    for (int i = 0; i < count; i++) {
        struct gf_extension_ask *ask = calloc(1, sizeof(*ask));
        *ask = (struct gf_extension_ask){
            .extension_key = extension_key,
            .namespace_id = GF_STR("default"),
            .pipeline_id = GF_STR("pipe"),
            .subscription_id = GF_STR("asked"),
            .settings = settings,
            .setting_count = 1,
            .answered = answered,
            .timeout_ms = 100,
        };
        gf_extension_hub_ask(rig.hub, ask);
        struct gf_extension_live live;
        gf_extension_hub_live(rig.hub, extension_key, &live);
        gf_extension_hub_resync(rig.hub, extension_key, GF_STR("default"), GF_STR("pipe"),
                                GF_STR("asked"));
        gf_extension_hub_check_tokens(rig.hub);
    }
    gf_extension_hub_unwatch(rig.hub, &watcher);
}

int main(void) {
    struct player players[EXTENSIONS] = {0};
    hub_rig_init(&rig, NULL);
    for (int i = 0; i < EXTENSIONS; i++) {
        struct player *player = &players[i];
        (void)snprintf(player->extension_id, sizeof(player->extension_id), "extension-%d", i);
        (void)snprintf(player->subscription_id, sizeof(player->subscription_id), "sub-%d", i);
        hub_rig_install(&rig, player->extension_id, "", "");
        hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, player->extension_id,
                             player->subscription_id, "every=5m", 0);
    }
    const int64_t key = hub_rig_row(&rig, "extension-0").extension_key;
    for (int i = 0; i < EXTENSIONS; i++) {
        gf_thread_start(&players[i].thread, "player", play, &players[i]);
    }
    disturb(key, 100);
    for (int i = 0; i < EXTENSIONS; i++) {
        gf_thread_join(players[i].thread);
        check(players[i].acknowledged == ROUNDS * RUNS, "all are acknowledged");
    }
    hub_rig_fini(&rig);
    check(atomic_load(&answers) == 100, "every question is answered once");
    (void)printf("ok\n");
    return 0;
}
