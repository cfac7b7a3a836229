#!/usr/bin/env python3
"""How much flash and RAM the images for chips take, and the engine inside them.

example:
  python host/size.py            every image that is built, as a table
  python host/size.py --json     the same for machines

text: code and constants in flash. data: variables with a first value, in flash and RAM. ram: all
variables. stack: what a throw uses of it, measured on the virtual board. free: what RAM has left
then. engine: the machine code of src/engine in flash and RAM, without its constants and the model.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

from whim.board import Board, BoardError

BUILD = Path(__file__).resolve().parents[1] / ".pio/build"
INPUT = re.compile(r"^ (\.[\w.]+)\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+) (\S+)$", re.MULTILINE)


def linked(map_file: Path) -> list[tuple[str, int, str]]:
    """Section, size and object file of all that the linker kept."""
    text = map_file.read_text().split("Linker script and memory map")[1]
    text = re.sub(r"^( \.[\w.]+)\n\s+", r"\1 ", text, flags=re.MULTILINE)  # long names: two lines
    return [(name, int(size, 16), path) for name, _, size, path in INPUT.findall(text)]


def stack(elf: Path) -> int:
    """Bytes of stack that a start and a press use. The hardware test wants the press later."""
    board = Board("ch32v003", seed=7, image=elf)
    for _ in range(3):
        board.run(ms=3000)
        board.press()
    board.run(ms=3000)
    return board.stack_bytes()


def sizes(elf: Path) -> dict:
    """Bytes of an image: text, data, ram, stack, free and engine."""
    with elf.open("rb") as file:
        image = ELFFile(file)
        section = {s.name: s["sh_size"] for s in image.iter_sections()}
        symbols = image.get_section_by_name(".symtab")
        address = {s.name: s["st_value"] for s in symbols.iter_symbols()}
    kept = linked(elf.with_suffix(".map"))
    engine = sum(size for name, size, path in kept if "text" in name and "/src/engine/" in path)
    data = section.get(".data", 0)
    used = stack(elf)
    return {
        "image": elf.parent.name,
        "text": section[".text"],
        "data": data,
        "ram": data + section.get(".bss", 0) + section.get(".noinit", 0),
        "stack": used,
        "free": address["port_stack_top"] - address["port_stack_limit"] - used,
        "engine": engine,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each image")
    args = parser.parse_args()

    images = sorted(BUILD.glob("ch32v003*/firmware.elf"))
    if not images:
        print("no image is built: pio run -e ch32v003", file=sys.stderr)
        return 1
    try:
        reports = [sizes(elf) for elf in images]
    except BoardError as error:
        print(f"size.py: {error}", file=sys.stderr)
        return 1
    if args.json:
        for report in reports:
            print(json.dumps(report))
        return 0
    print(f"{'image':20}" + "".join(f"{name:>8}" for name in list(reports[0])[1:]))
    for report in reports:
        name, *numbers = report.values()
        print(f"{name:20}" + "".join(f"{number:8}" for number in numbers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
