"""The Python peer of the row neighbour.p50: the same archive, frozen, with the defaults of a Python process.

Argument: JSON {archive, input, node, busy, seconds, phases, threads}. Prints JSON {quiet, busy, logits, threads} with
latencies in ms.
"""

import json
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy
import torch


@contextmanager
def neighbour(options):
    process = subprocess.Popen([options["node"], options["busy"]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(run, seconds):
    latencies = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(latencies) < 5:
        start = time.perf_counter()
        run()
        latencies.append((time.perf_counter() - start) * 1000)
    return latencies


def main():
    options = json.loads(sys.argv[1])
    if torch.get_num_threads() != options["threads"]:
        torch.set_num_threads(options["threads"])
    module = torch.jit.freeze(torch.jit.load(options["archive"]).eval())
    image = torch.from_numpy(numpy.fromfile(options["input"], dtype=numpy.float32).reshape(options["shape"]))

    def run():
        return module(image).numpy()

    quiet, busy = [], []
    with torch.inference_mode():
        for _ in range(5):
            logits = run()
        for _ in range(options["phases"]):
            quiet += measure(run, options["seconds"])
            with neighbour(options):
                busy += measure(run, options["seconds"])
    print(json.dumps({"quiet": quiet, "busy": busy, "logits": logits.flatten().tolist()}))


main()
