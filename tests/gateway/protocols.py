"""Clients of the four protocols that gofer speaks, written from their specifications.

gRPC by Debian's grpcio; Connect and gRPC-Web over HTTP/1.1 here, so that nothing of gofer's own code is
on both sides. A call gives an Answer, whichever protocol it came by:

    client = Connect(api, "127.0.0.1:8081", codec="json")
    answer = client.call(method, request, token="...", take=None, timeout=30)
    answer.messages, answer.code, answer.text, answer.details

`take` ends a stream after so many messages, as a client does that goes away. Codes are named as in gRPC,
in small letters ("not_found"; "ok"); a detail is (name of its type, serialized bytes).
"""

import base64
import gzip
import http.client
import json
import struct
import urllib.parse

import grpc

TIMEOUT_S = 20
CODES = ("ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found",
         "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
         "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss",
         "unauthenticated")
# The status of HTTP that Connect gives each code.
CONNECT_STATUS = {
    "canceled": 499, "unknown": 500, "invalid_argument": 400, "deadline_exceeded": 504,
    "not_found": 404, "already_exists": 409, "permission_denied": 403, "resource_exhausted": 429,
    "failed_precondition": 400, "aborted": 409, "out_of_range": 400, "unimplemented": 501,
    "internal": 500, "unavailable": 503, "data_loss": 500, "unauthenticated": 401}
COMPRESSED = 0x01
CONNECT_END = 0x02
WEB_TRAILERS = 0x80


class ProtocolError(Exception):
    """The server has said what the protocol does not allow."""


class Answer:
    def __init__(self):
        self.messages = []
        self.code = None
        self.text = ""
        self.details = []
        self.headers = {}
        self.status = None  # of HTTP
        self.body = None  # of an unary answer of Connect

    def __repr__(self):
        return "%s %r %s %d messages" % (self.code, self.text, self.details, len(self.messages))


def need(condition, what, *arguments):
    if not condition:
        raise ProtocolError(what % arguments)


def details_of_status(api, data):
    """The details of a serialized google.rpc.Status."""
    status = api.type("google.rpc.Status").FromString(data)
    return ([(any_.type_url.rsplit("/", 1)[-1], any_.value) for any_ in status.details],
            status.code, status.message)


