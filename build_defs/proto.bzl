"""From .proto files: gofer_proto_library (C), gofer_descriptor_set and gofer_openapi."""

ProtoInfo = provider(
    doc = "The .proto files of a target and of all that it imports, and where imports start.",
    fields = ["protos", "includes"],
)

def _gather(ctx, srcs):
    """What a target and its deps have in all."""
    deps = [dep[ProtoInfo] for dep in ctx.attr.deps]
    return ProtoInfo(
        protos = depset(srcs, transitive = [dep.protos for dep in deps]),
        includes = depset(
            [ctx.attr.include] if hasattr(ctx.attr, "include") else [],
            transitive = [dep.includes for dep in deps],
        ),
    )

def _include_flags(info):
    # Debian has the well-known types under /usr/include.
    return ["-I" + include for include in info.includes.to_list()] + ["-I/usr/include"]

def _declare(ctx, src, suffix):
    """The output beside src, with the suffix in the place of .proto."""
    prefix = ctx.label.package + "/" if ctx.label.package else ""
    stem = src.short_path[len(prefix):-len(".proto")]
    return ctx.actions.declare_file(stem + suffix)

def _generate_impl(ctx):
    srcs = ctx.files.srcs
    info = _gather(ctx, srcs)
    out_root = ctx.bin_dir.path + "/" + ctx.attr.include
    if ctx.label.package != ctx.attr.include:
        fail("a gofer_proto_library stands in the folder that its imports start from")
    sources = [_declare(ctx, src, ".pb-c.c") for src in srcs]
    services = []
    headers = [_declare(ctx, src, ".pb-c.h") for src in srcs]
    tools = [ctx.executable._messages_plugin]
    arguments = _include_flags(info) + [
        "--plugin=protoc-gen-c=" + ctx.executable._messages_plugin.path,
        "--c_out=" + out_root,
    ]
    if ctx.attr.services:
        services = [_declare(ctx, src, ".gofer.c") for src in srcs]
        headers += [_declare(ctx, src, ".gofer.h") for src in srcs]
        tools.append(ctx.executable._services_plugin)
        arguments += [
            "--plugin=protoc-gen-gofer-c=" + ctx.executable._services_plugin.path,
            "--gofer-c_out=" + out_root,
        ]
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        use_default_shell_env = True,
        inputs = info.protos,
        tools = tools,
        outputs = sources + services + headers,
        arguments = arguments + [src.path for src in srcs],
        mnemonic = "GoferProto",
        progress_message = "Generating C for %s" % ctx.label,
    )
    return [
        DefaultInfo(
            files = depset(sources + services + headers),
            runfiles = ctx.runfiles(files = services + headers),
        ),
        OutputGroupInfo(
            srcs = depset(sources + services),
            services = depset(services),
            hdrs = depset(headers),
        ),
        info,
    ]

_generate = rule(
    implementation = _generate_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"]),
        "deps": attr.label_list(providers = [ProtoInfo]),
        "services": attr.bool(),
        "include": attr.string(),
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

def gofer_proto_library(name, srcs, deps = [], services = True, **kwargs):
    """
    The C of .proto files: a cc_library of messages and, with services, of handlers and clients.

    Imports start from the folder of the BUILD file, and so do includes: gofer/v1/run.proto gives
    "gofer/v1/run.pb-c.h" and "gofer/v1/run.gofer.h". deps are other gofer_proto_library targets. A
    program that uses services also links //api/rpc.
    """
    _generate(
        name = name + "_generated",
        srcs = srcs,
        deps = [dep + "_generated" for dep in deps],
        services = services,
        include = native.package_name(),
        **kwargs
    )
    native.filegroup(
        name = name + "_srcs",
        srcs = [":" + name + "_generated"],
        output_group = "srcs",
        testonly = kwargs.get("testonly", False),
        visibility = ["//visibility:private"],
    )
    native.filegroup(
        name = name + "_hdrs",
        srcs = [":" + name + "_generated"],
        output_group = "hdrs",
        testonly = kwargs.get("testonly", False),
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        srcs = [":" + name + "_srcs"],
        hdrs = [":" + name + "_hdrs"],
        # protoc-gen-c's output has warnings of its own; ours is compiled with all of them by a test.
        copts = ["-w"],
        includes = ["."],
        deps = deps + ["//third_party/system:well_known"] +
               (["//api/rpc"] if services else []),
        **kwargs
    )

def _descriptor_set_impl(ctx):
    info = _gather(ctx, [])
    out = ctx.actions.declare_file(ctx.label.name + ".pb")
    protos = info.protos.to_list()
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        use_default_shell_env = True,
        inputs = info.protos,
        outputs = [out],
        arguments = _include_flags(info) + ["--include_imports"] +
                    (["--include_source_info"] if ctx.attr.comments else []) +
                    ["--descriptor_set_out=" + out.path] + [proto.path for proto in protos],
        mnemonic = "GoferDescriptorSet",
        progress_message = "Describing %s" % ctx.label,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles(files = [out])), info]

_descriptor_set = rule(
    implementation = _descriptor_set_impl,
    attrs = {
        "deps": attr.label_list(providers = [ProtoInfo]),
        "comments": attr.bool(),
    },
)

def gofer_descriptor_set(name, deps, comments = False, **kwargs):
    """
    NAME.pb: one FileDescriptorSet of gofer_proto_library targets and all that they import, every
    file after what it imports. comments keeps comments and line numbers, for documentation.
    """
    _descriptor_set(
        name = name,
        deps = [dep + "_generated" for dep in deps],
        comments = comments,
        **kwargs
    )

def _openapi_impl(ctx):
    info = ctx.attr.lib[ProtoInfo]
    out = ctx.actions.declare_file(ctx.label.name + "/openapi.json")
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        use_default_shell_env = True,
        inputs = info.protos,
        tools = [ctx.executable._plugin],
        outputs = [out],
        arguments = _include_flags(info) + [
            "--plugin=protoc-gen-gofer-openapi=" + ctx.executable._plugin.path,
            "--gofer-openapi_out=" + out.dirname,
        ] + [proto.path for proto in info.protos.to_list()],
        mnemonic = "GoferOpenApi",
        progress_message = "Describing %s" % ctx.label,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles(files = [out]))]

_openapi = rule(
    implementation = _openapi_impl,
    attrs = {
        "lib": attr.label(providers = [ProtoInfo]),
        "_plugin": attr.label(
            default = Label("//tools/protoc-gen-gofer-openapi"),
            executable = True,
            cfg = "exec",
        ),
    },
)

def gofer_openapi(name, lib, **kwargs):
    """
    NAME/openapi.json: the services of a gofer_proto_library that stands alone, as they are served
    over HTTP.
    """
    _openapi(
        name = name,
        lib = lib + "_generated",
        **kwargs
    )
