"""Which tokens are real and which are padding, read off transformers' attention masks.

Dimension letters: B batch, T tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor


def valid_tokens(mask: Tensor | None, queries: int) -> Tensor | None:
    """Which of the last `queries` tokens are real, [B, T] bool, read off an attention mask.

    A token may always attend to itself unless it is padding: the mask's diagonal says so for full
    and sliding-window masks alike, where the last row would not.
    """
    if mask is None:
        return None
    if mask.dim() == 2:
        valid = mask[:, -queries:].bool()
    else:
        own = mask[:, 0].diagonal(offset=mask.shape[-1] - queries, dim1=-2, dim2=-1)
        valid = own if own.dtype == torch.bool else own == 0
    return None if bool(valid.all()) else valid
