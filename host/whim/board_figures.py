"""What a throw costs on a virtual board, read off its I2C transactions.

A picture begins where the driver opens its window, pages 0 to 7 and not the whole width, and ends
with the last byte sent into it. What the core does between a picture's transactions is computing;
what it does during them is waiting for the bus, as a port that sends by interrupts would not.
"""

from whim.board import Transfer

WINDOW, ALL_PAGES = 0x21, (0x22, 0, 7)
WIDTH = 128


def pictures(transfers: list[Transfer]) -> list[list[Transfer]]:
    """The throw's pictures, each from its window on."""
    found: list[list[Transfer]] = []
    taking = False
    for transfer in transfers:
        control, *data = transfer.data[1:]
        if control == 0x00:
            window = len(data) == 6 and data[0] == WINDOW
            taking = window and tuple(data[3:]) == ALL_PAGES and data[2] - data[1] < WIDTH - 1
            if taking:
                found.append([])
        if taking:
            found[-1].append(transfer)
    return found


def picture_figures(transfers: list[Transfer], macs: int) -> dict:
    """Of the last picture: instructions and cycles of computing it, and those of all that happens
    from its window to its last byte; of all pictures: how many came a second."""
    throw = pictures(transfers)
    last = throw[-1]
    between = list(zip(last, last[1:]))
    instructions = sum(new.began[0] - old.ended[0] for old, new in between)
    cycles = sum(new.began[1] - old.ended[1] for old, new in between)
    seconds = (throw[-1][0].began[2] - throw[0][0].began[2]) / 1000
    return {
        "instructions": instructions,
        "instructions_per_mac": round(instructions / macs, 2),
        "cycles": cycles,
        "cycles_with_transfer": last[-1].ended[1] - last[0].began[1],
        "frames_per_second": round((len(throw) - 1) / seconds, 2),
    }
