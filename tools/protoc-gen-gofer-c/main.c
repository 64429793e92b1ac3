#include "tools/protoc-gen-gofer-c/generate.h"
#include "tools/protoc-gen-gofer-c/plugin.h"

int main(int argc, char **argv) {
    static const struct gen_plugin plugin = {
        .name = "protoc-gen-gofer-c",
        .help = "protoc-gen-gofer-c: writes the C of services for protoc\n"
                "\n"
                "usage: protoc --plugin=protoc-gen-gofer-c=PATH --gofer-c_out=DIR FILE.proto...\n"
                "\n"
                "For every FILE.proto it writes FILE.gofer.h (handler tables, client stubs) and\n"
                "FILE.gofer.c (method tables and what lies between). The messages themselves are\n"
                "protoc-gen-c's.\n"
                "\n"
                "  --help      this text\n"
                "  --version   the version\n",
        .generate = gen_generate,
    };
    return gen_plugin_main(&plugin, argc, argv);
}