def unpadded(text):
    """The bytes of base64 with or without its padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


class Grpc:
    """The reference that the others are compared with."""

    name = "gRPC"

    def __init__(self, api, address):
        self.api = api
        self.channel = grpc.insecure_channel(address)

    def close(self):
        self.channel.close()

    def call(self, method, request, token=None, take=None, timeout=TIMEOUT_S, headers=()):
        metadata = list(headers)
        if token is not None:
            metadata.append(("authorization", "Bearer " + token))
        kind = self.channel.unary_stream if method.server_streams else self.channel.unary_unary
        stub = kind("/" + method.path, request_serializer=method.request.SerializeToString,
                    response_deserializer=method.response.FromString)
        answer = Answer()
        call = None
        try:
            if method.server_streams:
                call = stub(request, metadata=metadata, timeout=timeout)
                while take is None or len(answer.messages) < take:
                    message = next(call, None)
                    if message is None:
                        break
                    answer.messages.append(message)
                else:
                    call.cancel()
                answer.headers = dict(call.initial_metadata())
            else:
                message, call = stub.with_call(request, metadata=metadata, timeout=timeout)
                answer.messages.append(message)
                answer.headers = dict(call.initial_metadata())
            answer.code = "ok"
        except grpc.RpcError as error:
            answer.code = CODES[error.code().value[0]]
            answer.text = error.details()
            trailers = dict(error.trailing_metadata() or ())
            answer.headers = dict(error.initial_metadata() or ())
            if "grpc-status-details-bin" in trailers:
                details, code, text = details_of_status(self.api, trailers["grpc-status-details-bin"])
                need(code == error.code().value[0] and text == answer.text,
                     "the status is not that of its details")
                answer.details = details
        return answer


class Http:
    """A connection that is used again and again, as browsers and proxies do."""

    def __init__(self, api, address):
        self.api = api
        self.host, _, port = address.rpartition(":")
        self.connection = http.client.HTTPConnection(self.host, int(port), timeout=TIMEOUT_S)

    def close(self):
        self.connection.close()

    def request(self, verb, target, headers, body=None):
        self.connection.request(verb, target, body=body, headers=headers)
        return self.connection.getresponse()

    def common(self, token, headers):
        result = dict(headers)
        if token is not None:
            result["Authorization"] = "Bearer " + token
        return result


def read_exactly(response, count):
    data = b""
    while len(data) < count:
        more = response.read(count - len(data))
        if not more:
            break
        data += more
    return data


def frames(response, read):
    """(flags, payload) of each length-prefixed message, until the body ends."""
    while True:
        head = read(response, 5)
        if not head:
            return
        need(len(head) == 5, "a frame ends within its head")
        flags, length = struct.unpack(">BI", head)
        payload = read(response, length)
        need(len(payload) == length, "a frame ends within its payload")
        yield flags, payload


def frame(payload, compressed=False):
    if compressed:
        payload = gzip.compress(payload)
    return struct.pack(">BI", COMPRESSED if compressed else 0, len(payload)) + payload


class Connect(Http):
    """https://connectrpc.com/docs/protocol: codec "json" or "proto"; `packed` is with gzip."""

    def __init__(self, api, address, codec, packed=False):
        super().__init__(api, address)
        self.codec = codec
        self.packed = packed
        self.name = "Connect " + codec + (" gzip" if packed else "")

    def encode(self, request):
        if self.codec == "proto":
            return request.SerializeToString()
        return json.dumps(self.api.to_json(request)).encode()

    def decode(self, method, data):
        if self.codec == "proto":
            return method.response.FromString(data)
        value = json.loads(data)
        message = self.api.from_json(method.response, value)
        official = self.api.to_json(message)
        need(value == official, "JSON is not what the official library makes of it:\n%s\n%s",
             value, official)
        return message

    def error(self, answer, value):
        """The error of an unary answer or of the end of a stream."""
        need(set(value) <= {"code", "message", "details"}, "an error has %s", sorted(value))
        need(value["code"] in CODES[1:], "the code is %s", value["code"])
        answer.code = value["code"]
        answer.text = value.get("message", "")
        for detail in value.get("details", ()):
            data = unpadded(detail["value"])
            need("=" not in detail["value"], "base64 with padding")
            if "debug" in detail:
                cls = self.api.type(detail["type"])
                need(detail["debug"] == self.api.to_json(cls.FromString(data)),
                     "debug is not its detail: %s", detail)
            answer.details.append((detail["type"], data))

    def call(self, method, request, token=None, take=None, timeout=TIMEOUT_S, headers=()):
        headers = self.common(token, headers)
        headers["Connect-Protocol-Version"] = "1"
        headers["Connect-Timeout-Ms"] = str(int(timeout * 1000))
        if method.server_streams:
            return self.call_stream(method, request, headers, take)
        return self.call_unary(method, request, headers)

    def call_unary(self, method, request, headers):
        body = self.encode(request)
        headers["Content-Type"] = "application/" + self.codec
        # As curl and a browser do: without this header, the client library would say "identity".
        headers["Accept-Encoding"] = "gzip" if self.packed else "identity"
        if self.packed:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        response = self.request("POST", "/" + method.path, headers, body)
        return self.unary_answer(method, response)

    def get(self, method, request, token=None, take=None, timeout=TIMEOUT_S, headers=()):
        """A GET, for methods that only read and answer once."""
        need(take is None, "GET gives no streams")
        message = self.encode(request)
        query = {"connect": "v1", "encoding": self.codec}
        if self.codec == "proto" or self.packed:
            if self.packed:
                message = gzip.compress(message)
                query["compression"] = "gzip"
            query["base64"] = "1"
            query["message"] = base64.urlsafe_b64encode(message).decode().rstrip("=")
        else:
            query["message"] = message.decode()
        headers = self.common(token, headers)
        headers["Connect-Timeout-Ms"] = str(int(timeout * 1000))
        response = self.request("GET", "/%s?%s" % (method.path, urllib.parse.urlencode(query)),
                                headers)
        return self.unary_answer(method, response)

    def unary_answer(self, method, response):
        answer = Answer()
        answer.headers = {key.lower(): value for key, value in response.getheaders()}
        answer.status = response.status
        answer.body = body = response.read()
        encoding = answer.headers.get("content-encoding", "identity")
        need(encoding == "identity" or (self.packed and encoding == "gzip"), "it is %s", encoding)
        if encoding == "gzip":
            body = gzip.decompress(body)
        content_type = answer.headers.get("content-type")
        if response.status == 200:
            need(content_type == "application/" + self.codec, "it is %s", content_type)
            answer.messages.append(self.decode(method, body))
            answer.code = "ok"
            return answer
        need(content_type == "application/json", "%d is %s: %r", response.status, content_type,
             body[:200])
        self.error(answer, json.loads(body))
        need(response.status == CONNECT_STATUS[answer.code], "%s is %d", answer.code,
             response.status)
        return answer

    def call_stream(self, method, request, headers, take):
        headers["Content-Type"] = "application/connect+" + self.codec
        if self.packed:
            headers["Connect-Content-Encoding"] = "gzip"
            headers["Connect-Accept-Encoding"] = "gzip"
        response = self.request("POST", "/" + method.path, headers,
                                frame(self.encode(request), self.packed))
        answer = Answer()
        answer.status = response.status
        answer.headers = {key.lower(): value for key, value in response.getheaders()}
        need(response.status == 200, "a stream's status is %d", response.status)
        need(answer.headers["content-type"] == headers["Content-Type"], "it is %s",
             answer.headers["content-type"])
        packed = answer.headers.get("connect-content-encoding") == "gzip"
        need(self.packed or not packed, "gzip was not asked for")
        for flags, payload in frames(response, read_exactly):
            need(answer.code is None, "something stands behind the end")
            need(flags & ~(COMPRESSED | CONNECT_END) == 0, "the flags are %d", flags)
            if flags & COMPRESSED:
                need(packed, "compressed, but with what?")
                payload = gzip.decompress(payload)
            if flags & CONNECT_END:
                end = json.loads(payload)
                answer.code = "ok"
                if "error" in end:
                    self.error(answer, end["error"])
                continue
            answer.messages.append(self.decode(method, payload))
            if take is not None and len(answer.messages) == take:
                self.connection.close()
                answer.code = "ok"
                return answer
        need(answer.code is not None, "the stream has no end")
        return answer


