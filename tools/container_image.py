"""Container images made from files, without a daemon: what the tools beside this file share.

The same files give the same image, to the byte: owners and times are fixed, names are sorted.
"""
import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile

# What OCI images call the architectures of Debian's kernels.
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def architecture():
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        sys.exit(f"{os.path.basename(sys.argv[0])}: no name of OCI images is known for {machine}")
    return ARCHITECTURES[machine]


def libraries_of(program):
    """Where the shared libraries of a program are; none for a static one."""
    listed = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
    paths = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    if "not found" in listed:
        sys.exit(f"{os.path.basename(sys.argv[0])}: libraries of {program} are missing:\n{listed}")
    return paths


class Layer:
    """A file system: paths without a leading slash."""

    def __init__(self):
        self.directories = {}
        self.files = {}
        self.links = {}

    def add_directory(self, path, mode=0o755):
        self.directories[path] = mode

    def add_data(self, path, data, mode=0o644):
        self.files[path] = (data, mode)

    def add_file(self, path, source, mode=0o755):
        with open(source, "rb") as file:
            self.add_data(path, file.read(), mode)

    def add_link(self, path, target):
        self.links[path] = target

    def add_program(self, path, source):
        """A program, and the shared libraries that it needs, if any."""
        self.add_file(path, source)
        for library in libraries_of(source):
            self.add_file(library.lstrip("/"), library)

    def tar(self):
        """The layer: all directories, then all files, then all links."""
        directories = dict(self.directories)
        for path in list(self.files) + list(self.links):
            folder = os.path.dirname(path)
            while folder:
                directories.setdefault(folder, 0o755)
                folder = os.path.dirname(folder)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path in sorted(directories):
                add(tar, path, mode=directories[path], kind=tarfile.DIRTYPE)
            for path in sorted(self.files):
                data, mode = self.files[path]
                add(tar, path, data=data, mode=mode)
            for path in sorted(self.links):
                add(tar, path, mode=0o777, kind=tarfile.SYMTYPE, target=self.links[path])
        return out.getvalue()


def add(tar, path, data=b"", mode=0o644, kind=tarfile.REGTYPE, target=""):
    """One entry of a tar file, owned by root, of 1970."""
    info = tarfile.TarInfo(path)
    info.mode = mode
    info.type = kind
    info.size = len(data)
    info.linkname = target
    tar.addfile(info, io.BytesIO(data))


def make_config(layer, config, created_by):
    """The configuration of an image of one layer. `config` is what its containers are like."""
    return to_json({
        "architecture": architecture(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": created_by}],
    })


def layout(name, layer, config, annotations=None, compressed=True):
    """The files of an OCI layout: path -> bytes."""
    def descriptor(media_type, data):
        return {
            "mediaType": "application/vnd.oci.image." + media_type,
            "digest": digest(data),
            "size": len(data),
        }

    packed = gzip.compress(layer, compresslevel=6, mtime=0) if compressed else layer
    form = "tar+gzip" if compressed else "tar"
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config),
        "layers": [descriptor("layer.v1." + form, packed)],
    }
    if annotations:
        manifest["annotations"] = annotations
    manifest = to_json(manifest)
    entry = descriptor("manifest.v1+json", manifest)
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    files = {"blobs/sha256/" + hashlib.sha256(data).hexdigest(): data
             for data in (packed, config, manifest)}
    files["oci-layout"] = to_json({"imageLayoutVersion": "1.0.0"})
    files["index.json"] = to_json({"schemaVersion": 2, "manifests": [entry]})
    return files


def write_layout(folder, files):
    for path, data in files.items():
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "wb") as file:
            file.write(data)


def write_archive(path, files):
    """A tar file of these files, in its place in one step."""
    with tarfile.open(path + ".new", mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            add(tar, name, data=files[name])
    os.rename(path + ".new", path)


def write_docker_archive(path, name, layer, config):
    """The same image in the format of `docker save`."""
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    layer_name = hashlib.sha256(layer).hexdigest() + "/layer.tar"
    manifest = to_json([{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}])
    with tarfile.open(path, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry, data in ((config_name, config), (layer_name, layer), ("manifest.json", manifest)):
            add(tar, entry, data=data)
