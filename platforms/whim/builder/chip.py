"""What a board with a chip needs beyond a program for this PC: a linker script, the bare binary, a
size that fits, and an upload with whichever flashing tool is installed.

The board's `build` section adds to what main.py says:

    link_flags, libraries  for the linker, with src/ports/<port>/link.ld, which may include what
                           the port that it shares has
    ram_sections           of the image, that take RAM
    second                 a second core's program: engine, `sources` and the folder `name` of the
                           port, with the link.ld there and the files `bare` as main.py has them.
                           It becomes <name>.elf, and its image a part of firmware.elf: section
                           .second. maximum_size and maximum_ram_size say what it may take.

and to `upload`: `wires`, where the programmer is connected, and `openocd`, the configuration that
WCH's OpenOCD has for the chip.
"""
# ruff: noqa: F821 (Import brings env, board, port, shares, fail, compiler_only)

import re
import subprocess
import sys
from pathlib import Path

from SCons.Node.FS import File
from SCons.Script import AlwaysBuild, Default, Import

Import("env", "board", "port", "shares", "fail", "compiler_only")
second = board.get("build.second", {})

# What flashes the chip, in the order of preference: the command and its arguments.
TOOLS = {
    "minichlink": ["-w", "{bin}", "flash", "-b"],
    "wlink": ["flash", "{bin}"],
    "openocd": [
        "-f", "{config}",
        "-c", "init; halt; program {elf} verify; reset; exit",
    ],
}
INSTALL = (
    "minichlink (https://github.com/cnlohr/ch32fun, folder minichlink: `make` there and put it on"
    " the PATH), wlink (https://github.com/ch32-rs/wlink: `cargo install wlink`) or WCH's OpenOCD"
)

ram = board.get("build.ram_sections", [".data", ".bss", ".noinit"])
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
    SIZEPROGREGEXP=r"^(?:\.start|\.text|\.data|\.second)\s+(\d+).*",
    SIZEDATAREGEXP=rf"^(?:{'|'.join(map(re.escape, ram))})\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD=None,
)
script = f"$PROJECT_SRC_DIR/ports/{port}/link.ld"
stack = env.GetProjectOption("custom_stack", "")
env.Append(
    ASPPFLAGS=board.get("build.flags") + compiler_only,
    SRC_FILTER=[f"+<ports/{folder}/*.S>" for folder in (port, shares) if folder],
    LINKFLAGS=[*board.get("build.link_flags"), "-Wl,-Map=$BUILD_DIR/firmware.map",
               *(f"-L$PROJECT_SRC_DIR/ports/{folder}" for folder in (port, shares) if folder),
               *([f"-Wl,--defsym=stack_least={stack}"] if stack else []), "-T", script],
    LIBS=board.get("build.libraries"),
)


if env.GetProjectOption("custom_lto", "no") == "yes":
    # Few functions remain, for which those that save registers for others are not worth their room.
    env.Append(CCFLAGS=["-flto"], LINKFLAGS=["-flto", "-Os", "-mno-save-restore"])


def picture_check():
    """What the hardware test's picture must give, where the host's tools are installed: the value
    that host/selftest.py prints."""
    command = [sys.executable, env.subst("$PROJECT_DIR/host/selftest.py")]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    return [("WHIM_PICTURE_CHECK", f"0x{said.split('=')[1].strip()}")] if "=" in said else []


def embed(target, source, env):
    """The second core's image, as it is, in a section of its own."""
    path = Path(env.subst("$BUILD_DIR"), f"{second['name']}.bin").resolve().as_posix()
    Path(str(target[0])).write_text(f'    .section .second, "a"\n    .incbin "{path}"\n')


if second:
    part = env.Command("$BUILD_DIR/second.S", f"$BUILD_DIR/{second['name']}.bin",
                       env.VerboseAction(embed, "Generating $TARGET"))
    embedded = env.Object(part)
    env.Depends(embedded, f"$BUILD_DIR/{second['name']}.bin")
    env.Append(PIOBUILDFILES=[embedded])


