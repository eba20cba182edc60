/* Training steps that were measured: Megatron 2021 and 2022, Llama 3; and what such a step keeps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"
#include "ridge/train.h"

static double errors;
static int steps;

static void note_error(double ours, double published) {
    errors += fabs(ours / published - 1);
    steps++;
}

/* A step on a system; false where the layout does not divide. */
static bool step_of(const rg_graph *graph, const char *system_id, const char *layout_text,
                    rg_train_request request, rg_train_step *out) {
    static rg_calibrations *all;
    rg_system system = ref_system(system_id);
    rg_layout layout;
    rg_error err = {0};
    if (!all) ref_must(rg_calibrations_open(&all, ref_data_dir(), &err), &err);
    ref_must(rg_layout_parse(layout_text, &layout, &err), &err);
    request.graph = graph;
    request.system = &system;
    request.layout = &layout;
    const rg_status status = rg_train_estimate(out, &request, all, &err);
    if (status != RG_ERR_USAGE) ref_must(status, &err);
    rg_system_close(&system);
    return status == RG_OK;
}

/* As Megatron trained: scores written, dropout, gradients exchanged at the end. */
static rg_train_request as_megatron(double batch) {
    return (rg_train_request){.sequence = 2048,
                              .global_batch = batch,
                              .attention = RG_TRAIN_UNFUSED,
                              .dropout = true,
                              .serial = true};
}

/* TFLOP/s per GPU as the paper counts: all computed again but the head, attention without a mask. The paper
   does not give the size of microbatches: the fastest that fits. */
static void megatron_2021(const ref_row *row, ref_answer *a) {
    double heads, hidden, layers, tp, pp, chips, batch, length, vocabulary, best_s = INFINITY;
    if (sscanf(row->inputs,
               "heads %lf hidden %lf layers %lf TP%lf PP%lf GPUs %lf batch %lf seq %lf vocab %lf", &heads,
               &hidden, &layers, &tp, &pp, &chips, &batch, &length, &vocabulary) != 9)
        return;
    rg_graph g = ref_gpt(layers, hidden, heads, vocabulary, length);
    for (double mbs = 1; mbs <= 16; mbs *= 2) {
        char layout[100];
        rg_train_step step;
        snprintf(layout, sizeof layout, "tp=%.0f,pp=%.0f,dp=%.0f,mbs=%.0f,recompute=full", tp, pp,
                 chips / (tp * pp), mbs);
        if (step_of(&g, "dgx-a100", layout, as_megatron(batch), &step) && step.fits &&
            step.estimate_s < best_s)
            best_s = step.estimate_s;
    }
    const double per_token = 4 * ref_forward_flop(&g, length, false) - 2 * hidden * vocabulary;
    a->value[0] = per_token * batch * length / (best_s * chips) / 1e12;
    ref_note(a, "in-sample: one constant is fitted to these ten");
    note_error(a->value[0], row->published[0]);
    rg_graph_close(&g);
}

static const struct gpt {
    const char *name, *model, *layout;
    double batch, seconds; /* of the selective run, as published */
} gpts[] = {{"22B", "megatron-22b", "tp=8,mbs=4", 4, 1.10},
            {"175B", "megatron-175b", "tp=8,pp=8,vp=3", 64, 13.75},
            {"530B", "megatron-530b", "tp=8,pp=35,vp=3", 280, 37.83},
            {"1T", "megatron-1t", "tp=8,pp=64", 512, 71.49}};

static const struct gpt *gpt_of(const char *id, rg_graph *graph) {
    rg_error err = {0};
    for (size_t i = 0; i < sizeof gpts / sizeof *gpts; i++) {
        if (strcmp(strrchr(id, '-') + 1, gpts[i].name) != 0) continue;
        ref_must(rg_graph_from_name(graph, gpts[i].model, ref_data_dir(), &err), &err);
        return &gpts[i];
    }
    fprintf(stderr, "no model for %s\n", id);
    exit(1);
}

