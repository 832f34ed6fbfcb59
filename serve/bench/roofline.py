"""What this machine could do at best: its rate of matrix products, and how many a sentence needs."""

import statistics
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

#: Rows of a batch of the tagger's token budget.
_ROWS: Final = 1024
_REPEATS: Final = 30


@dataclass(frozen=True)
class Roofline:
    """Rates in operations per second, a multiplication and an addition being two."""

    float32: float
    int8: float
    operations_per_sentence: float

    def share(self, sentences_per_second: float, int8: bool) -> float:
        """How much of the machine's rate a system reaches."""
        return sentences_per_second * self.operations_per_sentence / (self.int8 if int8 else self.float32)


def measure(encoder: dict[str, Any], mean_tokens: float, threads: int) -> Roofline:
    """Measure the products of the widest layer, in ONNX Runtime as the tagger uses it.

    Args:
        encoder: the encoder's config.json.
        mean_tokens: of the sentences that are tagged.
        threads: how many compute.
    """
    width, inner = int(encoder["hidden_size"]), int(encoder["intermediate_size"])
    operations = 2.0 * _ROWS * width * inner
    return Roofline(
        float32=operations / _seconds(_float32_product(width, inner), threads, width),
        int8=operations / _seconds(_int8_product(width, inner), threads, width),
        operations_per_sentence=operations_per_sentence(encoder, mean_tokens),
    )


def operations_per_sentence(encoder: dict[str, Any], tokens: float) -> float:
    """Operations in the matrix products of one sentence: projections, feed-forward layers and attention."""
    width, inner, layers = (int(encoder[key]) for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    per_layer = 2 * tokens * (4 * width * width + 2 * width * inner) + 4 * tokens * tokens * width
    return layers * per_layer


def _seconds(model: bytes, threads: int, width: int) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    kind = np.uint8 if session.get_inputs()[0].type == "tensor(uint8)" else np.float32
    rows = np.random.default_rng(0).integers(0, 200, (_ROWS, width)).astype(kind)
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        session.run(None, {"rows": rows})
        times.append(time.perf_counter() - start)
    # The best that it can do is asked for, and other work on the machine only ever slows it.
    return min(statistics.median(times), *sorted(times)[:3])


def _float32_product(width: int, inner: int) -> bytes:
    weights = np.random.default_rng(1).normal(size=(width, inner)).astype(np.float32)
    product = helper.make_node("MatMul", ["rows", "weights"], ["product"])
    return _graph([product], TensorProto.FLOAT, {"weights": weights})


def _int8_product(width: int, inner: int) -> bytes:
    # In this form it is computed as one product of bytes; `MatMulInteger` by itself is half as fast.
    constants: dict[str, np.ndarray[Any, Any]] = {
        "bytes": np.random.default_rng(1).integers(-60, 60, (width, inner)).astype(np.int8),
        "scales": np.full(inner, 0.01, np.float32),
        "zeros": np.zeros(inner, np.int8),
        "scale": np.array(0.02, np.float32),
        "zero": np.array(100, np.uint8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["rows", "scale", "zero"], ["real"]),
        helper.make_node("DequantizeLinear", ["bytes", "scales", "zeros"], ["weights"], axis=1),
        helper.make_node("MatMul", ["real", "weights"], ["product"]),
    ]
    return _graph(nodes, TensorProto.UINT8, constants)


def _graph(nodes: list[NodeProto], takes: int, constants: dict[str, np.ndarray[Any, Any]]) -> bytes:
    width, inner = next(iter(constants.values())).shape
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("rows", takes, [_ROWS, width])],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, [_ROWS, inner])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    serialised: bytes = model.SerializeToString()
    return serialised
