"""Feature maps and small helpers inside the Triton kernels.

Dimension letters: C chunk, D head dim, F feature dim, V value dim; BLOCK_X is X padded to a power
of two (tensor shapes in Triton are powers of two; what lies beyond X is masked to zero).
"""

import triton
import triton.language as tl


@triton.jit
def feature_columns(F: tl.constexpr, BLOCK_F: tl.constexpr, MAP: tl.constexpr, first):
    """Where the features `first`... of a tile lie in memory, which exist, and the row of W that
    makes each. Hedgehog's two softmaxes take one half of the tile each."""
    at = tl.arange(0, BLOCK_F)
    if MAP == "hedgehog":
        half = at // (BLOCK_F // 2)
        row = at % (BLOCK_F // 2)
        exists = row < F // 2
        column = half * (F // 2) + row
    else:
        column = first + at
        row = column
        exists = column < F
    return column, exists, row


@triton.jit
def load_rows(base, stride, t, t_ok, column, exists, dtype: tl.constexpr):
    """A tile [C, BLOCK] of rows t and the given columns, zero where either does not exist."""
    at = base + t[:, None] * stride + column[None, :]
    return tl.load(at, mask=t_ok[:, None] & exists[None, :], other=0.0).to(dtype)


@triton.jit
def load_weight(w, row, exists, first, D: tl.constexpr, BLOCK_D: tl.constexpr, dtype: tl.constexpr):
    """Rows of W [rows, D] as a tile [BLOCK_F, BLOCK_D] that starts at column `first`."""
    d = first + tl.arange(0, BLOCK_D)
    at = w + row[:, None] * D + d[None, :]
    return tl.load(at, mask=exists[:, None] & (d < D)[None, :], other=0.0).to(dtype)


@triton.jit
def activate(y, exists, MAP: tl.constexpr, BLOCK_F: tl.constexpr):
    """phi from pre-activations y [C, BLOCK_F] in float32; zero where no feature exists."""
    if MAP == "relu":
        y = tl.maximum(y, 0.0)
    if MAP == "elu":
        # elu(x) + 1 is exp(x) below zero; the minimum keeps exp from overflowing where unused.
        y = tl.where(y > 0, y + 1.0, tl.exp(tl.minimum(y, 0.0)))
    if MAP == "hedgehog":
        lower = (tl.arange(0, BLOCK_F) < BLOCK_F // 2)[None, :]
        y = tl.where(lower, y, -y)
        y = tl.where(exists[None, :], y, float("-inf"))
        top_a = tl.max(tl.where(lower, y, float("-inf")), 1)
        top_b = tl.max(tl.where(lower, float("-inf"), y), 1)
        y = tl.exp(y - tl.where(lower, top_a[:, None], top_b[:, None]))
        sum_a = tl.sum(tl.where(lower, y, 0.0), 1)
        sum_b = tl.sum(tl.where(lower, 0.0, y), 1)
        y = y / tl.where(lower, sum_a[:, None], sum_b[:, None])
    return tl.where(exists[None, :], y, 0.0)


@triton.jit
def pre_activations(
    base, stride, t, t_ok, w, b, w_tile, column, exists, row,
    D: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, HOIST: tl.constexpr, PRECISION: tl.constexpr, dtype: tl.constexpr,
):  # fmt: skip
    """W x + b [C, BLOCK_F] in float32 for a map with weights, x itself for one without.

    w_tile is W in registers already where HOIST, so that a loop over chunks loads it once.
    """
    if MAP == "relu" or MAP == "hedgehog":
        d = tl.arange(0, BLOCK_D)
        y = tl.zeros((BLOCK_C, BLOCK_F), tl.float32)
        if HOIST:
            x = load_rows(base, stride, t, t_ok, d, d < D, dtype)
            y = tl.dot(x, tl.trans(w_tile), y, input_precision=PRECISION)
        else:
            for first in tl.static_range(0, D, BLOCK_D):
                x = load_rows(base, stride, t, t_ok, first + d, first + d < D, dtype)
                weight = load_weight(w, row, exists, first, D, BLOCK_D, dtype)
                y = tl.dot(x, tl.trans(weight), y, input_precision=PRECISION)
        y += tl.load(b + row, mask=exists, other=0.0).to(tl.float32)[None, :]
    else:
        y = load_rows(base, stride, t, t_ok, column, exists, tl.float32)
    return y


@triton.jit
def features(
    base, stride, t, t_ok, w, b, w_tile, column, exists, row,
    D: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, HOIST: tl.constexpr, PRECISION: tl.constexpr, dtype: tl.constexpr,
):  # fmt: skip
    """phi [C, BLOCK_F] of the rows t in the operand dtype, zero in rows where not t_ok."""
    y = pre_activations(
        base, stride, t, t_ok, w, b, w_tile, column, exists, row,
        D, BLOCK_C, BLOCK_F, BLOCK_D, MAP, HOIST, PRECISION, dtype,
    )  # fmt: skip
    return tl.where(t_ok[:, None], activate(y, exists, MAP, BLOCK_F), 0.0).to(dtype)


@triton.jit
def operand(x, dtype: tl.constexpr):
    """x as an operand of a matrix product, and the factor that was taken out of it.

    A long sum can pass float16's largest number (65,504), so there it is scaled by its largest
    element; bfloat16 and float32 have the range.
    """
    scale = 1.0
    if dtype == tl.float16:
        scale = tl.max(tl.max(tl.abs(x), 1), 0)
        scale = tl.where(scale > 0, scale, 1.0)
        x = x / scale
    return x.to(dtype), scale


@triton.jit
def span(cu_seqlens, lane, segment, tokens, segment_tokens, G: tl.constexpr, VARLEN: tl.constexpr):
    """A program's batch row, kv head, and tokens [begin, end), absolute in the row; and the row's
    own first token."""
    sequence = lane // G
    if VARLEN:
        row = 0
        first = tl.load(cu_seqlens + sequence).to(tl.int32)
        last = tl.load(cu_seqlens + sequence + 1).to(tl.int32)
    else:
        row = sequence
        first = 0
        last = tokens
    begin = first + segment * segment_tokens
    end = tl.minimum(begin + segment_tokens, last)
    return row, lane % G, begin, end
