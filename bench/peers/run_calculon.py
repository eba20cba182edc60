"""Speed of Calculon (github.com/calculon-ai/calculon, with numpy and psutil), for
bench/perf --peer 'python3 bench/peers/run_calculon.py CALCULON'. CALCULON: its checkout."""
import json
import logging
import sys
import time

root = sys.argv[1]
sys.path.insert(0, root)
from calculon.llm import Llm  # noqa: E402
from calculon.system import System  # noqa: E402


def load(path):
    with open(f"{root}/{path}") as file:
        return json.load(file)


log = logging.getLogger()
log.setLevel(logging.CRITICAL)
app = Llm.Application(load("models/megatron-1T.json"))
system = System(load("systems/a100_80g.json"))
execution = load("examples/3072_t4_p64_d12_mbs4_full.json")
n, start = 0, time.process_time()
while time.process_time() - start < 3:
    model = Llm(app, log)
    model.compile(system, Llm.Execution.from_json(execution))
    model.run(system)
    n += 1
print("train", "calculon", n / (time.process_time() - start))
