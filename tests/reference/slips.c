/* An assumption checker on the scaling book: what it prints, against what follows from its own words. A
   number that does not follow is a slip; another reading that gives it (the other unit, another count) says
   where it comes from. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference/reference.h"

static const double rounding = 0.04; /* the book rounds to two digits, inputs too */

typedef struct statement {
    const char *chapter, *says;
    double printed, literal; /* in one unit */
    const char *reading;     /* what would give the printed number, NULL: nothing found */
    double read;
    bool is_slip; /* as read by people */
} statement;

static bool follows(double value, double printed) {
    return fabs(value - printed) <= rounding * printed;
}

/* Wrong when the checker and the people who read the book disagree, or the reading does not explain the
 * number. */
static int check(const statement *s, int *found) {
    const bool slip = !follows(s->literal, s->printed);
    *found += slip;
    if (slip) {
        printf("%-14s  %-62s  %9.4g  %9.4g  ", s->chapter, s->says, s->printed, s->literal);
        if (s->reading)
            printf("%s: %.4g\n", s->reading, s->read);
        else
            printf("no reading gives it\n");
    }
    if (slip != s->is_slip) printf("%s: not expected\n", s->says);
    return slip != s->is_slip || (slip && s->reading && !follows(s->read, s->printed));
}

int ref_slips(void) {
    rg_graph llama = ref_model("llama-3.1-70b"), small = ref_model("llama-2-13b");
    const double n = rg_graph_total(&llama, 1).parameters_total, d = (double)llama.hidden_size,
                 layers = (double)llama.n_layers, gib = 1073741824, gb = 1e9;
    const double kv = rg_graph_total(&llama, 1).kv_bytes_per_token, kv8 = ref_kv_bytes(&llama, "kv=e4m3fn"),
                 kv_13b = rg_graph_total(&small, 1).kv_bytes_per_token * 8192;
    const double v5p = ref_rate("tpu-v5p", "bf16"), v5e = ref_rate("tpu-v5e", "bf16"),
                 pod = ref_number("tpu-v5p", "scaleup.domain"),
                 hbm = ref_number("tpu-v5e", "memory.capacity"),
                 bandwidth = ref_number("tpu-v5e", "memory.bandwidth");
    const char *const four_bit = "w=int4(sym,row,scale=fp16),w.lm_head=int4(sym,row,scale=fp16),"
                                 "w.embed=int4(sym,row,scale=fp16)";
    const double year_s = 365.25 * 86400, kept = 2 * d * 4e6 * layers;
    const statement statements[] = {
        {"training", "6 x 70e9 FLOP per token = 4.2e11", 4.2e11, 6 * n},
        {"training", "6.3e24 / 4.59e14 = 435 years", 435, 6.3e24 / v5p / year_s},
        {"training", "8960 chips at 40 %: 44 days", 44, 6 * n * 15e12 / (pod * v5p * 0.4) / 86400},
        {"training", "checkpoints 2 x 8192 x 4e6 x 3 x 80 = 20.9 TB", 20.9e12, 3 * kept,
         "4 per layer, as the question asks", 4 * kept, true},
        {"training", "21.6 TB / 96 GB = 225 chips", 225, (10 * n + 4 * kept) / 96e9},
        {"training", "44 days x 8960 / 171 = 1752 days", 1752, 44 * pod / 171, "225 chips, as found before",
         44 * pod / 225, true},
        {"training", "21.6 TB on 8960 chips: 2.4 GB each", 2.4, (10 * n + 4 * kept) / pod / gb},
        {"training", "all three axes: 850 tokens per chip", 850,
         v5p / ref_number("tpu-v5p", "scaleup.bandwidth")},
        {"training", "between pods: 76,000 tokens per pod", 76000,
         v5p / ref_number("tpu-v5p", "scaleout.bandwidth")},
        {"serving", "bf16: 140 GB of weights", 140 * gb, ref_weight_bytes(&llama, NULL)},
        {"serving", "bf16: 324 kB per token", 324e3, kv},
        {"serving", "bf16: 8.75 chips of 16 GB", 8.75, ref_weight_bytes(&llama, NULL) / hbm},
        {"serving", "int8: 162 kB per token", 162e3, kv8},
        {"serving", "int8: 4.38 chips of 16 GB", 4.38, ref_weight_bytes(&llama, NULL) / 2 / hbm},
        {"serving", "int4: 45 GB of weights (and 2.81 chips)", 45 * gb, ref_weight_bytes(&llama, four_bit),
         NULL, 0, true},
        {"serving", "int4: 81 kB per token", 81e3, kv8 / 2},
        {"serving", "162e3 x 32768 = 5.3 GB per sequence", 5.3 * gb, kv8 * 32768},
        {"serving", "240 sequences of 32k need 86 chips", 86, (n + 240 * kv8 * 32768) / hbm},
        {"serving", "batch 32 at 8k: 112 GB", 112 * gb, n + 32 * 8192 * kv8},
        {"serving", "4 x 8 chips: HBM 18 us", 18, 1e6 * 2 * d * 28672 / (32 * bandwidth)},
        {"serving", "2 x 64 x 8192 x 28672 / (32 x 1.97e14) = 4 us", 4, 1e6 * 2 * 64 * d * 28672 / (32 * v5e),
         "cut instead of rounded", floor(1e6 * 2 * 64 * d * 28672 / (32 * v5e)), true},
        {"inference", "Llama-2-13B: 26 GB of weights", 26 * gb, ref_weight_bytes(&small, NULL)},
        {"inference", "8192 x 40 x 128 x 40 x 2 x 2 = 6.7 GB", 6.7 * gb, kv_13b},
        {"inference", "caches of 240 sequences of 8k: 1608 GiB (all KV rows)", 1608 * gib, 240 * kv_13b,
         "GB for GiB", 240 * kv_13b * gib / gb, true},
    };
    const int size = sizeof statements / sizeof *statements;
    int wrong = 0, found = 0;
    printf("scaling book: what does not follow from its own words (printed, computed)\n");
    for (int i = 0; i < size; i++) wrong += check(&statements[i], &found);
    printf("%d statements checked, %d slips\n\n", size, found);
    rg_graph_close(&llama);
    rg_graph_close(&small);
    return wrong;
}
