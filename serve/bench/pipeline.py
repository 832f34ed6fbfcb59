"""The yardstick: the model behind `transformers.pipeline`, as a fine-tuned classifier is usually run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast, TextClassificationPipeline
from transformers.modeling_outputs import SequenceClassifierOutput

from labels.scheme import STANCES, Stance
from serve.network import StanceNetwork
from serve.weights import load


class _Classifier(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The network as the class that a text classification pipeline takes; roles are computed and left aside."""

    config_class = PretrainedConfig
    # The encoder within computes attention as its configuration says, which transformers asks of this class.
    _supports_sdpa = True

    def __init__(self, config: PretrainedConfig, network: StanceNetwork) -> None:
        super().__init__(config)
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=self.network(input_ids, attention_mask)[0])


class _Pipeline(TextClassificationPipeline):
    def check_model_type(self, supported_models: object) -> None:
        """Says nothing of all the classes that `_Classifier` is not."""


class PipelineSystem:
    """Labels by a pipeline, one by one or in batches as the sentences come."""

    def __init__(self, folder: Path, batch_size: int, threads: int) -> None:
        torch.set_num_threads(threads)
        saved = load(folder)
        config = saved.network.encoder.config
        config.id2label = {number: str(stance) for number, stance in enumerate(STANCES)}
        config.label2id = {str(stance): number for number, stance in enumerate(STANCES)}
        tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_object=saved.tokenizer,
            pad_token="[PAD]",  # noqa: S106 - a token, no secret
            model_max_length=saved.manifest.max_length,
        )
        model = _Classifier(config, saved.network.eval())
        self._pipeline = _Pipeline(model=model, tokenizer=tokenizer, device="cpu")  # type: ignore[no-untyped-call]
        self._batch_size = batch_size

    def labels(self, sentences: Sequence[str]) -> list[Stance]:
        """The label of each sentence, in order."""
        answers = self._pipeline(list(sentences), batch_size=self._batch_size, truncation=True)
        return [answer["label"] for answer in answers]
