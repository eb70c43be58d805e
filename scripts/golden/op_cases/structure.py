"""Reductions, shapes, indexing and sorting."""

import torch

from .fill import ALL, FLOATS, INF, NAN, fill, ints, share, special


def reduction(case):
    for dtype in [*FLOATS, torch.int64]:
        for name in ("sum", "prod", "max", "min", "median"):
            case(name, fill([2, 3], dtype))
        for name in ("max.dim", "min.dim", "median.dim", "cumsum", "cumprod"):
            case(name, fill([2, 3], dtype), -1)
        for name in ("amax", "amin", "argmax", "argmin"):
            case(name, fill([2, 3], dtype))
        case("sum.dim_IntList", fill([2, 3], dtype), [1], True)
        case("prod.dim_int", fill([2, 3], dtype), 0)
    for dtype in FLOATS:
        case("mean", fill([2, 3], dtype))
        case("mean.dim", fill([2, 3], dtype), [-1])
        for name in ("std.correction", "var.correction", "var_mean.correction"):
            case(name, fill([2, 3], dtype), [1], correction=0)
        case("logsumexp", fill([2, 3], dtype), [1])
        case("linalg_vector_norm", fill([2, 3], dtype))
    for name in ("any", "all"):
        for dtype in ALL:
            case(name, fill([2, 3], dtype))
            case(f"{name}.dim", fill([2, 3], dtype), 1, True)
        case(name, fill([0], torch.bool))
    for name in ("sum", "mean", "prod"):
        case(name, fill([0]))
        case(name, fill([]))
        case(name, fill([3], torch.int64), dtype=torch.float64)
    case("sum", fill([4], torch.bool))
    for name in ("sum.dim_IntList", "mean.dim"):
        case(name, fill([2, 3, 2]), [0, -1])
        case(name, fill([2, 3]), None, True)
        case(name, fill([2, 0]), [1])
        case(name, fill([2, 2], torch.int64), [0], dtype=torch.float32)
    case("prod.dim_int", fill([2, 3]), -1, True, dtype=torch.float64)
    for name in ("std.correction", "var.correction", "var_mean.correction"):
        case(name, fill([2, 3]))
        case(name, fill([2, 3]), [0, 1], keepdim=True)
        case(name, fill([2, 3]), [-1], correction=2)
    for name in ("amax", "amin"):
        case(name, fill([2, 3, 2]), [0, 2], True)
    case("aminmax", fill([2, 3]))
    case("aminmax", fill([2, 3]), dim=1, keepdim=True)
    for name in ("max.dim", "min.dim", "median.dim"):
        case(name, fill([2, 3]), 0, True)
        case(name, fill([3, 0]), 0)
    case("max", special())
    for name in ("argmax", "argmin"):
        case(name, fill([2, 3]), 1)
        case(name, fill([2, 3]), -2, True)
    case("logsumexp", fill([2, 3]), [0, 1], True)
    for order in (1, 0, INF, -INF, 2.5):
        case("linalg_vector_norm", fill([2, 3]), order, [1])
    case("linalg_vector_norm", fill([2, 3]), 2, None, True, dtype=torch.float64)
    case("cumsum", fill([2, 3], torch.bool), 0)
    case("cumsum", fill([3], torch.int32), 0, dtype=torch.float32)
    case("quantile", fill([2, 5]), share([3]), 1, True)
    case("quantile", fill([6], torch.float64), share([2], torch.float64), interpolation="nearest")
    case("quantile.scalar", fill([2, 5]), 0.5)
    case("quantile.scalar", fill([2, 5]), 0.3, 0, interpolation="lower")
    case("count_nonzero", fill([2, 3], torch.bool))
    case("count_nonzero", fill([2, 3], torch.int64), 1)
    case("bincount", ints(0, 3, 1, 3))
    case("bincount", ints(0, 2), share([2]), 5)
    case("bincount", torch.zeros(0, dtype=torch.int64), minlength=2)
    case("histc", fill([10]), 4)
    case("histc", fill([10]), 3, -1, 1.5)


