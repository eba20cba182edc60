/* What an evaluation saw inside the model: a table, JSON, and the file that another implementation can be
   compared with. */
#include "eval_run.h"

#include <math.h>

static void json_node(rg_str *out, const rg_layer *l) {
    rg_str_add(out, "{\"name\": ");
    cli_print_json_string(out, l->name);
    rg_str_add(out, ", \"op\": ");
    cli_print_json_string(out, l->op);
    cli_json_number(out, "layer", l->layer >= 0 ? l->layer : (double)NAN);
    cli_json_number(out, "width", (double)l->width);
}

static void json_shape(rg_str *out, const rg_layer *l) {
    cli_json_number(out, "crest", l->crest);
    cli_json_number(out, "block_crest", l->block_crest);
    cli_json_number(out, "kurtosis", l->kurtosis);
    cli_json_number(out, "outlier_channels", (double)l->outlier_channels);
}

void cli_eval_json_layers(rg_str *out, const cli_eval_request *r) {
    const rg_eval_report *p = &r->report;
    const size_t n = p->n_qualities - 1;
    rg_str_add(out, ", \"nodes\": [");
    for (size_t i = 0; i < p->n_layers; i++) {
        if (i) rg_str_add(out, ", ");
        json_node(out, &p->layer[i]);
        cli_json_number(out, "amax", p->layer[i].max_abs);
        cli_json_number(out, "mean", p->layer[i].mean);
        cli_json_number(out, "rms", p->layer[i].rms);
        json_shape(out, &p->layer[i]);
        rg_str_add(out, ", \"policies\": [");
        for (size_t k = 0; k < n; k++) {
            rg_str_add(out, k ? ", {\"policy\": " : "{\"policy\": ");
            cli_print_json_string(out, p->quality[k + 1].policy);
            cli_json_number(out, "sqnr_free_db", p->layer_error[i * n + k].sqnr_free_db);
            cli_json_number(out, "sqnr_forced_db", p->layer_error[i * n + k].sqnr_forced_db);
            rg_str_add(out, "}");
        }
        rg_str_add(out, "]}");
    }
    rg_str_add(out, "]");
}

static void print_db(double db) {
    if (isfinite(db))
        printf("  %6.1f", db);
    else
        printf("  %6s", "-");
}

void cli_eval_print_layers(const cli_eval_request *r) {
    const rg_eval_report *p = &r->report;
    printf("\nOutputs of operators: crest = max / rms, of blocks of 32; kurtosis (normal: 3); out = channels "
           "whose "
           "rms exceeds 6 times the median's.\n"
           "SQNR against fp32 in dB, free-running and forced (the policy's operator on fp32's inputs); - no "
           "difference\n");
    for (size_t k = 1; k < p->n_qualities; k++) printf("  P%zu  %s\n", k, p->quality[k].policy);
    printf("\n%-28s  %7s  %6s  %8s  %4s", "operator", "crest", "block", "kurtosis", "out");
    for (size_t k = 1; k < p->n_qualities; k++) printf("  P%-4zu   forced", k);
    puts("");
    for (size_t i = 0; i < p->n_layers; i++) {
        const rg_layer *l = &p->layer[i];
        printf("%-28s  %7.2f  %6.2f  %8.2f  %4zu", l->name, l->crest, l->block_crest, l->kurtosis,
               l->outlier_channels);
        for (size_t k = 0; k + 1 < p->n_qualities; k++) {
            const rg_layer_error *e = &p->layer_error[i * (p->n_qualities - 1) + k];
            print_db(e->sqnr_free_db);
            print_db(e->sqnr_forced_db);
        }
        puts("");
    }
}

rg_status cli_eval_run_dump(const cli_eval_request *r, const char *path, rg_error *err) {
    const rg_eval_report *p = &r->report;
    rg_str out = {0};
    rg_str_add(&out, "{\"ridge_dump\": 1, \"protocol\": ");
    cli_print_json_string(&out, p->protocol);
    rg_str_printf(&out, ", \"model_sha256\": \"%s\", \"text_sha256\": \"%s\", \"policy\": ",
                  r->input.model.sha256.hex, r->input.sha256.hex);
    cli_print_json_string(&out, p->quality[1].policy);
    cli_json_number(&out, "tokens", (double)p->tokens_run);
    rg_str_add(&out, ", \"nodes\": [");
    for (size_t i = 0; i < p->n_layers; i++) {
        const rg_layer_error *e = &p->layer_error[i];
        rg_str_add(&out, i ? ",\n" : "\n");
        json_node(&out, &p->layer[i]);
        cli_json_number(&out, "rows", (double)p->tokens_run);
        rg_str_printf(&out, ", \"sha256\": \"%s\"", e->sha256.hex);
        cli_json_number(&out, "amax", e->max_abs);
        cli_json_number(&out, "mean", e->mean);
        cli_json_number(&out, "rms", e->rms);
        cli_json_number(&out, "sqnr_free_db", e->sqnr_free_db);
        cli_json_number(&out, "sqnr_forced_db", e->sqnr_forced_db);
        rg_str_add(&out, "}");
    }
    rg_str_add(&out, "\n]}\n");
    const rg_status status = out.failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory")
                                        : rg_file_write(path, out.data, out.len, err);
    rg_str_free(&out);
    return status;
}
