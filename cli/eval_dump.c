/* ridge eval compare-dump: the first layer at which two implementations part. */
#include "eval_commands.h"
#include "ridge/import.h"

#include <math.h>
#include <string.h>

const cli_option cli_eval_dump_options[] = {
    {"tolerance", CLI_NUMBER, "SHARE", NULL, "0", 0, 1, false, false,
     "relative difference up to which a node counts as equal"},
    {"limit", CLI_INT, "N", NULL, "20", 1, 1e9, false, false, "differences to list"},
    {0}};

static void json_difference(rg_str *out, const rg_dump_difference *d) {
    rg_str_add(out, "{\"name\": ");
    cli_print_json_string(out, d->name);
    cli_json_string(out, "op", *d->op ? d->op : NULL);
    cli_json_number(out, "layer", d->layer >= 0 ? d->layer : (double)NAN);
    rg_str_printf(out, ", \"difference\": \"%s\"", rg_dump_kind_name(d->kind));
    cli_json_number(out, "amax_a", d->amax_a);
    cli_json_number(out, "amax_b", d->amax_b);
    cli_json_number(out, "amax_difference", d->amax_difference);
    cli_json_number(out, "rms_a", d->rms_a);
    cli_json_number(out, "rms_b", d->rms_b);
    cli_json_number(out, "rms_difference", d->rms_difference);
    cli_json_number(out, "relative_error", d->relative_error);
    cli_json_number(out, "sqnr_db", d->sqnr_db);
    rg_str_add(out, "}");
}

static void print_json(const rg_dump_report *r, size_t limit) {
    rg_str out = {0};
    rg_str_printf(&out,
                  "{\"equal\": %s, \"nodes\": %zu, \"nodes_equal\": %zu, \"differences\": %zu, \"runs\": [",
                  r->n ? "false" : "true", r->n_nodes, r->n_equal, r->n);
    for (size_t i = 0; i < r->n_headers; i++) {
        rg_str_printf(&out, "%s{\"key\": \"%s\", \"a\": ", i ? ", " : "", r->header[i].key);
        cli_print_json_string(&out, r->header[i].a);
        rg_str_add(&out, ", \"b\": ");
        cli_print_json_string(&out, r->header[i].b);
        rg_str_add(&out, "}");
    }
    rg_str_add(&out, "], \"first\": ");
    if (r->n)
        json_difference(&out, &r->difference[0]);
    else
        rg_str_add(&out, "null");
    rg_str_add(&out, ", \"nodes_different\": [");
    for (size_t i = 0; i < r->n && i < limit; i++) {
        if (i) rg_str_add(&out, ", ");
        json_difference(&out, &r->difference[i]);
    }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

/* "1.25 and 1.5, 17 % apart" */
static void print_apart(const char *what, double a, double b, double apart) {
    if (isnan(a) || isnan(b)) return;
    printf("; %s %.6g and %.6g, %.2g %% apart", what, a, b, 100 * apart);
}

static void print_difference(const rg_dump_difference *d) {
    printf("%s", d->name);
    if (*d->op) printf(" (%s)", d->op);
    if (d->layer >= 0) printf(", layer %d", d->layer);
    if (d->kind == RG_DUMP_MISSING)
        printf(": not in the second file");
    else if (d->kind == RG_DUMP_ADDED)
        printf(": not in the first file");
    else
        printf(": other %s", rg_dump_kind_name(d->kind));
    print_apart("rms", d->rms_a, d->rms_b, d->rms_difference);
    print_apart("amax", d->amax_a, d->amax_b, d->amax_difference);
    if (isfinite(d->sqnr_db)) printf("; relative error %.3g, %.1f dB", d->relative_error, d->sqnr_db);
    puts("");
}

static void print_text(const rg_dump_report *r, size_t limit) {
    for (size_t i = 0; i < r->n_headers; i++)
        printf("the runs differ in %s: %s and %s\n", r->header[i].key, r->header[i].a, r->header[i].b);
    printf("%zu of %zu nodes equal\n", r->n_equal, r->n_nodes);
    if (!r->n) return;
    printf("first difference: ");
    print_difference(&r->difference[0]);
    for (size_t i = 1; i < r->n && i < limit; i++) {
        printf("  ");
        print_difference(&r->difference[i]);
    }
    if (r->n > limit) printf("  ... and %zu more\n", r->n - limit);
}

rg_status cli_eval_dump(cli_context *context, rg_error *err) {
    rg_dump_report report;
    const size_t limit = (size_t)cli_int(context, "limit", 20);
    RG_TRY(rg_dump_compare(context->argument[0], context->argument[1], cli_number(context, "tolerance", 0),
                           &report, err));
    (context->json ? print_json : print_text)(&report, limit);
    rg_dump_report_free(&report);
    return RG_OK;
}
