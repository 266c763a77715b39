# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)
"""Triton kernels of the gradients: one each for phi(q), phi(k) and v.

With c_i the clamped denominator, E_ij = do_i.v_j + e_i and e_i = -do_i.out_i (0 where clamped):

    dphi(q)_i = 1/c_i ( sum_{j<=i} E_ij phi(k)_j + S_i do_i + z_i e_i )
    dphi(k)_j = sum_{i>=j} E_ij phi(q)_i / c_i + dS_j v_j + dz_j
    dv_j      = sum_{i>=j} (phi(q)_i.phi(k)_j / c_i) do_i + phi(k)_j dS_j

where S, z hold the chunks before and dS = sum phi(q)_i/c_i do_i^T, dz = sum phi(q)_i/c_i e_i the
chunks after. Derivation: docs/methods.md, "Gradients of the chunked form". Each kernel is the
forward's walk with other operands, and owns a slice of F (or, for dv, of V), so that its part of
the state stays small. The gradient is taken through ReLU and ELU here; through W and hedgehog's
softmaxes outside, where it is a plain matrix product.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, C chunk, D head dim, F feature dim,
V value dim. A lane is one (sequence, kv head). Strides are in elements.
"""

import triton
import triton.language as tl

from engine.kernels.linear_attention.fused_forward import load_state, store_state
from engine.kernels.linear_attention.fused_maps import (
    activate,
    counted,
    feature_columns,
    features,
    load_rows,
    operand,
    pre_activations,
    span,
)


@triton.jit
def through_map(gradient, y, MAP: tl.constexpr):
    """Gradient with respect to the pre-activations y."""
    if MAP == "relu":
        gradient = tl.where(y > 0, gradient, 0.0)
    if MAP == "elu":
        gradient = gradient * tl.where(y > 0, 1.0, tl.exp(tl.minimum(y, 0.0)))
    return gradient


@triton.jit
def shares(den_ptr, delta_ptr, row, c, c_ok, eps, dtype: tl.constexpr):
    """1/c_i, e_i and the largest 1/c_i of a chunk, which is taken out of operands: 1/c_i falls
    with the length of the past, below what float16 can hold."""
    den = tl.load(den_ptr + row + c, mask=c_ok, other=1.0)
    delta = tl.load(delta_ptr + row + c, mask=c_ok, other=0.0)
    share = tl.where(c_ok, 1.0 / tl.maximum(den, eps), 0.0)
    unit = 1.0
    if dtype == tl.float16:
        unit = tl.max(share, 0)
        unit = tl.where(unit > 0, unit, 1.0)
    return share, delta, unit


@triton.jit
def deltas(
    do_ptr, out_ptr, den_ptr, delta_ptr, do_b, do_h, do_t, o_b, o_h, o_t, tokens, eps,
    H: tl.constexpr, V: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_V: tl.constexpr,
):  # fmt: skip
    """e_i = -do_i.out_i [B, H, T] in float32: it cancels against E's other part, so it must not be
    rounded. Zero where the denominator was clamped and so is no function of anything."""
    head, start = tl.program_id(0).to(tl.int64), tl.program_id(1) * BLOCK_C
    b, h = head // H, head % H
    c, v = tl.arange(0, BLOCK_C), tl.arange(0, BLOCK_V)
    c_ok, v_ok = c < tokens - start, v < V
    at = start.to(tl.int64)
    do = load_rows(
        do_ptr + (b * do_b + h * do_h + at * do_t), do_t, c, c_ok, v, v_ok, V, BLOCK_V, tl.float32
    )
    out = load_rows(
        out_ptr + (b * o_b + h * o_h + at * o_t), o_t, c, c_ok, v, v_ok, V, BLOCK_V, tl.float32
    )
    den = tl.load(den_ptr + (head * tokens + at) + c, mask=c_ok, other=0.0)
    delta = tl.where(den >= eps, -tl.sum(do * out, 1), 0.0)
    tl.store(delta_ptr + (head * tokens + at) + c, delta, mask=c_ok)


