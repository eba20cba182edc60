/* ridge perf: estimates with intervals for tables of operators, and the constants behind them. */
#include "ridge/perf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hw_open.h"
#include "perf_commands.h"

/* ---- predict ----------------------------------------------------------------------------------------- */

static rg_status predict_with(cli_context *context, const rg_chip *chip, rg_str *out, rg_error *err) {
    rg_calibrations *all;
    char *text = NULL;
    size_t size = 0;
    RG_TRY(rg_calibrations_open(&all, context->data_dir, err));
    rg_status status = cli_read_stdin(&text, &size, err);
    if (status == RG_OK)
        status = rg_perf_predict(cli_string(context, "op"), chip, all, cli_string(context, "kernel"),
                                 cli_string(context, "measured"), text, size, out, err);
    free(text);
    rg_calibrations_close(all);
    return status;
}

static rg_status predict(cli_context *context, rg_error *err) {
    rg_chip chip;
    rg_str out = {0};
    RG_TRY(cli_open_chip(context, cli_string(context, "chip"), &chip, err));
    const rg_status status = predict_with(context, &chip, &out, err);
    if (status == RG_OK && context->json) {
        rg_str json = {0};
        rg_str_add(&json, "{\"csv\": ");
        cli_print_json_string(&json, out.data);
        rg_str_add(&json, "}");
        cli_json_end(&json);
    } else if (status == RG_OK) {
        fwrite(out.data, 1, out.len, stdout);
    }
    rg_str_free(&out);
    rg_chip_close(&chip);
    return status;
}

/* ---- fit --------------------------------------------------------------------------------------------- */

static void json_score(rg_str *out, const rg_fit_score *s) {
    cli_json_number(out, "n", (double)s->n);
    cli_json_number(out, "mape", s->mape);
    cli_json_number(out, "median", s->median);
    cli_json_number(out, "p90", s->p90);
    cli_json_number(out, "bias", s->bias);
    cli_json_number(out, "coverage80", s->coverage80);
}

/* Over the partitions, weighted by their rows. */
static rg_fit_score overall(const rg_fit *f) {
    rg_fit_score s = {0};
    for (size_t i = 0; i < f->n_rows; i++) {
        const rg_fit_score *p = &f->row[i].held_out;
        const double before = (double)s.n, n = (double)p->n, all = before + n;
        if (!(n > 0)) continue;
        s.mape = (s.mape * before + p->mape * n) / all;
        s.median = (s.median * before + p->median * n) / all;
        s.p90 = (s.p90 * before + p->p90 * n) / all;
        s.bias = (s.bias * before + p->bias * n) / all;
        s.coverage80 = (s.coverage80 * before + p->coverage80 * n) / all;
        s.n += p->n;
    }
    return s;
}

static void fit_json(const rg_fit_request *q, const rg_fit *f, const rg_lint *found) {
    rg_str out = {0};
    const rg_fit_score s = overall(f);
    rg_str_add(&out, "{\"chip\": ");
    cli_print_json_string(&out, q->chip->id);
    cli_json_string(&out, "op", q->op);
    cli_json_string(&out, "holdout", q->holdout);
    json_score(&out, &s);
    rg_str_add(&out, ",\n \"partitions\": [");
    for (size_t i = 0; i < f->n_rows; i++) {
        rg_str_add(&out, i ? ",\n  {\"group\": " : "\n  {\"group\": ");
        cli_print_json_string(&out, f->row[i].group);
        cli_json_number(&out, "seed", f->row[i].seed);
        json_score(&out, &f->row[i].held_out);
        rg_str_add(&out, "}");
    }
    rg_str_printf(&out,
                  "],\n \"lint\": {\"rows\": %zu, \"used\": %zu, \"not_positive\": %zu, "
                  "\"faster_than_compute\": %zu, \"faster_than_cache\": %zu, \"faster_than_memory\": %zu, "
                  "\"unknown_format\": %zu, \"findings\": ",
                  f->rows, f->used, f->not_positive, f->faster_than_compute, f->faster_than_cache,
                  f->faster_than_memory, f->unknown_format);
    cli_perf_findings_json(&out, found);
    rg_str_add(&out, "}}");
    cli_json_end(&out);
}

