"""What made a golden, for its metadata."""

import platform

import numpy as np
import timm
import torch


def versions() -> dict:
    return {
        "torch": torch.__version__.split("+")[0],
        "timm": timm.__version__,
        "machine": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "isa": torch.backends.cpu.get_cpu_capability(),
            "arch": platform.machine(),
        },
    }
