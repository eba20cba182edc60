/* ridge hw: the chips, their numbers with sources, and the checks over them. */
#include "cli.h"
#include "ridge/hw.h"

#include <math.h>
#include <string.h>

/* Members that list and show have in common, without the closing brace. */
static void json_chip(rg_str *out, const rg_chip *c) {
    rg_str_add(out, "{\"id\": ");
    cli_print_json_string(out, c->id);
    cli_json_string(out, "name", c->name);
    rg_str_add(out, ", \"aliases\": [");
    for (size_t i = 0; i < c->n_alias; i++) {
        if (i) rg_str_add(out, ", ");
        cli_print_json_string(out, c->alias[i]);
    }
    rg_str_add(out, "]");
    cli_json_string(out, "vendor", c->vendor);
    cli_json_string(out, "class", c->kind);
    cli_json_string(out, "architecture", c->architecture);
    cli_json_string(out, "status", c->status);
    cli_json_string(out, "confidence", c->confidence);
    cli_json_number(out, "year", c->year);
    cli_json_string(out, "peaks", c->sparse_peaks ? "sparse" : "dense");
    rg_str_add(out, ", \"memory_bytes\": ");
    cli_print_json_number(out, c->memory_bytes.given ? c->memory_bytes.value : NAN);
    rg_str_add(out, ", \"memory_bytes_per_s\": ");
    cli_print_json_number(out, c->memory_bytes_per_s.given ? c->memory_bytes_per_s.value : NAN);
    rg_str_add(out, ", \"rates_flop_per_s\": {");
    for (size_t i = 0; i < c->n_rates; i++) {
        rg_str_printf(out, "%s\"%s\": ", i ? ", " : "", c->rate[i].type);
        cli_print_json_number(out, c->rate[i].flop_per_s.value);
    }
    rg_str_add(out, "}");
}

/* ---- list -------------------------------------------------------------------------------------------- */

static const char *rate_text(const rg_chip *c, const char *type, char *buf, size_t size) {
    double rate;
    if (rg_chip_rate_of(c, type, &rate, NULL) != RG_OK)
        snprintf(buf, size, "-");
    else
        snprintf(buf, size, "%.6g", rate / 1e12);
    return buf;
}

static void list_row(rg_str *out, const rg_chip *c) {
    static const char *const types[] = {"fp32", "bf16", "fp8", "fp4", "int8"};
    char text[32], names[80] = "";
    for (size_t i = 0, n = 0; i < c->n_alias && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", c->alias[i]);
    rg_str_printf(out, "%-27s %-14s %4d", c->id, *names ? names : "-", c->year);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        /* parts from before bf16 have fp16 in its place */
        const bool older = strcmp(types[i], "bf16") == 0 && !rg_chip_find(c, "rates.bf16");
        rg_str_printf(out, " %8s", rate_text(c, older ? "fp16" : types[i], text, sizeof text));
    }
    rg_str_printf(out, " %8.4g %8.8g %s\n", c->memory_bytes.value / 1e9, c->memory_bytes_per_s.value / 1e9,
                  c->sparse_peaks ? "sparse peaks" : c->confidence);
}

static rg_status list_all(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err) {
    const char **ids;
    size_t n;
    RG_TRY(rg_chip_list(context->data_dir, arena, &ids, &n, err));
    for (size_t i = 0; i < n; i++) {
        rg_chip chip;
        RG_TRY(rg_chip_open(&chip, ids[i], context->data_dir, err));
        if (context->json) {
            rg_str_add(out, i ? ",\n  " : "\n  ");
            json_chip(out, &chip);
            rg_str_add(out, "}");
        } else {
            list_row(out, &chip);
        }
        rg_chip_close(&chip);
    }
    return RG_OK;
}

static rg_status list(cli_context *context, rg_error *err) {
    rg_arena arena = {0};
    rg_str out = {0};
    if (context->json)
        rg_str_add(&out, "{\"chips\": [");
    else
        rg_str_printf(&out, "%-27s %-14s %4s %8s %8s %8s %8s %8s %8s %8s %s\n", "id", "aliases", "year",
                      "fp32", "bf16", "fp8", "fp4", "int8", "GB", "GB/s", "confidence");
    rg_status status = list_all(context, &arena, &out, err);
    if (context->json)
        rg_str_add(&out, "]}");
    else
        rg_str_add(&out,
                   "rates in 10^12 operations per second, dense, a multiply-add is two; bf16: fp16 where "
                   "that is all there is; -: not published");
    if (status == RG_OK) cli_json_end(&out);
    rg_str_free(&out);
    rg_arena_free(&arena);
    return status;
}

