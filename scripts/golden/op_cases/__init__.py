"""One or more calls for every operator of lib/core/op-schemas.ts: edge shapes, dtypes, defaults and options.

A whole number in a JS call is an integer, so scalars are ints here, or floats with a fraction.
"""

from . import neural, pointwise, structure

GROUPS = [*pointwise.GROUPS, *structure.GROUPS, *neural.GROUPS]
