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
def load_rows(
    base, stride, c, c_ok, column, exists,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, dtype: tl.constexpr,
):  # fmt: skip
    """A tile [C, BLOCK] of a chunk's rows that starts at base, zero where a row or a column does
    not exist.

    The caller moves base in 64 bits; offsets inside a chunk fit 32, which halves the registers
    that addresses take. Columns are tested only where WIDTH does not fill the tile.
    """
    at = base + (c[:, None] * stride + column[None, :])
    if WIDTH == BLOCK:
        mask = c_ok[:, None]
    else:
        mask = c_ok[:, None] & exists[None, :]
    return tl.load(at, mask=mask, other=0.0).to(dtype)


@triton.jit
def load_weight(
    w, row, exists, first,
    D: tl.constexpr, BLOCK_D: tl.constexpr, F: tl.constexpr, BLOCK_F: tl.constexpr,
    dtype: tl.constexpr,
):  # fmt: skip
    """Rows of W [rows, D] as a tile [BLOCK_F, BLOCK_D] that starts at column `first`."""
    d = tl.arange(0, BLOCK_D)
    at = w + first + (row[:, None] * D + d[None, :])
    if F == BLOCK_F and D % BLOCK_D == 0:
        return tl.load(at).to(dtype)
    return tl.load(at, mask=exists[:, None] & (first + d < D)[None, :], other=0.0).to(dtype)


@triton.jit
def activate(y, exists, MAP: tl.constexpr, F: tl.constexpr, BLOCK_F: tl.constexpr):
    """phi from pre-activations y [C, BLOCK_F] in float32; zero where no feature exists."""
    if MAP == "relu":
        y = tl.maximum(y, 0.0)
    if MAP == "elu":
        # elu(x) + 1 is exp(x) below zero; the minimum keeps exp from overflowing where unused.
        y = tl.where(y > 0, y + 1.0, tl.exp(tl.minimum(y, 0.0)))
    if MAP == "hedgehog":
        lower = (tl.arange(0, BLOCK_F) < BLOCK_F // 2)[None, :]
        y = tl.where(lower, y, -y)
        if F != BLOCK_F:
            y = tl.where(exists[None, :], y, float("-inf"))
        top_a = tl.max(tl.where(lower, y, float("-inf")), 1)
        top_b = tl.max(tl.where(lower, float("-inf"), y), 1)
        y = tl.exp(y - tl.where(lower, top_a[:, None], top_b[:, None]))
        sum_a = tl.sum(tl.where(lower, y, 0.0), 1)
        sum_b = tl.sum(tl.where(lower, 0.0, y), 1)
        y = y / tl.where(lower, sum_a[:, None], sum_b[:, None])
    if F != BLOCK_F:
        y = tl.where(exists[None, :], y, 0.0)
    return y


@triton.jit
def pre_activations(
    base, stride, c, c_ok, w, b, column, exists, row,
    D: tl.constexpr, F: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, dtype: tl.constexpr,
):  # fmt: skip
    """W x + b [C, BLOCK_F] in float32 for a map with weights, x itself for one without.

    W is read in every chunk, out of the cache: held, it would take registers that S needs.
    """
    if MAP == "relu" or MAP == "hedgehog":
        d = tl.arange(0, BLOCK_D)
        y = tl.zeros((BLOCK_C, BLOCK_F), tl.float32)
        # Not unrolled: the addresses of every part would be kept in registers.
        for first in range(0, D, BLOCK_D):
            x = load_rows(
                base + first, stride, c, c_ok, d, first + d < D,
                BLOCK_D if D % BLOCK_D == 0 else D, BLOCK_D, dtype,
            )  # fmt: skip
            weight = load_weight(w, row, exists, first, D, BLOCK_D, F, BLOCK_F, dtype)
            y = tl.dot(x, tl.trans(weight), y, input_precision=PRECISION)
        y += tl.load(b + row, mask=exists, other=0.0).to(tl.float32)[None, :]
    else:
        y = load_rows(base, stride, c, c_ok, column, exists, F, BLOCK_F, tl.float32)
    return y


@triton.jit
def features(
    base, stride, c, c_ok, w, b, column, exists, row,
    D: tl.constexpr, F: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, dtype: tl.constexpr,
):  # fmt: skip
    """phi [C, BLOCK_F] of a chunk's rows in the operand dtype, zero in rows where not c_ok."""
    y = pre_activations(
        base, stride, c, c_ok, w, b, column, exists, row,
        D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
    )  # fmt: skip
    y = activate(y, exists, MAP, F, BLOCK_F)
    return tl.where(c_ok[:, None], y, 0.0).to(dtype)


@triton.jit
def phi_vector(
    x, w, b, column, exists, row, D: tl.constexpr, F: tl.constexpr,
    BLOCK_F: tl.constexpr, BLOCK_D: tl.constexpr, MAP: tl.constexpr,
):  # fmt: skip
    """phi [1, BLOCK_F] of one head's vector at x, in float32 and without matrix products."""
    if MAP == "relu" or MAP == "hedgehog":
        y = tl.load(b + row, mask=exists, other=0.0).to(tl.float32)
        for first in range(0, D, BLOCK_D):
            d = first + tl.arange(0, BLOCK_D)
            part = tl.load(x + d, mask=d < D, other=0.0).to(tl.float32)
            weight = load_weight(w, row, exists, first, D, BLOCK_D, F, BLOCK_F, tl.float32)
            y += tl.sum(weight * part[None, :], 1)
    else:
        y = tl.load(x + column, mask=exists, other=0.0).to(tl.float32)
    return activate(y[None, :], exists, MAP, F, BLOCK_F)


@triton.jit
def through_activation(gradient, phi, there, MAP: tl.constexpr):
    """The gradient of pre-activations from that of ReLU's or ELU's phi, which lies at `phi`; any
    other map's as it is."""
    if MAP == "relu":
        gradient = tl.where(tl.load(phi, mask=there, other=0.0) > 0, gradient, 0.0)
    if MAP == "elu":
        # Above zero phi is x + 1 and the slope 1, below both are exp(x).
        gradient *= tl.minimum(tl.load(phi, mask=there, other=0.0).to(tl.float32), 1.0)
    return gradient


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
    """A program's batch row and kv head (64 bits), and its tokens [begin, end) in the row."""
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
    return tl.cast(row, tl.int64), (lane % G).to(tl.int64), begin, end


@triton.jit
def counted(valid_ptr, at, c, c_ok, HAS_VALID: tl.constexpr):
    """Which keys of a chunk, whose mask begins at element `at`, are no padding."""
    if HAS_VALID:
        c_ok = c_ok & (tl.load(valid_ptr + at + c, mask=c_ok, other=0) != 0)
    return c_ok
