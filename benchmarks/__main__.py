"""Measure planes and descent beside peers and print the ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["COURSE_PROGRESS"] = "0"

import keras
import numpy as np
import tensorflow as tf

from benchmarks.cases import CASES, Case
from course_utils import planes
from course_utils.descent import descend
from course_utils.surfaces import Surface

THREADS = int(os.environ.get("THREADS", "2"))
BUILD = Path("build/bench")
PEER_PYTHON = Path("build/bench-venv/bin/python")
PEERS = ("loss-landscapes", "Landscaper")
OPTIMIZERS = ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "AdamW")


def model_of(case: Case) -> keras.Model:
    """Build the network of a case in Keras."""
    layers = [keras.Input(case.data()[0].shape[1:])]
    for channels in case.channels[1:]:
        layers.append(keras.layers.Conv2D(channels, 3, padding="same", activation="relu"))
        layers.append(keras.layers.MaxPooling2D())
    if case.channels:
        layers.append(keras.layers.Flatten())
    units = case.units[1:] or (10,)
    layers += [keras.layers.Dense(size, "relu") for size in units[:-1]] + [keras.layers.Dense(units[-1])]
    model = keras.Sequential(layers)
    model.set_weights(case.weights())
    return model


def ours(case: Case, model: keras.Model) -> tuple[float, planes.Plane]:
    """Return the seconds for a plane of our own, tracing and compilation included."""
    inputs, labels = case.data()
    start = time.perf_counter()
    plane = planes.Plane(
        model, inputs, labels, LOSS, case.directions(), domain=(0, case.steps - 1), name=case.name
    )
    plane.grid(case.steps)
    return time.perf_counter() - start, plane


LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def naive(case: Case, model: keras.Model, plane: planes.Plane) -> tuple[float, float]:
    """Return the seconds of ``set_weights`` and ``evaluate`` for a grid, and the largest difference.

    Some points are timed and the time is scaled to the grid; the first, which traces, is left out.
    """
    inputs, labels = case.data()
    model.compile(loss=LOSS)
    axis = np.arange(case.steps, dtype=np.float32)
    places = [(axis[i], axis[-1 - i]) for i in range(case.naive_points + 1)]
    losses = []
    for index, (x, y) in enumerate(places):
        if index == 1:
            start = time.perf_counter()
        model.set_weights(
            [w + x * a + y * b for w, a, b in zip(case.weights(), *case.directions(), strict=True)]
        )
        losses.append(model.evaluate(inputs, labels, batch_size=case.examples, verbose=0))
    seconds = (time.perf_counter() - start) / case.naive_points * case.steps**2
    model.set_weights(case.weights())
    values = plane(np.array(places))
    return seconds, float(np.max(np.abs(values / np.array(losses) - 1)))


def peer(case: Case, name: str) -> tuple[float, np.ndarray] | None:
    """Return the seconds and losses of a peer, or None if it cannot be run."""
    BUILD.mkdir(parents=True, exist_ok=True)
    inputs, labels = case.data()
    weights, (first, second) = case.weights(), case.directions()
    path = BUILD / "case.npz"
    arrays = {
        f"{letter}{index}": array
        for letter, listed in (("w", weights), ("d", first), ("e", second))
        for index, array in enumerate(listed)
    }
    numbers = {
        "count": len(weights),
        "steps": case.steps,
        "convolutions": max(0, len(case.channels) - 1),
    }
    np.savez(path, inputs=inputs, labels=labels, **arrays, **numbers)
    script = Path(__file__).with_name("peers.py")
    done = subprocess.run(
        [str(PEER_PYTHON), str(script), str(path), name, str(THREADS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{name} did not run: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])["seconds"], np.load(path.with_suffix(f".{name}.npy"))


def agreement(case: Case, name: str, losses: np.ndarray, plane: planes.Plane) -> float:
    """Return the largest relative difference from a peer where the peer is right.

    loss-landscapes moves before it evaluates: its even columns hold the points (i, j + 1), its odd ones
    (i, j). Landscaper scales each direction by variable and as a whole; it adds noise to the largest loss,
    which is left out here.
    """
    steps = np.arange(case.steps)
    if name == "loss-landscapes":
        points = np.array([[(i, j + (i % 2 == 0)) for j in steps] for i in steps], np.float32)
        wanted = plane(points)
    else:
        size = np.sqrt(sum(np.sum(w.astype(float) ** 2) for w in case.weights()))
        pair = []
        for direction in case.directions():
            scaled = [d * np.sqrt(d.size) / np.linalg.norm(d) for d in direction]
            length = np.sqrt(sum(np.sum(d.astype(float) ** 2) for d in scaled))
            pair.append([d * (size * 0.1 / (case.steps / 2) / length) for d in scaled])
        middle = case.steps // 2
        around = planes.Plane(plane.model, *case.data(), LOSS, pair, reach=middle)
        wanted = around.grid(case.steps)[2].T
    difference = np.abs(losses / wanted - 1)
    difference[losses == losses.max()] = 0
    return float(difference.max())


def report(name: str, seconds: float, own: float, error: float) -> None:
    """Print a row; our own seconds are those of a run right after the other's, on an equally busy machine."""
    print(
        f"  {name:16} {seconds:8.2f} s, ours {own:6.2f} s: {seconds / own:7.1f} ×  values within {error:.0e}",
        flush=True,
    )


