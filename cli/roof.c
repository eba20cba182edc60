/* The commands of ridge roof. */
#include "roof_commands.h"

const cli_command cli_roof_commands[] = {
    {.noun = "roof",
     .verb = "explain",
     .arguments = "MODEL CHIP",
     .min_arguments = 2,
     .max_arguments = 2,
     .summary = "bound and estimate the time of a prefill or a decode step on a chip, operator by operator",
     .details =
         "Each operator takes the longest of its matrix, vector and memory time; operators run one after "
         "the\n"
         "other. Weights move once per pass as stored, scales included; so does the KV cache. Activations\n"
         "between operators are not counted. native: the chip multiplies the formats as stored. "
         "dequantised:\n"
         "they are widened first, which saves bytes but runs at the rate of the wider type. hypothetical: "
         "the\n"
         "chip has no such unit, --set gave it one. Energy and cost: docs/energy.md. The bars are the part "
         "of\n"
         "the estimate. MODEL as in ridge model show, CHIP as in ridge hw list.",
     .example =
         "ridge roof explain llama-3.1-8b h100 --phase decode --batch 32 --context 8192 --policy "
         "w=mxfp4,a=mxfp8 -o page.html\n"
         "  llama-3.1-8b on NVIDIA H100 SXM (h100-sxm): one decode step, batch 32, context 8192, policy "
         "w=mxfp4,a=mxfp8\n"
         "\n"
         "  operator                  stored as      multiplied as           GFLOP          MB    bound ms   "
         " estimate  limited by         %\n"
         "  ...\n"
         "  self_attn.q_proj          mxfp4 x mxfp8  bf16, dequantised      34.360     285.213       0.085   "
         "    0.325  memory           2.1\n"
         "  ...\n"
         "  self_attn.attention       bf16 x bf16    bf16, native          138.785   34359.738      10.257   "
         "   11.732  memory          75.1 ###############\n"
         "  ...\n"
         "  mlp.down_proj             mxfp4 x mxfp8  bf16, dequantised     120.259     998.244       0.298   "
         "    0.593  memory           3.8 #\n"
         "  ...\n"
         "  total                                                          619.215   39118.971      11.679   "
         "   15.627  memory         100.0\n"
         "\n"
         "  bound   0.0116791 s per step, 2739.93 token/s at best, limited by memory (3.35 TB/s)\n"
         "  estimate 0.0156268 s, 80 % between 0.0142139 and 0.0189766 s; transferred; mostly memory\n"
         "  ...\n"
         "  memory  40.17 GB (weights 5.81 GB, KV cache 34.36 GB) of 80 GB: fits; up to 69 sequences of this "
         "length fit\n"
         "  ...\n"
         "\n"
         "  what +1 % buys          bound   estimate  time saved (by 1 % less of launch, latency)\n"
         "  memory.bandwidth       0.99 %     0.70 %\n"
         "  ...",
     .options = cli_roof_explain_options,
     .run = cli_roof_explain},
    {.noun = "roof",
     .verb = "prefill",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "time and memory of prompts on a system under a parallel layout",
     .details = "Parts of the estimate add up to it; exchanges are not hidden behind computation. With pp > "
                "1 prompts\n"
                "pass mbs at a time, and what stages wait for each other is part pp. Memory is that of the "
                "fullest chip.",
     .example = "ridge roof prefill llama-3.1-70b --system dgx-h100 --layout tp=8 --batch 4 --context 8192",
     .options = cli_roof_step_options,
     .run = cli_roof_prefill},
    {.noun = "roof",
     .verb = "decode",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "time and memory of a decode step on a system under a parallel layout",
     .details = "With pp > 1 the sequences of a replica pass in pp groups; the time is that of a round, in "
                "which each gets\n"
                "a token.",
     .example = "ridge roof decode deepseek-v3 --system dgx-h200 --layout tp=1,dp=32,ep=32 --batch 1024 "
                "--context 4096 \\\n"
                "      --policy 'w=e4m3fn(scale=row),a=e4m3fn(scale=row)'",
     .options = cli_roof_step_options,
     .run = cli_roof_decode},
    {.noun = "roof",
     .verb = "sweep",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "evaluate many configurations and print those that no other beats",
     .details = "FILE names a phase and values of models, systems, formats, layouts and batches; all "
                "combinations are\n"
                "evaluated (docs/sweep.md). Under mpirun the configurations are shared out; results are the "
                "same for\n"
                "any number of processes.",
     .example = "ridge roof sweep sweep.yaml -o results, where sweep.yaml is\n"
                "  phase: decode\n"
                "  model: llama-3.1-70b\n"
                "  system: [dgx-h100, dgx-b200]\n"
                "  tp: [1, 2, 4, 8]\n"
                "  batch: [1, 8, 64, 256]\n"
                "over two processes: mpirun -n 2 ridge roof sweep sweep.yaml -o results --json",
     .options = cli_roof_sweep_options,
     .run = cli_roof_sweep},
    {.noun = "roof",
     .verb = "train",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary =
         "estimate a training step on a system under a parallel layout: where the time goes, what is held",
     .details =
         "docs/training.md says what each part is. MFU counts the matrix FLOP of forward and backward passes "
         "over\n"
         "the pairs that attention attends; over whole squares, as papers do, it is the number in brackets.",
     .example =
         "ridge roof train megatron-175b --system dgx-a100 --layout tp=8,pp=8,vp=3,recompute=selective \\\n"
         "      --batch 64 --sequence 2048 --attention unfused --dropout --stack megatron\n"
         "  ...\n"
         "  step    13.66 s, 80 % between 12.89 and 14.14 s; calibrated; bound 7.503 s; limited by linear\n"
         "    forward             3.696 s   27.0 % ########\n"
         "  ...\n"
         "  memory  68.59 GB of 80.00 GB a chip (first stage, 12 layers): fits",
     .options = cli_roof_train_options,
     .run = cli_roof_train},
    {.noun = "roof",
     .verb = "serve",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary =
         "time to the first token and between tokens, rates and memory of a model served in steady state",
     .details =
         "Closed form. The batch is what is in flight, or what answers --rate, as far as it fits beside the\n"
         "weights. Between two tokens lie a decode step of that batch and its share of the prompts of "
         "others;\n"
         "before the first, waiting, the prompt, and the steps it is part of. A rate that is too high gets "
         "the\n"
         "verdict \"saturated\" and the most that is answered, no times. docs/serving.md has the formulas.",
     .example =
         "ridge roof serve llama-3.1-70b --system dgx-h200 --layout tp=8 --concurrency 64 --engine vllm "
         "--policy 'w=e4m3fn(scale=row),a=e4m3fn(scale=row),kv=e4m3fn'\n"
         "  llama-3.1-70b on NVIDIA DGX H200 with NDR InfiniBand (dgx-h200), tp=8, 8 chips; policy "
         "w=e4m3fn(scale=row),a=e4m3fn(scale=row),kv=e4m3fn\n"
         "  prompts of 1024 tokens, answers of 1024, 64 requests in flight; calibrated\n"
         "\n"
         "  ...\n"
         "  time between tokens                  11.841 ms   (bound 2.595, 80 % between 9.505 and 13.978)\n"
         "    linear                              2.319 ms    19.6 %\n"
         "    ...\n"
         "  limited by launch; MFU 9.9 %\n"
         "  ...\n"
         "  64 sequences of a replica resident, 3745 fit (5.75232e+06 tokens)\n"
         "  memory of a chip: weights 9.092 GB, cache 2.013 GB, workspace 14.1 GB of 141 GB",
     .options = cli_roof_serve_options,
     .run = cli_roof_serve},
    {0},
};
