"""The ConvNet that examples/train-convnet.ts trains: an untrained MNIST-size classifier, exported for inference.

    python -m tools.reference.digit_convnet

`images` [batch, 1, 28, 28] to `logits` [batch, 10]; 9,098 weights as PyTorch draws them. Both exporters, a free batch.
"""

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "examples"


def convnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(784, 10),
    ).eval()


def main() -> None:
    torch.manual_seed(11)
    module = convnet()
    images = torch.randn(2, 1, 28, 28)
    names = {"input_names": ["images"], "output_names": ["logits"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (images,),
            OUT / "convnet-torchscript.onnx",
            dynamo=False,
            opset_version=14,
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
            **names,
        )
        program = torch.onnx.export(
            module,
            (images,),
            dynamo=True,
            opset_version=20,
            verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            **names,
        )
    model = program.model_proto
    # The exporter records where on its machine each node came from.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(model, OUT / "convnet-dynamo.onnx")


if __name__ == "__main__":
    main()
