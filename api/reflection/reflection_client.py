"""Reads the contracts from a server as any client of another language does: by reflection alone.

Usage: reflection_client.py TARGET PACKAGE

PACKAGE is that of the reflection service, grpc.reflection.v1 or grpc.reflection.v1alpha. Prints, for every
service that the server lists, the service and its methods with their types, one a line.
"""

import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# The messages of the reflection service, in so far as they are needed: (name, [(field, number, type)]).
FIELD = descriptor_pb2.FieldDescriptorProto
MESSAGES = [
    ("Request", [("symbol", 4, FIELD.TYPE_STRING, ""), ("list", 7, FIELD.TYPE_STRING, "")]),
    ("Files", [("file", 1, FIELD.TYPE_BYTES, "repeated")]),
    ("Service", [("name", 1, FIELD.TYPE_STRING, "")]),
    ("Services", [("service", 1, "Service", "repeated")]),
    ("Error", [("code", 1, FIELD.TYPE_INT32, ""), ("message", 2, FIELD.TYPE_STRING, "")]),
    ("Response", [("files", 4, "Files", ""), ("services", 6, "Services", ""),
                  ("error", 7, "Error", "")]),
]


def make_messages():
    proto = descriptor_pb2.FileDescriptorProto(name="r.proto", package="r", syntax="proto3")
    for name, fields in MESSAGES:
        message = proto.message_type.add(name=name)
        for field, number, kind, label in fields:
            made = message.field.add(name=field, number=number)
            made.label = FIELD.LABEL_REPEATED if label else FIELD.LABEL_OPTIONAL
            if isinstance(kind, str):
                made.type = FIELD.TYPE_MESSAGE
                made.type_name = ".r." + kind
            else:
                made.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    factory = message_factory.MessageFactory(pool)
    return [factory.GetPrototype(pool.FindMessageTypeByName("r." + name))
            for name in ("Request", "Response")]


def main():
    target, package = sys.argv[1:]
    request_type, response_type = make_messages()
    channel = grpc.insecure_channel(target)
    ask = channel.stream_stream(
        "/%s.ServerReflection/ServerReflectionInfo" % package,
        request_serializer=request_type.SerializeToString,
        response_deserializer=response_type.FromString)
    names = [service.name
             for response in ask(iter([request_type(list="*")]), timeout=30)
             for service in response.services.service]
    pool = descriptor_pool.DescriptorPool()
    known = set()
    for response in ask((request_type(symbol=name) for name in names), timeout=30):
        if response.error.code != 0:
            sys.exit("error %d: %s" % (response.error.code, response.error.message))
        # Each answer has a file in front of what it imports; a pool wants it the other way round.
        for encoded in reversed(response.files.file):
            file = descriptor_pb2.FileDescriptorProto.FromString(encoded)
            if file.name not in known:
                known.add(file.name)
                pool.Add(file)
    for name in names:
        for method in pool.FindServiceByName(name).methods:
            print(name, method.name, method.input_type.full_name, method.output_type.full_name)


main()
