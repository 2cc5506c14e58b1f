import shutil
from pathlib import Path

import pytest
from bench.plane import VARIANTS, Variant, compiled, measure


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.mode)
def test_every_variant_of_the_plane_bench_forwards_everything(variant: Variant, tmp_path: Path) -> None:
    figures = measure(variant, compiled(tmp_path), 3, 0.3)
    assert figures["delivery"] == (1.0, "share")
    assert figures["forwarded"][0] > 300
    assert figures["cpu"][0] > 0
