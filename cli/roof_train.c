/* ridge roof train: what one training step takes and holds, part by part. */
#include "roof_commands.h"

#include "energy.h"
#include "hw_open.h"
#include "ridge/model.h"
#include "ridge/train.h"

#include <stdio.h>
#include <string.h>

typedef struct answer {
    const char *layout; /* canonical */
    rg_train_request request;
    rg_train_step step;
    cli_energy energy;
} answer;

/* ---- JSON -------------------------------------------------------------------------------------------- */

static void json_ledger(rg_str *out, const rg_train_ledger *l) {
    rg_str_add(out, "{\"stage\": ");
    cli_print_json_string(out, l->stage);
    cli_json_number(out, "layers", l->layers);
    for (int i = 0; i < RG_N_TRAIN_MEMORY; i++)
        cli_json_item(out, rg_train_memory_name((rg_train_memory)i), "_bytes", l->bytes[i]);
    cli_json_number(out, "total_bytes", l->total_bytes);
    cli_json_number(out, "available_bytes", l->available_bytes);
    rg_str_add(out, "}");
}

static void json_parts(rg_str *out, const rg_train_step *s) {
    rg_str_add(out, ",\n \"parts_s\": {");
    for (int i = 0; i < RG_N_TRAIN_PARTS; i++)
        cli_json_item(out, rg_train_part_name((rg_train_part)i), "", s->part_s[i]);
    rg_str_add(out, "},\n \"operators_s\": {");
    for (int i = 0; i < RG_N_TRAIN_OPERATORS; i++)
        cli_json_item(out, rg_train_operator_name((rg_train_operator)i), "", s->operator_s[i]);
    rg_str_add(out, "}");
}

static void json_rates(rg_str *out, const rg_train_step *s) {
    cli_json_number(out, "mfu", s->mfu);
    cli_json_number(out, "mfu_square", s->mfu_square);
    cli_json_number(out, "hfu", s->hfu);
    cli_json_number(out, "model_flop", s->model_flop);
    cli_json_number(out, "peak_flop_per_s", s->peak_flop_per_s);
    cli_json_number(out, "chips", s->chips);
    cli_json_number(out, "microbatches", s->microbatches);
    cli_json_number(out, "tokens_per_s", s->tokens_per_s);
    cli_json_number(out, "tokens_per_s_per_chip", s->tokens_per_s / s->chips);
}

