#include "tools/protoc-gen-gofer-c/plugin.h"
#include "tools/protoc-gen-gofer-openapi/generate.h"

int main(int argc, char **argv) {
    static const struct gen_plugin plugin = {
        .name = "protoc-gen-gofer-openapi",
        .help = "protoc-gen-gofer-openapi: describes services as OpenAPI 3.1, for protoc\n"
                "\n"
                "usage: protoc --plugin=protoc-gen-gofer-openapi=PATH --gofer-openapi_out=DIR "
                "FILE.proto...\n"
                "\n"
                "It writes DIR/openapi.json: every unary and server-streaming call of all files,\n"
                "as they are served over HTTP by the Connect protocol.\n"
                "\n"
                "  --help      this text\n"
                "  --version   the version\n",
        .generate = oas_generate,
    };
    return gen_plugin_main(&plugin, argc, argv);
}
