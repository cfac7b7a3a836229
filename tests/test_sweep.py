"""The promises of docs/EXPERIMENTS.md: the field's nets, enough sizes, a table of what is kept."""

import zlib

import numpy as np
import pytest

from whim import sweep, sweep_report


@pytest.mark.parametrize(
    "dims, extra, parameters",
    [
        ((2, 2, 2, 2), 0, 357),
        ((3, 3, 3, 3), 0, 616),
        ((4, 4, 4, 4), 0, 929),
        ((8, 8, 8, 8), 0, 2721),
        ((8, 8, 8, 8), 2, 3889),
        ((4, 4, 16, 16), 0, 4877),
        ((16, 16, 16, 16), 0, 8897),
        ((64, 64, 64, 64), 0, 118_529),
    ],
)
def test_the_decoder_is_the_fields_parameter_for_parameter(dims, extra, parameters):
    torch = pytest.importorskip("torch")
    from whim import nets

    net = nets.FieldDecoder(7, dims, extra)
    assert sum(p.numel() for p in net.parameters()) == parameters
    with torch.no_grad():
        pictures = net(torch.zeros(3, 7))
    assert pictures.shape == (3, 32, 32) and 0 < pictures.min() and pictures.max() < 1


def test_at_least_ten_sizes_and_several_shapes_of_one_size():
    rows = [row for row in sweep.load() if row["kind"] == "decoder"]
    sizes = {row["parameters"] for row in rows}
    assert len(sizes) >= 10 and min(sizes) <= 400 and max(sizes) >= 28_000
    near = [row for row in rows if 0.95 < row["parameters"] / 6200 < 1.05]
    assert len({row["name"] for row in near}) >= 4
    assert any(row["kind"] == "cvae" for row in sweep.load())


def test_the_page_shows_the_stored_rows():
    rows = sweep_report._sorted(sweep.load())
    assert sweep_report.table(rows) in sweep_report.PAGE.read_text()


def test_the_shipped_row_is_of_the_shipped_file():
    for row in sweep.load():
        if row["kind"] == "shipped":
            now = zlib.crc32((sweep.DATA / "die.whim").read_bytes())
            assert row["crc"] == now, "judge it: python host/train.py sweep --shipped"


def test_a_finished_net_is_kept_and_replaced_by_its_key(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "ROWS", tmp_path / "sweep.json")
    monkeypatch.setattr(sweep, "SAMPLES", tmp_path / "sweep.npz")
    shown = np.zeros((sweep.SHOWN, 32, 32), np.uint8)
    row = dict(key="shipped", kind="shipped", name="die", parameters=700, macs=9, mse=0.1, read=1)
    sweep.record({**row, "key": "another"}, shown)
    sweep.record(row, shown)
    sweep.record({**row, "mse": 0.004}, shown + 1)
    assert [(row["key"], row["mse"]) for row in sweep.load()] == [
        ("another", 0.1),
        ("shipped", 0.004),
    ]
    with np.load(sweep.SAMPLES) as file:
        assert file["shipped"].max() == 1 and file["another"].max() == 0
    with pytest.raises(ValueError, match="lacks mse"):
        sweep.record({field: row[field] for field in row if field != "mse"}, shown)


def test_the_slope_is_found_again():
    rows = [
        dict(
            kind="decoder", name=f"{d}-{d}-{d}-{d}", angle="cos, sin", parameters=n, mse=3 * n**-0.7
        )
        for d, n in ((2, 500), (4, 1300), (8, 3400))
    ]
    slope, scale = sweep_report.fit(rows)
    assert slope == pytest.approx(-0.7) and scale == pytest.approx(3)
