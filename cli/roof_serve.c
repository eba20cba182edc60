/* ridge roof serve: a model served in steady state. */
#include "roof_commands.h"

#include <math.h>
#include <string.h>

#include "energy.h"
#include "hw_open.h"
#include "ridge/model.h"
#include "ridge/serve.h"

typedef struct answer {
    cli_context *cli;
    rg_system system;
    rg_layout layout, prefill;
    rg_serve_request q;
    rg_serve_result r;
    cli_energy energy; /* of a second */
} answer;

static void json_time(rg_str *out, const char *name, const rg_serve_time *t) {
    rg_str_printf(out, ",\n \"%s\": {\"bound_s\": ", name);
    cli_print_json_number(out, t->bound_s);
    cli_json_number(out, "estimate_s", t->estimate_s);
    cli_json_number(out, "lo80_s", t->lo80_s);
    cli_json_number(out, "hi80_s", t->hi80_s);
    rg_str_add(out, "}");
}

static void json_memory(rg_str *out, const rg_serve_result *r) {
    rg_str_add(out, ",\n \"memory\": {");
    for (int i = 0; i < RG_SERVE_N_MEMORY; i++)
        cli_json_item(out, rg_serve_memory_name((rg_serve_memory)i), "_bytes", r->memory_bytes[i]);
    cli_json_number(out, "available_bytes", r->memory_available_bytes);
    cli_json_number(out, "wanted_bytes", r->wanted_bytes);
    rg_str_add(out, "}");
}

static void json_parts(rg_str *out, const rg_serve_result *r) {
    rg_str_add(out, ",\n \"parts_s\": {");
    for (int i = 0; i < RG_SERVE_N_PARTS; i++)
        cli_json_item(out, rg_serve_part_name((rg_serve_part)i), "", r->part_s[i]);
    rg_str_add(out, "}");
}

static void json_rates(rg_str *out, const rg_serve_result *r) {
    cli_json_number(out, "mfu", r->mfu);
    cli_json_number(out, "utilisation", r->utilisation);
    cli_json_number(out, "resident_batch", r->resident_batch);
    cli_json_number(out, "max_batch", r->max_batch);
    cli_json_number(out, "kv_tokens", r->kv_tokens);
    cli_json_number(out, "tokens_per_step", r->tokens_per_step);
    cli_json_number(out, "prompt_s", r->prompt_s);
    cli_json_number(out, "transfer_s", r->transfer_s);
    cli_json_number(out, "transfer_bytes", r->transfer_bytes);
    cli_json_number(out, "requests_per_s", r->requests_per_s);
    cli_json_number(out, "sustainable_requests_per_s", r->sustainable_requests_per_s);
    cli_json_number(out, "tokens_per_s", r->tokens_per_s);
    cli_json_number(out, "tokens_per_s_per_chip", r->tokens_per_s_per_chip);
    cli_json_number(out, "chips", r->chips);
    cli_json_number(out, "decode_replicas_per_prefill", r->decode_replicas_per_prefill);
    cli_json_number(out, "usd_per_million_tokens", r->usd_per_million_tokens);
}

static void json_energy(rg_str *out, const cli_energy *e) {
    const bool known = e->energy.kind;
    cli_json_number(out, "power_w", known ? e->energy.power_w : (double)NAN);
    cli_json_number(out, "tokens_per_j", known ? e->tokens / e->energy.energy_j : (double)NAN);
    cli_json_string(out, "energy_class", e->energy.kind);
}

