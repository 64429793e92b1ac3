#!/usr/bin/python3
"""A page in headless Chromium, with the official Connect client, gets what gRPC gives.

Usage: web_client_test.py GOFER PROTO_DIR [-kPATTERN]

The steps of scenario.py by connect-web: Connect with JSON, binary and GET, and gRPC-Web; the page comes from
gofer's own static files, and from another origin that gofer allows (CORS). A page of an origin that is not
allowed gets nothing. What gRPC gives is told by Debian's Python client.
"""

import base64
import functools
import http.server
import json
import os
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import comparing
import protocols
import scenario
import site_files
from browser import Browser

LANES = {
    "Connect JSON": ("connect", {"useBinaryFormat": False}),
    "Connect binary": ("connect", {"useBinaryFormat": True}),
    "Connect JSON, GET": ("connect", {"useBinaryFormat": False, "useHttpGet": True}),
    "gRPC-Web": ("web", {}),
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".html": "text/html", ".json": "application/json"}

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Page(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gofer-page-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.site = os.path.join(cls.folder, "site")
        os.mkdir(cls.site)
        site_files.make(cls.site, {
            "descriptors": base64.b64encode(comparing.API.descriptors).decode(),
            "steps": comparing.steps_as_json()})
        cls.others = [cls.serve(), cls.serve()]  # an origin that is allowed, and one that is not
        cls.config = os.path.join(cls.folder, "gofer.yaml")
        with open(cls.config, "w", encoding="utf-8") as file:
            json.dump({"gateway": {"static_dir": cls.site, "allowed_origins": [cls.others[0]]}}, file)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.__exit__)
        lane = cls.lane()
        cls.addClassCleanup(lane.close)
        client = protocols.Grpc(comparing.API, lane.server.address)
        cls.addClassCleanup(client.close)
        cls.reference = comparing.reference(lane, client)

    @classmethod
    def lane(cls):
        return comparing.Lane(options=["--config", cls.config])

    @classmethod
    def serve(cls):
        """A server of the same files; gives its origin."""
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=cls.site))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        return "http://127.0.0.1:%d" % server.server_address[1]

    def open(self, origin):
        page = self.browser.open(origin + "/page.html")
        self.assertTrue(self.browser.evaluate(page, """new Promise((done) => {
            const look = () => globalThis.ready ? done(true) : setTimeout(look, 5);
            look();
        })"""))
        return page

    def check(self, origin, lanes):
        """These lanes, by a page of the origin (None: gofer's own)."""
        for name in lanes:
            kind, options = LANES[name]
            lane = self.lane()
            self.addCleanup(lane.close)
            base = "http://" + lane.server.http_address
            page = self.open(origin or base)
            told = self.browser.evaluate(page, "doLane(%s)" % json.dumps({
                "kind": kind, "base": base, "options": options, "values": lane.values}))
            comparing.compare(self, lane, name, told, self.reference)

    def test_page_of_gofer(self):
        self.check(None, LANES)

    def test_page_of_an_allowed_origin(self):
        self.check(self.others[0], ["Connect JSON, GET", "gRPC-Web"])

    def test_page_of_another_origin(self):
        lane = self.lane()
        self.addCleanup(lane.close)
        url = "http://%s/gofer.v1.SystemService/GetSystemInfo" % lane.server.http_address
        post = {"method": "POST", "body": "{}", "headers": {"content-type": "application/json"}}
        asked = "tryFetch(%s, %s)" % (json.dumps(url), json.dumps(post))
        self.assertEqual(self.browser.evaluate(self.open(self.others[0]), asked), 200)
        self.assertEqual(self.browser.evaluate(self.open(self.others[1]), asked), "TypeError")
        own = self.open("http://" + lane.server.http_address)
        self.assertEqual(self.browser.evaluate(own, asked), 200)
        # And gofer's own page reaches nobody else.
        elsewhere = "tryFetch(%s)" % json.dumps(self.others[0] + "/job.json")
        self.assertEqual(self.browser.evaluate(own, elsewhere), "TypeError")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
