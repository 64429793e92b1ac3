"""The API as its proto files tell it: messages and methods made at run time, without generated code.

    api = schema.Api(proto_dir)
    api.methods["gofer.v1.RunService/GetRun"].request      # a class of messages
    api.to_json(message), api.from_json(cls, value)        # the JSON of protobuf, by the official library
"""

import os
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PROTOC = "protoc"


def descriptor_set(proto_dir):
    """The serialized FileDescriptorSet of gofer.v1, google.rpc and what they import."""
    protos = []
    for top in ("gofer/v1", "google/rpc"):
        folder = os.path.join(proto_dir, top)
        protos += sorted(os.path.join(top, name) for name in os.listdir(folder)
                         if name.endswith(".proto"))
    with tempfile.NamedTemporaryFile(suffix=".pb") as out:
        subprocess.run([PROTOC, "-I" + proto_dir, "-I/usr/include", "--include_imports",
                        "--descriptor_set_out=" + out.name] + protos, check=True)
        return out.read()


class Method:
    def __init__(self, api, service, descriptor):
        self.path = "%s/%s" % (service.full_name, descriptor.name)
        self.request = api.message(descriptor.input_type)
        self.response = api.message(descriptor.output_type)
        own = descriptor_pb2.MethodDescriptorProto()
        descriptor.CopyToProto(own)
        self.client_streams = own.client_streaming
        self.server_streams = own.server_streaming
        self.only_reads = (own.options.idempotency_level
                           == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS)


class Api:
    def __init__(self, proto_dir):
        self.descriptors = descriptor_set(proto_dir)
        self.pool = descriptor_pool.DescriptorPool()
        self.factory = message_factory.MessageFactory(self.pool)
        self.methods = {}
        files = descriptor_pb2.FileDescriptorSet.FromString(self.descriptors)
        for file in files.file:
            self.pool.Add(file)
        for file in files.file:
            if file.package != "gofer.v1":
                continue
            for service in self.pool.FindFileByName(file.name).services_by_name.values():
                for descriptor in service.methods:
                    method = Method(self, service, descriptor)
                    self.methods[method.path] = method

    def message(self, descriptor):
        return self.factory.GetPrototype(descriptor)

    def type(self, name):
        return self.message(self.pool.FindMessageTypeByName(name))

    def from_json(self, cls, value):
        return json_format.ParseDict(value, cls(), descriptor_pool=self.pool)

    def to_json(self, message):
        return json_format.MessageToDict(message, descriptor_pool=self.pool)
