/* ridge num explain: which part of a number format makes the error of a matrix product. */
#include "num_explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/explain.h"

const cli_option cli_num_explain_options[] = {
    {.name = "a",
     .type = CLI_STRING,
     .value = "FORMAT",
     .needed = true,
     .help = "format and cast of a [rows][k]"},
    {.name = "b", .type = CLI_STRING, .value = "FORMAT", .help = "of b [cols][k] (default: that of a)"},
    {.name = "dp",
     .type = CLI_STRING,
     .value = "DATAPATH",
     .help = "how products are added (default: a chain of fp32 fused multiply-adds)"},
    {.name = "rows",
     .type = CLI_INT,
     .value = "M",
     .preset = "64",
     .min = 1,
     .max = 1e6,
     .help = "rows of a"},
    {.name = "cols",
     .type = CLI_INT,
     .value = "N",
     .preset = "64",
     .min = 1,
     .max = 1e6,
     .help = "rows of b"},
    {.name = "k",
     .type = CLI_INT,
     .value = "K",
     .preset = "1024",
     .min = 1,
     .max = 65536,
     .help = "products of a sum"},
    {.name = "dist",
     .type = CLI_STRING,
     .value = "DIST",
     .preset = "gaussian",
     .help = "numbers to try: gaussian, laplace, outliers (gaussian, every 64th column times 20)"},
    {.name = "seed",
     .type = CLI_INT,
     .value = "SEED",
     .preset = "1",
     .min = 0,
     .max = 9e15,
     .help = "of the numbers"},
    {.name = "a-data", .type = CLI_STRING, .value = "FILE", .help = "a from a file: raw fp32, rows of K"},
    {.name = "b-data", .type = CLI_STRING, .value = "FILE", .help = "b from a file"},
    {0}};

/* One operand: its format and its numbers. */
typedef struct side {
    rg_quant quant;
    char text[RG_QUANT_TEXT];
    float *values;
    size_t rows;
} side;

static rg_status distribution(const char *name, rg_distribution *out, rg_error *err) {
    for (int i = 0; i < RG_N_DISTS; i++)
        if (strcmp(name, rg_distribution_name((rg_distribution)i)) == 0) {
            *out = (rg_distribution)i;
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_USAGE, "--dist", "gaussian, laplace or outliers", "unknown \"%.60s\"", name);
}

static rg_status read_values(const char *path, size_t k, side *s, rg_error *err) {
    char *data = NULL, expected[64];
    size_t size = 0;
    RG_TRY(rg_file_read(path, (size_t)1 << 34, &data, &size, err));
    if (size == 0 || size % (k * sizeof *s->values)) {
        free(data);
        snprintf(expected, sizeof expected, "rows of %zu fp32 values, %zu bytes each", k,
                 k * sizeof *s->values);
        return rg_fail(err, RG_ERR_PARSE, path, expected, "%zu bytes", size);
    }
    s->values = (float *)(void *)data;
    s->rows = size / (k * sizeof *s->values);
    return RG_OK;
}

static rg_status fill(const cli_context *context, int index, size_t k, side *s, rg_error *err) {
    rg_distribution dist = RG_DIST_GAUSSIAN;
    const char *const file = cli_string(context, index ? "b-data" : "a-data");
    if (file) return read_values(file, k, s, err);
    RG_TRY(distribution(cli_string(context, "dist"), &dist, err));
    s->rows = (size_t)cli_int(context, index ? "cols" : "rows", 0);
    if (s->rows > SIZE_MAX / sizeof *s->values / k || !(s->values = malloc(s->rows * k * sizeof *s->values)))
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu rows of %zu numbers", s->rows, k);
    rg_distribution_fill(dist, (uint64_t)cli_int(context, "seed", 0), (uint64_t)index, s->values, s->rows, k);
    return RG_OK;
}

static double db(double rms) {
    return -20 * log10(rms);
}

