"""The Python peer of the row import.cpu: time to import torch in a new process."""

import json
import time

start = time.perf_counter()
import torch  # noqa: E402

milliseconds = (time.perf_counter() - start) * 1000
print(json.dumps({"milliseconds": milliseconds, "libraryLoaded": torch.ones(1).item() == 1}))
