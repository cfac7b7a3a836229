"""What a chip's image and its port say of themselves, for the tests of the ports."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile


def code(path: Path) -> str:
    """A file of a port without its comments."""
    return re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.DOTALL)


def symbols(image: Path) -> dict[str, int]:
    with image.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


def disassembly(image: Path) -> str:
    objdump = shutil.which("riscv64-unknown-elf-objdump")
    if not objdump:
        pytest.skip("no objdump for RISC-V beside the compiler")
    command = [objdump, "-d", "-M", "no-aliases,numeric", image]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def flash(image: Path) -> bytes:
    """What the image's segments put into flash, from address 0 on."""
    with image.open("rb") as file:
        segments = [s for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD"]
        laid = bytearray()
        for segment in sorted(segments, key=lambda s: s["p_paddr"]):
            if segment["p_filesz"]:
                laid += bytes(segment["p_paddr"] - len(laid)) + segment.data()
    return bytes(laid)


def facts_as_header(facts: dict) -> dict[str, int]:
    """What registers.h must say of a name, as the table has it."""
    said = {}
    for block, told in facts.items():
        if "base" in told:
            said[f"{block}_BASE"] = told["base"]
        for name, fact in told.get("registers", {}).items():
            said[f"{block}_{name}"] = told["base"] + fact["offset"]
        for name, fact in told.get("fields", {}).items():
            said[f"{block}_{name}"] = fact["mask"]
        for name, fact in told.get("values", {}).items():
            said[f"{block}_{name}"] = fact["value"]
    for name, fact in facts["interrupts"].items():
        said[f"IRQ_{name}"] = fact["number"]
    return said


def header(path: Path) -> dict[str, int]:
    """What registers.h says."""
    said = {}
    for line in code(path).splitlines():
        register = re.match(r"#define (\w+) (?:WORD|HALF|BYTE)\((\w+) \+ (\w+)\)", line)
        number = re.match(r"#define (\w+) (0x\w+|\d+)u?\s*$", line)
        if register:
            said[register[1]] = said[register[2]] + int(register[3].rstrip("u"), 0)
        elif number:
            said[number[1]] = int(number[2].rstrip("u"), 0)
    return said


def listed_facts(facts: dict):
    """Every fact of the table: its name, the sources it names, and all that is said of it."""

    def walk(table, path):
        for name, value in table.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}.{name}")
            elif name in ("sources", "bits_from", "reset_from"):
                yield path, value, table

    for name in facts:
        if name != "sources":
            yield from walk(facts[name], name)