static void print_json(const answer *a) {
    const rg_serve_result *r = &a->r;
    char layout[200];
    rg_str out = {0};
    rg_str_add(&out, "{\"model\": ");
    cli_print_json_string(&out, a->q.graph->model);
    cli_json_string(&out, "system", a->system.id);
    cli_json_string(&out, "layout", rg_layout_print(&a->layout, layout, sizeof layout));
    cli_json_string(&out, "policy", a->q.policy);
    cli_json_string(&out, "engine", a->q.engine);
    cli_json_string(&out, "verdict", rg_serve_verdict_name(r->verdict));
    cli_json_string(&out, "reason", *r->reason ? r->reason : NULL);
    cli_json_string(&out, "class", r->kind);
    cli_json_string(&out, "limiter", r->limiter);
    cli_json_number(&out, "seconds", r->tpot.estimate_s);
    cli_json_number(&out, "tpot_s", r->tpot.estimate_s);
    cli_json_number(&out, "ttft_s", r->ttft.estimate_s);
    json_rates(&out, r);
    json_energy(&out, &a->energy);
    json_time(&out, "tpot", &r->tpot);
    json_time(&out, "ttft", &r->ttft);
    json_parts(&out, r);
    json_memory(&out, r);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

static void time_line(const char *name, const rg_serve_time *t) {
    printf("%-32s %10.3f ms   (bound %.3f, 80 %% between %.3f and %.3f)\n", name, 1e3 * t->estimate_s,
           1e3 * t->bound_s, 1e3 * t->lo80_s, 1e3 * t->hi80_s);
}

static void print_head(const answer *a) {
    char text[200];
    printf("%s on %s (%s), %s, %.0f chips; policy %s\n", a->q.graph->model, a->system.name, a->system.id,
           rg_layout_print(&a->layout, text, sizeof text), a->r.chips,
           *a->q.policy ? a->q.policy : "(none: bf16 everywhere)");
    printf("prompts of %.0f tokens, answers of %.0f, ", a->q.isl, a->q.osl);
    if (a->q.requests_per_s > 0)
        printf("%g requests/s", a->q.requests_per_s);
    else
        printf("%g requests in flight", a->q.concurrency);
    printf("; %s\n\n", a->r.kind);
}

static void print_times(const rg_serve_result *r) {
    time_line("time to the first token", &r->ttft);
    time_line("time between tokens", &r->tpot);
    for (int i = 0; i < RG_SERVE_N_PARTS; i++)
        if (r->part_s[i] > 0)
            printf("  %-30s %10.3f ms   %5.1f %%\n", rg_serve_part_name((rg_serve_part)i), 1e3 * r->part_s[i],
                   100 * r->part_s[i] / r->tpot.estimate_s);
    printf("limited by %s; MFU %.1f %%\n\n", r->limiter, 100 * r->mfu);
}

static void print_text(const answer *a) {
    const rg_serve_result *r = &a->r;
    char text[32], have[32];
    print_head(a);
    if (r->verdict == RG_SERVE_OK)
        print_times(r);
    else
        printf("%s: ", rg_serve_verdict_name(r->verdict));
    if (*r->reason) printf("%s\n", r->reason);
    if (r->verdict != RG_SERVE_DOES_NOT_FIT) {
        printf("%.6g tokens/s, %.4g per chip, %.4g requests/s of at most %.4g\n", r->tokens_per_s,
               r->tokens_per_s_per_chip, r->requests_per_s, r->sustainable_requests_per_s);
        if (r->usd_per_million_tokens == r->usd_per_million_tokens)
            printf("%.3g USD per million tokens of answers at %.4g USD/h\n", r->usd_per_million_tokens,
                   r->usd_per_million_tokens * r->tokens_per_s * 3600 / 1e6);
        if (a->energy.energy.kind)
            printf("%.4g token/J; board power %.0f W; %s\n", a->energy.tokens / a->energy.energy.energy_j,
                   a->energy.energy.power_w, a->energy.energy.kind);
        if (r->decode_replicas_per_prefill > 0)
            printf("a replica of the prompt pool feeds %.3g of the answer pool; keys and values: %s in %.3g "
                   "ms\n",
                   r->decode_replicas_per_prefill,
                   rg_units_print(r->transfer_bytes, RG_UNIT_BYTES, text, sizeof text), 1e3 * r->transfer_s);
    }
    printf("%.0f sequences of a replica resident, %.0f fit (%.6g tokens)\nmemory of a chip:",
           r->resident_batch, r->max_batch, r->kv_tokens);
    for (int i = 0; i < RG_SERVE_N_MEMORY; i++)
        printf("%s %s %s", i ? "," : "", rg_serve_memory_name((rg_serve_memory)i),
               rg_units_print(r->memory_bytes[i], RG_UNIT_BYTES, text, sizeof text));
    printf(" of %s\n", rg_units_print(r->memory_available_bytes, RG_UNIT_BYTES, have, sizeof have));
}

static rg_status add_energy(answer *a, const rg_calibrations *all, rg_error *err) {
    cli_energy *e = &a->energy;
    RG_TRY(cli_energy_open(a->cli, &a->system.chip, all, e, err));
    e->tokens = a->r.tokens_per_s;
    if (e->power.kind) e->energy = rg_energy_of_serve(&e->power, &a->system.chip, &a->r);
    return RG_OK;
}

static rg_status ask(answer *a, rg_error *err) {
    rg_calibrations *all;
    RG_TRY(rg_calibrations_open(&all, a->cli->data_dir, err));
    rg_status status = rg_serve_estimate(&a->r, &a->q, all, err);
    if (status == RG_OK) status = add_energy(a, all, err);
    rg_calibrations_close(all);
    if (status == RG_OK) (a->cli->json ? print_json : print_text)(a);
    return status;
}

static rg_status read_question(answer *a, rg_error *err) {
    const cli_context *c = a->cli;
    const char *policy = cli_string(c, "policy"), *apart = cli_string(c, "prefill-layout");
    a->q = (rg_serve_request){.system = &a->system,
                              .layout = &a->layout,
                              .policy = policy ? policy : "",
                              .engine = cli_string(c, "engine"),
                              .isl = cli_number(c, "isl", 1024),
                              .osl = cli_number(c, "osl", 1024),
                              .concurrency = cli_number(c, "concurrency", cli_string(c, "rate") ? 0 : 1),
                              .requests_per_s = cli_number(c, "rate", 0),
                              .prefix_hit = cli_number(c, "prefix-hit", 0),
                              .chunk = cli_number(c, "chunk", 0),
                              .max_batch = cli_number(c, "max-batch", 0),
                              .memory_share = cli_number(c, "memory-share", 0.9),
                              .draft = cli_number(c, "draft", 0),
                              .acceptance = cli_number(c, "acceptance", 0.8),
                              .draft_cost = cli_number(c, "draft-cost", 0),
                              .prefill_layout = apart ? &a->prefill : NULL};
    RG_TRY(rg_layout_parse(cli_string(c, "layout"), &a->layout, err));
    return apart ? rg_layout_parse(apart, &a->prefill, err) : RG_OK;
}

static rg_status set_rent(answer *a, rg_error *err) {
    char text[80];
    const double usd = cli_number(a->cli, "usd-per-hour", 0);
    snprintf(text, sizeof text, "cost.rent=%.17g USD/h", usd);
    return usd > 0 ? rg_system_set(&a->system, text, err) : RG_OK;
}

rg_status cli_roof_serve(cli_context *context, rg_error *err) {
    answer a = {.cli = context};
    rg_model model;
    RG_TRY(read_question(&a, err));
    RG_TRY(cli_open_system(context, cli_string(context, "system"), &a.system, err));
    rg_status status = set_rent(&a, err);
    if (status != RG_OK) {
        rg_system_close(&a.system);
        return status;
    }
    status = rg_model_open(&model, context->argument[0], context->data_dir, false, err);
    if (status == RG_OK) {
        a.q.graph = &model.graph;
        status = ask(&a, err);
        rg_model_close(&model);
    }
    rg_system_close(&a.system);
    return status;
}

const cli_option cli_roof_serve_options[] = {
    {"system", CLI_STRING, "SYSTEM", NULL, NULL, 0, 0, false, true, "ridge hw list prints systems and chips"},
    {"layout", CLI_STRING, "LAYOUT", NULL, "tp=1", 0, 0, false, false,
     "of one deployment, as tp=8 or dp=8,ep=8 (docs/parallel.md)"},
    {"isl", CLI_INT, "N", "token", "1024", 1, 1e8, false, false, "length of a prompt"},
    {"osl", CLI_INT, "N", "token", "1024", 2, 1e8, false, false, "length of an answer"},
    {"concurrency", CLI_INT, "N", "request", NULL, 1, 1e9, false, false,
     "requests in flight, over all replicas (default: 1 without --rate)"},
    {"rate", CLI_NUMBER, "R", "request/s", NULL, 1e-9, 1e9, false, false, "requests that arrive"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
     "numerics policy, role[.glob]=FORMAT,...; what it does not name is bf16"},
    {"engine", CLI_STRING, "NAME", NULL, NULL, 0, 0, false, false,
     "vllm, trtllm, sglang: constants of its host and scheduler (default: none in particular)"},
    {"chunk", CLI_INT, "N", "token", NULL, 1, 1e8, false, false,
     "tokens of a prompt that a step takes beside decoding (default: all)"},
    {"prefix-hit", CLI_NUMBER, "X", NULL, "0", 0, 1, false, false,
     "share of the prompt whose keys and values are there already"},
    {"max-batch", CLI_INT, "N", "sequence", NULL, 1, 1e9, false, false, "that may be resident in a replica"},
    {"memory-share", CLI_NUMBER, "X", NULL, "0.9", 0.01, 1, false, false,
     "of a chip's memory, for weights and cache"},
    {"draft", CLI_INT, "N", "token", NULL, 1, 64, false, false, "guessed per step (speculation, MTP)"},
    {"acceptance", CLI_NUMBER, "X", NULL, "0.8", 0, 1, false, false,
     "probability that a guess is kept when those before it are"},
    {"draft-cost", CLI_NUMBER, "X", NULL, NULL, 1e-6, 100, false, false,
     "time of one guess as a share of a step (default: that of one layer)"},
    {"prefill-layout", CLI_STRING, "LAYOUT", NULL, NULL, 0, 0, false, false,
     "prompts are done by a pool of their own, of deployments of this layout"},
    CLI_USD_OPTION,
    CLI_SET,
    {0}};
