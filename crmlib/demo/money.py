"""Whole cents as exact decimals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MONEY = pa.decimal128(12, 2)


def decimals(cents: pd.Series | np.ndarray) -> pa.Array:
    """Money with two digits behind the point, from whole cents; -1 is -0.01, a
    missing value stays one.

    A decimal is stored as its whole number in two words of 64 bits: the cents, and their
    sign. Dividing decimals would round, and casting floats is not exact.

    >>> decimals(np.array([1250, -1])).to_pylist()
    [Decimal('12.50'), Decimal('-0.01')]
    """
    empty = pd.isna(np.asarray(cents))
    low = np.where(empty, 0, cents).astype("<i8")
    words = np.column_stack([low, low >> 63])
    money = pa.Array.from_buffers(MONEY, len(low), [None, pa.py_buffer(words.tobytes())])
    return pc.if_else(pa.array(empty), pa.scalar(None, MONEY), money) if empty.any() else money
