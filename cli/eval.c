/* The commands of ridge eval. */
#include "eval_commands.h"
#include "eval_run.h"

const cli_command cli_eval_commands[] = {
    {.noun = "eval",
     .verb = "run",
     .arguments = "",
     .summary = "Measure what numerics policies do to a model's predictions on a text",
     .details =
         "Runs the model in fp32 and under every policy on the same tokens and compares the logits: "
         "perplexity,\n"
         "KL(fp32 || policy) per token, share of tokens whose most likely successor stays the same, and a\n"
         "verdict on each policy with its interval. docs/quality.md says how the figures are made and how "
         "to\n"
         "read them. Ctrl-C prints what is known so far.",
     .example =
         "ridge eval run --model stories260K.bin --text tinystories.txt --protocol stories-256 --tokens 4000 "
         "\\\n      --policy w=mxfp4 --policy w=int8\n"
         "  stories260K.bin, protocol stories-256, 1920 tokens scored\n"
         "  +- is one standard error; [..] 95 % confidence, paired, over 15 windows\n"
         "\n"
         "  policy              perplexity    bits/B             KLD mean [nat]   KLD med.    KLD p99        "
         "  same top [%]\n"
         "  fp32 (reference)  3.91 +- 0.23    0.9118\n"
         "  w=mxfp4           4.73 +- 0.28    1.0377       0.186 [0.164, 0.211]    0.10280    1.41235  78.59 "
         "[76.08, 81.59]\n"
         "  w=int8            3.91 +- 0.22    0.9117    0.000461 [0.000405, 0.000531]  0.00025    0.00357  "
         "98.65 "
         "[97.76, 99.30]\n"
         "\n"
         "  policy                       loss - fp32 [nat]  verdict      detectable  tokens needed  ...\n"
         "  w=mxfp4                +0.189 [+0.160, +0.216]  worse           0.04052              -\n"
         "  w=int8           -0.00014 [-0.00211, +0.00188]  cannot tell     0.00274        7.4e+05",
     .options = cli_eval_run_options,
     .run = cli_eval_run},
    {.noun = "eval",
     .verb = "choice",
     .arguments = "",
     .summary = "Measure what numerics policies do to a model's answers on a task set",
     .details =
         "Scores multiple-choice, schema and cloze sets by the log-likelihood of continuations, in fp32 and\n"
         "under every policy, and compares item by item: flips, McNemar's exact test, and how small a\n"
         "difference the set can show at all. docs/quality.md gives the forms of a set and how text is cut.",
     .example =
         "ridge eval choice --model stories260K.bin --set copa.jsonl --policy w=mxfp4 --policy w=int2\n"
         "  stories260K.bin, copa.jsonl: 100 of 100 items, chance 50.0 %, length by byte\n"
         "\n"
         "  policy               accuracy [%] (95 %)  normed [%]        flips  McNemar p  gold, change [nat] "
         " "
         "verdict\n"
         "  fp32 (reference)   64.0 ( 54.2 ..  72.7)        58.0\n"
         "  w=mxfp4            65.0 ( 55.3 ..  73.6)        58.0     6+    5-          1   -3.0176 +- 0.4543 "
         " "
         "cannot tell\n"
         "  w=int2             53.0 ( 43.3 ..  62.5)        52.0    14+   25-       0.11  -81.0519 +- 3.7500 "
         " "
         "cannot tell\n"
         "\n"
         "  w=mxfp4: cannot tell. 100 items show a difference of 9.2 points or more (4 times of 5); the +1.0 "
         "points\n"
         "  seen would need about 8632 items",
     .options = cli_eval_choice_options,
     .run = cli_eval_choice},
    {.noun = "eval",
     .verb = "embed",
     .arguments = "",
     .summary = "Measure what numerics policies do to sentence embeddings",
     .details = "Embeds each line of a text in fp32 and under every policy and compares: cosine to the fp32\n"
                "embedding, share of sentences whose nearest neighbour changes, ranks of all neighbours.\n"
                "docs/quality.md, \"Embeddings\", defines the figures.",
     .example = "ridge eval embed --model all-MiniLM-L6-v2 --text questions.txt --policy w=int8,a=int8 "
                "--policy \\\n      "
                "w=mxfp4,a=mxfp4\n"
                "  all-MiniLM-L6-v2/model.safetensors, questions.txt: 400 of 400 sentences, mean pooling\n"
                "\n"
                "  policy                  cosine, mean          least (line)     nearest changed [%]  ...\n"
                "  w=int8,a=int8    0.997863 +- 2.2e-05    0.996138 (     28)    6.8 (  4.7 ..   9.6)  ...\n"
                "  w=mxfp4,a=mxfp4  0.924938 +- 7.0e-04    0.850151 (    232)   29.8 ( 25.5 ..  34.4)  ...",
     .options = cli_eval_embed_options,
     .run = cli_eval_embed},
    {.noun = "eval",
     .verb = "sensitivity",
     .arguments = "",
     .summary = "Rank layers and roles by the damage a lower format does to each alone",
     .details =
         "Lowers one role of one layer at a time, all else fp32, and ranks by mean KL divergence. With a\n"
         "budget, proposes a mixed policy (everything lowered but what is worth most, raised to --high) and\n"
         "evaluates it: damages do not add up.",
     .example =
         "ridge eval sensitivity --model stories260K.bin --text tinystories.txt --protocol stories-256 \\\n"
         "      --tokens 4000 --lower int4 --roles w --budget-bits 6 --high int8\n"
         "  role     layer        KLD mean [nat]  same top [%]\n"
         "  w          all   0.139393 +- 0.004815         79.64\n"
         "  w            3   0.028330 +- 0.001126         90.52\n"
         "  ...\n"
         "  mixed policy within 6 bit per weight: 1 raised to int8, 5.296 bit per weight ...\n"
         "    w=int4,w.layers.3.*=int8\n"
         "    lower everywhere    KLD 0.13939 +- 0.00482, perplexity 4.4521\n"
         "    mixed               KLD 0.11189 +- 0.00395, perplexity 4.2789\n"
         "    ...",
     .options = cli_eval_sensitivity_options,
     .run = cli_eval_sensitivity},
    {.noun = "eval",
     .verb = "compare-dump",
     .arguments = "A B",
     .min_arguments = 2,
     .max_arguments = 2,
     .summary = "Find the first layer at which two implementations part",
     .details =
         "A and B are dumps (JSON: a digest and statistics of the output of every node, docs/quality.md,\n"
         "\"Layer by layer\") or files of activations (safetensors, npy), compared element by element. What\n"
         "differs is listed in the order of A. Exit code 0 whether they differ or not.",
     .example =
         "ridge eval compare-dump ridge.json chip.json\n"
         "  212 of 271 nodes equal\n"
         "  first difference: layers.3.mlp.down (linear), layer 3: other values; rms 0.412 and 0.418, 1.4 % "
         "apart;\n"
         "  amax 7.25 and 7.5, 3.3 % apart",
     .options = cli_eval_dump_options,
     .run = cli_eval_dump},
    {.noun = "eval",
     .verb = "needle",
     .arguments = "",
     .summary = "Measure what formats of the KV cache do to a fact that is far away",
     .details = "Hides a sentence with a random number in filler text at several depths, asks for the number "
                "at the\n"
                "end, and compares its log-likelihood and exact match under every policy with fp32, trial by "
                "trial.\n"
                "The same seed makes the same trials.",
     .example =
         "ridge eval needle --model stories260K.bin --text tinystories.txt --context 256 --policy kv=int4\n"
         "  stories260K.bin: 8 facts, windows of 217 to 255 tokens, values of 6 tokens\n"
         "\n"
         "  policy            depth  exact [%]  loglik [nat]  change [nat]\n"
         "  fp32 (reference)   0.00        0.0      -45.6934\n"
         "  ...\n"
         "  kv=int4            0.75        0.0      -43.8475     +1.8638 +- 0.8857\n"
         "                     1.00        0.0      -45.0018     +0.3584 +- 1.3166\n"
         "\n"
         "  kv=int4: cannot tell; loss of a value -0.6734 nat (95 %: -3.2351 .. +1.8883), ...\n"
         "    these trials show a difference of 3.53 nat or more (4 times of 5)\n"
         "  fp32 itself finds 0.0 % of the facts: this model and context say little about memory",
     .options = cli_eval_needle_options,
     .run = cli_eval_needle},
    {.noun = "eval",
     .verb = "import",
     .arguments = "FILE...",
     .min_arguments = 1,
     .max_arguments = 256,
     .summary = "Put results of other tools through the same statistics",
     .details =
         "Reads samples of lm-evaluation-harness (--log_samples), logs of llama.cpp's --kl-divergence,\n"
         "log-probabilities of tokens as JSON lines, and activations (safetensors, npy). Of several files\n"
         "the first is the reference. A log of llama.cpp, and log-probabilities with a reference in them,\n"
         "say something alone, too. The forms: docs/quality.md, \"Results from elsewhere\".",
     .example = "ridge eval import samples_bf16.jsonl samples_mxfp4.jsonl\n"
                "  samples_bf16.jsonl (lm-eval), reference\n"
                "    n                               220 item\n"
                "    accuracy                   0.709091        0.645896 .. 0.765109, 95 % Wilson score "
                "interval\n"
                "    ...\n"
                "  samples_mxfp4.jsonl (lm-eval)\n"
                "    accuracy                   0.545455        0.47944 .. 0.609909, 95 % Wilson score "
                "interval\n"
                "    flips                            40 item\n"
                "    mcnemar_p               1.49339e-09\n"
                "    ...\n"
                "    verdict: worse",
     .options = cli_eval_import_options,
     .run = cli_eval_import},
    {0}};
