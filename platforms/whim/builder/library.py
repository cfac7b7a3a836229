"""Build folders of C files as a shared library for this PC: the virtual boards, or the engine.

main.py hands over the boards whose `build` section has `library`, the folders, and `library_name`,
what it will be called.
"""

# ruff: noqa: F821  Import() defines names

from pathlib import Path

from SCons.Script import Default, Import

Import("env", "board")
project = Path(env.subst("$PROJECT_DIR"))
folders = [project / folder for folder in board.get("build.library")]

env.ProcessFlags(env.get("BUILD_FLAGS"))
env.Append(CCFLAGS=board.get("build.flags", []), CPPPATH=[project / "include", project / "src"])
env.Replace(SHLIBPREFIX="lib")
objects = [
    env.SharedObject(f"$BUILD_DIR/{source.relative_to(project).with_suffix('.os')}", str(source))
    for folder in folders
    for source in sorted(folder.glob("*.c"))
]
Default(env.SharedLibrary(f"$BUILD_DIR/{board.get('build.library_name')}", objects))
