"""The peers, in PyTorch: run in an environment of their own, ``python peers.py FILE.npz PEER``.

Prints one line of JSON with the seconds, and stores the losses beside the file.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import json
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch


def network(arrays: list[np.ndarray], convolutions: int) -> torch.nn.Sequential:
    """Build the network of a case from Keras' weights."""
    layers: list[torch.nn.Module] = []
    pairs = list(zip(arrays[::2], arrays[1::2], strict=True))
    for index, (kernel, bias) in enumerate(pairs):
        if index < convolutions:
            layer = torch.nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
            turned = kernel.transpose(3, 2, 0, 1)
            after = [torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
        else:
            layer = torch.nn.Linear(*kernel.shape)
            turned = kernel.T
            if index == convolutions and convolutions:
                # Keras flattens rows, columns, channels; PyTorch channels, rows, columns.
                turned = turned.reshape(len(turned), 7, 7, -1).transpose(0, 3, 1, 2).reshape(len(turned), -1)
                layers.append(torch.nn.Flatten())
            after = [torch.nn.ReLU()] if index < len(pairs) - 1 else []
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(np.ascontiguousarray(turned)))
            layer.bias.copy_(torch.tensor(bias))
        layers += [layer, *after]
    return torch.nn.Sequential(*layers)


def loss_landscapes(file: dict[str, np.ndarray], nets: list[torch.nn.Sequential], data: tuple) -> tuple:
    """Evaluate the plane between three networks by loss-landscapes."""
    import loss_landscapes as peer
    from loss_landscapes.metrics import Loss

    metric = Loss(torch.nn.functional.cross_entropy, *data)
    start = time.perf_counter()
    losses = peer.planar_interpolation(*nets, metric, int(file["steps"]))
    return time.perf_counter() - start, losses


def landscaper(file: dict[str, np.ndarray], nets: list[torch.nn.Sequential], data: tuple) -> tuple:
    """Evaluate a plane by Landscaper, which scales the directions itself: they are handed back."""
    # The package imports libraries of topology that this measurement does not need: take its module alone.
    package = types.ModuleType("landscaper")
    package.__path__ = list(importlib.util.find_spec("landscaper").submodule_search_locations)
    sys.modules["landscaper"] = package
    from landscaper.compute import compute_loss_landscape

    start_net = nets[0]
    pair = [
        [b.detach() - a.detach() for a, b in zip(start_net.parameters(), net.parameters(), strict=True)]
        for net in nets[1:]
    ]
    steps = int(file["steps"])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        start = time.perf_counter()
        losses, _ = compute_loss_landscape(
            start_net,
            data,
            copy.deepcopy(pair),
            lambda net, both: torch.nn.functional.cross_entropy(net(both[0]), both[1]).item(),
            steps=steps,
            distance=0.1,
            dim=2,
            device="cpu",
        )
        seconds = time.perf_counter() - start
    return seconds, losses


def main() -> None:
    """Measure one peer on one case."""
    path, name = Path(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(int(sys.argv[3]))
    file = dict(np.load(path))
    count, convolutions = int(file["count"]), int(file["convolutions"])
    arrays = [file[f"w{index}"] for index in range(count)]
    steps = int(file["steps"])
    nets = [network(arrays, convolutions)]
    for letter in "de":
        # A plane from the first network to the others, one step a direction.
        nets.append(
            network([array + steps * file[f"{letter}{i}"] for i, array in enumerate(arrays)], convolutions)
        )
    inputs = file["inputs"].transpose(0, 3, 1, 2) if convolutions else file["inputs"]
    data = (torch.tensor(np.ascontiguousarray(inputs)), torch.tensor(file["labels"]))
    peers = {"loss-landscapes": loss_landscapes, "Landscaper": landscaper}
    seconds, losses = peers[name](file, nets, data)
    np.save(path.with_suffix(f".{name}.npy"), losses)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