@triton.jit
def query_gradient(
    q_ptr, k_ptr, v_ptr, w_ptr, b_ptr, valid_ptr, cu_seqlens, S0_ptr, z0_ptr,
    do_ptr, den_ptr, delta_ptr, dq_ptr,
    q_b, q_h, q_t, k_b, k_h, k_t, v_b, v_h, v_t, do_b, do_h, do_t, dq_b, dq_h, dq_t, S_row, z_row,
    tokens, segment_tokens, segments, eps,
    G: tl.constexpr, R: tl.constexpr, D: tl.constexpr, F: tl.constexpr, V: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, HAS_VALID: tl.constexpr, VARLEN: tl.constexpr,
    HAS_START: tl.constexpr,
):  # fmt: skip
    """dq's pre-activations [B, H, T, F] for one segment and slice of F, walking forwards."""
    dtype: tl.constexpr = v_ptr.dtype.element_ty
    lane, segment, f_block = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    b, g, begin, end = span(cu_seqlens, lane, segment, tokens, segment_tokens, G, VARLEN)
    column, exists, row = feature_columns(F, BLOCK_F, MAP, f_block * BLOCK_F)
    WIDE: tl.constexpr = BLOCK_F if F % BLOCK_F == 0 else F
    v_at = tl.arange(0, BLOCK_V)
    v_ok = v_at < V
    c = tl.arange(0, BLOCK_C)
    causal = c[:, None] >= c[None, :]
    w, bias = w_ptr + g * F * D, b_ptr + g * F
    entry = (lane * segments + segment).to(tl.int64)
    if HAS_START:
        S, z = load_state(S0_ptr, z0_ptr, entry, S_row, z_row, column, exists, v_at, v_ok, V)
    else:
        S = tl.zeros((BLOCK_F, BLOCK_V), tl.float32)
        z = tl.zeros((BLOCK_F,), tl.float32)
    for start in range(begin, end, BLOCK_C):
        at = tl.cast(start, tl.int64)
        c_ok = c < end - start
        k_ok = counted(valid_ptr, b * tokens + at, c, c_ok, HAS_VALID)
        phi_k = features(
            k_ptr + (b * k_b + g * k_h + at * k_t), k_t, c, k_ok, w, bias,
            column, exists, row, D, WIDE, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
        )  # fmt: skip
        v = load_rows(
            v_ptr + (b * v_b + g * v_h + at * v_t), v_t, c, k_ok, v_at, v_ok, V, BLOCK_V, dtype
        )
        S_operand, scale = operand(S, dtype)
        for r in range(R):
            h = g * R + r
            do = load_rows(
                do_ptr + (b * do_b + h * do_h + at * do_t), do_t, c, c_ok, v_at, v_ok,
                V, BLOCK_V, dtype,
            )  # fmt: skip
            share, delta, _ = shares(
                den_ptr, delta_ptr, (b * (G * R) + h) * tokens + at, c, c_ok, eps, dtype
            )
            E = tl.dot(do, tl.trans(v), input_precision=PRECISION) + delta[:, None]
            E = tl.where(causal, E, 0.0).to(dtype)
            gradient = tl.dot(do, tl.trans(S_operand), input_precision=PRECISION) * scale
            gradient = tl.dot(E, phi_k, gradient, input_precision=PRECISION)
            gradient = (gradient + delta[:, None] * z[None, :]) * share[:, None]
            if MAP != "identity":
                y = pre_activations(
                    q_ptr + (b * q_b + h * q_h + at * q_t), q_t, c, c_ok, w, bias,
                    column, exists, row, D, WIDE, BLOCK_C, BLOCK_F, BLOCK_D, MAP,
                    PRECISION, dtype,
                )  # fmt: skip
                gradient = through_map(gradient, y, MAP)
            to = dq_ptr + (b * dq_b + h * dq_h + at * dq_t)
            to += c[:, None] * dq_t + column[None, :]
            tl.store(to, gradient.to(dq_ptr.dtype.element_ty), mask=c_ok[:, None] & exists[None, :])
        S = tl.dot(tl.trans(phi_k), v, S, input_precision=PRECISION)
        z += tl.sum(phi_k.to(tl.float32), 0)


