"""The network over packed tokens (see `serve.packing`), as an ONNX graph."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from serve.network import StanceNetwork
from serve.packing import PACKED_INPUTS, pack
from train.export import write_graph

#: What transformers calls the attention below.
_ATTENTION: Final = "packed"
#: Added to the score of what is not to be seen; exp gives 0 for it.
_UNSEEN: Final = -1e9
#: Three sentences to try out an encoder with; no size of what is made of them is that of another, or 1, which the
#: exporter would take for fixed.
_LENGTHS: Final = np.array([16, 12, 9])
_MASK: Final = (np.arange(16) < _LENGTHS[:, None]).astype(np.int64)
_IDS: Final = np.arange(_MASK.size).reshape(_MASK.shape) % 13 + 5


class _Packing(NamedTuple):
    """What attention has to know of the tokens that it is given."""

    slots: Tensor
    places: Tensor
    unseen: Tensor
    """Added to the scores, shape (rows, 1, width, width)."""


class PackedNetwork(nn.Module):
    """`network` with packed tokens for its input; its encoder's attention has to be `packed`."""

    def __init__(self, network: StanceNetwork) -> None:
        super().__init__()
        self.network = network
        embeddings = getattr(network.encoder, "embeddings", None)
        # RoBERTa and its kin count positions from behind the padding token's.
        counts_from = hasattr(embeddings, "create_position_ids_from_input_ids")
        self._first = int(embeddings.padding_idx) + 1 if embeddings is not None and counts_from else 0

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor,
        slots: Tensor,
        segments: Tensor,
        places: Tensor,
        cells: Tensor,
        attention_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Score a batch, given as by `serve.packing.pack`.

        Returns:
            Stance logits of shape (sentences, 4) and role logits of shape (sentences, length, 7).
        """
        unseen = (segments[:, :, None] != segments[:, None, :]).to(torch.float32) * _UNSEEN
        packed = self.network.encoder(
            input_ids=input_ids.unsqueeze(0),
            position_ids=(positions + self._first).unsqueeze(0),
            packing=_Packing(slots, places, unseen[:, None]),
        ).last_hidden_state[0]
        hidden = packed.index_select(0, cells.flatten()).view(*cells.shape, -1)
        return self.network.heads(hidden, attention_mask)


def can_be_packed(network: StanceNetwork) -> bool:
    """Whether the encoder answers as it should on packed tokens; those with positions of another kind do not."""
    mask = torch.from_numpy(_MASK)
    # Some encoders count positions by what is no padding.
    ids = torch.from_numpy(_IDS).masked_fill(mask == 0, network.encoder.config.pad_token_id or 0)
    packed = map(torch.from_numpy, pack(_IDS, _MASK).values())
    before = network.encoder.config._attn_implementation
    try:
        network.encoder.set_attn_implementation(_ATTENTION)
        with torch.inference_mode():
            stance, roles = PackedNetwork(network.eval())(*packed)
        network.encoder.set_attn_implementation("eager")
        with torch.inference_mode():
            expected, expected_roles = network(ids, mask)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):  # whatever an encoder says to it
        return False
    finally:
        network.encoder.set_attn_implementation(before)
    seen = mask.bool()
    pairs = ((stance, expected), (roles[seen], expected_roles[seen]))
    return all(torch.allclose(found, wanted, rtol=1e-3, atol=1e-4) for found, wanted in pairs)


def export_packed(network: StanceNetwork, file: Path) -> None:
    """Write `network`, which can be packed, to `file` as one ONNX graph with `PACKED_INPUTS`."""
    example = tuple(map(torch.from_numpy, pack(_IDS, _MASK).values()))
    tokens, rows, width, sentences, length = map(torch.export.Dim, ("tokens", "rows", "width", "sentences", "length"))
    of_tokens, of_slots, of_cells = {0: tokens}, {0: rows, 1: width}, {0: sentences, 1: length}
    shapes = (of_tokens, of_tokens, of_slots, of_slots, of_tokens, of_cells, of_cells)
    write_graph(network, PackedNetwork(network), _ATTENTION, example, PACKED_INPUTS, shapes, file)


def _packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    packing: _Packing,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention among the tokens of one sentence, for transformers' encoders.

    Query, key and value have the shape (1, heads, tokens, width of a head), what is returned (1, tokens, heads, width).
    """
    if attention_mask is not None or sliding_window is not None:
        raise ValueError("an attention mask of the encoder's own has no place on packed tokens")
    slots, places = packing.slots, packing.places
    rows, slots_of_a_row = slots.shape
    heads, width = query.shape[1], query.shape[3]
    # Every head's part of every slot is fetched from where it is, so nothing has to be transposed.
    head = torch.arange(heads)
    parts = (slots[:, None] * heads + head[:, None]).flatten()

    def in_rows(packed: Tensor) -> Tensor:
        return packed[0].transpose(0, 1).flatten(0, 1).index_select(0, parts).view(rows, heads, slots_of_a_row, width)

    scores = torch.matmul(in_rows(query), in_rows(key).transpose(2, 3)) * scaling + packing.unseen
    found = torch.matmul(torch.softmax(scores, dim=-1), in_rows(value))
    row = torch.div(places, slots_of_a_row, rounding_mode="floor")
    first = row * heads * slots_of_a_row + places - row * slots_of_a_row
    parts_of_tokens = (first[:, None] + head * slots_of_a_row).flatten()
    packed = found.flatten(0, 2).index_select(0, parts_of_tokens)
    return packed.view(1, places.shape[0], heads, width), None


AttentionInterface.register(_ATTENTION, _packed_attention)
