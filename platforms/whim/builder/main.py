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
    shares            another port, whose files this one is made of, too; its own folder has only
                      what differs
    kernels_for       a folder of src/engine/kernels with more of them, in assembly and C; a C file
                      there takes the place of the one in kernels/rows that has its name
    hot               how much of the engine's code lies in RAM, WHIM_HOT_IN_RAM (kernels.h)
    library           folders: build them as a library for this PC, and no firmware (library.py)
    library_name      what the library is called
    only_packed       true: link the kernels that the packed models use, and no others
    card              true: the board can hold a card, WHIM_CARD=1 tells the code
    audio             true: it has a DAC, too, WHIM_AUDIO=1 tells the code
    sd                true: its card is a bare slot, whose files FatFs finds, WHIM_SD=1
    cores             2: the second core computes, from an image of its own (chip.py), WHIM_CORES=2

and `upload` says what fits (maximum_size, maximum_ram_size; 0: no limit) and, in `instead`, what to
do where nothing is flashed. An environment of platformio.ini may say, too:

    custom_main       the port's file with main(): main, hwtest or digits
    custom_model      the file of data/ that goes into flash, without .whim: die
    custom_input      where its inputs lie in the arena, in bytes, or "behind" it (flash_model.h);
                      without it, the application has them elsewhere
    custom_app        a folder of src/app with the app_run to link, in place of app/app.c
    custom_kernels    a folder of src/engine/kernels in place of rows; the board's kernels_for then
                      does not count
    custom_hot        in place of the board's `hot`
    custom_stack      a chip's stack has at least so many bytes; otherwise, its linker script says
    custom_lto        yes: optimise a chip's image when it is linked, as a whole
    custom_card       no: without the card, and the DAC, that the board could have