def rosenbrock(points: tf.Tensor) -> tf.Tensor:
    """Return Rosenbrock's function of points (n, 2)."""
    x, y = points[:, 0], points[:, 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def optimizers(steps: int = 1000, timed: int = 50) -> tuple[float, float]:
    """Return seconds of eight optimizers by ``descend``, and by an eager loop (some steps, scaled)."""
    surface = Surface(rosenbrock, ((-2, 2), (-1, 3)), start=(-1.2, 1.0))
    start = time.perf_counter()
    for name in OPTIMIZERS:
        descend(surface, getattr(keras.optimizers, name)(1e-3), steps=steps)
    compiled = time.perf_counter() - start
    eager = 0.0
    for name in OPTIMIZERS:
        optimizer, place = getattr(keras.optimizers, name)(1e-3), keras.Variable([-1.2, 1.0])
        optimizer.build([place])
        start = time.perf_counter()
        for _ in range(timed):
            with tf.GradientTape() as tape:
                loss = rosenbrock(place.value[tf.newaxis])[0]
            optimizer.apply([tape.gradient(loss, place.value)], [place])
            float(loss)
        eager += (time.perf_counter() - start) * steps / timed
    return compiled, eager


def main(chosen: list[str]) -> None:
    """Print a table for each case whose name contains one of the words given, or for all."""
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    print(f"Seconds for a plane, {THREADS} threads, load {os.getloadavg()[0]:.1f}; ratios to course_utils")
    if not PEER_PYTHON.exists():
        print("The peers are not installed: only Keras itself is compared.")
    for case in CASES:
        if chosen and not any(word in case.name for word in chosen):
            continue
        model = model_of(case)
        seconds, plane = ours(case, model)
        print(f"\n{case.name}, {case.steps}×{case.steps} points", flush=True)
        print(f"  course_utils     {seconds:8.2f} s", flush=True)
        for name in PEERS if PEER_PYTHON.exists() else ():
            found = peer(case, name)
            if found is not None:
                report(name, found[0], ours(case, model)[0], agreement(case, name, found[1], plane))
        slow, error = naive(case, model, plane)
        report("Keras by points", slow, ours(case, model)[0], error)
    if not chosen or "descent" in chosen:
        compiled, eager = optimizers()
        print(
            f"\nEight optimizers, 1000 steps on Rosenbrock\n  descend          {compiled:8.2f} s\n"
            f"  eager loop       {eager:8.2f} s  {eager / compiled:7.1f} ×"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
