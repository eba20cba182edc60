/* The few constants of serving, and the time of a pass. */
#include <math.h>
#include <string.h>

#include "perf/serve/serve.h"

const perf_serve_spec perf_serve_specs[PERF_SERVE_N] = {
    [PERF_SERVE_MEMORY] = {"memory", "1", "share of the bandwidth at which weights are read", 0.80, 0.1,
                           "H100 GEMMs: 80 % of the bandwidth"},
    [PERF_SERVE_EXPERT_MEMORY] = {"expert_memory", "1", "the same of the weights of experts", 0.6, 0.3,
                                  "guess: less than of dense weights"},
    [PERF_SERVE_KV_MEMORY] = {"kv_memory", "1", "share of the bandwidth at which keys and values are read",
                              0.865, 0.1, "FlashAttention-3 decode on H100: 86.5 % of the bandwidth"},
    [PERF_SERVE_COMPUTE_16] = {"compute_16", "1", "share of the peak that 16-bit multiplies reach", 0.75, 0.2,
                               "best matrix products of A100, H100, B200: 78 to 87 % of the peak"},
    [PERF_SERVE_COMPUTE_8] = {"compute_8", "1", "the same of 8-bit multiplies", 0.6, 0.2,
                              "H100 FP8 by blocks: 39 % median, 64 % best"},
    [PERF_SERVE_COMPUTE_4] = {"compute_4", "1", "the same of 4-bit multiplies", 0.4, 0.3,
                              "B200 NVFP4: 28 % median, 51 % best"},
    [PERF_SERVE_NETWORK] = {"network", "1", "share of the links' rate that collectives reach", 0.75, 0.3,
                            "NCCL all-reduce on 8 H100: 352 to 445 of 450 GB/s, large messages"},
    [PERF_SERVE_KERNEL] = {"kernel", "s", "of each kernel, beside its work", 2.5e-6, 0.4,
                           "H100 GEMMs: 3 us; less within a recorded graph"},
    [PERF_SERVE_CONVERSION] = {"conversion", "s", "of each conversion of activations to a narrow format",
                               2e-6, 0.5, "a kernel's own time"},
    [PERF_SERVE_COLLECTIVE] = {"collective", "s", "of each collective, beside its bytes", 8e-6, 0.5,
                               "NCCL on 8 H100: 16 us; kernels of the engines: about half"},
    [PERF_SERVE_STALL] = {"stall", "1", "share of the prompts of other replicas that hold up a step", 0.5,
                          0.3, "guess: between none and all"},
    [PERF_SERVE_HOST] = {"host", "s", "of each step on the host", 1e-3, 0.6, "guess: scheduling, sampling"},
    [PERF_SERVE_SEQUENCE] = {"sequence", "s", "of each sequence of a step on the host", 2e-5, 0.6,
                             "guess: detokenizing, streaming"},
    [PERF_SERVE_PREFILL] =
        {"prefill", "1", "share of the work on prompts that delays running sequences", 1, 0.3,
         "steady state: all of it; where prompts stop all others, users who began together stay "
         "together, and half of the prompts lie before one's first token",
         0.5},
    [PERF_SERVE_REQUEST] = {"request", "s", "of a request on the host before its prompt", 0.05, 1,
                            "guess: transport, tokenizing, a place in the queue"},
    [PERF_SERVE_BURST] = {"burst", "1", "share of the prompts of all other users that stand before one", 0.25,
                          1, "guess: between none and the half of users who all begin at once", 0.5},
};
const char *const perf_serve_engines[PERF_SERVE_N_ENGINES] = {"vllm", "trtllm", "sglang"};
/* SGLang runs batches of prompts alone; the others take prompts into the steps of running sequences. */
static const bool apart[PERF_SERVE_N_ENGINES] = {false, false, true};

int perf_serve_engine(const char *name) {
    for (int i = 0; name && i < PERF_SERVE_N_ENGINES; i++)
        if (strcmp(name, perf_serve_engines[i]) == 0) return i;
    return -1;
}

