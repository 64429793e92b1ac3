/* Who calls, and what is secret: the gate and the vault. */
#include "api/server/metrics_internal.h"

static void add_refusal(struct gf_metrics *metrics, const char *name, uint64_t count) {
    char word[GF_SERVER__METRIC_WORD_BYTES];
    gf_metrics_add(metrics, (int64_t)count,
                   GF_LABELS({"reason", gf_server__metric_word(name, word)}));
}

/* 0 says that there is none, as everywhere. */
static int64_t limit_of(int64_t option) {
    return option < 0 ? 0 : option;
}

static void add_limits(const struct gf_gate_options *options, struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_gate_token_calls_per_second_limit",
                     "Calls with one token in a second; more are refused. 0: no limit.",
                     limit_of(options->token_rate_max));
    gf_metrics_gauge(metrics, "gofer_gate_token_streams_limit",
                     "Open streams of one token; more are refused. 0: no limit.",
                     limit_of(options->token_streams_max));
    gf_metrics_gauge(metrics, "gofer_gate_address_calls_per_second_limit",
                     "Calls without a token of one address in a second. 0: no limit.",
                     limit_of(options->address_rate_max));
    gf_metrics_gauge(metrics, "gofer_gate_address_calls_limit",
                     "Open calls without a token of one address. 0: no limit.",
                     limit_of(options->address_streams_max));
}

static void add_gate(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_gate_stats stats = {0};
    gf_gate_stats(server->gate, &stats);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_gate_refused_total",
                     "Calls that were refused before they reached their service, by the reason.");
#define GF_X(name) add_refusal(metrics, #name, stats.refused_total[GF_GATE_REFUSAL_##name]);
    GF_GATE_REFUSALS(GF_X)
#undef GF_X
    gf_metrics_counter(metrics, "gofer_gate_audit_lines_left_out_total",
                       "Refusals that were not written to the log, because there were too many.",
                       stats.audit_left_out_total);
    gf_metrics_counter(metrics, "gofer_gate_streams_ended_total",
                       "Streams that ended because their caller may not have them any more.",
                       stats.streams_ended_total);
    gf_metrics_gauge(metrics, "gofer_gate_streams", "Open streams of callers with tokens.",
                     stats.streams);
    gf_metrics_gauge(metrics, "gofer_gate_addresses",
                     "Addresses without tokens that are remembered, for their limits.",
                     (int64_t)stats.addresses);
    gf_metrics_gauge(metrics, "gofer_gate_addresses_open",
                     "Addresses that have open calls without a token.",
                     (int64_t)stats.addresses_open);
    add_limits(gf_gate_get_options(server->gate), metrics);
}

static void add_vault(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_vault_stats stats = {0};
    gf_vault_stats(server->vault, &stats);
    gf_metrics_gauge(metrics, "gofer_vault_keyrings", "Keyrings that are open in memory.",
                     (int64_t)stats.keyrings);
    gf_metrics_gauge(metrics, "gofer_vault_keyrings_limit",
                     "Keyrings in memory; the longest unused goes.", (int64_t)stats.keyrings_limit);
    gf_metrics_counter(metrics, "gofer_vault_keyring_opens_total",
                       "Times that a keyring was not in memory, and was looked for.",
                       stats.keyring_opens_total);
    gf_metrics_counter(metrics, "gofer_vault_values_opened_total",
                       "Values of secrets that were decrypted.", stats.values_opened_total);
    gf_metrics_counter(metrics, "gofer_vault_values_sealed_total",
                       "Values of secrets that were encrypted and stored.",
                       stats.values_sealed_total);
    gf_metrics_counter(metrics, "gofer_vault_failures_total",
                       "Values of secrets that are there and could not be read.",
                       stats.failures_total);
    gf_metrics_gauge(metrics, "gofer_vault_uses", "Uses of secrets that are yet to be written.",
                     (int64_t)stats.uses);
    gf_metrics_gauge(metrics, "gofer_vault_uses_limit",
                     "Uses of secrets that are noted at once; more are forgotten.",
                     (int64_t)stats.uses_limit);
}

void gf_server__access_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    add_gate(server, metrics);
    add_vault(server, metrics);
}