static void print_json(const side s[2], const char *datapath, size_t k, const rg_explained *e) {
    rg_str out = {0};
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"output_rms", e->output_rms},
                   {"error_rms", e->rms},
                   {"sqnr_db", e->sqnr_db},
                   {"a_sqnr_db", e->operand_sqnr_db[0]},
                   {"b_sqnr_db", e->operand_sqnr_db[1]}};
    rg_str_add(&out, "{\"a\": ");
    cli_print_json_string(&out, s[0].text);
    rg_str_add(&out, ", \"b\": ");
    cli_print_json_string(&out, s[1].text);
    rg_str_add(&out, ", \"datapath\": ");
    if (datapath)
        cli_print_json_string(&out, datapath);
    else
        rg_str_add(&out, "null");
    rg_str_printf(&out, ", \"rows\": %zu, \"cols\": %zu, \"k\": %zu", s[0].rows, s[1].rows, k);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rg_str_printf(&out, ", \"%s\": ", numbers[i].key);
        cli_print_json_number(&out, numbers[i].value);
    }
    rg_str_printf(&out, ", \"a_clipped\": %llu, \"b_clipped\": %llu, \"parts\": [",
                  (unsigned long long)e->n_clipped[0], (unsigned long long)e->n_clipped[1]);
    for (int p = 0; p < RG_N_ERROR_PARTS; p++) {
        const rg_error_share *part = &e->part[p];
        rg_str_printf(&out, "%s\n  {\"part\": \"%s\", \"rms\": ", p ? "," : "",
                      rg_error_part_name((rg_error_part)p));
        cli_print_json_number(&out, part->rms);
        rg_str_add(&out, ", \"own\": ");
        cli_print_json_number(&out, part->own);
        rg_str_add(&out, ", \"cross\": ");
        cli_print_json_number(&out, part->cross);
        rg_str_add(&out, ", \"share\": ");
        cli_print_json_number(&out, part->share);
        rg_str_add(&out, "}");
    }
    const bool any = e->rms > 0;
    rg_str_printf(&out, "\n], \"largest\": %s%s%s, \"advice\": ", any ? "\"" : "",
                  any ? rg_error_part_name(e->largest) : "null", any ? "\"" : "");
    if (any)
        cli_print_json_string(&out, rg_error_part_advice(e->largest));
    else
        rg_str_add(&out, "null");
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

static void print_table(const side s[2], const char *datapath, size_t k, const rg_explained *e) {
    printf("%zu x %zu sums of %zu products, a %s, b %s, added by %s\n", s[0].rows, s[1].rows, k, s[0].text,
           s[1].text, datapath ? datapath : "a chain of fp32 fused multiply-adds");
    printf("  output         rms %.6g\n", e->output_rms);
    if (e->rms == 0) {
        printf("  error          none\n");
        return;
    }
    printf("  error          rms %.4g %% of it (%.2f dB)\n", 100 * e->rms, e->sqnr_db);
    for (int i = 0; i < 2; i++)
        printf("  %s              %.2f dB, %llu of %zu elements clipped\n", i ? "b" : "a",
               e->operand_sqnr_db[i], (unsigned long long)e->n_clipped[i], s[i].rows * k);
    printf("\n  part              rms      dB      own    cross    share\n");
    for (int p = 0; p < RG_N_ERROR_PARTS; p++) {
        const rg_error_share *part = &e->part[p];
        printf("  %-12s ", rg_error_part_name((rg_error_part)p));
        if (part->rms == 0) {
            printf("       0\n");
            continue;
        }
        printf("%6.3g %% %7.2f %6.1f %% %6.1f %% %6.1f %%\n", 100 * part->rms, db(part->rms), 100 * part->own,
               100 * part->cross, 100 * part->share);
    }
    printf("\n  largest: %s. What helps: %s\n", rg_error_part_name(e->largest),
           rg_error_part_advice(e->largest));
}

static rg_status run(cli_context *context, side s[2], rg_datapath **dp, rg_error *err) {
    const size_t k = (size_t)cli_int(context, "k", 0);
    const char *const a = cli_string(context, "a"), *const b = cli_string(context, "b");
    const char *const datapath = cli_string(context, "dp");
    rg_explained e;
    RG_TRY(rg_quant_parse(a, &s[0].quant, err));
    RG_TRY(rg_quant_parse(b ? b : a, &s[1].quant, err));
    if (datapath) RG_TRY(rg_datapath_open(dp, datapath, context->data_dir, err));
    for (int i = 0; i < 2; i++) {
        rg_quant_print(&s[i].quant, s[i].text, sizeof s[i].text);
        RG_TRY(fill(context, i, k, &s[i], err));
    }
    RG_TRY(rg_num_explain(&s[0].quant, &s[1].quant, *dp, s[0].values, s[1].values, s[0].rows, s[1].rows, k,
                          &e, err));
    if (context->json)
        print_json(s, datapath ? rg_datapath_text(*dp) : NULL, k, &e);
    else
        print_table(s, datapath, k, &e);
    return RG_OK;
}

rg_status cli_num_explain(cli_context *context, rg_error *err) {
    side s[2] = {{.rows = 0}, {.rows = 0}};
    rg_datapath *dp = NULL;
    const rg_status status = run(context, s, &dp, err);
    rg_datapath_close(dp);
    free(s[0].values);
    free(s[1].values);
    return status;
}
