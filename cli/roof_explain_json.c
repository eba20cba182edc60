/* roof explain as one JSON object. */
#include "roof_explain.h"

static void add_estimate(rg_str *out, double estimate_s, double lo80_s, double hi80_s, const char *regime,
                         const char *kind) {
    cli_json_number(out, "estimate_s", estimate_s);
    cli_json_number(out, "lo80_s", lo80_s);
    cli_json_number(out, "hi80_s", hi80_s);
    cli_json_string(out, "regime", regime);
    cli_json_string(out, "class", kind);
}

static void json_operator(rg_str *out, const rg_roof_operator *o, const rg_energy *e) {
    rg_str_add(out, "{\"name\": ");
    cli_print_json_string(out, o->name);
    cli_json_string(out, "op", o->op);
    cli_json_number(out, "flop", o->flop);
    cli_json_number(out, "bytes", o->bytes);
    cli_json_number(out, "bound_s", o->bound_s);
    cli_json_string(out, "limiter", o->limiter);
    add_estimate(out, o->estimate_s, o->lo80_s, o->hi80_s, o->regime, o->estimate_kind);
    cli_energy_json_joules(out, e);
    cli_json_number(out, "matrix_flop", o->matrix_flop);
    cli_json_number(out, "vector_flop", o->vector_flop);
    cli_json_number(out, "compute_s", o->compute_s);
    cli_json_number(out, "vector_s", o->vector_s);
    cli_json_number(out, "memory_s", o->memory_s);
    cli_json_string(out, "path", o->runs_as ? rg_path_kind_name(o->kind) : NULL);
    cli_json_string(out, "runs_as", o->runs_as);
    cli_json_string(out, "weight_format", o->weight_format);
    cli_json_string(out, "activation_format", o->activation_format);
    cli_json_string(out, "conversion", o->conversion);
    cli_json_string(out, "source", o->source);
    rg_str_add(out, "}");
}

static void json_elasticity(rg_str *out, const rg_elasticity *e, bool first) {
    rg_str_add(out, first ? "\n  {\"parameter\": " : ",\n  {\"parameter\": ");
    cli_print_json_string(out, e->parameter);
    cli_json_number(out, "bound", e->bound);
    cli_json_number(out, "estimate", e->estimate);
    rg_str_add(out, "}");
}

static void json_head(rg_str *out, const cli_roof_answer *q) {
    const char *set;
    rg_str_add(out, "{\"model\": ");
    cli_print_json_string(out, q->graph->model);
    cli_json_string(out, "chip", q->chip->id);
    cli_json_string(out, "phase", q->phase == RG_DECODE ? "decode" : "prefill");
    cli_json_number(out, "batch", q->batch);
    cli_json_number(out, "context", q->context);
    cli_json_number(out, "max_positions", (double)q->graph->max_positions);
    cli_json_string(out, "policy", q->policy);
    rg_str_add(out, ", \"set\": [");
    for (int i = 0; (set = cli_nth(q->cli, "set", i)); i++) {
        if (i) rg_str_add(out, ", ");
        cli_print_json_string(out, set);
    }
    rg_str_add(out, "]");
}

void cli_roof_print_json(const cli_roof_answer *q) {
    const rg_roof *r = &q->roof;
    rg_str out = {0};
    json_head(&out, q);
    rg_str_add(&out, ",\n \"operators\": [");
    for (size_t i = 0; i < r->n_operators; i++) {
        rg_str_add(&out, i ? ",\n  " : "\n  ");
        json_operator(&out, &r->op[i], &q->energy_of[i]);
    }
    rg_str_add(&out, "],\n \"total\": {\"bound_s\": ");
    cli_print_json_number(&out, r->bound_s);
    cli_json_string(&out, "limiter", r->limiter);
    add_estimate(&out, r->estimate_s, r->lo80_s, r->hi80_s, r->regime, r->estimate_kind);
    cli_energy_json(&out, &q->energy);
    cli_json_number(&out, "flop", r->flop);
    cli_json_number(&out, "bytes", r->bytes);
    cli_json_number(&out, "tokens_per_s", r->tokens_per_s);
    cli_json_number(&out, "overlapped_s", r->overlapped_s);
    cli_json_string(&out, "path", rg_path_kind_name(r->kind));
    cli_json_string(&out, "linear_path", rg_path_kind_name(r->linear_kind));
    rg_str_add(&out, "},\n \"elasticities\": [");
    for (size_t i = 0; i < q->elasticities.n; i++) json_elasticity(&out, &q->elasticities.entry[i], i == 0);
    rg_str_printf(&out, "],\n \"fits\": %s", r->fits ? "true" : "false");
    cli_json_number(&out, "memory_bytes", r->memory_bytes);
    cli_json_number(&out, "memory_available_bytes", r->memory_available_bytes);
    cli_json_number(&out, "weight_bytes", r->weight_bytes);
    cli_json_number(&out, "kv_bytes", r->kv_bytes);
    cli_json_number(&out, "state_bytes", r->state_bytes);
    cli_json_number(&out, "max_batch", r->max_batch);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}
