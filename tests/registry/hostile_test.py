#!/usr/bin/env python3
"""gofer-fetch pull against registries that lie: each lie is an error, and leaves nothing behind."""

import gzip
import io
import json
import os
import tarfile
import threading

import pulling
from fake_registry import FakeRegistry
from pulling import (OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Image, digest_of, index_of, small_image,
                     tar_of)

SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


class Hostile(pulling.PullTest):
    def setUp(self):
        super().setUp()
        self.registry = self.open_registry()
        self.image = self.registry.put(small_image(os.urandom(100000)))
        self.layer = self.image.layer()

    def open_registry(self, **options):
        registry = FakeRegistry(**options)
        self.addCleanup(registry.close)
        return registry

    def simple(self, reference="latest", **numbers):
        numbers.setdefault("tries", 1)
        return self.pull("%s/team/app:%s" % (self.registry.host, reference), self.registry.source,
                         **numbers)

    def lie(self, part, function):
        self.registry.lies[part] = lambda handler: function(handler) is not False

    def redirect(self, part, target):
        self.lie(part, lambda handler: handler.answer(307, Location=target))

    # ---- blobs ----

    def test_a_blob_that_is_another(self):
        data = self.image.blobs[self.layer]
        self.lie("/blobs/" + self.layer, lambda handler: handler.answer(200, bytes(len(data))))
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "layer 1", "127.0.0.1",
                           "mismatch: expected")
        evil = gzip.compress(tar_of({"evil": b"x"}))
        self.lie("/blobs/" + self.layer,
                 lambda handler: handler.answer(200, evil + bytes(len(data) - len(evil))))
        outcome = self.simple()
        self.assert_failed(outcome, "INVALID_ARGUMENT", "layer 1")
        self.assertEqual(outcome.fields["reason"], "DIGEST_MISMATCH")

    def test_a_blob_that_is_too_short_or_too_long(self):
        data = self.image.blobs[self.layer]
        self.lie("/blobs/" + self.layer, lambda handler: handler.answer(200, data[:-1]))
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "expected %d" % len(data))
        self.lie("/blobs/" + self.layer, lambda handler: handler.answer(200, data + b"x"))
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "more than the expected")
        self.lie("/blobs/" + self.layer, lambda handler: handler.answer(200, b""))
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "has 0 bytes")

    def test_a_body_without_an_end(self):
        def pour(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            try:
                while True:
                    handler.wfile.write(bytes(65536))
            except OSError:
                pass
        self.lie("/blobs/" + self.layer, pour)
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "more than the expected")
        self.lie("/manifests/", pour)
        self.assert_failed(self.simple(), "RESOURCE_EXHAUSTED", "too long")
        self.lie("/tags/list", pour)
        self.assert_failed(self.simple("^1"), "RESOURCE_EXHAUSTED", "too long")

    def test_a_body_that_hardly_moves(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def crawl(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            handler.wfile.write(b"x")
            handler.wfile.flush()
            release.wait(60)
        self.lie("/manifests/", crawl)
        self.assert_failed(self.simple(stall_timeout_ms=1000), "UNAVAILABLE", "too slow")
        self.assert_failed(self.simple(timeout_ms=300), "DEADLINE_EXCEEDED", "took too long")

    def test_a_transfer_that_breaks_off_is_kept_for_the_next_time(self):
        data = self.image.blobs[self.layer]

        def cut(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:50000])
            handler.close_connection = True
        self.lie("/blobs/" + self.layer, cut)
        outcome = self.simple()
        self.assert_failed(outcome, "UNAVAILABLE", self.layer[:19], kept=[self.layer])
        self.assertEqual(os.path.getsize(os.path.join(self.store, "downloads", self.layer[7:])),
                         50000)

    def test_a_range_that_is_another(self):
        os.makedirs(os.path.join(self.store, "downloads"), 0o700)
        with open(os.path.join(self.store, "downloads", self.layer[7:]), "wb") as file:
            file.write(self.image.blobs[self.layer][:100])
        self.lie("/blobs/" + self.layer, lambda handler: handler.answer(
            206, b"x" * 10, Content_Range="bytes 7-16/100000"))
        self.assert_failed(self.simple(), "UNAVAILABLE", "another part")

    # ---- what addresses may do ----

    def test_redirects_that_lead_nowhere_good(self):
        elsewhere = {
            "file:///etc/passwd": "no address of http",
            "ftp://127.0.0.1/x": "no address of http",
            "http://169.254.169.254/latest/meta-data/": "only this machine can reach",
            "http://2852039166/": "only this machine can reach",
            "http://[fe80::1]/": "only this machine can reach",
            "http://user:pass@127.0.0.1/": "no address of http",
            "http://[::1": "no address of http",
            "": "no address of http",
            "x" * 9000: "no address of http",
        }
        for target, words in elsewhere.items():
            for part in ("/blobs/" + self.layer, "/manifests/"):
                self.registry.lies.clear()
                self.redirect(part, target)
                outcome = self.simple()
                self.assertIn(outcome.fields["code"], ("PERMISSION_DENIED", "UNAVAILABLE"))
                self.assert_failed(outcome, outcome.fields["code"], words)

    def test_redirects_in_a_circle(self):
        self.redirect("/manifests/", "/v2/manifests/again")
        self.assert_failed(self.simple(), "UNAVAILABLE", "more than 5 redirects")
        self.assertEqual(len(self.registry.requests), 6)

    def test_a_registry_that_was_not_at_loopback_may_not_lead_there(self):
        # It is spoken to by way of a proxy, so that its own address is another one.
        proxy = self.open_registry()
        proxy.lies["/manifests/"] = lambda handler: handler.answer(
            302, Location="http://127.0.0.1:1/x") or True
        outcome = self.pull("registry.example/app", {"host": "registry.example"},
                            proxy="http://" + proxy.host, tries=1)
        self.assert_failed(outcome, "PERMISSION_DENIED", "only this machine can reach")

    def test_headers_without_an_end(self):
        self.lie("/manifests/", lambda handler: handler.answer(
            200, b"{}", **{"X_Much": ["x" * 5000] * 40}))
        self.assert_failed(self.simple(), "RESOURCE_EXHAUSTED", "headers")

    def test_tokens_do_not_go_where_credentials_must_not(self):
        catcher = self.open_registry()
        self.registry.token = "t"
        source = dict(self.registry.source, user="user", password="pass")
        name = self.registry.host + "/app"
        port = catcher.host.split(":")[1]
        self.registry.realm = "http://localhost:%s/token" % port
        self.assert_failed(self.pull(name, source, tries=1), "PERMISSION_DENIED",
                           "another host without TLS")
        self.assertEqual(catcher.requests, [], "nothing was sent")
        for realm, words in (("file:///etc/passwd", "no address of http"),
                             ("http://169.254.169.254/", "only this machine can reach"),
                             ("gopher://127.0.0.1/", "no address of http"), ("", "how to log in")):
            self.registry.realm = realm or " "
            outcome = self.pull(name, source, tries=1)
            self.assertEqual(outcome.fields["code"], "PERMISSION_DENIED", outcome)
            if realm:
                self.assert_failed(outcome, "PERMISSION_DENIED", words)

    def test_token_services_that_give_nonsense(self):
        service = self.open_registry()
        self.registry.realm = "http://%s/token" % service.host
        self.registry.token = "t"
        for body in (b"", b"{", b"[]", b'{"token": 7}', b'{"token": ""}', b'{"token": "a\\nb: c"}',
                     b'{"token": "' + b"x" * 70000 + b'"}', b"[" * 100000):
            service.lies["/token"] = lambda handler, body=body: handler.answer(200, body) or True
            self.assert_failed(self.simple(), "PERMISSION_DENIED", "gave no token")
        # One that is refused each time: asked for a few times, not for ever.
        service.lies["/token"] = lambda handler: handler.answer(200, b'{"token": "x"}') or True
        before = len(service.requests)
        self.assert_failed(self.simple(), "PERMISSION_DENIED", "see to the credentials")
        self.assertLess(len(service.requests) - before, 4)

    # ---- manifests ----

    def manifest(self, text, media_type=OCI_MANIFEST, code="INVALID_ARGUMENT", words=""):
        self.registry.put_text("latest", media_type, text)
        self.assert_failed(self.simple(), code, words)

    def changed(self, **fields):
        return json.dumps(dict(self.image.manifest, **fields)).encode()

    def test_manifests_that_are_none(self):
        for text in (b"", b"{", b"null", b"[]", b"7", b"\xff\xfe", b'{"a": 1, "a": 2}', b"{}",
                     b"[" * 200000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
                     self.changed(layers=[]), self.changed(layers=7), self.changed(config=None),
                     self.changed(mediaType="text/html"), self.changed(mediaType=7),
                     self.changed(manifests=[])):
            self.manifest(text)
        self.manifest(json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode(),
                      SCHEMA_1, words="schema 1")
        self.manifest(b" " * (4 * 1024 * 1024 + 1), code="RESOURCE_EXHAUSTED")

    def test_manifests_with_layers_that_cannot_be(self):
        layer = self.image.manifest["layers"][0]
        self.manifest(self.changed(layers=[dict(layer, size=-1)]), words="negative")
        self.manifest(self.changed(layers=[dict(layer, digest="sha256:../../x")]))
        self.manifest(self.changed(layers=[layer, layer]), words="2 layers")
        self.manifest(self.changed(layers=[layer] * 1000), code="RESOURCE_EXHAUSTED")
        self.manifest(self.changed(layers=[dict(layer, size=1 << 60)]), code="RESOURCE_EXHAUSTED")
        foreign = OCI_LAYER.replace("layer.v1", "layer.nondistributable.v1") + "+gzip"
        self.manifest(self.changed(layers=[dict(layer, mediaType=foreign, urls=["http://x/"])]),
                      words="may not give out")
        self.manifest(self.changed(config=dict(self.image.manifest["config"], size=1 << 40)),
                      code="RESOURCE_EXHAUSTED")

    def test_a_manifest_that_does_not_fit_its_digest(self):
        self.lie("/manifests/", lambda handler: handler.answer(
            200, self.image.text, Docker_Content_Digest="sha256:" + "0" * 64))
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "expected 0000")
        self.registry.lies.clear()
        wrong = "sha256:" + "1" * 64
        self.registry.manifests[wrong] = (OCI_MANIFEST, self.image.text)
        outcome = self.pull("%s/app@%s" % (self.registry.host, wrong), self.registry.source)
        self.assert_failed(outcome, "INVALID_ARGUMENT", "expected 1111")

    def test_a_configuration_that_is_another(self):
        config = self.image.manifest["config"]["digest"]
        data = self.image.blobs[config]
        self.lie("/blobs/" + config,
                 lambda handler: handler.answer(200, data.replace(b"true", b"evil")))
        self.assert_failed(self.simple(), "INVALID_ARGUMENT", "configuration")

    def test_indexes_within_indexes(self):
        text = index_of((self.image, pulling.ARCHITECTURE))
        for _ in range(6):
            text = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
                {"mediaType": OCI_INDEX, "digest": digest_of(text), "size": len(text)}]}).encode()
            self.registry.put_text("unused", OCI_INDEX, text)
            last = text
        self.manifest(last, OCI_INDEX, words="")
        text = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "%064x" % number, "size": 9,
             "platform": {"os": "plan9", "architecture": "x"}} for number in range(1025)]}).encode()
        self.manifest(text, OCI_INDEX, code="RESOURCE_EXHAUSTED")

    # ---- layers ----

    def layered(self, data, code="INVALID_ARGUMENT", words="", **numbers):
        self.registry.put(Image(data))
        self.assert_failed(self.simple(**numbers), code, words)

    def test_layers_that_lead_out_or_are_no_tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
            tar.addfile(link)
            tar.addfile(tarfile.TarInfo("link/escaped"))
        self.layered(out.getvalue(), words="link/escaped")
        self.layered(tar_of({"../escaped": b"x"}), words="..")
        self.layered(b"no tar file at all" * 100)
        self.layered(gzip.compress(gzip.compress(tar_of({"a": b"a"}))))

    def test_bombs(self):
        bomb = tar_of({"zeros": bytes(32 * 1024 * 1024)})
        self.layered(bomb, code="RESOURCE_EXHAUSTED", unpacked_bytes_max=1024 * 1024)
        self.layered(tar_of({"f%d" % i: b"" for i in range(200)}), code="RESOURCE_EXHAUSTED",
                     unpacked_files_max=100)
        self.registry.put(self.image)
        self.assert_failed(self.simple(archive_bytes_max=1000), "RESOURCE_EXHAUSTED",
                           "more than 1000 bytes")

    # ---- tags ----

    def tags(self, body, code, words="", **headers):
        self.lie("/tags/list", lambda handler: handler.answer(200, body, **headers))
        self.assert_failed(self.simple("^1"), code, words)

    def test_lists_of_tags_that_are_none(self):
        self.tags(b"{", "INVALID_ARGUMENT", "its list of tags")
        self.tags(b'{"tags": [7]}', "INVALID_ARGUMENT", "must hold strings")
        self.tags(b'{"tags": null}', "NOT_FOUND", "none of its 0 versions")
        self.tags(b'{"tags": ["1.0\\n.0", "1.0.0/../../x", "1.0.0 ", "1.0.0?x"]}', "NOT_FOUND")
        self.tags(json.dumps({"tags": ["x"] * 100001}).encode(), "RESOURCE_EXHAUSTED")
        self.tags(b'{"tags": []}', "PERMISSION_DENIED", "is elsewhere",
                  Link='<http://127.0.0.1:1/v2/>; rel="next"')
        self.tags(b'{"tags": []}', "PERMISSION_DENIED", "is elsewhere",
                  Link='<file:///etc/passwd>; rel="next"')
        self.tags(b'{"tags": ["1.0.0"]}', "NOT_FOUND", "tag '1.0.0': not found")

    def test_pages_without_an_end(self):
        self.tags(b'{"tags": ["1.0.0"]}', "RESOURCE_EXHAUSTED", "more than 1000 pages",
                  Link='</v2/app/tags/list>; rel="next"')

    # ---- requests ----

    def test_requests_that_are_none(self):
        for text, code in (("", "DATA_LOSS"), ("gofer-pull-request 2\nend\n", "UNIMPLEMENTED"),
                           (pulling.request_text("UPPER", []), "INVALID_ARGUMENT"),
                           (pulling.request_text("a", [{"host": "x/y"}]), "DATA_LOSS")):
            outcome = self.wait(self.start(text))
            self.assertEqual((outcome.code, outcome.fields["code"]), (1, code), outcome)
            self.assertFalse(os.path.exists(self.store))

    def test_certificates_that_are_not_there(self):
        outcome = self.pull("registry.example/a", {"host": "registry.example", "plain_http": 0,
                                                   "ca_file": "/nowhere/ca.pem"})
        self.assert_failed(outcome, "FAILED_PRECONDITION", "/nowhere/ca.pem")

    def test_a_name_that_is_not_found_is_asked_for_again(self):
        outcome = self.pull("nowhere.invalid/a", {"host": "nowhere.invalid"})
        self.assert_failed(outcome, "UNAVAILABLE", "resolve")

    def test_tls_is_not_left_out(self):
        source = dict(self.registry.source, plain_http=0)
        self.assert_failed(self.pull(self.registry.host + "/app", source), "UNAVAILABLE")


if __name__ == "__main__":
    pulling.main()
