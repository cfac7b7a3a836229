"""What a board with a chip needs beyond a program for this PC: a linker script, the bare binary, a
size that fits, and an upload with whichever flashing tool is installed.

The board's `build` section adds to what main.py says:

    link_flags, libraries  for the linker, with src/ports/<port>/link.ld
"""
# ruff: noqa: F821 (Import brings env, board, port and fail)

import subprocess
import sys
from pathlib import Path

from SCons.Script import AlwaysBuild, Default, Import

Import("env", "board", "port", "fail")

# What flashes the chip, in the order of preference: the command and its arguments.
TOOLS = {
    "minichlink": ["-w", "{bin}", "flash", "-b"],
    "wlink": ["flash", "{bin}"],
    "openocd": [
        "-f", "wch-riscv.cfg",
        "-c", "init; halt; program {elf} verify; reset; exit",
    ],
}
INSTALL = (
    "minichlink (https://github.com/cnlohr/ch32fun, folder minichlink: `make` there and put it on"
    " the PATH), wlink (https://github.com/ch32-rs/wlink: `cargo install wlink`) or WCH's OpenOCD"
)

prefix = Path(env["CC"]).name.removesuffix(".exe").removesuffix("gcc")
tool = lambda name: str(Path(env["CC"]).with_name(prefix + name))  # noqa: E731
env.Replace(
    AS=env["CC"],
    AR=tool("ar"),
    RANLIB=tool("ranlib"),
    OBJCOPY=tool("objcopy"),
    SIZETOOL=tool("size"),
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    SIZEPROGREGEXP=r"^(?:\.text|\.data)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.noinit)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD=None,
)
script = f"$PROJECT_SRC_DIR/ports/{port}/link.ld"
env.Append(
    ASPPFLAGS=board.get("build.flags"),
    SRC_FILTER=[f"+<ports/{port}/*.S>"],
    LINKFLAGS=[*board.get("build.link_flags"), "-Wl,-Map=$BUILD_DIR/firmware.map", "-T", script],
    LIBS=board.get("build.libraries"),
)


def picture_check():
    """What the hardware test's picture must give, where the host's tools are installed: the value
    that host/selftest.py prints."""
    command = [sys.executable, env.subst("$PROJECT_DIR/host/selftest.py")]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    return [("WHIM_PICTURE_CHECK", f"0x{said.split('=')[1].strip()}")] if "=" in said else []


if env.GetProjectOption("custom_main", "main") == "hwtest":
    env.Append(CPPDEFINES=picture_check())


def upload(target, source, env):
    elf = Path(env.subst("$BUILD_DIR"), "firmware.elf")
    names = {"elf": elf.as_posix(), "bin": elf.with_suffix(".bin").as_posix()}
    found = next(filter(env.WhereIs, TOOLS), None)
    if not found:
        fail(f"No tool to flash the board `{board.id}` is installed, and the image is ready:"
             f" {elf.with_suffix('.bin')}. Install {INSTALL}, plug in a WCH-LinkE and try again.")
    arguments = [argument.format(**names) for argument in TOOLS[found]]
    print(f"Flashing with {found}")
    sys.stdout.flush()
    if env.Execute([[env.WhereIs(found), *arguments]]):
        fail(f"{found} could not flash the board. Is the WCH-LinkE plugged in, its SWDIO wired to"
             " PD1, and is the board powered?")


def finish(program):
    """The targets that follow from the linked program."""
    env.Depends(program, script)
    binary = env.Command("$BUILD_DIR/firmware.bin", program, env.VerboseAction(
        "$OBJCOPY -O binary $SOURCE $TARGET", "Building $TARGET"))
    Default(binary)
    AlwaysBuild(env.Alias("upload", binary, env.Action(upload, "Uploading $SOURCE")))


env["WHIM_FINISH"] = finish
