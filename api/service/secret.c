#include "api/service/handlers.h"
#include "api/service/secret_calls.h"

const struct gofer_v1_secret_service_handlers gf_secret_service = {
    .list_pipeline_secrets = {.start = gf_secret_list_pipeline},
    .get_pipeline_secret = {.start = gf_secret_get_pipeline},
    .reveal_pipeline_secret = {.start = gf_secret_reveal_pipeline, .done = gf_secret_input_done},
    .put_pipeline_secret = {.start = gf_secret_put_pipeline, .done = gf_secret_input_done},
    .delete_pipeline_secret = {.start = gf_secret_delete_pipeline},
    .list_global_secrets = {.start = gf_secret_list_global},
    .get_global_secret = {.start = gf_secret_get_global},
    .reveal_global_secret = {.start = gf_secret_reveal_global, .done = gf_secret_input_done},
    .put_global_secret = {.start = gf_secret_put_global, .done = gf_secret_input_done},
    .delete_global_secret = {.start = gf_secret_delete_global},
    .get_secret_sealing_key = {.start = gf_secret_get_sealing_key},
    .rotate_secret_keys = {.start = gf_secret_rotate_keys},
};
