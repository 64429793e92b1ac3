#!/usr/bin/env python3
"""gofer-fetch pull against a registry that tells the truth, in all its ways."""

import base64
import ctypes
import json
import os
import signal
import subprocess
import threading
import time

import pulling
from fake_registry import FakeRegistry
from pulling import (ARCHITECTURE, DOCKER_LIST, OCI_INDEX, Image, digest_of, index_of, request_text,
                     small_image, tar_of)

LIBC = ctypes.CDLL(None)
CLONE_NEWNS = 0x20000
MS_PRIVATE = 0x40000 | 0x4000  # and all below
MNT_DETACH = 2


class Pull(pulling.PullTest):
    def setUp(self):
        super().setUp()
        self.registry = self.open_registry()

    def open_registry(self, **options):
        registry = FakeRegistry(**options)
        self.addCleanup(registry.close)
        return registry

    def name(self, tag="latest", registry=None):
        return "%s/team/app:%s" % ((registry or self.registry).host, tag)

    def simple(self, tag="latest", **numbers):
        return self.pull(self.name(tag), self.registry.source, **numbers)

    def test_a_tag_of_an_image_with_several_layers(self):
        image = self.registry.put(Image(*[tar_of({"f%d" % i: b"x" * i}) for i in range(7)]))
        outcome = self.simple()
        self.assert_pulled(outcome, image, self.name())
        self.assertEqual(outcome.fields["source"], self.registry.host)
        self.assertEqual(outcome.fields["new"], "1")
        self.assertEqual(outcome.fields["index"], "")
        self.assertEqual(outcome.progress[-1][3:], ["7", "7"])
        self.assertEqual(outcome.progress[-1][1], outcome.progress[-1][2])
        self.assertEqual(self.listed("downloads"), [])

    def test_docker_manifests_and_layers_that_are_not_compressed(self):
        self.assert_pulled(self.simple_of(small_image(docker=True)), small_image(docker=True))
        image = small_image(b"plain", pack=None)
        self.assert_pulled(self.simple_of(image), image)

    def simple_of(self, image):
        self.registry.put(image)
        return self.simple()

    def test_an_index_gives_the_image_for_this_machine(self):
        image = self.registry.put(small_image(), None)
        other = self.registry.put(small_image(b"other", architecture="s390x"), None)
        for media_type in (OCI_INDEX, DOCKER_LIST):
            text = index_of((other, "s390x"), (image, ARCHITECTURE), media_type=media_type)
            self.registry.put_text("latest", media_type, text)
            outcome = self.simple()
            self.assert_pulled(outcome, image, self.name())
            self.assertEqual(outcome.fields["index"], digest_of(text))
            self.assertIn(digest_of(text)[7:], self.listed("indexes"))
        self.registry.put_text("latest", OCI_INDEX, index_of((other, "s390x")))
        outcome = self.simple()
        self.assertEqual(outcome.fields["reason"], "PLATFORM_MISSING", outcome)

    def test_a_digest_is_pulled_without_a_name(self):
        image = self.registry.put(small_image(), None)
        outcome = self.pull("%s/team/app@%s" % (self.registry.host, image.digest),
                            self.registry.source)
        self.assert_pulled(outcome, image)
        self.assertEqual(outcome.fields["name"], "")
        self.assertEqual(self.listed("names"), [])

    def test_what_is_there_is_not_fetched_again(self):
        image = self.registry.put(Image(tar_of({"a": b"a"}), tar_of({"b": b"b"})))
        self.assert_pulled(self.simple(), image)
        before = len(self.registry.requests)
        outcome = self.simple()
        self.assert_pulled(outcome, image)
        self.assertEqual(outcome.fields["new"], "0")
        self.assertEqual(len(self.registry.requests), before + 1, "only what the tag means")
        # One layer is shared: only the other one comes. What a killed pull left of it goes.
        with open(os.path.join(self.store, "downloads", image.layer(0)[7:]), "wb") as file:
            file.write(b"left")
        other = self.registry.put(Image(tar_of({"a": b"a"}), tar_of({"c": b"c"})))
        self.assert_pulled(self.simple(), other)
        self.assertEqual(len(self.registry.asked(image.layer(0))), 1)
        self.assertEqual(len(self.registry.asked(other.layer(1))), 1)
        self.assertEqual(self.listed("downloads"), [])

    def test_the_same_layer_twice_in_one_image(self):
        layer = tar_of({"a": b"a"})
        image = self.registry.put(Image(layer, tar_of({"b": b"b"}), layer))
        self.assert_pulled(self.simple(), image)

    def test_a_range_gives_the_newest_version(self):
        images = {}
        for tag in ("1.2.0", "1.10.0", "1.9.0", "2.0.0", "1.11.0-rc.1", "latest", "1"):
            images[tag] = self.registry.put(small_image(tag.encode()), tag)
        for wanted, chosen in (("^1", "1.10.0"), ("~1.2", "1.2.0"), (">=1.2 <1.10", "1.9.0"),
                               ("*", "2.0.0"), ("^1.11.0-rc", "1.11.0-rc.1"), ("1.x", "1.10.0")):
            outcome = self.pull(self.name(wanted), self.registry.source)
            self.assert_pulled(outcome, images[chosen], self.name(chosen))
        outcome = self.pull(self.name("^3"), self.registry.source)
        self.assertEqual(outcome.fields["code"], "NOT_FOUND")
        self.assertIn("none of its 5 versions is in the range '^3'", outcome.fields["message"])

    def test_tags_come_in_pages(self):
        image = self.registry.put(small_image(), "1.7.0")

        def page(handler):
            number = int(handler.path.rsplit("page=", 1)[1]) if "page=" in handler.path else 0
            tag = ("1.%d.0" % number) if number % 2 else "v1.%d.0" % number
            link = {} if number == 7 else {
                "Link": '</v2/team/app/tags/list?page=%d>; rel="next"' % (number + 1)}
            handler.answer(200, ('{"name": "x", "tags": ["%s"]}' % tag).encode(), **link)
            return True
        self.registry.lies["/tags/list"] = page
        outcome = self.pull(self.name("^1"), self.registry.source)
        self.assert_pulled(outcome, image, self.name("1.7.0"))
        self.assertEqual(len(self.registry.asked("/tags/list")), 8)

    def test_mirrors_come_first_and_may_fail_in_any_way(self):
        image = self.registry.put(small_image(os.urandom(50000)))
        mirror = self.open_registry()
        mirror.put(image)
        name = "%s/team/app" % self.registry.host
        outcome = self.pull(name, mirror.source, self.registry.source)
        self.assert_pulled(outcome, image)
        self.assertEqual(outcome.fields["source"], mirror.host)
        self.assertEqual(self.registry.requests, [])
        # It has the manifest, but lies about the blobs.
        lies = {
            "missing": lambda handler: handler.answer(404) or True,
            "other": lambda handler: handler.answer(200, b"x" * 999) or True,
            "refused": lambda handler: handler.answer(403) or True,
            "broken": lambda handler: handler.answer(500) or True,
            "damaged": lambda handler: handler.answer(
                200, bytes(len(image.blobs[image.layer()]))) or True,
            "longer": lambda handler: handler.answer(
                200, image.blobs[image.layer()] + b"more") or True,
        }
        for number, (what, lie) in enumerate(lies.items()):
            self.store = os.path.join(self.folder, "store-%d" % number)
            mirror.lies = {"/blobs/": lie}
            outcome = self.pull(name, mirror.source, self.registry.source)
            self.assert_pulled(outcome, image)
            self.assertEqual(self.listed("downloads"), [], what)
        # It is not there at all.
        self.store = os.path.join(self.folder, "store-gone")
        outcome = self.pull(name, {"host": "127.0.0.1:1"}, self.registry.source)
        self.assert_pulled(outcome, image)
        self.assertEqual(outcome.fields["source"], self.registry.host)

    def test_a_manifest_of_a_mirror_must_fit_the_digest(self):
        image = self.registry.put(small_image())
        mirror = self.open_registry()
        mirror.manifests[image.digest] = (image.media_type, small_image(b"evil").text)
        outcome = self.pull("%s/team/app@%s" % (self.registry.host, image.digest), mirror.source,
                            self.registry.source)
        self.assert_pulled(outcome, image)

    def test_what_is_broken_is_asked_again(self):
        image = self.registry.put(small_image())
        states = [503, 429, 500, 502, 408]

        def fail(handler):
            if states:
                handler.answer(states.pop(), Retry_After="0")
                return True
            return False
        self.registry.lies["/blobs/" + image.layer()] = fail
        self.assert_pulled(self.simple(tries=6), image)
        self.assertEqual(len(self.registry.asked(image.layer())), 6)

    def test_a_transfer_that_breaks_off_goes_on_where_it_was(self):
        image = self.registry.put(small_image(os.urandom(300000)))
        data = image.blobs[image.layer()]

        def cut(handler):
            if handler.headers.get("Range"):
                return False
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:100000])
            handler.close_connection = True
            return True
        self.registry.lies["/blobs/" + image.layer()] = cut
        self.assert_pulled(self.simple(), image)
        ranges = [headers.get("Range") for headers in self.registry.asked(image.layer())]
        self.assertEqual(ranges, [None, "bytes=100000-"])

    def test_a_registry_without_ranges_is_asked_for_all_again(self):
        image = self.registry.put(small_image(os.urandom(300000)))
        self.put_download(image.layer(), image.blobs[image.layer()][:1000])
        self.registry.ignores_range = True
        self.assert_pulled(self.simple(), image)
        self.assertEqual(self.registry.asked(image.layer())[0]["Range"], "bytes=1000-")

    def put_download(self, digest, data):
        self.assertEqual(self.wait(self.start("")).code, 1)  # nothing is asked: the store is not made
        os.makedirs(os.path.join(self.store, "downloads"), 0o700, exist_ok=True)
        os.chmod(self.store, 0o700)
        with open(os.path.join(self.store, "downloads", digest[7:]), "wb") as file:
            file.write(data)

    def test_a_damaged_leftover_is_fetched_anew(self):
        image = self.registry.put(small_image(os.urandom(3000)))
        size = len(image.blobs[image.layer()])
        for left in (bytes(1000), bytes(size), bytes(size + 1)):
            self.store = os.path.join(self.folder, "store-%d" % len(left))
            self.put_download(image.layer(), left)
            self.assert_pulled(self.simple(), image)
            self.assertEqual(self.listed("downloads"), [])

    def test_old_leftovers_are_removed(self):
        image = self.registry.put(small_image())
        self.put_download("sha256:" + "a" * 64, b"old")
        self.put_download("sha256:" + "b" * 64, b"new")
        two_days_ago = time.time() - 2 * 24 * 3600
        os.utime(os.path.join(self.store, "downloads", "a" * 64), (two_days_ago, two_days_ago))
        self.assert_pulled(self.simple(), image)
        self.assertEqual(self.listed("downloads"), ["b" * 64])

    def test_killed_it_goes_on_where_it_was(self):
        image = self.registry.put(small_image(os.urandom(400000)))
        data = image.blobs[image.layer()]
        sent = threading.Event()
        release = threading.Event()
        self.addCleanup(release.set)

        def stop_halfway(handler):
            if sent.is_set():
                return False
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:200000])
            sent.set()
            release.wait(60)
            return True
        self.registry.lies["/blobs/" + image.layer()] = stop_halfway
        process = self.start(request_text(self.name(), [self.registry.source]))
        self.assertTrue(sent.wait(60))
        path = os.path.join(self.store, "downloads", image.layer()[7:])
        deadline = time.monotonic() + 60
        while os.path.getsize(path) < 200000 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        release.set()
        self.assertEqual(len(self.listed("tmp")), 1)
        self.assert_pulled(self.simple(), image)
        self.assertEqual(self.registry.asked(image.layer())[1]["Range"], "bytes=200000-")

    def test_it_ends_when_nobody_waits_for_it(self):
        image = self.registry.put(small_image(os.urandom(100000)))
        asked = threading.Event()
        release = threading.Event()
        self.addCleanup(release.set)

        def hang(_):
            asked.set()
            release.wait(60)
            return True
        self.registry.lies["/blobs/" + image.layer()] = hang
        process = self.start(request_text(self.name(), [self.registry.source]))
        self.assertTrue(asked.wait(60))
        process.stdout.close()
        self.assertNotEqual(process.wait(60), 0)
        process.stderr.close()
        self.assertEqual(self.listed("tmp"), [])

    def test_a_full_disk_leaves_room_for_smaller_images(self):
        os.mkdir(self.store)
        if LIBC.unshare(CLONE_NEWNS) != 0 or LIBC.mount(b"none", b"/", None, MS_PRIVATE, None) != 0:
            self.skipTest("SKIPPED: no mounts here")
        self.assertEqual(LIBC.mount(b"none", self.store.encode(), b"tmpfs", 0, b"size=3m"), 0)
        self.addCleanup(LIBC.umount2, self.store.encode(), MNT_DETACH)
        large = os.urandom(2500000)
        for tag, layers in (("unpacked", [large]), ("packed", [large + large])):
            self.registry.put(Image(*[tar_of({"large": layer}) for layer in layers]), tag)
            outcome = self.pull(self.name(tag), self.registry.source)
            self.assert_failed(outcome, "RESOURCE_EXHAUSTED", "No space left")
        image = self.registry.put(small_image(os.urandom(500000)))
        self.assert_pulled(self.simple(), image)

    def test_two_pulls_share_what_one_of_them_fetches(self):
        shared = tar_of({"shared": os.urandom(100000)})
        first = self.registry.put(Image(shared, tar_of({"a": b"a"})), "1")
        second = self.registry.put(Image(shared, tar_of({"b": b"b"})), "2")
        started = threading.Event()
        release = threading.Event()
        self.addCleanup(release.set)

        def hold(handler):
            started.set()
            release.wait(60)
            return False
        self.registry.lies["/blobs/" + first.layer()] = hold
        processes = [self.start(request_text(self.name("1"), [self.registry.source]))]
        self.assertTrue(started.wait(60))
        processes.append(self.start(request_text(self.name("2"), [self.registry.source])))
        while not self.registry.asked(second.layer(1)):
            time.sleep(0.01)
        release.set()
        outcomes = [self.wait(process) for process in processes]
        self.assert_pulled(outcomes[0], first)
        self.assert_pulled(outcomes[1], second)
        self.assertEqual(len(self.registry.asked(first.layer())), 1, "fetched once")

    def remove(self, *targets):
        subprocess.run([pulling.PROGRAM, "remove", "--store", self.store] + list(targets),
                       check=True, env={}, timeout=60)

    def test_a_removal_leaves_the_layers_of_a_pull_alone(self):
        image = self.registry.put(Image(tar_of({"a": b"a"}), tar_of({"b": b"b"})))
        release = threading.Event()
        self.addCleanup(release.set)
        self.registry.lies["/blobs/" + image.layer(1)] = lambda _: release.wait(60) is None
        process = self.start(request_text(self.name(), [self.registry.source]))
        deadline = time.monotonic() + 60
        while not self.listed("layers") and time.monotonic() < deadline:
            time.sleep(0.01)
        self.remove()
        self.assertEqual(self.listed("layers"), [image.diff_ids[0][7:]])
        release.set()
        self.assert_pulled(self.wait(process), image)

    def test_what_a_broken_pull_left_goes_with_a_removal(self):
        image = self.registry.put(Image(tar_of({"a": b"a"}), tar_of({"b": b"b"})))
        self.registry.lies["/blobs/" + image.layer(1)] = lambda handler: handler.answer(404) or True
        self.assertEqual(self.simple().fields["code"], "NOT_FOUND")
        self.assertEqual(self.listed("images"), [])
        self.remove()
        self.assertEqual(self.listed("layers"), [])

    def test_an_index_goes_with_its_image(self):
        image = self.registry.put(small_image(), None)
        self.registry.put_text("latest", OCI_INDEX, index_of((image, ARCHITECTURE)))
        self.assert_pulled(self.simple(), image)
        self.remove(image.digest)
        for part in ("indexes", "images", "names", "layers", "tmp"):
            self.assertEqual(self.listed(part), [], part)
        self.assert_pulled(self.simple(), image, self.name())

    def test_basic_credentials(self):
        image = self.registry.put(small_image())
        self.registry.password = "pass:word"
        outcome = self.simple()
        self.assert_failed(outcome, "PERMISSION_DENIED", "wants a user and a password")
        source = dict(self.registry.source, user="user", password="wrong")
        outcome = self.pull(self.name(), source)
        self.assert_failed(outcome, "PERMISSION_DENIED", "see to the credentials")
        self.assertNotIn("wrong", str(outcome))
        source["password"] = "pass:word"
        self.assert_pulled(self.pull(self.name(), source), image)

    def docker_config(self, content, mode=0o600):
        path = os.path.join(self.folder, "config.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(content, file)
        os.chmod(path, mode)
        return path

    def test_credentials_of_a_docker_configuration(self):
        image = self.registry.put(small_image())
        self.registry.password = "pass:word"
        auth = base64.b64encode(b"user:pass:word").decode()
        host = self.registry.host
        path = self.docker_config({"auths": {"other.example": {"auth": "eDp5"}}})
        outcome = self.simple(docker_config=path)
        self.assert_failed(outcome, "PERMISSION_DENIED", "wants a user and a password")
        path = self.docker_config({"auths": {host: {}}, "credsStore": "pass"})
        outcome = self.simple(docker_config=path)
        self.assert_failed(outcome, "FAILED_PRECONDITION", path, "credsStore", "not supported")
        path = self.docker_config({"auths": {host: {"auth": auth}}}, 0o644)
        outcome = self.simple(docker_config=path)
        self.assert_failed(outcome, "FAILED_PRECONDITION", path, "open to others")
        # Who has credentials of his own is asked with them.
        path = self.docker_config({"auths": {"http://%s/v1/" % host: {"auth": auth}}})
        source = dict(self.registry.source, user="user", password="wrong")
        outcome = self.pull(self.name(), source, docker_config=path)
        self.assert_failed(outcome, "PERMISSION_DENIED", "see to the credentials")
        self.assert_pulled(self.simple(docker_config=path), image)

    def serve_tokens(self, user=None):
        """A token service of its own; gives the list of what it was asked."""
        service = self.open_registry()
        asked = []

        def give(handler):
            asked.append((handler.path, handler.headers.get("Authorization")))
            if user is not None and handler.headers.get("Authorization") != user:
                handler.answer(401)
            else:
                self.registry.token = "token-%d" % len(asked)
                handler.answer(200, ('{"token": "%s"}' % self.registry.token).encode())
            return True
        service.lies["/token"] = give
        self.registry.realm = "http://%s/token" % service.host
        self.registry.token = "none yet"
        return asked

    def test_tokens_of_a_token_service(self):
        image = self.registry.put(Image(*[tar_of({"f": b"%d" % i}) for i in range(4)]))
        asked = self.serve_tokens()
        self.assert_pulled(self.simple(), image)
        self.assertEqual(asked, [("/token?service=fake&scope=s", None)])

    def test_tokens_for_credentials(self):
        image = self.registry.put(small_image())
        asked = self.serve_tokens(user="Basic dXNlcjpwYXNz")  # user:pass
        self.assert_failed(self.simple(), "PERMISSION_DENIED", "token service refused")
        source = dict(self.registry.source, user="user", password="pass")
        self.assert_pulled(self.pull(self.name(), source), image)
        self.assertEqual(asked[-1][0], "/token?service=fake&scope=s&account=user")

    def test_a_token_that_has_ended_is_renewed(self):
        image = self.registry.put(small_image())
        asked = self.serve_tokens()

        def end_token(_):
            self.registry.token = "another"
            self.registry.lies.pop("/blobs/" + image.layer())
            return False
        self.registry.lies["/blobs/" + image.layer()] = end_token
        self.assert_pulled(self.simple(), image)
        self.assertEqual(len(asked), 2)

    def test_redirects_of_blobs_lead_elsewhere_without_credentials(self):
        image = self.registry.put(small_image())
        storage = self.open_registry()
        storage.put(image)
        self.registry.password = "pass"

        def redirect(handler):
            handler.answer(307, Location="http://%s%s?signature=1" % (storage.host, handler.path))
            return True
        storage.lies["?signature"] = lambda handler: handler.blob(
            storage.blobs[image.layer()]) or True
        self.registry.lies["/blobs/" + image.layer()] = redirect
        source = dict(self.registry.source, user="user", password="pass")
        self.assert_pulled(self.pull(self.name(), source), image)
        self.assertEqual([headers.get("Authorization") for headers in storage.asked("")], [None])

    def test_a_proxy_is_asked_where_it_should_be(self):
        image = self.registry.put(small_image())
        proxy = self.open_registry()
        proxy.put(image)
        outcome = self.pull("registry.example/team/app:latest", {"host": "registry.example"},
                            proxy="http://user:pass@%s" % proxy.host)
        self.assert_pulled(outcome, image)
        self.assertEqual(proxy.requests[0][1]["Host"], "registry.example")
        self.assertIn("Proxy-Authorization", proxy.requests[0][1])
        self.store = os.path.join(self.folder, "direct")
        outcome = self.pull(self.name(), self.registry.source, proxy="http://127.0.0.1:1",
                            no_proxy="127.0.0.1")
        self.assert_pulled(outcome, image)

    def test_it_has_no_rights_that_it_does_not_need(self):
        image = self.registry.put(small_image())
        started = threading.Event()
        release = threading.Event()
        self.addCleanup(release.set)

        def hold(_):
            started.set()
            release.wait(60)
            return False
        self.registry.lies["/blobs/" + image.layer()] = hold
        process = self.start(request_text(self.name(), [dict(self.registry.source, user="u",
                                                             password="secret-word")]))
        self.assertTrue(started.wait(60))
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid),
                  encoding="ascii") as file:
            child = int(file.read())
        network, unpacker = self.status(child), self.status(process.pid)
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(network[field], 16), 0, field)
        self.assertEqual(network["Uid"].split(), ["65534"] * 4)
        self.assertEqual(network["Gid"].split(), ["65534"] * 4)
        self.assertEqual(network["Groups"].strip(), "")
        self.assertEqual(network["NoNewPrivs"].strip(), "1")
        self.assertEqual(unpacker["NoNewPrivs"].strip(), "1")
        self.assertNotEqual(os.readlink("/proc/%d/ns/net" % process.pid),
                            os.readlink("/proc/self/ns/net"))
        self.assertEqual(os.readlink("/proc/%d/ns/net" % child),
                         os.readlink("/proc/self/ns/net"))
        files = [os.readlink("/proc/%d/fd/%s" % (child, fd))
                 for fd in os.listdir("/proc/%d/fd" % child)]
        in_store = [name for name in files if name.startswith(self.store)]
        self.assertEqual(in_store, [os.path.join(self.store, "downloads", image.layer()[7:])])
        if "asan" not in self.mapped(process.pid):
            root = os.readlink("/proc/%d/root" % child)
            self.assertTrue(root.startswith(self.store) and root.endswith("/jail"), root)
            self.assertEqual(os.listdir("/proc/%d/root" % child), ["etc"])
            self.assertEqual(os.readlink("/proc/%d/root" % process.pid), self.store)
        with open("/proc/%d/cmdline" % process.pid, "rb") as file:
            self.assertNotIn(b"secret-word", file.read())
        release.set()
        self.assert_pulled(self.wait(process), image)
        self.assertFalse(os.path.exists("/proc/%d" % child), "it ends with the other")

    @staticmethod
    def status(pid):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":", 1) for line in file)

    @staticmethod
    def mapped(pid):
        with open("/proc/%d/maps" % pid, encoding="ascii") as file:
            return file.read()


if __name__ == "__main__":
    pulling.main()