double perf_serve_preset(int constant, int engine) {
    const perf_serve_spec *s = &perf_serve_specs[constant];
    return engine >= 0 && apart[engine] && s->apart > 0 ? s->apart : s->preset;
}

void perf_serve_constants(const rg_calibrations *all, const char *engine, double out[PERF_SERVE_N]) {
    const int index = perf_serve_engine(engine);
    for (int i = 0; i < PERF_SERVE_N; i++) {
        const perf_step_constant *c =
            perf_step_constant_find(all, "serving", perf_serve_specs[i].name, "", engine);
        out[i] = c ? c->value : perf_serve_preset(i, index);
    }
}

/* What all widths and kinds of multiplies take at data sheet rates. */
double perf_serve_compute_s(const perf_serve_pass *p) {
    double sum = p->attention_compute_s;
    for (int w = 0; w < PERF_N_WIDTHS; w++) sum += p->linear_compute_s[w] + p->expert_compute_s[w];
    return sum;
}

double perf_serve_prompt_work(const perf_serve_pass *p, const double c[PERF_SERVE_N]) {
    double s = p->attention_compute_s / c[PERF_SERVE_COMPUTE_16] + p->network_s / c[PERF_SERVE_NETWORK];
    for (int w = 0; w < PERF_N_WIDTHS; w++)
        s += (p->linear_compute_s[w] + p->expert_compute_s[w]) / c[PERF_SERVE_COMPUTE_16 + w];
    return s;
}

void perf_serve_parts(const perf_serve_pass *p, const double c[PERF_SERVE_N], double part[RG_SERVE_N_PARTS]) {
    memset(part, 0, RG_SERVE_N_PARTS * sizeof *part);
    for (int w = 0; w < PERF_N_WIDTHS; w++) {
        const double compute = c[PERF_SERVE_COMPUTE_16 + w];
        part[RG_SERVE_LINEAR] +=
            perf_overlap(p->linear_memory_s[w] / c[PERF_SERVE_MEMORY], p->linear_compute_s[w] / compute, 0);
        part[RG_SERVE_EXPERTS] += perf_overlap(p->expert_memory_s[w] / c[PERF_SERVE_EXPERT_MEMORY],
                                               p->expert_compute_s[w] / compute, 0);
    }
    part[RG_SERVE_ATTENTION] = perf_overlap(p->attention_memory_s / c[PERF_SERVE_KV_MEMORY],
                                            p->attention_compute_s / c[PERF_SERVE_COMPUTE_16], 0);
    part[RG_SERVE_COLLECTIVE] =
        p->network_s / c[PERF_SERVE_NETWORK] + p->collectives * c[PERF_SERVE_COLLECTIVE];
    part[RG_SERVE_LAUNCH] = p->kernels * c[PERF_SERVE_KERNEL] + p->conversions * c[PERF_SERVE_CONVERSION];
}

double perf_serve_sum(const double part[RG_SERVE_N_PARTS]) {
    double sum = 0;
    for (int i = 0; i < RG_SERVE_N_PARTS; i++) sum += part[i];
    return sum;
}

double perf_serve_wait(double rho, double service_s, double servers) {
    if (rho >= 1) return INFINITY;
    return 0.5 * service_s * pow(rho, sqrt(2 * (servers + 1)) - 1) / (servers * (1 - rho));
}

double perf_serve_first(const perf_serve_first_token *f, const double c[PERF_SERVE_N]) {
    const double burst = (f->batch - 1) * f->work_s; /* all others at once */
    const double wait = f->rate > 0 ? fmin(perf_serve_wait(f->rate * f->work_s, f->work_s, 1), burst)
                                    : c[PERF_SERVE_BURST] * burst;
    return c[PERF_SERVE_REQUEST] + f->prompt_s + wait + (f->batch > 1 ? f->chunks * f->step_s : 0);
}