def build_second():
    """The second core's program, linked by itself; embed() makes it a part of the first's."""
    name, home = second["name"], f"ports/{port}/{second['name']}"
    link = f"$PROJECT_SRC_DIR/{home}/link.ld"
    own = env.Clone(
        LINKFLAGS=[*board.get("build.flags"), *board.get("build.link_flags"),
                   f"-Wl,-Map=$BUILD_DIR/{name}.map", "-T", link],
    )
    own.AppendUnique(CPPPATH=["$PROJECT_INCLUDE_DIR", "$PROJECT_SRC_DIR"])
    wanted = ["engine/*.c", "engine/kernels/*.c", "engine/kernels/rows/*.c", f"{home}/*.[cS]",
              *second["sources"], *(f"ports/bare/{file}.c" for file in second["bare"])]
    nodes = own.CollectBuildFiles(f"$BUILD_DIR/{name}", "$PROJECT_SRC_DIR",
                                  ["-<*>", *(f"+<{files}>" for files in wanted)])
    # The port's files are compiled already, by main.py's compile_port.
    made = [own.Object(node) if isinstance(node, File) else node for node in nodes]
    program = own.Program(f"$BUILD_DIR/{name}", made)
    own.Depends(program, link)
    own.AddPostAction(program, own.VerboseAction(check_second, f"Checking size of {name}.elf"))
    own.Command(f"$BUILD_DIR/{name}.bin", program, own.VerboseAction(
        "$OBJCOPY -O binary -R .work $SOURCE $TARGET", "Building $TARGET"))


def check_second(target, source, env):
    """PlatformIO's own check knows one program."""
    listed = subprocess.run([env.subst("$SIZETOOL"), "-A", "-d", str(target[0])],
                            capture_output=True, text=True, check=True).stdout
    sections = dict(re.findall(r"^(\.\w+)\s+(\d+)", listed, re.MULTILINE))
    for what, names, most in (
        ("code", (".text",), second["maximum_size"]),
        ("variables", (".stack", ".data", ".bss"), second["maximum_ram_size"]),
    ):
        used = sum(int(sections.get(name, 0)) for name in names)
        print(f"{second['name']}: {what} {used} of {most} bytes")
        if used > most:
            fail(f"the {what} of {target[0]} take {used} bytes of {most}.")


if env.GetProjectOption("custom_main", "main") == "hwtest":
    env.Append(CPPDEFINES=picture_check())


def upload(target, source, env):
    elf = Path(env.subst("$BUILD_DIR"), "firmware.elf")
    names = {"elf": elf.as_posix(), "bin": elf.with_suffix(".bin").as_posix(),
             "config": board.get("upload.openocd", "wch-riscv.cfg")}
    found = next(filter(env.WhereIs, TOOLS), None)
    if not found:
        fail(f"No tool to flash the board `{board.id}` is installed, and the image is ready:"
             f" {elf.with_suffix('.bin')}. Install {INSTALL}, plug in a WCH-LinkE and try again.")
    arguments = [argument.format(**names) for argument in TOOLS[found]]
    print(f"Flashing with {found}")
    sys.stdout.flush()
    if env.Execute([[env.WhereIs(found), *arguments]]):
        fail(f"{found} could not flash the board. Is the WCH-LinkE plugged in, wired to"
             f" {board.get('upload.wires')}, and is the board powered?")


def finish(program):
    """The targets that follow from the linked program."""
    env.Depends(program, [script, env.Glob(f"$PROJECT_SRC_DIR/ports/{shares or port}/*.ld")])
    if second:
        build_second()
    binary = env.Command("$BUILD_DIR/firmware.bin", program, env.VerboseAction(
        "$OBJCOPY -O binary $SOURCE $TARGET", "Building $TARGET"))
    Default(binary)
    AlwaysBuild(env.Alias("upload", binary, env.Action(upload, "Uploading $SOURCE")))


env["WHIM_FINISH"] = finish