static rg_train_step step_2022(const char *id, const char *more) {
    char layout[100];
    rg_train_step step;
    rg_graph g;
    const struct gpt *m = gpt_of(id, &g);
    snprintf(layout, sizeof layout, "%s%s", m->layout, more);
    if (!step_of(&g, "dgx-a100", layout, as_megatron(m->batch), &step)) {
        fprintf(stderr, "%s: no step\n", id);
        exit(1);
    }
    rg_graph_close(&g);
    return step;
}

#define SELECTIVE ",sp=1,recompute=selective"

static void iteration(const ref_row *row, ref_answer *a) {
    const bool full = strstr(row->id, "full") != NULL;
    const rg_train_step step = step_2022(row->id, full ? ",recompute=full" : SELECTIVE);
    a->value[0] = step.estimate_s;
    ref_note(a, "%s, 80 %% from %.3g to %.3g; bound %.3g", step.kind, step.lo80_s, step.hi80_s, step.bound_s);
    note_error(a->value[0], row->published[0]);
}

/* GiB that the first stage keeps. */
static void activations(const ref_row *row, ref_answer *a) {
    for (int i = 0; i < 2; i++)
        a->value[i] = step_2022(row->id, i ? SELECTIVE : "").stage[0].bytes[RG_TRAIN_ACTIVATIONS] / 0x1p30;
}

/* From the published time; recomputed attention as the paper counts it, as much again as forward and
 * backward. */
static void utilisation(const ref_row *row, ref_answer *a) {
    rg_graph g;
    const struct gpt *m = gpt_of(row->id, &g);
    const rg_train_step step = step_2022(row->id, SELECTIVE);
    const double all = step.chips * step.peak_flop_per_s * m->seconds / 100;
    const double attention = 3 * ref_attention_flop(&g, 2048, false) * 2048 * m->batch;
    a->value[0] = step.square_flop / all;
    a->value[1] = a->value[0] + attention / all;
    ref_note(a, "HFU as the paper counts: recomputed attention thrice; once gives %.1f",
             a->value[0] + attention / 3 / all);
    rg_graph_close(&g);
}

/* TFLOP/s per GPU and utilisation. The paper does not give the runs of layers per stage: 4 here. */
static void llama_405b(const ref_row *row, ref_answer *a) {
    double gpus, tp, cp, pp, dp, length, batch;
    if (sscanf(row->inputs, "%lf GPUs TP%lf CP%lf PP%lf DP%lf seq %lf batch/DP %lf", &gpus, &tp, &cp, &pp,
               &dp, &length, &batch) != 7)
        return;
    char layout[100];
    rg_train_step step;
    rg_graph g = ref_model("llama-3.1-405b");
    snprintf(layout, sizeof layout, "tp=%.0f,cp=%.0f,pp=%.0f,dp=%.0f,vp=4,sp=1,zero=1", tp, cp, pp, dp);
    if (step_of(&g, "dgx-h100", layout, (rg_train_request){.sequence = length, .global_batch = batch * dp},
                &step)) {
        a->value[0] = step.mfu * step.peak_flop_per_s / 1e12;
        a->value[1] = 100 * step.mfu;
        a->rounding[1] = 0.5; /* printed in whole per cent: 430 TFLOP/s of 989.4 are 43.5, printed as 43 */
        ref_note(a, "causal attention; the MFU is printed in whole per cent; %s", step.kind);
        note_error(a->value[0], row->published[0]);
    }
    rg_graph_close(&g);
}

const ref_family ref_step_rows[] = {{"meg21-*B", megatron_2021},
                                    {"meg22-full-*", iteration},
                                    {"meg22-seqsel-*", iteration},
                                    {"meg22-act-*", activations},
                                    {"meg22-mfu-*", utilisation},
                                    {"llama3-[abc]", llama_405b},
                                    {NULL}};

int ref_step_errors(void) {
    const double mean = steps ? errors / steps : NAN;
    printf("training steps: %d, mean error %.1f %%\n\n", steps, 100 * mean);
    return !(mean <= 0.05);
}
