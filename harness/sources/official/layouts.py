"""Every layout, in the order of the tasks."""

from __future__ import annotations

from harness.sources.official.africlirmatrix import AfriClirMatrix
from harness.sources.official.afriqa import AfriQa
from harness.sources.official.afriqa_w100 import AfriQaW100
from harness.sources.official.belebele import Belebele
from harness.sources.official.ciral import Ciral
from harness.sources.official.layout import Layout
from harness.sources.official.miracl import Miracl
from harness.sources.official.mkqa import Mkqa
from harness.sources.official.mr_tydi import MrTyDi
from harness.sources.official.neuclir import NeuClir
from harness.sources.official.xor_tydi import XorTydi
from harness.sources.official.xtreme_up import XtremeUp

LAYOUTS: tuple[Layout, ...] = (
    XorTydi(),
    MrTyDi(),
    Miracl(),
    AfriQa(),
    AfriQaW100(),
    Ciral(),
    AfriClirMatrix(),
    Belebele(),
    XtremeUp(),
    Mkqa(),
    NeuClir(),
)