static void print_json(const answer *a) {
    const rg_train_step *s = &a->step;
    rg_str out = {0};
    rg_str_add(&out, "{\"model\": ");
    cli_print_json_string(&out, a->request.graph->model);
    cli_json_string(&out, "system", a->request.system->id);
    cli_json_string(&out, "layout", a->layout);
    cli_json_number(&out, "batch", a->request.global_batch);
    cli_json_number(&out, "sequence", a->request.sequence);
    cli_json_string(&out, "policy", a->request.policy);
    rg_str_add(&out, ",\n \"seconds\": ");
    cli_print_json_number(&out, s->estimate_s);
    cli_json_number(&out, "bound_s", s->bound_s);
    cli_json_number(&out, "estimate_s", s->estimate_s);
    cli_json_number(&out, "lo80_s", s->lo80_s);
    cli_json_number(&out, "hi80_s", s->hi80_s);
    cli_json_string(&out, "class", s->kind);
    cli_json_string(&out, "limiter", s->limiter);
    json_rates(&out, s);
    cli_energy_json(&out, &a->energy);
    json_parts(&out, s);
    rg_str_printf(&out, ",\n \"fits\": %s", s->fits ? "true" : "false");
    cli_json_string(&out, "advice", *s->advice ? s->advice : NULL);
    rg_str_add(&out, ",\n \"memory\": ");
    json_ledger(&out, &s->memory);
    rg_str_add(&out, ",\n \"stages\": [");
    for (int i = 0, n = 0; i < 3; i++)
        if (s->stage[i].total_bytes > 0) {
            rg_str_add(&out, n++ ? ",\n  " : "\n  ");
            json_ledger(&out, &s->stage[i]);
        }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

/* ---- table ------------------------------------------------------------------------------------------- */

static void print_share(const char *name, double s, double all_s) {
    const double share = all_s > 0 ? s / all_s : 0;
    if (!(s > 0)) return;
    printf("    %-12s %12.4g s %6.1f %% ", name, s, 100 * share);
    for (int i = 0; i < (int)(30 * share + 0.5); i++) putchar('#');
    putchar('\n');
}

static void print_memory(const rg_train_step *s) {
    const rg_train_ledger *m = &s->memory;
    printf("  memory  %.2f GB of %.2f GB a chip (%s stage, %.0f layers): %s\n", m->total_bytes / 1e9,
           m->available_bytes / 1e9, m->stage, m->layers, s->fits ? "fits" : "does not fit");
    for (int i = 0; i < RG_N_TRAIN_MEMORY; i++)
        if (m->bytes[i] > 0)
            printf("    %-14s %10.2f GB\n", rg_train_memory_name((rg_train_memory)i), m->bytes[i] / 1e9);
    if (*s->advice) printf("  %s\n", s->advice);
}

static void print_table(const answer *a) {
    const rg_train_step *s = &a->step;
    printf("%s on %s: one step of %.0f sequences of %.0f tokens on %.0f chips, %s\n\n",
           a->request.graph->model, a->request.system->name, a->request.global_batch, a->request.sequence,
           s->chips, a->layout);
    printf("  step    %.4g s, 80 %% between %.4g and %.4g s; %s; bound %.4g s; limited by %s\n",
           s->estimate_s, s->lo80_s, s->hi80_s, s->kind, s->bound_s, s->limiter);
    for (int i = 0; i < RG_N_TRAIN_PARTS; i++)
        print_share(rg_train_part_name((rg_train_part)i), s->part_s[i], s->estimate_s);
    printf("  of forward, backward and recompute\n");
    for (int i = 0; i < RG_N_TRAIN_OPERATORS; i++)
        print_share(rg_train_operator_name((rg_train_operator)i), s->operator_s[i], s->estimate_s);
    printf(
        "  rate    %.0f token/s, %.1f a chip; MFU %.1f %% (attention over squares: %.1f %%), HFU %.1f %% of "
        "%.4g TFLOP/s\n",
        s->tokens_per_s, s->tokens_per_s / s->chips, 100 * s->mfu, 100 * s->mfu_square, 100 * s->hfu,
        s->peak_flop_per_s / 1e12);
    cli_energy_print(&a->energy, "  ");
    print_memory(s);
}

/* ---- request ----------------------------------------------------------------------------------------- */

static rg_status read_attention(cli_context *context, rg_train_attention *out, rg_error *err) {
    const char *text = cli_string(context, "attention");
    for (int i = 0; i < RG_N_TRAIN_ATTENTIONS; i++)
        if (strcmp(text, rg_train_attention_name((rg_train_attention)i)) == 0) {
            *out = (rg_train_attention)i;
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_USAGE, "--attention", "fused, flash1 or unfused", "\"%.40s\"", text);
}

/* Training that splits features over tp splits tokens, too, unless the layout says otherwise. */
static rg_status read_layout(const char *text, rg_layout *out, rg_error *err) {
    char more[400];
    RG_TRY(rg_layout_parse(text, out, err));
    if (out->tp == 1 || out->sp || strstr(text, "sp=0") || strlen(text) + sizeof ",sp=1" > sizeof more)
        return RG_OK;
    snprintf(more, sizeof more, "%s,sp=1", text);
    return rg_layout_parse(more, out, err);
}

/* Of all chips. */
static rg_status add_energy(cli_context *context, answer *a, const rg_calibrations *all, rg_error *err) {
    const rg_chip *chip = &a->request.system->chip;
    const rg_train_step *s = &a->step;
    cli_energy *e = &a->energy;
    RG_TRY(cli_energy_open(context, chip, all, e, err));
    e->tokens = s->tokens_per_s * s->estimate_s;
    if (e->power.kind) e->energy = rg_energy_of_train(&e->power, chip, s);
    cli_energy_price(context, chip, a->request.system->usd_per_chip_h.value, s->chips, s->model_flop,
                     s->estimate_s, e);
    return RG_OK;
}

static rg_status estimate(cli_context *context, answer *a, rg_error *err) {
    rg_calibrations *all;
    RG_TRY(rg_calibrations_open(&all, context->data_dir, err));
    rg_status status = rg_train_estimate(&a->step, &a->request, all, err);
    if (status == RG_OK) status = add_energy(context, a, all, err);
    rg_calibrations_close(all);
    if (status == RG_OK) (context->json ? print_json : print_table)(a);
    return status;
}

rg_status cli_roof_train(cli_context *context, rg_error *err) {
    char text[200];
    rg_layout layout;
    rg_system system;
    rg_model model;
    answer a = {.layout = text,
                .request = {.layout = &layout,
                            .system = &system,
                            .policy = cli_string(context, "policy"),
                            .stack = cli_string(context, "stack"),
                            .sequence = cli_number(context, "sequence", 4096),
                            .global_batch = cli_number(context, "batch", 1),
                            .dropout = cli_flag(context, "dropout"),
                            .serial = cli_flag(context, "serial"),
                            .frozen = cli_flag(context, "frozen"),
                            .stops_early = cli_flag(context, "stops-early"),
                            .weight_bytes = cli_number(context, "weight-bytes", 2),
                            .gradient_bytes = cli_number(context, "gradient-bytes", 4),
                            .optimizer_bytes = cli_number(context, "optimizer-bytes", 12)}};
    RG_TRY(read_layout(cli_string(context, "layout"), &layout, err));
    RG_TRY(read_attention(context, &a.request.attention, err));
    rg_layout_print(&layout, text, sizeof text);
    RG_TRY(cli_open_system(context, cli_string(context, "system"), &system, err));
    rg_status status = rg_model_open(&model, context->argument[0], context->data_dir, false, err);
    if (status == RG_OK) {
        a.request.graph = &model.graph;
        status = estimate(context, &a, err);
        rg_model_close(&model);
    }
    rg_system_close(&system);
    return status;
}

const cli_option cli_roof_train_options[] = {
    {"system", CLI_STRING, "SYSTEM", NULL, NULL, 0, 0, false, true, "as in ridge hw list, or a chip"},
    {"layout", CLI_STRING, "LAYOUT", NULL, "tp=1", 0, 0, false, false,
     "tp, pp, dp, ep, etp, cp, vp, sp, zero, mbs, recompute, schedule: tp=8,pp=16,dp=64,zero=1"},
    {"batch", CLI_INT, "B", "sequence", "1", 1, 1e12, false, false, "sequences of a step, of all replicas"},
    {"sequence", CLI_INT, "N", "token", "4096", 1, 1e9, false, false, "length of each"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
     "formats of the multiplies, role[.glob]=FORMAT,... (default: bf16)"},
    {"attention", CLI_STRING, "KERNEL", NULL, "fused", 0, 0, false, false,
     "fused, flash1 (its first generation) or unfused (scores are written)"},
    {"stack", CLI_STRING, "NAME", NULL, NULL, 0, 0, false, false,
     "software whose constants count, as docs/training.md lists them"},
    {"dropout", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false, "behind scores and both blocks of a layer"},
    {"serial", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "exchange gradients when the backward pass is over"},
    {"stops-early", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "recompute=full leaves out each layer's last product, as PyTorch since 2.1"},
    {"frozen", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false, "train adapters alone (LoRA)"},
    {"weight-bytes", CLI_NUMBER, "N", "byte", "2", 0, 64, false, false, "stored per parameter"},
    {"gradient-bytes", CLI_NUMBER, "N", "byte", "4", 0, 64, false, false, "stored per parameter"},
    {"optimizer-bytes", CLI_NUMBER, "N", "byte", "12", 0, 64, false, false, "stored per parameter"},
    CLI_ENERGY_OPTIONS,
    CLI_SET,
    {0}};
