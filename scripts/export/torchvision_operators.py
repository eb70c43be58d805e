"""Lets torchvision, and so timm, be imported beside a torch that its C++ operators were not built for. Import this first.

A package index usually serves torchvision built for CUDA. Beside a CPU torch its library does not load, and its Python
half then fails at import because it decorates operators that nobody declared. Nothing here calls one of them, so their
names alone are enough.
"""

import importlib.util
from pathlib import Path

import torch

OPERATORS = (
    "nms",
    "qnms",
    "roi_align",
    "_roi_align_backward",
    "qroi_align",
    "roi_pool",
    "_roi_pool_backward",
    "ps_roi_align",
    "_ps_roi_align_backward",
    "ps_roi_pool",
    "_ps_roi_pool_backward",
    "deform_conv2d",
    "_deform_conv2d_backward",
)


def _own_operators_load() -> bool:
    (package,) = importlib.util.find_spec("torchvision").submodule_search_locations
    try:
        for library in Path(package).glob("_C*.so"):
            torch.ops.load_library(library)
    except OSError:
        return False
    return True


if not _own_operators_load():
    # Kept for as long as the module: the declarations go when it goes.
    _declarations = torch.library.Library("torchvision", "DEF")
    for _name in OPERATORS:
        _declarations.define(f"{_name}(Tensor x) -> Tensor")
