"""An SSD1306 on a 128x64 module, seen from the I2C bus: bytes go in, a picture comes out.

Strict, because it judges the driver: what the data sheet (Solomon Systech SSD1306, rev 1.1, section
9) does not define is a DisplayError that names the byte. Written from the data sheet and not from
our driver; tests/test_display.py also lets luma.oled draw into it.
"""

import numpy as np

ADDRESS = 0x3C
WIDTH, HEIGHT, PAGES = 128, 64, 8

# How many bytes follow a command. Scrolling is left out: no driver here may use it.
ARGUMENTS = {
    **dict.fromkeys(range(0x00, 0x20), 0),  # column of page addressing
    0x20: 1,  # addressing mode
    0x21: 2,  # columns
    0x22: 2,  # pages
    0x2E: 0,  # no scrolling
    **dict.fromkeys(range(0x40, 0x80), 0),  # start line
    0x81: 1,  # contrast
    0x8D: 1,  # charge pump
    0xA0: 0,  # segment remap
    0xA1: 0,
    0xA4: 0,  # show the memory
    0xA5: 0,  # all pixels on
    0xA6: 0,  # normal
    0xA7: 0,  # inverse
    0xA8: 1,  # multiplex ratio
    0xAE: 0,  # off
    0xAF: 0,  # on
    **dict.fromkeys(range(0xB0, 0xB8), 0),  # page of page addressing
    0xC0: 0,  # COM scan direction
    0xC8: 0,
    0xD3: 1,  # display offset
    0xD5: 1,  # clock
    0xD9: 1,  # pre-charge
    0xDA: 1,  # COM pins
    0xDB: 1,  # VCOMH
    0xE3: 0,  # nothing
}

# Bits that an argument may have. Windows are checked where they are used.
ARGUMENT_BITS = {
    0x20: 0x03, 0x21: 0x7F, 0x22: 0x07, 0x81: 0xFF, 0x8D: 0x14, 0xA8: 0x3F,
    0xD3: 0x3F, 0xD5: 0xFF, 0xD9: 0xFF, 0xDA: 0x32, 0xDB: 0x70,
}  # fmt: skip

HORIZONTAL, VERTICAL, PAGE = 0, 1, 2


class DisplayError(Exception):
    """Bytes that the data sheet does not define."""


