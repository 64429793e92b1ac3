"""gofer_proto_library: .proto files to protobuf-c messages, typed services, and a descriptor set."""

ProtoSourcesInfo = provider(
    doc = "The .proto files of a target and of all that it imports.",
    fields = ["protos"],
)


def _impl(ctx):
    srcs = ctx.files.srcs
    protos = depset(srcs, transitive = [d[ProtoSourcesInfo].protos for d in ctx.attr.deps])
    out_root = ctx.bin_dir.path + "/" + ctx.label.package
    messages_c, messages_h, services_c, services_h = [], [], [], []
    for src in srcs:
        path = src.short_path[len(ctx.label.package) + 1:] if ctx.label.package else src.short_path
        stem = path[:-len(".proto")]
        messages_c.append(ctx.actions.declare_file(stem + ".pb-c.c"))
        messages_h.append(ctx.actions.declare_file(stem + ".pb-c.h"))
        if ctx.attr.services:
            services_c.append(ctx.actions.declare_file(stem + ".gofer.c"))
            services_h.append(ctx.actions.declare_file(stem + ".gofer.h"))
    arguments = [
        "-I" + ctx.attr.include,
        "-I/usr/include",
        "--plugin=protoc-gen-c=" + ctx.executable._messages_plugin.path,
        "--c_out=" + out_root,
    ]
    if ctx.attr.services:
        arguments += [
            "--plugin=protoc-gen-gofer-c=" + ctx.executable._services_plugin.path,
            "--gofer-c_out=" + out_root,
        ]
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        use_default_shell_env = True,
        inputs = protos,
        tools = [ctx.executable._messages_plugin] +
                ([ctx.executable._services_plugin] if ctx.attr.services else []),
        outputs = messages_c + messages_h + services_c + services_h,
        arguments = arguments + [src.path for src in srcs],
        mnemonic = "GoferProto",
        progress_message = "Generating C for %s" % ctx.label,
    )
    descriptor = ctx.actions.declare_file(ctx.label.name + ".descriptor.pb")
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        use_default_shell_env = True,
        inputs = protos,
        outputs = [descriptor],
        arguments = [
            "-I" + ctx.attr.include,
            "-I/usr/include",
            "--include_imports",
            "--include_source_info",
            "--descriptor_set_out=" + descriptor.path,
        ] + [src.path for src in srcs],
        mnemonic = "GoferDescriptor",
        progress_message = "Describing %s" % ctx.label,
    )
    return [
        DefaultInfo(files = depset(messages_c + messages_h + services_c + services_h)),
        OutputGroupInfo(
            srcs = depset(messages_c + services_c),
            hdrs = depset(messages_h + services_h),
            descriptor = depset([descriptor]),
        ),
        ProtoSourcesInfo(protos = protos),
    ]

_generate = rule(
    implementation = _impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"]),
        "deps": attr.label_list(providers = [ProtoSourcesInfo]),
        "services": attr.bool(),
        "include": attr.string(default = "proto"),
        "_messages_plugin": attr.label(
            default = Label("//build_defs:protoc-gen-c.sh"),
            allow_single_file = True,
            executable = True,
            cfg = "exec",
        ),
        "_services_plugin": attr.label(
            default = Label("//tools/protoc-gen-gofer-c"),
            executable = True,
            cfg = "exec",
        ),
    },
)

def gofer_proto_library(name, srcs, deps = [], services = True, include = "proto", **kwargs):
    """
    The C of some .proto files.

    NAME is a cc_library whose headers are included by the files' paths from `include`
    ("gofer/v1/run.pb-c.h" and, with services, "gofer/v1/run.gofer.h"). NAME_descriptor is the
    FileDescriptorSet with all imports. deps are other gofer_proto_library targets.
    """
    _generate(
        name = name + "_generated",
        srcs = srcs,
        deps = [dep + "_generated" for dep in deps],
        services = services,
        include = include,
        **kwargs
    )
    native.filegroup(
        name = name + "_srcs",
        srcs = [":" + name + "_generated"],
        output_group = "srcs",
    )
    native.filegroup(
        name = name + "_hdrs",
        srcs = [":" + name + "_generated"],
        output_group = "hdrs",
    )
    native.filegroup(
        name = name + "_descriptor",
        srcs = [":" + name + "_generated"],
        output_group = "descriptor",
        **kwargs
    )
    native.cc_library(
        name = name,
        srcs = [":" + name + "_srcs"],
        hdrs = [":" + name + "_hdrs"],
        copts = ["-w"],
        includes = ["."],
        deps = deps + ["//third_party/system:well_known"] +
               (["//api/rpc:stub"] if services else []),
        **kwargs
    )