static void fit_text(const rg_fit_request *q, const rg_fit *f, const rg_lint *found) {
    cli_perf_findings_text(found);
    printf("%s, %s: %zu rows, %zu used; left out: %zu not positive, %zu faster than the compute bound, %zu "
           "than the "
           "memory\nand its cache, %zu in formats that the chip does not have; %zu faster than the memory "
           "bound (operands in a "
           "cache) stay\n\n",
           q->op, q->chip->id, f->rows, f->used, f->not_positive, f->faster_than_compute,
           f->faster_than_cache, f->unknown_format, f->faster_than_memory);
    printf(
        "held out (%s)             seed       n   mape %%  median %%   p90 %%  bias %%  coverage of 80 %%\n",
        q->holdout);
    for (size_t i = 0; i < f->n_rows; i++) {
        const rg_fit_row *r = &f->row[i];
        printf("%-30s %4d %7zu  %7.2f  %7.2f  %7.2f  %+6.2f  %6.1f\n", r->group, r->seed, r->held_out.n,
               100 * r->held_out.mape, 100 * r->held_out.median, 100 * r->held_out.p90,
               100 * r->held_out.bias, 100 * r->held_out.coverage80);
    }
}

/* A table of whole servings, on many chips. */
static bool is_serving(const cli_context *context) {
    return strcmp(cli_string(context, "op"), "serving") == 0;
}

static rg_status fit_with(cli_context *context, const rg_chip *chip, const rg_calibrations *all,
                          rg_error *err) {
    char date[16] = "";
    const time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm)) strftime(date, sizeof date, "%Y-%m-%d", &tm);
    const rg_fit_request q = {.op = cli_string(context, "op"),
                              .path = context->argument[0],
                              .chip = chip,
                              .kernel = cli_string(context, "kernel"),
                              .measured = cli_string(context, "measured"),
                              .holdout = cli_string(context, "holdout"),
                              .source = cli_string(context, "source"),
                              .date = date,
                              .all = all,
                              .data_dir = context->data_dir};
    const bool power = strcmp(q.op, "power") == 0; /* a column beside the times of GEMMs */
    const bool own = !is_serving(context);         /* the lint knows the columns of servings */
    const rg_lint_options options = {.chip = own ? chip : NULL,
                                     .op = !own    ? NULL
                                           : power ? "gemm"
                                                   : q.op,
                                     .measured = own ? q.measured : NULL,
                                     .data_dir = context->data_dir};
    rg_fit f;
    rg_lint found;
    RG_TRY(rg_perf_lint(q.path, &options, &found, err));
    rg_status status = rg_perf_fit(&q, &f, err);
    const char *path = cli_string(context, "o");
    if (status == RG_OK) {
        if (path) status = rg_fit_store(&f, chip->id, path, err);
        if (status == RG_OK && path && cli_flag(context, "splits"))
            status = rg_fit_store_splits(&f, chip->id, path, err);
        if (status == RG_OK) (context->json ? fit_json : fit_text)(&q, &f, &found);
        rg_fit_close(&f);
    }
    rg_lint_close(&found);
    return status;
}

static rg_status fit(cli_context *context, rg_error *err) {
    rg_chip chip = {.id = "all"};
    rg_calibrations *all = NULL;
    const bool serving = is_serving(context);
    if (!serving && !cli_string(context, "chip"))
        return rg_fail(err, RG_ERR_USAGE, "--chip", "on which the table was measured", "none is given");
    if (!serving) RG_TRY(cli_open_chip(context, cli_string(context, "chip"), &chip, err));
    rg_status status = RG_OK;
    if (!serving && strcmp(cli_string(context, "holdout"), "chip") == 0)
        status = rg_calibrations_open(&all, context->data_dir, err);
    if (status == RG_OK) status = fit_with(context, &chip, all, err);
    rg_calibrations_close(all);
    rg_chip_close(&chip);
    return status;
}

/* ---- score ------------------------------------------------------------------------------------------- */

