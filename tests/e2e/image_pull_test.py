#!/usr/bin/python3
"""Images from a registry, through the server: pulled by hand and by tasks, exported, deleted.

Usage: image_pull_test.py GOFER BUSYBOX_IMAGE_TOOL [-kPATTERN]

Needs root; without it, it says so and succeeds.
"""

import io
import json
import os
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "registry"))
import e2e  # pylint: disable=wrong-import-position
from e2e import NOT_FOUND, RUN_UNSUCCESSFUL  # pylint: disable=wrong-import-position
from fake_registry import FakeRegistry  # pylint: disable=wrong-import-position
from pulling import Image  # pylint: disable=wrong-import-position


def busybox_layer():
    out = io.BytesIO()
    with open("/bin/busybox", "rb") as file, tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("bin/true")
        info.mode = 0o755
        info.size = os.fstat(file.fileno()).st_size
        tar.addfile(info, file)
    return out.getvalue()


class Pulls(e2e.NativeTest):
    @classmethod
    def setUpClass(cls):
        cls.registry = FakeRegistry()
        cls.addClassCleanup(cls.registry.close)
        cls.registry.put(Image(busybox_layer()), "1.2.3")
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({"images": {"registries": [
                {"host": cls.registry.host, "plain_http": True}]}}, file)
        cls.addClassCleanup(os.unlink, file.name)
        cls.server_options = ["--config", file.name]
        super().setUpClass()

    def test_by_hand(self):
        name = self.registry.host + "/team/app:1.2.3"
        self.assertIn("pulled: sha256:", self.answer("image", "pull", name))
        path = os.path.join(self.folder, "app.tar")
        self.gofer("image", "export", name, "--file", path)
        self.assertIn("index.json", tarfile.open(path).getnames())
        self.assertIn("deleted", self.answer("image", "delete", name, "--yes"))
        self.assertNotIn(name, self.lines("image", "list", "-o", "name"))
        error = self.error("image", "pull", self.registry.host + "/team/app:9", "-q",
                           code=NOT_FOUND)
        self.assertIn("not found", error)

    def test_by_a_task(self):
        image = self.registry.host + "/other/app:^1"
        task = dict(e2e.task("one", "/bin/true", pull="always"), image=image)
        self.gofer("up", self.file("p.json", e2e.pipeline("pulling", task)))
        self.gofer("pipeline", "run", "pulling", "--wait")
        out = self.answer("task", "get", "pulling", "1", "one")
        self.assertIn("pulled", out)
        self.assertIn("sha256:", out)

    def test_a_task_whose_image_is_nowhere(self):
        task = dict(e2e.task("one", "true"), image=self.registry.host + "/nothing:1")
        self.gofer("up", self.file("q.json", e2e.pipeline("nothing", task)))
        self.gofer("pipeline", "run", "nothing", "--wait", code=RUN_UNSUCCESSFUL)
        self.assertIn("IMAGE_ERROR", self.answer("task", "get", "nothing", "1", "one", "-o", "json"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    e2e.main()
