"""Build the firmware for one board: compile src/ with the board's compiler and its port.

A board is boards/<board>.json here and the folder src/ports/<port>. Its `build` section says:

    port              the folder below src/ports
    compilers         commands to try, the first one found is used
    compiler_package  the Debian package that has the compiler, for the error message
    toolchain         the package of PlatformIO's registry to fetch where none is installed
    flags             what the compiler and the linker need to know about the chip
    compile_flags     what the compiler alone needs to know, or older_compile_flags where it knows
                      them not
    port_flags        what only the port's files need
    bare              files of src/ports/bare that this port shares with others
    library           folders: build them as a library for this PC, and no firmware (library.py)
    library_name      what the library is called
    only_packed       true: link the kernels that the packed models use, and no others
    card              true: the board can hold a card, WHIM_CARD=1 tells the code
    audio             true: it has a DAC, too, WHIM_AUDIO=1 tells the code
    sd                true: its card is a bare slot, whose files FatFs finds, WHIM_SD=1
    cores             2: the second core computes, from an image of its own (chip.py), WHIM_CORES=2

and `upload` says what fits (maximum_size, maximum_ram_size; 0: no limit) and, in `instead`, what to
do where nothing is flashed. The project's option custom_main names the port's file with main():
"main" or "hwtest". Boards with a linker script, src/ports/<port>/link.ld, are chips: chip.py has
the rest.
"""

import subprocess
import sys
from pathlib import Path

from SCons.Script import AlwaysBuild, COMMAND_LINE_TARGETS, Default, DefaultEnvironment, Return

env = DefaultEnvironment()
board = env.BoardConfig()
port = board.get("build.port", "")
MAINS = ("main", "hwtest")  # files of a port with a main() of their own
CARD_FILES = (  # for boards with a card
    "drivers/card", "app/pool", "app/cat", "app/kept", "app/maker", "app/worker", "app/portrait",
    "app/gallery", "app/installation", "app/monitor", "app/trials", "app/trouble",
)
SD_FILES = ("drivers/sd", "drivers/sd_*", "drivers/crc_sd", "drivers/fat", "drivers/fat_*")
AUDIO_FILES = (  # with a DAC, too
    "drivers/audio", "app/voice", "app/caption", "app/speak", "app/tone",
)
WORKER_FILES = ("app/worker",)  # the computing side, which a second core takes over


def fail(sentence):
    sys.stderr.write(f"Error: {sentence}\n")
    env.Exit(1)


def write_model(target, source, env):
    """Turn the packed die into a C file: a chip without a file system finds it in flash, and in RAM
    an arena of exactly the bytes that it needs."""
    model = Path(str(source[0])).read_bytes()
    arena = int.from_bytes(model[16:20], "little")  # docs/FORMAT.md: the header's field `arena`
    rows = (model[i:i + 16] for i in range(0, len(model), 16))
    lines = "\n".join("    " + ", ".join(str(byte) for byte in row) + "," for row in rows)
    Path(str(target[0])).write_text(
        f"/* Made from {source[0].name} by platforms/whim/builder/main.py: edit neither. */\n"
        '#include "app/die_model.h"\n\n'
        f"const uint32_t whim_die_model_size = {len(model)};\n"
        f"const uint8_t whim_die_model[{len(model)}] __attribute__((aligned(4))) = {{\n"
        f"{lines}\n}};\n\n"
        f"const uint32_t whim_die_arena_size = {arena};\n"
        f"int8_t whim_die_arena[{arena}] __attribute__((aligned(4)));\n"
    )


def packed_only(model):
    """Definitions that leave out what no packed model uses: bit n of WHIM_OPS is layer type n, bit
    n of WHIM_ENCODINGS weight encoding n, bit n of WHIM_LAYOUTS layout n, and WHIM_NARROW_ONLY says
    that no layer is wide. The model is part of the image, so it is as trusted as the code:
    WHIM_TRUSTED."""
    # docs/FORMAT.md: `layers`; then entries of 24 bytes: op, encoding, layout, ... flags
    count = model[9]
    entries = [model[24 + 24 * i:48 + 24 * i] for i in range(count)]
    bits = lambda at: hex(sum(1 << n for n in {entry[at] for entry in entries}))  # noqa: E731
    defines = [("WHIM_OPS", bits(0)), ("WHIM_ENCODINGS", bits(1)), ("WHIM_LAYOUTS", bits(2))]
    defines += [("WHIM_TRUSTED", 1)]
    narrow = all(entry[7] & 1 for entry in entries if entry[1] or entry[0] == 5)
    return defines + [("WHIM_NARROW_ONLY", 1)] * narrow


