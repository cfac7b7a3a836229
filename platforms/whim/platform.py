"""Whim as a PlatformIO platform: no packages of its own, and no need for PlatformIO's registry
where a compiler is installed.

PlatformIO builds with SCons, which it fetches from its registry as the package `tool-scons`. Where
PyPI's `scons` is installed beside PlatformIO, that one is put in its place, so that a machine which
reaches only PyPI builds the same project. Without it PlatformIO fetches its own, as ever.
"""

import importlib.util
import json
import os
import shutil
import socket
import sys
import tempfile
import urllib.request
from pathlib import Path

from platformio.dependencies import get_core_dependencies
from platformio.package.manager.core import get_core_package_dir
from platformio.platform.base import PlatformBase
from platformio.platform.exception import PlatformException
from platformio.project.config import ProjectConfig

sys.path.insert(0, str(Path(__file__).parent))
import fatfs  # noqa: E402  beside this file

REGISTRY = "api.registry.platformio.org"


class WhimPlatform(PlatformBase):
    def configure_default_packages(self, options, targets):
        scons = importlib.util.find_spec("SCons")
        if scons and not get_core_package_dir("tool-scons", auto_install=False):
            install_scons(Path(scons.origin).parent, Path(self.pm.package_dir) / "tool-scons")
        self.find_compiler(options.get("board"))
        self.find_fatfs(options.get("board"))
        super().configure_default_packages(options, targets)

    def find_compiler(self, board):
        """A chip is built with a compiler on the PATH. Where there is none, PlatformIO's registry
        has one; and where that is out of reach too, the build says what to install."""
        build = self.board_config(board).get("build", {}) if board else {}
        name = build.get("toolchain")
        if not name or self.get_package(name) or any(map(shutil.which, build["compilers"])):
            return
        if registry_in_reach():
            self.pm.install(self.get_package_spec(name))

    def find_fatfs(self, board):
        """Boards with a bare card slot are built with FatFs; setup.sh fetches it, too."""
        if not board or not self.board_config(board).get("build", {}).get("sd"):
            return
        workspace = ProjectConfig.get_instance().get("platformio", "workspace_dir")
        try:
            fatfs.fetch(Path(workspace))
        except fatfs.Unavailable as error:
            raise PlatformException(str(error)) from None


def registry_in_reach():
    """PlatformIO itself would try for a minute, three times. A proxy is asked, not judged."""
    if "https" in urllib.request.getproxies():
        return True
    try:
        socket.create_connection((REGISTRY, 443), timeout=5).close()
    except OSError:
        return False
    return True


def install_scons(scons, home):
    """Copy the Python package `scons` to the folder `home`, as the package PlatformIO expects."""
    version = get_core_dependencies()["tool-scons"].lstrip("~")
    manifest = {"name": "tool-scons", "version": version}
    spec = {"owner": "platformio", "id": None, "name": "tool-scons"}
    piopm = {"type": "tool", **manifest, "spec": spec | {"requirements": None, "uri": None}}
    home.parent.mkdir(parents=True, exist_ok=True)
    # Made aside and moved there whole: an interrupted or a second build never sees half of it.
    with tempfile.TemporaryDirectory(dir=home.parent) as aside:
        made = Path(aside) / "tool-scons"
        shutil.copytree(scons, made / "SCons", ignore=shutil.ignore_patterns("__pycache__"))
        (made / "scons.py").write_text("import SCons.Script\n\nSCons.Script.main()\n")
        (made / "package.json").write_text(json.dumps(manifest))
        (made / ".piopm").write_text(json.dumps(piopm))
        shutil.rmtree(home, ignore_errors=True)  # one that fitted an older PlatformIO
        try:
            os.rename(made, home)
        except OSError:  # another build was faster
            if not (home / ".piopm").exists():
                raise
