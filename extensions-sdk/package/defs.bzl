"""extension_library: the library for authors who build without Bazel."""

def _extension_library_impl(ctx):
    archives = []
    for linker_input in ctx.attr.library[CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            archive = library.static_library or library.pic_static_library
            if archive != None:
                archives.append(archive)
    out = ctx.actions.declare_file(ctx.label.name + ".a")
    arguments = ctx.actions.args()
    arguments.add(out)
    arguments.add(ctx.file.header)
    arguments.add_all(archives)
    ctx.actions.run(
        executable = ctx.executable._link,
        use_default_shell_env = True,
        inputs = archives + [ctx.file.header],
        outputs = [out],
        arguments = [arguments],
        mnemonic = "GoferExtensionLibrary",
        progress_message = "Linking %s" % out.short_path,
    )
    return [DefaultInfo(files = depset([out]))]

extension_library = rule(
    doc = "NAME.a: what the functions of `header` need of `library` and its deps, as one object.",
    implementation = _extension_library_impl,
    attrs = {
        "library": attr.label(providers = [CcInfo]),
        "header": attr.label(allow_single_file = [".h"]),
        "_link": attr.label(
            default = Label("//extensions-sdk/package:link.sh"),
            allow_single_file = True,
            executable = True,
            cfg = "exec",
        ),
    },
)