class TextReader:
    """Bytes of a body of base64, which may be padded wherever the server has flushed it."""

    def __init__(self):
        self.characters = b""
        self.data = b""

    def __call__(self, response, count):
        while len(self.data) < count:
            more = response.read1(65536)
            if not more:
                response.read()  # tells the connection that all was read
                need(not self.characters, "base64 ends within a quantum")
                break
            self.characters += more
            whole = len(self.characters) // 4 * 4
            for at in range(0, whole, 4):
                self.data += base64.b64decode(self.characters[at:at + 4], validate=True)
            self.characters = self.characters[whole:]
        result, self.data = self.data[:count], self.data[count:]
        return result


class GrpcWeb(Http):
    """https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md: binary, text, or "+json"."""

    def __init__(self, api, address, text=False, codec="proto", packed=False):
        super().__init__(api, address)
        self.text = text
        self.codec = codec
        self.packed = packed
        self.type = "application/grpc-web" + ("-text" if text else "") + "+" + codec
        self.name = "gRPC-Web" + (" text" if text else "") + (" json" if codec == "json" else "") \
            + (" gzip" if packed else "")

    encode = Connect.encode
    decode = Connect.decode

    def call(self, method, request, token=None, take=None, timeout=TIMEOUT_S, headers=()):
        headers = self.common(token, headers)
        headers.update({"Content-Type": self.type, "Accept": self.type, "X-Grpc-Web": "1",
                        "Grpc-Timeout": "%dm" % (timeout * 1000)})
        body = frame(self.encode(request), self.packed)
        if self.packed:
            headers["Grpc-Encoding"] = "gzip"
            headers["Grpc-Accept-Encoding"] = "gzip,identity"
        if self.text:
            body = base64.b64encode(body)
        response = self.request("POST", "/" + method.path, headers, body)
        answer = Answer()
        answer.status = response.status
        answer.headers = {key.lower(): value for key, value in response.getheaders()}
        need(response.status == 200, "the status is %d", response.status)
        need(answer.headers["content-type"] == self.type, "it is %s",
             answer.headers["content-type"])
        if "grpc-status" in answer.headers:  # nothing but trailers, in the head
            need(not response.read(), "a body behind trailers")
            self.trailers(answer, answer.headers)
            return answer
        read = TextReader() if self.text else read_exactly
        packed = answer.headers.get("grpc-encoding") == "gzip"
        for flags, payload in frames(response, read):
            need(answer.code is None, "something stands behind the trailers")
            if flags & COMPRESSED:
                need(packed and self.packed, "compressed, but with what?")
                payload = gzip.decompress(payload)
            if flags & WEB_TRAILERS:
                lines = payload.decode("ascii").split("\r\n")
                need(lines.pop() == "", "trailers do not end with a line")
                self.trailers(answer, dict(line.split(":", 1) for line in lines))
                continue
            need(flags & ~COMPRESSED == 0, "the flags are %d", flags)
            answer.messages.append(self.decode(method, payload))
            if take is not None and len(answer.messages) == take:
                self.connection.close()
                answer.code = "ok"
                return answer
        need(answer.code is not None, "the answer has no trailers")
        return answer

    def trailers(self, answer, fields):
        need(all(name == name.lower() for name in fields), "a name is not in small letters")
        fields = {name: value.strip() for name, value in fields.items()}
        answer.code = CODES[int(fields["grpc-status"])]
        answer.text = urllib.parse.unquote(fields.get("grpc-message", ""))
        if "grpc-status-details-bin" in fields:
            details, code, text = details_of_status(
                self.api, unpadded(fields["grpc-status-details-bin"]))
            need(CODES[code] == answer.code and text == answer.text,
                 "the status is not that of its details")
            answer.details = details