/* ---- show -------------------------------------------------------------------------------------------- */

static void json_numbers(rg_str *out, const rg_chip *c) {
    rg_str_add(out, ",\n \"numbers\": [");
    for (size_t i = 0; i < c->n_numbers; i++) {
        const rg_chip_number *n = &c->number[i];
        rg_str_add(out, i ? ",\n  {\"path\": " : "\n  {\"path\": ");
        cli_print_json_string(out, n->path);
        cli_json_number(out, "value", n->v.value);
        cli_json_string(out, "unit", rg_unit_name(n->unit));
        cli_json_string(out, "source", n->v.source);
        cli_json_string(out, "estimated", n->estimated);
        rg_str_add(out, "}");
    }
    rg_str_add(out, "]");
}

static void json_paths(rg_str *out, const rg_chip *c) {
    rg_str_add(out, ",\n \"paths\": [");
    for (size_t i = 0; i < c->n_paths; i++) {
        const struct rg_chip_path *p = &c->path[i];
        rg_str_add(out, i ? ",\n  {\"weight\": " : "\n  {\"weight\": ");
        cli_print_json_string(out, p->weight);
        cli_json_string(out, "activation", p->activation);
        rg_str_printf(out, ", \"either_way\": %s", p->either_way ? "true" : "false");
        cli_json_string(out, "runs_as", p->runs_as);
        cli_json_string(out, "kind", rg_path_kind_name(p->kind));
        cli_json_string(out, "conversion", p->conversion);
        cli_json_string(out, "source", p->source);
        rg_str_add(out, "}");
    }
    rg_str_add(out, "]");
}

static void json_conflict(rg_str *out, const rg_chip *c, const rg_chip_conflict *x) {
    const rg_chip_number *used = rg_chip_find(c, x->path);
    rg_str_add(out, "{\"topic\": ");
    cli_print_json_string(out, x->topic);
    cli_json_string(out, "chip", c->id);
    cli_json_string(out, "path", x->path);
    cli_json_number(out, "used", used ? used->v.value : NAN);
    cli_json_string(out, "unit", used ? rg_unit_name(used->unit) : NULL);
    rg_str_add(out, ", \"values\": [");
    for (size_t k = 0; k < x->n; k++) {
        rg_str_add(out, k ? ", {\"value\": " : "{\"value\": ");
        cli_print_json_number(out, x->claim[k].value);
        cli_json_string(out, "source", x->claim[k].source);
        rg_str_add(out, "}");
    }
    rg_str_add(out, "]");
    cli_json_string(out, "why", x->why);
    rg_str_add(out, "}");
}