def add_fatfs(env):
    """FatFs's source, where platforms/whim/fatfs.py has put it, with our configuration. The others'
    code is compiled as it is: what a newer compiler warns of in it is no error of ours."""
    home = "$PROJECT_WORKSPACE_DIR/fatfs"
    after = ["-idirafter", "$PROJECT_SRC_DIR/drivers/fatfs"]  # its string.h is the last resort
    env.Append(CPPPATH=[home], CCFLAGS=after)
    theirs = env.Clone(CCFLAGS=[flag for flag in env["CCFLAGS"] if flag != "-Werror"])
    env.Append(PIOBUILDFILES=[
        theirs.Object(f"$BUILD_DIR/fatfs/{name}.o", f"{home}/{name}.c")
        for name in ("ff", "ffunicode")
    ])


def compile_flags():
    """The compiler's own; older ones lack some of a chip's instructions, and do without."""
    wanted = board.get("build.compile_flags", [])
    probe = [compiler, *flags, *wanted, "-E", "-x", "c", "-"]
    if wanted and subprocess.run(probe, input=b"", capture_output=True).returncode:
        return board.get("build.older_compile_flags")
    return wanted


def compile_port(env, node):
    return env.Object(node, CCFLAGS=[*env["CCFLAGS"], *board.get("build.port_flags", [])])


if "upload" in COMMAND_LINE_TARGETS and "upload.instead" in board:
    fail(board.get("upload.instead"))

compiler = next(filter(None, map(env.WhereIs, board.get("build.compilers"))), None)
if not compiler:
    package = board.get("build.compiler_package")
    registry = "" if "build.toolchain" not in board else (
        ", and PlatformIO's registry, which has one, is out of reach")
    fail(f"No C compiler for the board `{board.id}`{registry}: install one with"
         f" `apt-get install {package}`.")

env.Replace(CC=compiler, LINK=compiler)
if "build.library" in board:
    env.SConscript("library.py", exports=["env", "board"])
    Return()

model = Path(env.subst("$PROJECT_DIR"), "data", "die.whim")
if not model.is_file():
    fail("data/die.whim, the model that goes into flash, is missing: make it with"
         " `python host/pack.py`.")

kernels = env.GetProjectOption("custom_kernels", "rows")  # a folder of src/engine/kernels
flags = board.get("build.flags", [])
card = board.get("build.card", False)
audio = board.get("build.audio", False)
sd = board.get("build.sd", False)
cores = board.get("build.cores", 1)
bare = board.get("build.bare", [])
main = env.GetProjectOption("custom_main", "main")
env.Replace(
    CC=compiler,
    LINK=compiler,
    SRC_FILTER=[
        "-<*>",
        "+<engine/*.c>",
        "+<engine/kernels/*.c>",
        f"+<engine/kernels/{kernels}/*.c>",
        "+<drivers/*.c>",
        "+<app/*.c>",
        f"+<ports/{port}/*.c>",
        *(f"+<ports/bare/{name}.c>" for name in bare),
        *(f"-<ports/{port}/{name}.c>" for name in MAINS if name != main),
        *(f"-<{name}.c>" for name in CARD_FILES if not card),
        *(f"-<{name}.c>" for name in AUDIO_FILES if not audio),
        *(f"-<{name}.c>" for name in SD_FILES if not sd),
        *(f"-<{name}.c>" for name in WORKER_FILES if cores > 1),
    ],
)
compiler_only = compile_flags()
env.Append(CCFLAGS=flags + compiler_only, LINKFLAGS=flags,
           CPPDEFINES=[("WHIM_CARD", int(card)), ("WHIM_AUDIO", int(audio)),
                       ("WHIM_SD", int(sd)), ("WHIM_CORES", cores)])
if bare:
    env.Append(CPPPATH=[f"$PROJECT_SRC_DIR/ports/{port}"])  # their "chip.h"
if board.get("build.only_packed", False):
    env.Append(CPPDEFINES=packed_only(model.read_bytes()))
chip = Path(env.subst("$PROJECT_SRC_DIR"), "ports", port, "link.ld").is_file()
if chip:
    env.SConscript("chip.py", exports=["env", "board", "port", "fail", "compiler_only"])
if sd:
    add_fatfs(env)
env.AddBuildMiddleware(compile_port, "*/src/ports/*")

generated = env.Command("$BUILD_DIR/die_model.c", str(model), env.VerboseAction(
    write_model, "Generating $TARGET"))
env.Append(PIOBUILDFILES=[env.Object(generated, CPPPATH=["$PROJECT_SRC_DIR"])])

program = env.BuildProgram()
Default(program)
if chip:
    env["WHIM_FINISH"](program)
else:
    AlwaysBuild(env.Alias("upload", program))
