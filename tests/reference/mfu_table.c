/* Utilisation of every row of llm-foundry's training tables, from its token rate, to a tenth of a point. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

typedef struct run {
    const char *model;
    double length, chips, published_pct, tokens_per_s, parameters, peak;
} run;

static double column(char *const *header, char *const *field, int n, const char *name, const char **text) {
    for (int i = 0; i < n; i++) {
        if (strcmp(header[i], name) != 0) continue;
        if (text) *text = field[i];
        return atof(field[i]);
    }
    fprintf(stderr, "no column %s\n", name);
    exit(1);
}

/* A peak as llm-foundry takes it: A100 312, H100 989.5 TFLOP/s, twice that in FP8. */
static run read_run(char *const *header, char *const *field, int n) {
    run r;
    const char *gpu, *precision;
    column(header, field, n, "model", &r.model);
    column(header, field, n, "gpu", &gpu);
    column(header, field, n, "precision", &precision);
    r.length = column(header, field, n, "seqlen", NULL);
    r.chips = column(header, field, n, "num_gpus", NULL);
    r.published_pct = column(header, field, n, "mfu_pct", NULL);
    r.tokens_per_s = column(header, field, n, "tok_per_s", NULL);
    r.parameters = column(header, field, n, "num_params", NULL);
    r.peak = strstr(gpu, "h100") ? 989.5e12 : ref_rate("a100-sxm-80", "bf16");
    if (strstr(precision, "fp8")) r.peak *= 2;
    return r;
}

static rg_graph mpt(const char *model, double length) {
    static const struct {
        const char *name;
        double layers, hidden, heads;
    } sizes[] = {{"125m", 12, 768, 12}, {"350m", 24, 1024, 16}, {"760m", 24, 1536, 12},
                 {"1b", 24, 2048, 16},  {"3b", 32, 2560, 20},   {"7b", 32, 4096, 32},
                 {"13b", 40, 5120, 40}, {"30b", 48, 7168, 56},  {"70b", 80, 8192, 64}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(sizes[i].name, model) == 0)
            return ref_gpt(sizes[i].layers, sizes[i].hidden, sizes[i].heads, 50368, length);
    fprintf(stderr, "no model %s\n", model);
    exit(1);
}

static int cut(char *line, char **field, int room) {
    int n = 0;
    for (char *at = line; at && n < room; n++) {
        field[n] = at;
        bool quoted = false;
        for (; *at && *at != '\r' && (quoted || *at != ','); at++)
            if (*at == '"') quoted = !quoted;
        const bool more = *at == ',';
        if (*at) *at = 0;
        at = more ? at + 1 : NULL;
    }
    return n;
}

int ref_mfu_table(void) {
    const char *path = ref_shared("measured/training-tables/llm_foundry_mpt.csv");
    if (!path) {
        printf(
            "llm-foundry: no measured/training-tables/llm_foundry_mpt.csv beside the published numbers\n\n");
        return 1;
    }
    enum { COLUMNS = 32 };
    char *csv, *header[COLUMNS], *field[COLUMNS];
    size_t size;
    rg_error err = {0};
    ref_must(rg_file_read(path, 1 << 20, &csv, &size, &err), &err);
    char *rest = csv;
    const int n = cut(strsep(&rest, "\n"), header, COLUMNS);
    int rows = 0, exact = 0, wrong = 0;
    double worst = 0;
    for (char *line; (line = strsep(&rest, "\n")) && *line; rows++) {
        cut(line, field, COLUMNS);
        const run r = read_run(header, field, n);
        rg_graph g = mpt(r.model, r.length);
        const double points = 100 * ref_mfu(&g, r.length, r.tokens_per_s / r.chips, r.peak) - r.published_pct;
        exact += rg_graph_total(&g, 1).parameters_total == r.parameters;
        wrong += !(fabs(points) <= 0.1);
        worst = fmax(worst, fabs(points));
        rg_graph_close(&g);
    }
    printf("llm-foundry: %d rows, parameters exact in %d; utilisation off by at most %.3f points\n\n", rows,
           exact, worst);
    free(csv);
    return wrong + (rows < 100) + (exact != rows);
}