static void show_json(const rg_chip *c) {
    rg_str out = {0};
    json_chip(&out, c);
    cli_json_string(&out, "process", c->process);
    cli_json_string(&out, "memory_kind", c->memory_kind);
    cli_json_string(&out, "peaks_note", c->peaks_note);
    cli_json_string(&out, "notes", c->notes);
    rg_str_add(&out, ", \"ridge_point_flop_per_byte\": {");
    for (size_t i = 0; i < c->n_rates; i++) {
        const double point = rg_chip_ridge_point(c, c->rate[i].type);
        rg_str_printf(&out, "%s\"%s\": ", i ? ", " : "", c->rate[i].type);
        cli_print_json_number(&out, point > 0 ? point : NAN);
    }
    rg_str_add(&out, "}");
    json_numbers(&out, c);
    json_paths(&out, c);
    rg_str_add(&out, ",\n \"conflicts\": [");
    for (size_t i = 0; i < c->n_conflicts; i++) {
        if (i) rg_str_add(&out, ", ");
        json_conflict(&out, c, &c->conflict[i]);
    }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void show_numbers(const rg_chip *c) {
    char text[48];
    printf("\n%-20s %16s %10s  %s\n", "number", "value", "FLOP/B", "source");
    for (size_t i = 0; i < c->n_numbers; i++) {
        const rg_chip_number *n = &c->number[i];
        char point[32] = "";
        if (strncmp(n->path, "rates.", 6) == 0)
            snprintf(point, sizeof point, "%.1f", rg_chip_ridge_point(c, n->path + 6));
        printf("%-20s %16s %10s  %s%s%s\n", n->path, rg_units_print(n->v.value, n->unit, text, sizeof text),
               point, n->v.source, n->estimated ? "; ESTIMATED: " : "", n->estimated ? n->estimated : "");
    }
}

static void show_paths(const rg_chip *c) {
    printf("\nHow formats are multiplied (the first line that fits counts):\n");
    for (size_t i = 0; i < c->n_paths; i++) {
        const struct rg_chip_path *p = &c->path[i];
        printf("  %-12s as %-5s %s  x  %s%s\n", rg_path_kind_name(p->kind), p->runs_as, p->weight,
               p->activation, p->either_way ? "  (either way)" : "");
        if (p->conversion) printf("  %-12s          %s\n", "", p->conversion);
    }
}

static void print_conflict(const rg_chip *c, const rg_chip_conflict *x) {
    char text[48];
    const rg_chip_number *used = rg_chip_find(c, x->path);
    printf("  %-20s %s %s:", x->topic, c->id, x->path);
    for (size_t k = 0; k < x->n; k++)
        printf("%s %s (%s)", k ? " or" : "", x->claim[k].text, x->claim[k].source);
    printf("; used %s: %s\n", used ? rg_units_print(used->v.value, used->unit, text, sizeof text) : "none",
           x->why);
}

static void show_text(const rg_chip *c) {
    printf("%s (%s", c->name, c->id);
    for (size_t i = 0; i < c->n_alias; i++) printf(", %s", c->alias[i]);
    printf("): %s %s, %s, %d, %s, confidence %s\n", c->vendor, c->kind, c->architecture, c->year, c->status,
           c->confidence);
    if (c->process) printf("process: %s\n", c->process);
    if (c->memory_kind) printf("memory:  %s\n", c->memory_kind);
    printf("peaks:   %s%s%s\n", c->sparse_peaks ? "sparse" : "dense", c->peaks_note ? "; " : "",
           c->peaks_note ? c->peaks_note : "");
    if (c->notes) printf("notes:   %s\n", c->notes);
    show_numbers(c);
    show_paths(c);
    if (c->n_conflicts) printf("\nPublished values that disagree:\n");
    for (size_t i = 0; i < c->n_conflicts; i++) print_conflict(c, &c->conflict[i]);
}

static rg_status show(cli_context *context, rg_error *err) {
    rg_chip chip;
    const char *set;
    RG_TRY(rg_chip_open(&chip, context->argument[0], context->data_dir, err));
    rg_status status = RG_OK;
    for (int i = 0; status == RG_OK && (set = cli_nth(context, "set", i)); i++)
        status = rg_chip_set(&chip, set, err);
    if (status == RG_OK) (context->json ? show_json : show_text)(&chip);
    rg_chip_close(&chip);
    return status;
}

/* ---- lint -------------------------------------------------------------------------------------------- */

static size_t unexplained(const rg_chip_lint *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->n_findings; i++) n += !l->finding[i].explained;
    return n;
}