static void score_json(const rg_scorecard *c) {
    rg_str out = {0};
    rg_str_add(&out, "{\"rows\": [");
    for (size_t i = 0; i < c->n; i++) {
        const rg_score_row *r = &c->row[i];
        rg_str_add(&out, i ? ",\n  {\"id\": " : "\n  {\"id\": ");
        cli_print_json_string(&out, r->id);
        cli_json_string(&out, "partition", r->partition);
        cli_json_number(&out, "n", (double)r->n);
        cli_json_string(&out, "unit", r->unit ? r->unit : "fraction");
        cli_json_number(&out, "value", r->value);
        cli_json_number(&out, "floor", r->floor);
        cli_json_number(&out, "stretch", r->stretch);
        rg_str_printf(&out, ", \"met\": %s", r->met ? "true" : "false");
        cli_json_number(&out, "bound_mape", r->baseline);
        rg_str_add(&out, "}");
    }
    rg_str_printf(&out, "],\n \"tables\": %zu, \"tables_absent\": %zu}", c->tables, c->tables_absent);
    cli_json_end(&out);
}

/* NAN: an empty cell. */
static void print_cell(double x, const char *unit) {
    if (isnan(x))
        printf("| ");
    else if (unit)
        printf("| %.3g %s ", x, unit);
    else
        printf("| %.1f %% ", 100 * x);
}

static void score_text(const rg_scorecard *c) {
    printf("| goal | partition | n | value | floor | stretch | bound alone | met "
           "|\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < c->n; i++) {
        const rg_score_row *r = &c->row[i];
        printf("| %s | %s | %zu ", r->id, r->partition, r->n);
        print_cell(r->value, r->unit);
        print_cell(r->floor, r->unit);
        print_cell(r->stretch, r->unit);
        print_cell(r->baseline, r->unit);
        printf("| %s |\n", r->met ? "yes" : "no");
    }
    printf("\n%zu sets of measurements, %zu absent\n", c->tables, c->tables_absent);
}