def shape(case):
    x = fill([2, 3])
    for dtype in ALL:
        case("reshape", fill([2, 3], dtype), [3, -1])
        case("transpose.int", fill([2, 3], dtype), 0, -1)
        case("cat", [fill([2, 1], dtype), fill([2, 2], dtype, 1)], 1)
        case("flip", fill([2, 3], dtype), [0, -1])
        case("clone", fill([2, 3], dtype))
    case("reshape", fill([]), [1, 1])
    case("reshape", fill([0, 3]), [3, 0])
    case("view", x, [6])
    case("view", fill([4]), [2, -1])
    case("permute", fill([1, 2, 3]), [2, 0, -2])
    case("t", x)
    case("t", fill([3]))
    case("squeeze", fill([1, 2, 1]))
    case("squeeze.dim", fill([1, 2, 1]), -1)
    case("squeeze.dims", fill([1, 2, 1]), [0, 2])
    case("unsqueeze", x, -1)
    case("unsqueeze", fill([]), 0)
    case("flatten.using_ints", fill([2, 1, 3]))
    case("flatten.using_ints", fill([2, 1, 3]), 1, 2)
    case("expand", fill([1, 3]), [2, -1])
    case("expand", fill([]), [2, 2])
    case("repeat", x, [2, 1])
    case("repeat_interleave.self_int", x, 2)
    case("repeat_interleave.self_int", x, 2, 1)
    case("cat", [fill([1, 2]), fill([2, 2], torch.int64)])
    case("cat", [fill([0]), x], -1)
    case("stack", [x, fill([2, 3], seed=1)])
    case("stack", [x, fill([2, 3], seed=1)], -1)
    case("split.Tensor", fill([5]), 2)
    case("split.Tensor", x, 2, 1)
    case("split_with_sizes", fill([5]), [1, 4])
    case("split_with_sizes", x, [3, 0], -1)
    case("chunk", fill([5]), 2)
    case("chunk", x, 3, 1)
    case("unbind.int", x)
    case("unbind.int", x, -1)
    case("roll", x, [1], [1])
    case("roll", x, [2])
    case("movedim.int", fill([1, 2, 3]), 0, -1)
    case("movedim.intlist", fill([1, 2, 3]), [0, 1], [2, 0])
    image = fill([1, 2, 2, 3])
    case("contiguous", x)
    case("contiguous", image, memory_format=torch.channels_last)
    case("clone", image, memory_format=torch.channels_last)
    case("detach", x)
    case("pixel_shuffle", fill([1, 4, 1, 2]), 2)
    case("pixel_unshuffle", fill([1, 1, 2, 4]), 2)
    for name in ("tril", "triu"):
        case(name, fill([3, 3]))
        case(name, fill([2, 3], torch.int64), 1)
    case("diagonal", fill([3, 3]))
    case("diagonal", fill([2, 2, 3]), 1, -2, -1)
    case("meshgrid.indexing", [ints(0, 1), ints(5, 6, 7)], indexing="ij")
    case("meshgrid.indexing", [ints(0, 1), ints(5, 6, 7)], indexing="xy")


def indexing(case):
    x = fill([3, 4])
    for dtype in ALL:
        case("index_select", fill([3, 2], dtype), 0, ints(2, 0))
        case("gather", fill([2, 3], dtype), 1, torch.tensor([[0, 2], [1, 1]]))
        case("masked_select", fill([2, 3], dtype), fill([2, 3], torch.bool, 1))
        case("nonzero", fill([2, 3], dtype))
    case("select.int", x, 0, -1)
    case("slice.Tensor", x)
    case("slice.Tensor", x, 1, 1, -1, 2)
    case("slice.Tensor", x, -1, None, 2)
    case("narrow", x, 1, 1, 2)
    case("narrow", x, 0, 0, 0)
    case("index.Tensor", x, [ints(0, 2)])
    case("index.Tensor", x, [None, ints(3, 0)])
    case("index.Tensor", x, [fill([3, 4], torch.bool)])
    where = torch.tensor([[0, 1, 2, 0], [2, 0, 0, 1]])
    case("scatter.src", x, 0, where, fill([2, 4], seed=5))
    case("scatter.value", x, 0, where, 0.5)
    case("scatter.value", fill([3, 4], torch.int64), 0, where, 9)
    case("scatter_add", x, 0, where, fill([2, 4], seed=5))
    mask = fill([3, 4], torch.bool)
    case("masked_fill.Scalar", x, mask, 9)
    case("masked_fill.Scalar", x, mask, -INF)
    case("masked_fill.Scalar", fill([3, 4], torch.int64), mask[:1], 7)
    case("masked_fill.Tensor", x, mask, torch.tensor(0.5))
    case("take_along_dim", x, torch.tensor([[1], [0], [3]]), 1)
    case("take_along_dim", x, ints(11, 0))
    case("nonzero", fill([0]))
    case("one_hot", ints(0, 2, 1))
    case("one_hot", torch.tensor([[1], [0]]), 3)
    edges = torch.tensor([-1.0, 0.0, 2.0])
    for right in (False, True):
        case("searchsorted.Tensor", edges, torch.tensor([[-1.0, 1.5], [2.0, 9.0]]), right=right)
        case("bucketize.Tensor", torch.tensor([-1.0, 1.5, 2.0]), edges, right=right)
    case("searchsorted.Tensor", ints(1, 3), ints(3), side="right", out_int32=True)
    case("searchsorted.Tensor", ints(3, 1), ints(2), sorter=ints(1, 0))


def sorting(case):
    for dtype in [*FLOATS, torch.int64]:
        case("sort", fill([2, 3], dtype))
        case("argsort", fill([2, 3], dtype))
        case("topk", fill([2, 5], dtype), 2)
    case("sort", fill([2, 3]), 0, True)
    case("sort", fill([0]))
    case("sort", torch.tensor([2.0, NAN, -INF]))
    case("argsort", fill([2, 3]), 0, True)
    case("topk", fill([4, 2]), 3, 0, False)
    case("topk", fill([]), 1)
    case("_unique2", ints(3, 1, 3, 2))
    case("_unique2", torch.tensor([0.5, -1.5, 0.5]), True, True, True)


GROUPS = [reduction, shape, indexing, sorting]