static void lint_json(const rg_chip_lint *l) {
    rg_str out = {0};
    rg_str_printf(&out, "{\"chips\": %zu, \"unexplained\": %zu, \"findings\": [", l->n_chips, unexplained(l));
    for (size_t i = 0; i < l->n_findings; i++) {
        const rg_chip_finding *f = &l->finding[i];
        rg_str_add(&out, i ? ",\n  {\"chip\": " : "\n  {\"chip\": ");
        cli_print_json_string(&out, f->chip);
        cli_json_string(&out, "path", f->path);
        cli_json_string(&out, "check", f->check);
        cli_json_string(&out, "message", f->message);
        cli_json_string(&out, "explained", f->explained);
        rg_str_add(&out, "}");
    }
    rg_str_add(&out, "],\n \"topics\": [");
    for (size_t i = 0; i < l->n_topics; i++) {
        if (i) rg_str_add(&out, ", ");
        cli_print_json_string(&out, l->topic[i]);
    }
    rg_str_add(&out, "],\n \"conflicts\": [");
    bool first = true;
    for (size_t i = 0; i < l->n_chips; i++)
        for (size_t k = 0; k < l->chip[i].n_conflicts; k++) {
            rg_str_add(&out, first ? "\n  " : ",\n  ");
            first = false;
            json_conflict(&out, &l->chip[i], &l->chip[i].conflict[k]);
        }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void lint_text(const rg_chip_lint *l) {
    for (size_t i = 0; i < l->n_findings; i++) {
        const rg_chip_finding *f = &l->finding[i];
        printf("%-9s %-8s %-27s %-18s %s", f->explained ? "explained" : "FINDING", f->check, f->chip, f->path,
               f->message);
        printf("%s%s\n", f->explained ? ": " : "", f->explained ? f->explained : "");
    }
    printf("\nPublished values that disagree, by topic:\n");
    for (size_t t = 0; t < l->n_topics; t++)
        for (size_t i = 0; i < l->n_chips; i++)
            for (size_t k = 0; k < l->chip[i].n_conflicts; k++)
                if (strcmp(l->chip[i].conflict[k].topic, l->topic[t]) == 0)
                    print_conflict(&l->chip[i], &l->chip[i].conflict[k]);
    printf("\n%zu chips, %zu findings, %zu of them unexplained; %zu topics on which sources disagree\n",
           l->n_chips, l->n_findings, unexplained(l), l->n_topics);
}

static rg_status lint(cli_context *context, rg_error *err) {
    rg_chip_lint l;
    RG_TRY(rg_chip_lint_all(&l, context->data_dir, err));
    (context->json ? lint_json : lint_text)(&l);
    context->failed_after_output = unexplained(&l) > 0;
    rg_chip_lint_close(&l);
    return RG_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const cli_option no_options[] = {{0}};
static const cli_option show_options[] = {
    {"set", CLI_STRING, "PATH=VALUE", NULL, NULL, 0, 0, true, false,
     "what if: another number, as memory.bandwidth=x1.3, fp4='2 PFLOP/s'"},
    {0}};

const cli_command cli_hw_commands[] = {
    {.noun = "hw",
     .verb = "list",
     .arguments = "",
     .summary = "list the chips with peak rates and memory",
     .details = "Each is a file of data/chips; docs/chips.md says how to add one.",
     .example = "ridge hw list\n"
                "  id                          aliases        year     fp32     bf16      fp8      fp4     "
                "int8       GB     GB/s confidence\n"
                "  a100-sxm-80                 a100 a100-80   2020     19.5      312        -        -      "
                "624       80     2039 high\n"
                "  b200-sxm                    b200           2024       80     2250     4500     9000     "
                "4500      180     7700 high\n"
                "  ...",
     .options = no_options,
     .run = list},
    {.noun = "hw",
     .verb = "show",
     .arguments = "CHIP",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "show a chip: every number with its source, and which formats it multiplies how",
     .details =
         "FLOP/B is the ridge point of a rate: operations per byte of memory traffic at which compute and\n"
         "bandwidth take equally long. native: multiplied as stored; dequantised: widened first.",
     .example = "ridge hw show h100\n"
                "  NVIDIA H100 SXM (h100-sxm, h100): NVIDIA gpu, hopper, 2022, shipping, confidence high\n"
                "  ...\n"
                "  number                          value     FLOP/B  source\n"
                "  rates.bf16              989.4 TFLOP/s      295.3  stas00/ml-engineering:comp ...\n"
                "  memory.bandwidth            3.35 TB/s             stas00/ml-engineering:comp ...\n"
                "  ...\n"
                "    native       as fp8   e4m3fn* | e5m2*  x  e4m3fn* | e5m2*\n"
                "                          tensor, row and token scales on the fp32 sum\n"
                "  ...",
     .options = show_options,
     .run = show},
    {.noun = "hw",
     .verb = "lint",
     .arguments = "",
     .summary = "check the numbers of all chips against arithmetic and each other",
     .details =
         "Peaks from units x clock, ratios of peaks, equal paths within an architecture, memory that cannot\n"
         "be, clashing names, sparse peaks. What a file accounts for is \"explained\". Exit code 1 when\n"
         "something is not. Recorded disagreements between sources are listed by topic.",
     .example = "ridge hw lint\n"
                "  explained ratio    b300-sxm                    rates.fp4          fp4/fp8 is ...\n"
                "  ...\n"
                "  36 chips, 12 findings, 0 of them unexplained; 10 topics on which sources disagree",
     .options = no_options,
     .run = lint},
    {0},
};