@triton.jit
def key_gradient(
    q_ptr, k_ptr, v_ptr, w_ptr, b_ptr, valid_ptr, cu_seqlens, dS_ptr, dz_ptr,
    do_ptr, den_ptr, delta_ptr, dk_ptr,
    q_b, q_h, q_t, k_b, k_h, k_t, v_b, v_h, v_t, do_b, do_h, do_t, dk_b, dk_h, dk_t, S_row, z_row,
    tokens, segment_tokens, segments, eps,
    G: tl.constexpr, R: tl.constexpr, D: tl.constexpr, F: tl.constexpr, V: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, HAS_VALID: tl.constexpr, VARLEN: tl.constexpr,
):  # fmt: skip
    """dk's pre-activations [B, G, T, F] for one segment and slice of F, walking backwards."""
    dtype: tl.constexpr = v_ptr.dtype.element_ty
    lane, segment, f_block = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    b, g, begin, end = span(cu_seqlens, lane, segment, tokens, segment_tokens, G, VARLEN)
    column, exists, row = feature_columns(F, BLOCK_F, MAP, f_block * BLOCK_F)
    WIDE: tl.constexpr = BLOCK_F if F % BLOCK_F == 0 else F
    v_at = tl.arange(0, BLOCK_V)
    v_ok = v_at < V
    c = tl.arange(0, BLOCK_C)
    causal = c[:, None] >= c[None, :]
    w, bias = w_ptr + g * F * D, b_ptr + g * F
    entry = (lane * segments + segment).to(tl.int64)
    dS, dz = load_state(dS_ptr, dz_ptr, entry, S_row, z_row, column, exists, v_at, v_ok, V)
    chunks = tl.cdiv(tl.maximum(end - begin, 0), BLOCK_C)
    for i in range(chunks):
        start = begin + (chunks - 1 - i) * BLOCK_C
        at = tl.cast(start, tl.int64)
        c_ok = c < end - start
        k_ok = counted(valid_ptr, b * tokens + at, c, c_ok, HAS_VALID)
        v = load_rows(
            v_ptr + (b * v_b + g * v_h + at * v_t), v_t, c, k_ok, v_at, v_ok, V, BLOCK_V, dtype
        )
        dS_operand, scale = operand(dS, dtype)
        gradient = tl.dot(v, tl.trans(dS_operand), input_precision=PRECISION) * scale + dz[None, :]
        for r in range(R):
            h = g * R + r
            do = load_rows(
                do_ptr + (b * do_b + h * do_h + at * do_t), do_t, c, c_ok, v_at, v_ok,
                V, BLOCK_V, dtype,
            )  # fmt: skip
            share, delta, unit = shares(
                den_ptr, delta_ptr, (b * (G * R) + h) * tokens + at, c, c_ok, eps, dtype
            )
            y = pre_activations(
                q_ptr + (b * q_b + h * q_h + at * q_t), q_t, c, c_ok, w, bias,
                column, exists, row, D, WIDE, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION,
                dtype,
            )  # fmt: skip
            scaled = activate(y, exists, MAP, WIDE, BLOCK_F) * (share / unit)[:, None]
            E = tl.dot(do, tl.trans(v), input_precision=PRECISION) + delta[:, None]
            E = tl.where(causal, E, 0.0).to(dtype)
            own = tl.dot(tl.trans(E), scaled.to(dtype), input_precision=PRECISION)
            gradient += own * unit
            step = tl.dot(tl.trans(scaled.to(dtype)), do, input_precision=PRECISION)
            dS += step * unit
            dz += tl.sum(scaled * delta[:, None], 0) * unit
        if MAP != "identity":
            y = pre_activations(
                k_ptr + (b * k_b + g * k_h + at * k_t), k_t, c, k_ok, w, bias,
                column, exists, row, D, WIDE, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION,
                dtype,
            )  # fmt: skip
            gradient = through_map(gradient, y, MAP)
        gradient = tl.where(k_ok[:, None], gradient, 0.0)
        to = dk_ptr + (b * dk_b + g * dk_h + at * dk_t) + c[:, None] * dk_t + column[None, :]
        tl.store(to, gradient.to(dk_ptr.dtype.element_ty), mask=c_ok[:, None] & exists[None, :])


