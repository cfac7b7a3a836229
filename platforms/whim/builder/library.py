"""Build a folder of C files as a shared library for this PC: the virtual boards.

main.py hands over the boards whose `build` section has `library`, the folder.
"""

# ruff: noqa: F821  Import() defines names

from pathlib import Path

from SCons.Script import Default, Import

Import("env", "board")
folder = Path(env.subst("$PROJECT_DIR"), board.get("build.library"))

env.ProcessFlags(env.get("BUILD_FLAGS"))
env.Append(CCFLAGS=board.get("build.flags", []))
env.Replace(SHLIBPREFIX="lib")
objects = [
    env.SharedObject(f"$BUILD_DIR/{source.stem}.os", str(source))
    for source in sorted(folder.glob("*.c"))
]
Default(env.SharedLibrary("$BUILD_DIR/board", objects))
