// An extension in C++17, as an author may write one: it has a name of gofer's own for itself.
#include <gofer/extension.h>
#include <map>
#include <string>

int gf_parse_i64() {
    return 1;
}
int gf_error_clear() {
    return 2;
}

namespace {

struct Bell {
    std::map<std::string, int> rung;
};

gofer_outcome subscribe(gofer_extension *, gofer_subscription *subscription, void *ctx) {
    const gofer_settings *settings = gofer_subscription_settings(subscription);
    if (gofer_settings_integer(settings, "times", 1) < 1) {
        return gofer_subscription_refuse(subscription, "times", "it rings once at least");
    }
    static_cast<Bell *>(ctx)->rung[gofer_subscription_id(subscription)] = 0;
    return GOFER_ACCEPTED;
}

} // namespace

int main(int argc, char **argv) {
    gofer_parameter times{};
    times.name = "times";
    times.type = GOFER_INTEGER;
    times.default_value = "1";

    Bell bell;
    gofer_extension_definition definition{};
    definition.size = sizeof(definition);
    definition.name = "bell";
    definition.version = "2.0.1";
    definition.subscription_parameters = &times;
    definition.subscription_parameter_count = 1;
    definition.ctx = &bell;
    definition.subscribe = subscribe;
    return gofer_extension_run(&definition, argc, argv) + gf_parse_i64() + gf_error_clear() - 3;
}