Boards with a linker script, src/ports/<port>/link.ld, are chips: chip.py has the rest.
"""

import re
import subprocess
import sys
from pathlib import Path

from SCons.Script import AlwaysBuild, COMMAND_LINE_TARGETS, Default, DefaultEnvironment, Return

env = DefaultEnvironment()
board = env.BoardConfig()
port = board.get("build.port", "")
MAINS = ("main", "hwtest", "digits")  # files of a port with a main() of their own
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
    """Turn the packed model into a C file: a chip without a file system finds it in flash, and in
    RAM an arena of exactly the bytes that it needs."""
    model = Path(str(source[0])).read_bytes()
    arena, inputs, _ = header(model)
    place = arena if input_place in ("", "behind") else int(input_place)
    room = max(arena, place + inputs) if input_place else arena
    Path(str(target[0])).write_text(
        f"/* Made from {source[0].name} by platforms/whim/builder/main.py: edit neither. */\n"
        '#include "app/flash_model.h"\n\n'
        f"const uint32_t whim_flash_model_size = {len(model)};\n"
        f"const uint8_t whim_flash_model[{len(model)}] __attribute__((aligned(4))) = {{\n"
        f"{c_bytes(model)}\n}};\n\n"
        f"const uint32_t whim_flash_arena_size = {arena};\n"
        f"const uint32_t whim_flash_input_offset = {place};\n"
        f"int8_t whim_flash_arena[{room}] __attribute__((aligned(4)));\n"
    )


def header(model):
    """Of docs/FORMAT.md's header: the arena's bytes, the number of inputs, its own length."""
    number = lambda at, size: int.from_bytes(model[at:at + size], "little")  # noqa: E731
    return number(20, 4), number(12, 2) * number(14, 2) * number(16, 2), 28


def c_bytes(values):
    """As lines of an array in C."""
    rows = (values[i:i + 16] for i in range(0, len(values), 16))
    return "\n".join("    " + ", ".join(str(byte) for byte in row) + "," for row in rows)


def write_pictures(target, source, env):
    """Turn the built-in pictures of digits, drawn with a hexadecimal digit or a dot (0) for each
    pixel, into a C file of half bytes: src/app/digits/pictures.h says in what way."""
    lines = Path(str(source[0])).read_text().splitlines()
    pixels = "".join(line for line in lines if not line.startswith("#")).replace(".", "0")
    packed = re.sub("0{1,16}", lambda run: f"0{len(run[0]) - 1:x}", pixels)
    values = bytes.fromhex(packed + "0" * (len(packed) % 2))
    Path(str(target[0])).write_text(
        f"/* Made from {source[0].name} by platforms/whim/builder/main.py: edit neither. */\n"
        '#include "app/digits/pictures.h"\n\n'
        f"const uint8_t digits_pictures[{len(values)}] = {{\n{c_bytes(values)}\n}};\n"
    )


def packed_only(model):
    """Definitions that leave out what no packed model uses: bit n of WHIM_OPS is layer type n, bit
    n of WHIM_ENCODINGS weight encoding n, bit n of WHIM_LAYOUTS layout n, WHIM_POOL says whether a
    layer pools, and WHIM_NARROW_ONLY that none is wide. The model is part of the image, so it is as
    trusted as the code: WHIM_TRUSTED."""
    # docs/FORMAT.md: `layers`; then entries of 24 bytes: op, encoding, layout, ... flags
    count = model[9]
    start = header(model)[2]
    entries = [model[start + 24 * i:start + 24 * i + 24] for i in range(count)]
    bits = lambda at: hex(sum(1 << n for n in {entry[at] for entry in entries}))  # noqa: E731
    defines = [("WHIM_OPS", bits(0)), ("WHIM_ENCODINGS", bits(1)), ("WHIM_LAYOUTS", bits(2))]
    pool = any(entry[7] & 2 for entry in entries)
    defines += [("WHIM_POOL", int(pool)), ("WHIM_TRUSTED", 1)]
    narrow = all(entry[7] & 1 for entry in entries if entry[1] or entry[0] == 5)
    defines += [("WHIM_NARROW_ONLY", 1)] * narrow
    sources = [model[start - 24:start], *entries]  # the header's end looks like an entry
    fast = narrow and all(map(is_fast, sources, entries, [True] + [False] * count))
    # Applications for digits give their net values of 4 bits, as is_fast() asks for.
    return defines + [("WHIM_FAST_ONLY", 1)] * (fast and app == "digits")


def is_fast(source, entry, first):
    """Whether a layer is one that the kernels for digits in assembly take, which then need no other
    beside them: src/engine/kernels/rv32ec."""
    number = lambda bytes_, at: int.from_bytes(bytes_[at:at + 2], "little")  # noqa: E731
    ternary = entry[1] == 4
    if entry[0] == 1 and entry[2] == 3:  # dense, in columns: sums of 16 bits
        most = max(abs((bound ^ 128) - 128) for bound in source[14:16])  # of low and high
        inputs = number(source, 8) * number(source, 10) * number(source, 12)
        return ternary and inputs * (15 if first else most) < 2**15
    if entry[0] != 2 or entry[2] != 2 or entry[3]:  # a convolution in triples, without a table
        return False
    width, pad, pooled = number(source, 12), entry[6], bool(entry[7] & 2)
    shapes = [(16, 1, True)] if number(source, 8) == 1 else [(8, 1, True), (4, 0, False)]
    return (width, pad, pooled) in shapes


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

name = env.GetProjectOption("custom_model", "die")
model = Path(env.subst("$PROJECT_DIR"), "data", f"{name}.whim")
if not model.is_file():
    fail(f"data/{name}.whim, the model that goes into flash, is missing: make it with"
         " `python host/pack.py`.")

source_folder = Path(env.subst("$PROJECT_SRC_DIR"))
kernels = env.GetProjectOption("custom_kernels", "")
more_kernels = "" if kernels else board.get("build.kernels_for", "")
own_kernels = source_folder.glob(f"engine/kernels/{more_kernels}/*.c") if more_kernels else ()
hot = env.GetProjectOption("custom_hot", board.get("build.hot", ""))
input_place = env.GetProjectOption("custom_input", "")
app = env.GetProjectOption("custom_app", "")
flags = board.get("build.flags", [])
cardless = env.GetProjectOption("custom_card", "yes") == "no"
card = board.get("build.card", False) and not cardless
audio = board.get("build.audio", False) and not cardless
sd = board.get("build.sd", False)
cores = board.get("build.cores", 1)
bare = board.get("build.bare", [])
shares = board.get("build.shares", "")
main = env.GetProjectOption("custom_main", "main")
env.Replace(
    CC=compiler,
    LINK=compiler,
    SRC_FILTER=[
        "-<*>",
        "+<engine/*.c>",
        "+<engine/kernels/*.c>",
        f"+<engine/kernels/{kernels or 'rows'}/*.c>",
        *(f"-<engine/kernels/rows/{path.name}>" for path in own_kernels),
        *([f"+<engine/kernels/{more_kernels}/*.[cS]>"] if more_kernels else []),
        "+<drivers/*.c>",
        "+<app/*.c>",
        *([f"+<app/{app}/*.c>", "-<app/app.c>"] if app else []),
        *([f"+<ports/{shares}/*.c>"] if shares else []),
        f"+<ports/{port}/*.c>",
        *(f"+<ports/bare/{name}.c>" for name in bare),
        *(f"-<ports/{folder}/{name}.c>" for folder in {port, shares or port} for name in MAINS
          if name != main),
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
if hot:
    env.Append(CPPDEFINES=[("WHIM_HOT_IN_RAM", int(hot))])
if bare or shares:  # their "chip.h", and what of shared files differs
    env.Append(CPPPATH=[f"$PROJECT_SRC_DIR/ports/{folder}" for folder in (port, shares) if folder])
if board.get("build.only_packed", False):
    env.Append(CPPDEFINES=packed_only(model.read_bytes()))
chip = Path(env.subst("$PROJECT_SRC_DIR"), "ports", port, "link.ld").is_file()
if chip:
    env.SConscript("chip.py", exports=["env", "board", "port", "shares", "fail", "compiler_only"])
if sd:
    add_fatfs(env)
env.AddBuildMiddleware(compile_port, "*/src/ports/*")

generated = env.Command(
    "$BUILD_DIR/flash_model.c", [str(model), env.Value(input_place)],
    env.VerboseAction(write_model, "Generating $TARGET"))
generated_path = ["$PROJECT_SRC_DIR", "$PROJECT_INCLUDE_DIR"]
env.Append(PIOBUILDFILES=[env.Object(generated, CPPPATH=generated_path)])
if app == "digits":
    drawn = env.Command("$BUILD_DIR/digits_pictures.c",
                        "$PROJECT_DIR/data/digits-pictures.txt",
                        env.VerboseAction(write_pictures, "Generating $TARGET"))
    env.Append(PIOBUILDFILES=[env.Object(drawn, CPPPATH=generated_path)])

program = env.BuildProgram()
Default(program)
if chip:
    env["WHIM_FINISH"](program)
else:
    AlwaysBuild(env.Alias("upload", program))
