"""Where each layer's rows lie in the arena, and so how much RAM a model needs, exactly.

A picture is made row by row, from the last layer backwards: a layer computes a row when its
consumer lacks one, and keeps only as many rows as the consumer needs at a time.
"""

from whim import model as m

ALIGNMENT = 4  # bytes; fast kernels load words


def plan(model: m.Model) -> tuple[list[int], int]:
    """(offset of each layer's rows in the arena, bytes of the arena)."""
    placed: list[tuple[int, int, range]] = []  # offset, bytes, the steps during which it is in use
    for index, layer in enumerate(model.layers):
        consumer = model.layers[index + 1] if index + 1 < len(model.layers) else None
        size = m.rows_held(consumer, layer.height) * layer.channels * layer.width
        # A row that is read just once, at the very next step, leaves its place to others after
        # that.
        once = consumer is None or _reads_once(layer, consumer)
        busy = range(index, index + 2) if once else range(len(model.layers) + 1)
        offset = 0
        for start, length, other in sorted(placed, key=lambda item: item[0]):
            if max(busy.start, other.start) < min(busy.stop, other.stop) and start < offset + size:
                offset = max(offset, start + length)
        placed.append((offset, -(-size // ALIGNMENT) * ALIGNMENT, busy))
    return [offset for offset, _, _ in placed], max(offset + size for offset, size, _ in placed)


def _reads_once(layer: m.Layer, consumer: m.Layer) -> bool:
    if consumer.op is m.Op.CONV:
        return consumer.kernel == 1 and consumer.stride == 1
    return consumer.op is m.Op.DENSE and layer.height == 1 and consumer.height == 1