class Display:
    """One module. `memory` is its RAM, uint8 (8 pages, 128 columns), noise after power-on."""

    def __init__(self):
        self.memory = np.random.default_rng(1306).integers(0, 256, (PAGES, WIDTH), np.uint8)
        self.on = self.pump = self.inverse = self.all_on = False
        self.mode = PAGE
        self.columns, self.pages = (0, WIDTH - 1), (0, PAGES - 1)
        self.column = self.page = 0
        self.contrast = 0x7F
        self.mirrored, self.flipped = True, True  # as modules are mounted, until remapped
        self.start_line = self.offset = 0
        self.multiplex, self.com_pins = 64, 0x12
        self._pending: list[int] = []

    def write(self, address: int, control: int, data: bytes) -> bool:
        """One I2C write. False when the display is not at `address` and does not acknowledge."""
        if address != ADDRESS:
            return False
        rest = bytes([control, *data])
        while rest:
            control, rest = rest[0], rest[1:]
            if control & 0x3F:
                raise DisplayError(f"control byte 0x{control:02x}: its low six bits must be zero")
            more, payload = control & 0x80, rest
            if more:  # one byte, then another control byte
                payload, rest = rest[:1], rest[1:]
            else:
                rest = b""
            if not payload:
                raise DisplayError(f"control byte 0x{control:02x} with nothing after it")
            take = self._data if control & 0x40 else self._command
            for byte in payload:
                take(byte)
        return True

    def picture(self) -> np.ndarray:
        """What a person sees, bool (64, 128): True is a lit pixel."""
        if not (self.on and self.pump):
            return np.zeros((HEIGHT, WIDTH), bool)
        bits = np.unpackbits(self.memory[:, None, :], axis=1, bitorder="little")
        bits = bits.reshape(HEIGHT, WIDTH).astype(bool)
        if self.all_on:
            bits[:] = True
        if self.inverse:
            bits = ~bits
        row = (np.arange(HEIGHT) + self.start_line) % HEIGHT  # of memory, for each COM of the chip
        picture = np.roll(bits[row], -self.offset, axis=0)
        picture[self.multiplex :] = False
        if self.mirrored:
            picture = picture[:, ::-1]
        return picture[::-1] if self.flipped else picture

    def _data(self, byte: int) -> None:
        if self._pending:
            raise DisplayError(f"data while command 0x{self._pending[0]:02x} waits for arguments")
        self.memory[self.page, self.column] = byte
        if self.mode == PAGE:
            self.column = (self.column + 1) % WIDTH
        elif self.mode == HORIZONTAL:
            self.column, carried = _step(self.column, self.columns)
            if carried:
                self.page, _ = _step(self.page, self.pages)
        else:
            self.page, carried = _step(self.page, self.pages)
            if carried:
                self.column, _ = _step(self.column, self.columns)

    def _command(self, byte: int) -> None:
        if self._pending:
            command = self._pending[0]
            if byte & ~ARGUMENT_BITS[command]:
                raise DisplayError(f"command 0x{command:02x} with argument 0x{byte:02x}")
        elif byte not in ARGUMENTS:
            raise DisplayError(f"unknown command 0x{byte:02x}")
        self._pending.append(byte)
        if len(self._pending) > ARGUMENTS[self._pending[0]]:
            command, *arguments = self._pending
            self._pending = []
            self._execute(command, arguments)

    def _execute(self, command: int, arguments: list[int]) -> None:
        low = command & 0x0F
        if command < 0x20 or 0xB0 <= command <= 0xB7:
            if self.mode != PAGE:
                raise DisplayError(f"command 0x{command:02x} outside page addressing")
            if command >= 0xB0:
                self.page = low
            elif command >= 0x10:
                self.column = (self.column & 0x0F) | (low & 7) << 4
            else:
                self.column = (self.column & 0x70) | low
        elif command == 0x20:
            (self.mode,) = arguments
            if self.mode > PAGE:
                raise DisplayError(f"addressing mode {self.mode}")
        elif command in (0x21, 0x22):
            start, end = arguments
            if start > end:
                raise DisplayError(f"command 0x{command:02x}: a window from {start} to {end}")
            if command == 0x21:
                self.columns, self.column = (start, end), start
            else:
                self.pages, self.page = (start, end), start
        elif 0x40 <= command < 0x80:
            self.start_line = command & 0x3F
        elif command == 0x81:
            (self.contrast,) = arguments
        elif command == 0x8D:
            self.pump = arguments == [0x14]
            if not arguments[0] & 0x10:
                raise DisplayError(f"charge pump argument 0x{arguments[0]:02x}: bit 4 must be one")
        elif command in (0xA0, 0xA1):
            self.mirrored = command == 0xA0
        elif command in (0xA4, 0xA5):
            self.all_on = command == 0xA5
        elif command in (0xA6, 0xA7):
            self.inverse = command == 0xA7
        elif command == 0xA8:
            self.multiplex = arguments[0] + 1
            if self.multiplex < 16:
                raise DisplayError(f"multiplex ratio {self.multiplex}: at least 16")
        elif command in (0xAE, 0xAF):
            self.on = command == 0xAF
        elif command in (0xC0, 0xC8):
            self.flipped = command == 0xC0
        elif command == 0xD3:
            (self.offset,) = arguments
        elif command == 0xDA:
            (self.com_pins,) = arguments
            if self.com_pins != 0x12:
                raise DisplayError(f"COM pins 0x{self.com_pins:02x}: this module is wired for 0x12")


def _step(position: int, window: tuple[int, int]) -> tuple[int, bool]:
    """The next position, and whether it went back to the window's start."""
    return (window[0], True) if position == window[1] else ((position + 1) % 128, False)
