"""IMA ADPCM in blocks of 512 bytes, the judge of every decoder: docs/BANK.md has the arithmetic.

A block is a sector of a card and, at the same time, a block of a WAV file: a header with the first
sample, then four bits for each further one. The decoder is simple and fixed; the encoder may search
for the codes whose sound comes nearest to what was meant.
"""

import struct

import numpy as np

BLOCK = 512
SAMPLES = 1 + 2 * (BLOCK - 4)  # of a block: 1,017

# A code's lower three bits move the step's index, the size of the next difference.
MOVES = np.array([-1, -1, -1, -1, 2, 4, 6, 8], np.int32)
STEPS = np.array(
    [7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
     73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449,
     494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272,
     2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493,
     10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767],
    np.int32,
)  # fmt: skip


def _differences() -> np.ndarray:
    """The difference that each code means at each step index: (89, 16)."""
    step, code = STEPS[:, None], np.arange(16)
    size = (step >> 3) + (step >> 2) * (code & 1) + (step >> 1) * (code >> 1 & 1)
    size += step * (code >> 2 & 1)
    return np.where(code & 8, -size, size).astype(np.int32)


DIFFERENCES = _differences()
LAST = len(STEPS) - 1


def blocks(samples: int) -> int:
    """How many blocks hold so many samples."""
    return -(-samples // SAMPLES)


def decode(data: bytes, samples: int) -> np.ndarray:
    """The first `samples` of the blocks in `data` as int16. Blocks stand for themselves, so all are
    decoded at once.
    """
    block = np.frombuffer(data, np.uint8).reshape(-1, BLOCK)
    value = block[:, :2].copy().view("<i2")[:, 0].astype(np.int32)
    index = np.minimum(block[:, 2], LAST).astype(np.int32)
    codes = np.stack([block[:, 4:] & 15, block[:, 4:] >> 4], 2).reshape(len(block), -1)
    out = np.empty((len(block), SAMPLES), np.int16)
    out[:, 0] = value
    for i in range(codes.shape[1]):
        value = np.clip(value + DIFFERENCES[index, codes[:, i]], -32768, 32767)
        index = np.clip(index + MOVES[codes[:, i] & 7], 0, LAST)
        out[:, i + 1] = value
    return out.reshape(-1)[:samples]


def encode(samples: np.ndarray, width: int = 16) -> bytes:
    """Encode int16 samples into whole blocks, the last filled up with silence.

    For each block, `width` of the best beginnings go on side by side (Viterbi's search with bounded
    memory), from any first step index; the one with the least squared error in the end is taken.
    width=1 is the common encoder, which takes the best code for each sample, but for that index.
    """
    count = blocks(len(samples))
    sound = np.zeros(count * SAMPLES, np.int32)
    sound[: len(samples)] = samples
    sound = sound.reshape(count, SAMPLES)
    rows = np.arange(count)[:, None]

    index = np.tile(np.arange(LAST + 1, dtype=np.int32), (count, 1))  # (blocks, beginnings)
    value = np.repeat(sound[:, :1], LAST + 1, 1)
    cost = np.zeros((count, LAST + 1))
    history = []  # for every sample: (which beginning it continues, with which code)
    for i in range(1, SAMPLES):
        nexts = np.clip(value[..., None] + DIFFERENCES[index], -32768, 32767)
        costs = cost[..., None] + np.square(nexts - sound[:, i, None, None], dtype=np.float64)
        flat = costs.reshape(count, -1)
        best = np.argpartition(flat, width, 1)[:, :width]
        parent, code = (best >> 4).astype(np.uint8), (best & 15).astype(np.uint8)
        history.append((parent, code))
        cost = flat[rows, best]
        value = nexts.reshape(count, -1)[rows, best]
        index = np.clip(index[rows, parent] + MOVES[code & 7], 0, LAST)

    at = cost.argmin(1)
    codes = np.empty((count, SAMPLES - 1), np.uint8)
    for i in range(SAMPLES - 2, -1, -1):
        parent, code = history[i]
        codes[:, i] = code[rows[:, 0], at]
        at = parent[rows[:, 0], at]
    out = np.zeros((count, BLOCK), np.uint8)
    out[:, :2] = sound[:, :1].astype("<i2").view(np.uint8)
    out[:, 2] = at  # the first beginnings were the step indices
    out[:, 4:] = codes[:, 0::2] | codes[:, 1::2] << 4
    return out.tobytes()


def wav(data: bytes, samples: int, rate: int) -> bytes:
    """The blocks as a WAV file, for programs that know this coding."""
    form = struct.pack("<HHIIHHHH", 17, 1, rate, rate * BLOCK // SAMPLES, BLOCK, 4, 2, SAMPLES)
    parts = [(b"fmt ", form), (b"fact", struct.pack("<I", samples)), (b"data", data)]
    body = b"WAVE" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body
