"""The network: one encoder with a head for the stance of the sentence and a head for the roles of its tokens."""

import torch
from torch import Tensor, nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel

from labels.scheme import BIO_TAGS, STANCES


class StanceNetwork(nn.Module):
    """Encoder, stance head over the mean of the token vectors, role head over each token vector.

    The role head sees the sentence's mean vector too, for what is a source depends on the act.
    """

    def __init__(self, encoder: PreTrainedModel, dropout: float = 0.1) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        if getattr(encoder, "pooler", None) is not None:
            # The heads read the token vectors, so a pooler would be saved and moved for nothing.
            del encoder.pooler
            encoder.register_module("pooler", None)
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.stance_head = nn.Linear(2 * width, len(STANCES))
        self.role_head = nn.Linear(2 * width, len(BIO_TAGS))

    @classmethod
    def from_config(cls, config: PretrainedConfig) -> "StanceNetwork":
        """A network of random weights, to be loaded or trained."""
        return cls(AutoModel.from_config(config))  # type: ignore[no-untyped-call]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Score a batch.

        Args:
            input_ids: token ids, shape (batch, tokens).
            attention_mask: 1 for a token and 0 for padding, shape (batch, tokens).

        Returns:
            Stance logits of shape (batch, 4) and role logits of shape (batch, tokens, 7).
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.heads(hidden, attention_mask)

    def heads(self, hidden: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """The logits that `forward` gives, of the encoder's token vectors of shape (batch, tokens, width)."""
        mask = attention_mask.to(hidden.dtype)
        # As a product, and the stance head as a sum: the other way round, runtimes add up one sentence in another order
        # than several, which changes the last bit.
        mean = torch.bmm(mask.unsqueeze(1), hidden).squeeze(1) / mask.sum(dim=1, keepdim=True)
        pooled = torch.cat([hidden[:, 0], mean], dim=-1)
        context = mean.unsqueeze(1).expand_as(hidden)
        head = self.stance_head
        # The sum keeps its axis until it is taken, for OpenVINO (2026.4) otherwise adds one class's bias to all four.
        stance_logits = (self.dropout(pooled).unsqueeze(1) * head.weight).sum(dim=-1, keepdim=True).squeeze(
            -1
        ) + head.bias
        role_logits: Tensor = self.role_head(self.dropout(torch.cat([hidden, context], dim=-1)))
        return stance_logits, role_logits
