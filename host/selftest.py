#!/usr/bin/env python3
"""The check value of the picture that the hardware test draws, as the NumPy decoder draws it.

example:
  python host/selftest.py     to compare with step 7 of docs/BRINGUP.md
"""

import argparse
import struct
import zlib

import numpy as np

from whim import decoder, dice, packing


def picture_check() -> int:
    """Row by row: the CRC-32 of the last value and of the row's own CRC-32."""
    model = decoder.load(packing.DATA / "die.whim")
    inputs = dice.inputs(np.array([5]), np.array([10]), np.array([[90, 60, -70, -70]]))
    check = 0
    for row in decoder.decode(model, inputs)[0].reshape(dice.SIZE, dice.SIZE):
        check = zlib.crc32(struct.pack("<II", check, zlib.crc32(row.astype(np.int8).tobytes())))
    return check


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(f"picture check={picture_check():08x}")