@triton.jit
def value_gradient(
    q_ptr, k_ptr, v_ptr, w_ptr, b_ptr, valid_ptr, cu_seqlens, dS_ptr, dz_ptr,
    do_ptr, den_ptr, delta_ptr, dv_ptr,
    q_b, q_h, q_t, k_b, k_h, k_t, do_b, do_h, do_t, dv_b, dv_h, dv_t, S_row, z_row,
    tokens, segment_tokens, segments, eps,
    G: tl.constexpr, R: tl.constexpr, D: tl.constexpr, F: tl.constexpr, V: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, HAS_VALID: tl.constexpr, VARLEN: tl.constexpr,
    SUMS: tl.constexpr,
):  # fmt: skip
    """dv [B, G, T, V] for one segment and slice of V, walking backwards.

    With SUMS only what the segment adds to dS and dz, stored there; nothing is read from them.
    """
    dtype: tl.constexpr = v_ptr.dtype.element_ty
    lane, segment, v_block = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    b, g, begin, end = span(cu_seqlens, lane, segment, tokens, segment_tokens, G, VARLEN)
    column, exists, row = feature_columns(F, BLOCK_F, MAP, 0)
    v_at = v_block * BLOCK_V + tl.arange(0, BLOCK_V)
    v_ok = v_at < V
    WIDE: tl.constexpr = BLOCK_V if V % BLOCK_V == 0 else V
    c = tl.arange(0, BLOCK_C)
    causal = c[:, None] <= c[None, :]
    w, bias = w_ptr + g * F * D, b_ptr + g * F
    entry = (lane * segments + segment).to(tl.int64)
    dz = tl.zeros((BLOCK_F,), tl.float32)
    if SUMS:
        dS = tl.zeros((BLOCK_F, BLOCK_V), tl.float32)
    else:
        dS, _ = load_state(dS_ptr, dz_ptr, entry, S_row, z_row, column, exists, v_at, v_ok, V)
    chunks = tl.cdiv(tl.maximum(end - begin, 0), BLOCK_C)
    for i in range(chunks):
        start = begin + (chunks - 1 - i) * BLOCK_C
        at = tl.cast(start, tl.int64)
        c_ok = c < end - start
        if not SUMS:
            k_ok = counted(valid_ptr, b * tokens + at, c, c_ok, HAS_VALID)
            phi_k = features(
                k_ptr + (b * k_b + g * k_h + at * k_t), k_t, c, k_ok, w, bias,
                column, exists, row, D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
            )  # fmt: skip
            dS_operand, scale = operand(dS, dtype)
            gradient = tl.dot(phi_k, dS_operand, input_precision=PRECISION) * scale
        for r in range(R):
            h = g * R + r
            do = load_rows(
                do_ptr + (b * do_b + h * do_h + at * do_t), do_t, c, c_ok, v_at, v_ok,
                WIDE, BLOCK_V, dtype,
            )  # fmt: skip
            share, delta, unit = shares(
                den_ptr, delta_ptr, (b * (G * R) + h) * tokens + at, c, c_ok, eps, dtype
            )
            y = pre_activations(
                q_ptr + (b * q_b + h * q_h + at * q_t), q_t, c, c_ok, w, bias,
                column, exists, row, D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
            )  # fmt: skip
            scaled = activate(y, exists, MAP, F, BLOCK_F) * (share / unit)[:, None]
            if SUMS:
                dz += tl.sum(scaled * delta[:, None], 0) * unit
            scaled = scaled.to(dtype)
            if not SUMS:
                weights = tl.dot(phi_k, tl.trans(scaled), input_precision=PRECISION) * unit
                weights = tl.where(causal, weights, 0.0).to(dtype)
                gradient = tl.dot(weights, do, gradient, input_precision=PRECISION)
            step = tl.dot(tl.trans(scaled), do, input_precision=PRECISION)
            dS += step * unit
        if not SUMS:
            to = dv_ptr + (b * dv_b + g * dv_h + at * dv_t) + c[:, None] * dv_t + v_at[None, :]
            tl.store(to, gradient.to(dtype), mask=c_ok[:, None] & v_ok[None, :])
    if SUMS:
        store_state(
            dS_ptr, dz_ptr, entry, S_row, z_row, dS, dz, column, exists, v_at, v_ok, v_block, V
        )  # fmt: skip
