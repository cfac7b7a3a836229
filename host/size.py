#!/usr/bin/env python3
"""How much flash and RAM the images for chips take, and the engine inside them.

example:
  python host/size.py            every image that is built, as a table
  python host/size.py --json     the same for machines

text: code and constants in flash. data: variables with a first value, in flash and RAM, and code
that runs in RAM. ram: all variables. stack: what a throw uses of it, or reading digits, measured on
the virtual board. free: what RAM has left then. engine: the machine code of src/engine in flash and
RAM, without its constants and the model; where the image is optimised as a whole, nobody can tell.

The CH32H417 runs its code from RAM as well, V3F's in the memory that both cores share and V5F's in
ITCM, which has nothing else; free is what the memory with the variables, stack and, on V5F, the
activations has left. V5F has no part in a throw: its stack counts whole.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

from whim import digits_app
from whim.board import CHIPS, Board, BoardError
from whim.flagship import Flagship

BUILD = Path(__file__).resolve().parents[1] / ".pio/build"
INPUT = re.compile(r"^ (\.[\w.]+)\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+) (\S+)$", re.MULTILINE)


def linked(map_file: Path) -> list[tuple[str, int, str]]:
    """Section, size and object file of all that the linker kept."""
    text = map_file.read_text().split("Linker script and memory map")[1]
    text = re.sub(r"^( \.[\w.]+)\n\s+", r"\1 ", text, flags=re.MULTILINE)  # long names: two lines
    return [(name, int(size, 16), path) for name, _, size, path in INPUT.findall(text)]


SHARED, DTCM = 512 << 10, 256 << 10  # bytes of the CH32H417's memories
ROWS = ("text", "data", "ram", "stack", "free", "engine")


def stack(board: Board) -> int:
    """Bytes of stack that a start and a press use, or ten digits and the other commands. The
    hardware test wants the press later."""
    if "digits" in board.name:
        line = digits_app.Line(board)
        for picture in digits_app.built_in():
            line.read(picture)
        for command in (b"digit\r", b"selftest\r", b"model\r", b"stats\r", b"what?\r"):
            line.ask(command)
        return board.stack_bytes()
    for _ in range(3):
        board.run(ms=3000)
        board.press()
    board.run(ms=3000)
    return board.stack_bytes()


def read(elf: Path) -> tuple[dict[str, int], dict[str, int], int | None]:
    """Of an image: its sections' sizes, its symbols' addresses, the bytes of the engine's code."""
    with elf.open("rb") as file:
        image = ELFFile(file)
        section = {s.name: s["sh_size"] for s in image.iter_sections()}
        symbols = image.get_section_by_name(".symtab")
        address = {s.name: s["st_value"] for s in symbols.iter_symbols()}
    kept = linked(elf.with_suffix(".map"))
    engine = sum(size for name, size, path in kept if "text" in name and "/engine/" in path)
    if any(".ltrans" in path for _, _, path in kept):
        engine = None  # it is mixed with the rest
    return section, address, engine


def flagship(elf: Path) -> list[dict]:
    """Both cores' programs."""
    reports = []
    for core, file, memory in (("v3f", elf, SHARED), ("v5f", elf.with_name("v5f.elf"), DTCM)):
        section, _, engine = read(file)
        data = section.get(".data", 0)
        ram = data + section.get(".bss", 0) + section.get(".noinit", 0) + section.get(".work", 0)
        if core == "v3f":
            used = stack(Flagship(seed=7, image=elf))
            free = memory - ram - section[".text"] - used
        else:
            ram -= section[".work"]  # that is V3F's, too
            used = section[".stack"]
            free = memory - 512 - ram - used
        text = section[".start"] + section[".text"]
        numbers = (text, data, ram, used, free, engine)
        reports.append({"image": f"ch32h417, {core}"} | dict(zip(ROWS, numbers)))
    return reports


def sizes(elf: Path) -> dict:
    """Bytes of an image for a CH32V003 or CH32V002: text, data, ram, stack, free and engine."""
    section, address, engine = read(elf)
    data = section.get(".data", 0)
    ram = data + section.get(".bss", 0) + section.get(".noinit", 0)
    name = elf.parent.name
    used = stack(Board(name, None if "digits" in name else 7, image=elf))
    free = address["port_stack_top"] - address["port_stack_limit"] - used
    numbers = (section[".text"], data, ram, used, free, engine)
    return {"image": name} | dict(zip(ROWS, numbers))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each image")
    args = parser.parse_args()

    built = [BUILD / name / "firmware.elf" for name in ("ch32v003", *CHIPS)]
    images = [elf for elf in built if elf.is_file()]
    large = sorted(BUILD.glob("ch32h417/firmware.elf"))
    if not images + large:
        print("no image is built: pio run -e ch32h417 -e ch32v003", file=sys.stderr)
        return 1
    try:
        reports = [sizes(elf) for elf in images]
        reports += [report for elf in large for report in flagship(elf)]
    except (BoardError, OSError) as error:
        print(f"size.py: {error}", file=sys.stderr)
        return 1
    if args.json:
        for report in reports:
            print(json.dumps(report))
        return 0
    print(f"{'image':20}" + "".join(f"{name:>8}" for name in list(reports[0])[1:]))
    for report in reports:
        name, *numbers = report.values()
        shown = ("-" if number is None else number for number in numbers)
        print(f"{name:20}" + "".join(f"{number:>8}" for number in shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
