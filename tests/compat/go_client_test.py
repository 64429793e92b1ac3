#!/usr/bin/python3
"""An official Go client against gofer, generated from nothing but the proto files.

Usage: go_client_test.py GOFER PROTO_DIR CLIENT_DIR

The Go modules come from the module proxy, pinned by go.sum. They are cached in the home directory, or,
where the environment names none (under Bazel), in /var/tmp, so that a machine fetches them once.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

GO_PACKAGE_ROOT = "github.com/gofer/gofer/clients/go"


def build(proto_dir, client_dir, work):
    """Generates and compiles the client; gives the path of the program."""
    environment = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-mod=mod -buildvcs=false")
    environment["PATH"] = "/usr/lib/go-1.19/bin:/usr/bin:/bin"
    environment.setdefault("HOME", os.path.join("/var/tmp", "gofer-go-home"))
    for name in os.listdir(client_dir):
        shutil.copy(os.path.join(client_dir, name), work)

    def go(*arguments):
        subprocess.run(("go",) + arguments, cwd=work, env=environment, check=True)

    go("build", "-o", "protoc-gen-go", "google.golang.org/protobuf/cmd/protoc-gen-go")
    go("build", "-o", "protoc-gen-go-grpc", "google.golang.org/grpc/cmd/protoc-gen-go-grpc")
    protos = sorted(name for name in os.listdir(os.path.join(proto_dir, "gofer/v1"))
                    if name.endswith(".proto"))
    options = []
    for plugin in ("go", "go-grpc"):
        options += ["--plugin=protoc-gen-%s=%s" % (plugin, os.path.join(work, "protoc-gen-" + plugin)),
                    "--%s_out=%s" % (plugin, work), "--%s_opt=module=%s" % (plugin, GO_PACKAGE_ROOT)]
    subprocess.run(["protoc", "-I" + proto_dir, "-I/usr/include"] + options +
                   ["gofer/v1/" + name for name in protos], check=True)
    go("build", "-o", "client", ".")
    return os.path.join(work, "client")


def main():
    gofer, proto_dir, client_dir = (os.path.abspath(path) for path in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="gofer-go-") as work:
        client = build(proto_dir, client_dir, work)
        with GoferServer(gofer, scheduler="null") as server:
            result = subprocess.run([client, server.address], timeout=120, check=False,
                                    capture_output=True, text=True)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return 0 if result.returncode == 0 and result.stdout == "ok\n" else 1


if __name__ == "__main__":
    sys.exit(main())
