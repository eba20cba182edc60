"""Speed of ml_dtypes (pip install ml_dtypes numpy), for bench/num --peer 'python3 bench/peers/run_ml_dtypes.py'."""
import time

import ml_dtypes
import numpy


def best(run, n):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return n / min(times) * 1e-9


x = numpy.random.default_rng(1).standard_normal(1 << 22, dtype=numpy.float32)
name = "ml_dtypes-" + ml_dtypes.__version__
print("encode_e4m3fn", name, best(lambda: x.astype(ml_dtypes.float8_e4m3fn), x.size))
print("qdq_e4m3fn", name, best(lambda: x.astype(ml_dtypes.float8_e4m3fn).astype(numpy.float32), x.size))
print("encode_bf16", name, best(lambda: x.astype(ml_dtypes.bfloat16), x.size))