static rg_status score(cli_context *context, rg_error *err) {
    rg_calibrations *all;
    rg_scorecard card;
    RG_TRY(rg_calibrations_open(&all, context->data_dir, err));
    const rg_status status = rg_perf_score(context->argument[0], all, context->data_dir,
                                           cli_flag(context, "refit"), context->progress, &card, err);
    rg_calibrations_close(all);
    RG_TRY(status);
    (context->json ? score_json : score_text)(&card);
    rg_scorecard_close(&card);
    return RG_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const cli_option predict_options[] = {
    {"chip", CLI_STRING, "CHIP", NULL, NULL, 0, 0, false, true, "as in ridge hw list"},
    {"op", CLI_STRING, "OP", NULL, NULL, 0, 0, false, true,
     "gemm, attention_prefill, attention_decode, moe, collective"},
    {"kernel", CLI_STRING, "K", NULL, NULL, 0, 0, false, false,
     "for tables without a kernel column (default: all that have constants, and the interval spans them)"},
    {"measured", CLI_STRING, "COLUMN", NULL, NULL, 0, 0, false, false,
     "column of measured times in ms (or s, us, by the end of its name): adds error_pct"},
    CLI_SET,
    {0}};

static const cli_option fit_options[] = {
    {"chip", CLI_STRING, "CHIP", NULL, NULL, 0, 0, false, false,
     "on which the table was measured (serving: the table names it)"},
    {"op", CLI_STRING, "OP", NULL, NULL, 0, 0, false, true,
     "gemm, attention_prefill, attention_decode, moe, collective; power: board power of GEMMs; serving"},
    {"holdout", CLI_STRING, "WHAT", NULL, "site", 0, 0, false, false,
     "what is kept apart for the score: site, model, or chip (no fit: the constants of other chips)"},
    {"kernel", CLI_STRING, "K", NULL, NULL, 0, 0, false, false, "name, for tables without a kernel column"},
    {"measured", CLI_STRING, "COLUMN", NULL, "latency_ms", 0, 0, false, false, "column of measured times"},
    {"source", CLI_STRING, "TEXT", NULL, NULL, 0, 0, false, false,
     "where the table comes from, stored with the constants (default: the file's name)"},
    CLI_SET,
    {"o", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "write the constants; those of other operators and kernels in the file stay"},
    {"splits", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "write those of the other two splits too, beside FILE, for perf score"},
    {0}};

static const cli_option score_options[] = {{"refit", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
                                            "fit anew instead of using the shipped constants"},
                                           {0}};

const cli_command cli_perf_commands[] = {
    {.noun = "perf",
     .verb = "predict",
     .arguments = "",
     .summary = "add bound, estimate and 80 % interval to a table of operators (CSV from stdin to stdout)",
     .details =
         "Columns by operator: gemm: gemm_dtype m n k; attention_*: batch_size isl step num_heads\n"
         "num_key_value_heads head_dim [window_size attn_dtype kv_cache_dtype]; moe: moe_dtype num_tokens\n"
         "hidden_size inter_size topk num_experts [moe_tp_size moe_ep_size distribution]; collective:\n"
         "op_name nccl_dtype num_gpus message_elements. A kernel column is used where there is one. class "
         "is\n"
         "calibrated, or transferred: beyond the measured range, or with the constants of other chips, and "
         "a\n"
         "wider interval. GEMMs also get the power of the board and joules (docs/energy.md). "
         "docs/performance.md\n"
         "explains the models.",
     .example =
         "printf 'gemm_dtype,m,n,k\\nbfloat16,64,4096,4096\\n' | ridge perf predict --chip h100 --op gemm\n"
         "  gemm_dtype,m,n,k,bound_s,estimate_s,lo80_s,hi80_s,regime,class,power_w,energy_j\n"
         "  "
         "bfloat16,64,4096,4096,1.03293e-05,1.56445e-05,1.45336e-05,1.75381e-05,memory,calibrated,486.9,"
         "0.00761683",
     .options = predict_options,
     .run = predict},
    {.noun = "perf",
     .verb = "lint",
     .arguments = "FILE|DIR",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "find the defects of measurements before anything is fitted to them",
     .details = cli_perf_lint_details,
     .example = cli_perf_lint_example,
     .options = cli_perf_lint_options,
     .run = cli_perf_lint},
    {.noun = "perf",
     .verb = "fit",
     .arguments = "TABLE.csv",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "fit the constants of an operator model to measurements, and score them on sites held out",
     .details =
         "The table may be .gz. It is linted first (ridge perf lint); rows that are not positive, or faster\n"
         "than the chip's compute rate or memory and cache, are left out and counted. Seven tenths of\n"
         "the sites (shapes of a weight, of a head; sizes of a message) fit the constants, and give the\n"
         "interval by parts that are predicted from the others; the rest is scored; three times, for three\n"
         "splits. Scores are fractions. The constants of the first split are written.",
     .example =
         "ridge perf fit gemm.csv.gz --chip h100 --op gemm -o h100-sxm.yaml\n"
         "  ...\n"
         "  held out (site)             seed       n   mape %  median %   p90 %  bias %  coverage of 80 %\n"
         "  bfloat16/torch                    1    2956     6.14     4.50    13.37   -0.12    78.6\n"
         "  ...",
     .options = fit_options,
     .run = fit},
    {.noun = "perf",
     .verb = "score",
     .arguments = "DIR",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "score the constants on published measurements, on sites that their fit has not seen",
     .details =
         "DIR has measured/. Values are mean errors of the estimate on the sites that a split holds out, of\n"
         "operators the mean over three splits; Q18 is the share of measurements inside the 80 % interval.\n"
         "Q1 and Q6 use no constants of the chip. The bound's column holds, for Q17, the error of a\n"
         "constant power. docs/scorecard.md has the last card.",
     .example = "ridge perf score ../shared/data\n"
                "  | goal | partition | n | value | floor | stretch | bound alone | met |\n"
                "  | Q2 | gemm h100-sxm bfloat16/torch | 8294 | 6.2 % | 9.5 % | 6.5 % | 43.8 % | yes |\n"
                "  ...",
     .options = score_options,
     .run = score},
    {.noun = "perf",
     .verb = "calibrate",
     .arguments = "DIR",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "fit the constants of whole training steps to published tables",
     .details = "DIR has measured/. What is fitted to what, and what is held out: docs/training.md.",
     .example = "ridge perf calibrate ../shared/data -o data/calibration/training_fitted.yaml",
     .options = cli_perf_calibrate_options,
     .run = cli_perf_calibrate},
    {0},
};
