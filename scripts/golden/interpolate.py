"""Writes test/golden/interpolate.json: torch.nn.functional.interpolate for every mode, rank and option.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/interpolate.py
"""

import warnings

import torch
from op_cases.fill import fill
from ops import encode, write

INPUTS = {"1d": fill([1, 2, 5]), "2d": fill([1, 2, 4, 3]), "3d": fill([1, 1, 2, 3, 4])}
LINEAR = {"1d": ["linear"], "2d": ["bilinear", "bicubic"], "3d": ["trilinear"]}
PUBLIC = {
    "scale_factor": "scaleFactor",
    "align_corners": "alignCorners",
    "recompute_scale_factor": "recomputeScaleFactor",
}


def record(cases, x, **options):
    output = torch.nn.functional.interpolate(x, **options)
    public = {PUBLIC.get(key, key): value for key, value in options.items()}
    cases.append({"input": encode(x), "options": public, "output": encode(output)})


def main():
    cases = []
    for rank, x in INPUTS.items():
        dims = x.dim() - 2
        for mode in ["nearest", "nearest-exact", "area", *LINEAR[rank]]:
            record(cases, x, size=[2, 5, 3][:dims], mode=mode)
            record(cases, x, size=3, mode=mode)
            record(cases, x, scale_factor=1.75, mode=mode)
            record(cases, x, scale_factor=[0.7, 2.5, 1.3][:dims], mode=mode)
            record(cases, x, scale_factor=1.3, mode=mode, recompute_scale_factor=True)
        for mode in LINEAR[rank]:
            record(cases, x, size=[3, 5, 2][:dims], mode=mode, align_corners=True)
            record(cases, x, scale_factor=1.75, mode=mode, align_corners=True)
    for mode in LINEAR["2d"]:
        record(cases, INPUTS["2d"], size=[2, 2], mode=mode, antialias=True)
        record(cases, INPUTS["2d"], scale_factor=0.6, mode=mode, antialias=True)
        record(cases, fill([1, 3, 6, 5], torch.uint8), size=[3, 4], mode=mode, antialias=True)
        record(cases, INPUTS["2d"].double(), size=[5, 2], mode=mode, antialias=True, align_corners=True)
    record(cases, INPUTS["2d"], size=[8, 6])
    write("interpolate.json", cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
