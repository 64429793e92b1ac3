"""A registry in this process that tells the truth unless a test has it lie."""

import base64
import http.server
import json
import sys
import threading

from pulling import digest_of


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name.replace("_", "-"), one)
        try:
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # it has heard enough

    def authorized(self):
        registry = self.server.registry
        given = self.headers.get("Authorization")
        if registry.password and given != registry.basic():
            self.answer(401, WWW_Authenticate='Basic realm="x"')
            return False
        if registry.realm and given != "Bearer " + registry.token:
            self.answer(401, WWW_Authenticate='Bearer realm="%s",service="fake",scope="s"'
                        % registry.realm)
            return False
        return True

    def do_GET(self):  # pylint: disable=invalid-name
        registry = self.server.registry
        with registry.lock:
            registry.requests.append((self.path, dict(self.headers)))
        for prefix, lie in list(registry.lies.items()):
            if prefix in self.path and lie(self):
                return
        if not self.authorized():
            return
        parts = self.path.split("/")
        if "/manifests/" in self.path and parts[-1] in registry.manifests:
            media_type, text = registry.manifests[parts[-1]]
            self.answer(200, text, Content_Type=media_type, Docker_Content_Digest=digest_of(text))
        elif "/blobs/" in self.path and parts[-1] in registry.blobs:
            self.blob(registry.blobs[parts[-1]])
        elif "/tags/list" in self.path:
            self.answer(200, json.dumps({"name": "x", "tags": registry.tags}).encode())
        else:
            self.answer(404, b'{"errors":[]}')

    def blob(self, data):
        wanted = self.headers.get("Range")
        if wanted and not self.server.registry.ignores_range:
            start = int(wanted[len("bytes="):].rstrip("-"))
            self.answer(206, data[start:], Content_Range="bytes %d-%d/%d"
                        % (start, len(data) - 1, len(data)))
        else:
            self.answer(200, data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """Says nothing of connections that the other side has broken off."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FakeRegistry:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self, context=None):
        self.manifests = {}
        self.blobs = {}
        self.tags = []
        self.lies = {}  # part of a path -> function of the handler: True if it has answered
        self.requests = []
        self.lock = threading.Lock()
        self.password = self.realm = self.token = None
        self.user = "user"
        self.ignores_range = False
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.registry = self
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def host(self):
        return "127.0.0.1:%d" % self.server.server_address[1]

    @property
    def source(self):
        return {"host": self.host}

    def basic(self):
        return "Basic " + base64.b64encode(
            ("%s:%s" % (self.user, self.password)).encode()).decode()

    def put(self, image, tag="latest"):
        self.blobs.update(image.blobs)
        self.manifests[image.digest] = (image.media_type, image.text)
        if tag is not None:
            self.manifests[tag] = (image.media_type, image.text)
            self.tags.append(tag)
        return image

    def put_text(self, tag, media_type, text):
        self.manifests[tag] = self.manifests[digest_of(text)] = (media_type, text)

    def asked(self, part):
        with self.lock:
            return [headers for path, headers in self.requests if part in path]
