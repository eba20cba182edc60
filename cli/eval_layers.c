/* What an evaluation saw inside the model: a table, JSON, and the file that another implementation can be
   compared with. */
#include "eval_run.h"

#include <math.h>

static void member(rg_str *out, const char *key, double value) {
    rg_str_printf(out, ", \"%s\": ", key);
    cli_print_json_number(out, value);
}

static void json_error(rg_str *out, const cli_eval_request *r, size_t i, size_t p, bool digests) {
    const rg_layer_error *e = &r->report.layer_error[i * (r->report.n_qualities - 1) + p];
    rg_str_add(out, p ? ", {\"policy\": " : "{\"policy\": ");
    cli_print_json_string(out, r->report.quality[p + 1].policy);
    member(out, "sqnr_free_db", e->sqnr_free_db);
    member(out, "sqnr_forced_db", e->sqnr_forced_db);
    if (digests) rg_str_printf(out, ", \"sha256\": \"%s\"", e->sha256.hex);
    rg_str_add(out, "}");
}

void cli_eval_json_layers(rg_str *out, const cli_eval_request *r, bool digests) {
    const rg_eval_report *p = &r->report;
    rg_str_add(out, ", \"nodes\": [");
    for (size_t i = 0; i < p->n_layers; i++) {
        const rg_layer *l = &p->layer[i];
        rg_str_add(out, i ? ", {\"name\": " : "{\"name\": ");
        cli_print_json_string(out, l->name);
        rg_str_add(out, ", \"op\": ");
        cli_print_json_string(out, l->op);
        if (l->layer >= 0)
            member(out, "layer", l->layer);
        else
            rg_str_add(out, ", \"layer\": null");
        member(out, "width", (double)l->width);
        member(out, "rms", l->rms);
        member(out, "max_abs", l->max_abs);
        member(out, "crest", l->crest);
        member(out, "block_crest", l->block_crest);
        member(out, "kurtosis", l->kurtosis);
        member(out, "outlier_channels", (double)l->outlier_channels);
        if (digests) rg_str_printf(out, ", \"sha256\": \"%s\"", l->sha256.hex);
        rg_str_add(out, ", \"policies\": [");
        for (size_t k = 0; k + 1 < p->n_qualities; k++) json_error(out, r, i, k, digests);
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

rg_status cli_eval_dump(const cli_eval_request *r, const char *path, rg_error *err) {
    const rg_eval_report *p = &r->report;
    rg_str out = {0};
    rg_str_add(&out, "{\"ridge_dump\": 1, \"protocol\": ");
    cli_print_json_string(&out, p->protocol);
    rg_str_printf(&out, ", \"model_sha256\": \"%s\", \"text_sha256\": \"%s\"", r->model.sha256.hex,
                  r->text_sha256.hex);
    member(&out, "tokens_run", (double)p->tokens_run);
    rg_str_add(&out, ", \"policies\": [");
    for (size_t k = 1; k < p->n_qualities; k++) {
        if (k > 1) rg_str_add(&out, ", ");
        cli_print_json_string(&out, p->quality[k].policy);
    }
    rg_str_add(&out, "]");
    cli_eval_json_layers(&out, r, true);
    rg_str_add(&out, "}\n");
    const rg_status status = out.failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory")
                                        : rg_file_write(path, out.data, out.len, err);
    rg_str_free(&out);
    return status;
}
