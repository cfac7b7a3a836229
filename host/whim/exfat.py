"""Files on a fresh exFAT volume: what mtools is for FAT, as far as card images need it. Microsoft's
published specification of exFAT is where the fields come from.

    volume = Volume(bytearray)     # that mkfs.exfat has made
    volume.fill({"cat4.whim": data})
    Volume(data).files()           # every file by name
"""

import struct
from collections.abc import Iterator, Mapping

END = 0xFFFFFFFF
ENTRY = 32
FILE, STREAM, NAME, BITMAP = 0x85, 0xC0, 0xC1, 0x81
FOLDER, ARCHIVE = 0x10, 0x20
POSSIBLE, CONTIGUOUS = 1, 2  # flags of a stream
DATE = (2026 - 1980) << 25 | 1 << 21 | 1 << 16  # 1 January 2026, midnight


def is_exfat(data: bytes | bytearray | memoryview) -> bool:
    return bytes(data[3:11]) == b"EXFAT   "


class Volume:
    """A volume in memory, changed in place."""

    def __init__(self, data: bytearray | memoryview):
        if not is_exfat(data):
            raise ValueError("this is no exFAT volume")
        self.data = data
        self.sector = 1 << data[108]
        self.cluster = self.sector << data[109]
        fat, _, heap, self.clusters, self.root = struct.unpack_from("<5I", data, 80)
        self.fat, self.heap = fat * self.sector, heap * self.sector
        bitmap = next(entry for entry in self._entries(self.root) if entry[0] == BITMAP)
        self.bitmap = self._place(struct.unpack_from("<I", bitmap, 20)[0])

    # --- Reading

    def files(self) -> dict[str, bytes]:
        """What is on the volume; raises ValueError where an entry is damaged."""
        return dict(self._walk(self._chain(self.root, None), ""))

    def _walk(self, folder: bytes, above: str) -> Iterator[tuple[str, bytes]]:
        entries = [folder[at : at + ENTRY] for at in range(0, len(folder), ENTRY)]
        for at, entry in enumerate(entries):
            if entry[0] == 0:
                return
            if entry[0] != FILE:
                continue
            group = b"".join(entries[at : at + 1 + entry[1]])
            if _checksum(group) != struct.unpack_from("<H", group, 2)[0]:
                raise ValueError(f"the entry of a file in {above or '/'} is damaged")
            flags, letters = group[ENTRY + 1], group[ENTRY + 3]
            first, length = struct.unpack_from("<IQ", group, ENTRY + 20)
            names = b"".join(group[i + 2 : i + ENTRY] for i in range(2 * ENTRY, len(group), ENTRY))
            name = above + names[: 2 * letters].decode("utf-16-le")
            data = self._chain(first, length, bool(flags & CONTIGUOUS)) if length else b""
            if group[4] & FOLDER:
                yield from self._walk(data, name + "/")
            else:
                yield name, data[:length]

    def _chain(self, first: int, length: int | None, contiguous: bool = False) -> bytes:
        parts, cluster = [], first
        while length is None or len(parts) * self.cluster < length:
            if not 2 <= cluster < self.clusters + 2:
                raise ValueError(f"a chain of clusters that begins with {first} leads nowhere")
            if not self._is_used(cluster):
                raise ValueError(f"cluster {cluster} is in use and marked as free")
            place = self._place(cluster)
            parts.append(bytes(self.data[place : place + self.cluster]))
            cluster = cluster + 1 if contiguous else self._next(cluster)
            if cluster == END and length is None:
                break
        return b"".join(parts)

    def _entries(self, first: int) -> Iterator[bytes]:
        place = self._place(first)
        for at in range(place, place + self.cluster, ENTRY):
            yield bytes(self.data[at : at + ENTRY])

    def _place(self, cluster: int) -> int:
        return self.heap + (cluster - 2) * self.cluster

    def _next(self, cluster: int) -> int:
        return struct.unpack_from("<I", self.data, self.fat + 4 * cluster)[0]

    def _is_used(self, cluster: int) -> bool:
        return bool(self.data[self.bitmap + (cluster - 2) // 8] >> (cluster - 2) % 8 & 1)

    # --- Writing

    def name(self, start: int, serial: int) -> None:
        """Say in the boot sector at which sector of the card it lies, and its serial number."""
        struct.pack_into("<Q", self.data, 64, start)
        struct.pack_into("<I", self.data, 100, serial)
        self._sum_boot_region()

    def fill(self, files: Mapping[str, bytes], pieces: int = 1) -> None:
        """Put files into the root, and into folders below it. Each lies in one piece, or with
        `pieces` in that many, one behind the other in the file and not on the volume. Raises
        ValueError where there is no room."""
        free = [c for c in range(2, self.clusters + 2) if not self._is_used(c)]
        folders: dict[str, list[bytes]] = {"": []}
        for name, data in files.items():
            above, _, last = name.rpartition("/")
            folders.setdefault(above, [])
            folders[above].append(self._add(last, data, free, pieces))
        for above in [name for name in folders if name]:
            group = b"".join(folders[above])
            room = -(-len(group) // self.cluster) * self.cluster or self.cluster
            folders[""].append(self._add(above, group.ljust(room, b"\0"), free, 1, FOLDER))
        group, at = b"".join(folders[""]), self._place(self.root)
        while self.data[at]:
            at += ENTRY
        if at + len(group) >= self._place(self.root) + self.cluster:
            raise ValueError("too many files for the first cluster of the root")
        self.data[at : at + len(group)] = group

    def _add(self, name, data, free, pieces, attributes=ARCHIVE) -> bytes:
        """Put data into free clusters; answers the entries for its folder."""
        count = -(-len(data) // self.cluster)
        if count > len(free):
            raise ValueError(f"no room for {name}, {len(data)} bytes")
        taken, free[:count] = free[:count], []
        if pieces > 1:
            size = -(-count // pieces)
            starts = reversed(range(0, count, size))
            taken = [cluster for i in starts for cluster in taken[i : i + size]]
        for i, cluster in enumerate(taken):
            place = self._place(cluster)
            part = data[i * self.cluster : (i + 1) * self.cluster]
            self.data[place : place + len(part)] = part
            self.data[self.bitmap + (cluster - 2) // 8] |= 1 << (cluster - 2) % 8
            if pieces > 1:
                after = taken[i + 1] if i + 1 < count else END
                struct.pack_into("<I", self.data, self.fat + 4 * cluster, after)
        flags = POSSIBLE | (CONTIGUOUS if pieces == 1 and count else 0)
        letters = name.encode("utf-16-le")
        names = [letters[i : i + 30].ljust(30, b"\0") for i in range(0, len(letters), 30)]
        group = bytearray(
            struct.pack("<BBHHHIII12x", FILE, 1 + len(names), 0, attributes, 0, DATE, DATE, DATE)
            + struct.pack("<BBBBHHQIIQ", STREAM, flags, 0, len(name), _hash(name), 0, len(data), 0,
                          taken[0] if taken else 0, len(data))
            + b"".join(bytes([NAME, 0]) + part for part in names)
        )  # fmt: skip
        struct.pack_into("<H", group, 2, _checksum(group))
        return bytes(group)

    def _sum_boot_region(self) -> None:
        """The checksum in the twelfth sector, of the eleven before it, and the copy of all twelve.
        """
        total, size = 0, self.sector
        for at, byte in enumerate(self.data[: 11 * size]):
            if at not in (106, 107, 112):  # what changes while the volume is in use
                total = ((total & 1) << 31 | total >> 1) + byte & 0xFFFFFFFF
        self.data[11 * size : 12 * size] = struct.pack("<I", total) * (size // 4)
        self.data[12 * size : 24 * size] = self.data[: 12 * size]


def _checksum(group: bytes) -> int:
    total = 0
    for at, byte in enumerate(group):
        if at not in (2, 3):
            total = ((total & 1) << 15 | total >> 1) + byte & 0xFFFF
    return total


def _hash(name: str) -> int:
    total = 0
    for byte in name.upper().encode("utf-16-le"):
        total = ((total & 1) << 15 | total >> 1) + byte & 0xFFFF
    return total
