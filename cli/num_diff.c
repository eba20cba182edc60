/* ridge num diff: where two behaviours differ, and the list of profiles. */
#include "num_diff.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/diff.h"

const cli_option cli_num_diff_options[] = {
    {"format", CLI_STRING, "F", NULL, NULL, 0, 0, false, false,
     "format to take from the profiles (default: every one that both have)"},
    {"input", CLI_STRING, "WHICH", NULL, NULL, 0, 0, false, false,
     "formats with scales: adversarial, heavy, gaussian or ties (default: heavy under a tensor scale, else "
     "adversarial)"},
    {"values", CLI_INT, "N", "value", NULL, 1, 1e9, false, false,
     "formats with scales: how many (default: 2^20, of tensors 2^22)"},
    {"seed", CLI_INT, "N", NULL, "1", 0, 1e18, false, false, "formats with scales: of the values"},
    {"enumerate", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "plain formats: try every fp32 input, which takes minutes and counts the same"},
    {"list", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false, "list the profiles and their formats"},
    {0}};

/* ---- the list ------------------------------------------------------------------------------------------ */

static void list_profile(const rg_profile *p, rg_str *out) {
    rg_str_printf(out, "%s: %s\n    %s, %s\n", p->name, p->summary, p->library, p->version);
    for (size_t i = 0; i < p->n; i++) {
        char text[RG_QUANT_TEXT];
        rg_quant_print(&p->entry[i].quant, text, sizeof text);
        rg_str_printf(out, "    %-18s %s\n", p->entry[i].format, text);
    }
}

static void list_profile_json(const rg_profile *p, rg_str *out) {
    const char *const words[][2] = {{"name", p->name},
                                    {"library", p->library},
                                    {"version", p->version},
                                    {"source", p->source},
                                    {"summary", p->summary}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        rg_str_printf(out, "%s\"%s\": ", i ? ", " : "{", words[i][0]);
        cli_print_json_string(out, words[i][1]);
    }
    rg_str_add(out, ", \"formats\": [");
    for (size_t i = 0; i < p->n; i++) {
        char text[RG_QUANT_TEXT];
        rg_quant_print(&p->entry[i].quant, text, sizeof text);
        rg_str_add(out, i ? ", {\"format\": " : "{\"format\": ");
        cli_print_json_string(out, p->entry[i].format);
        rg_str_add(out, ", \"quant\": ");
        cli_print_json_string(out, text);
        rg_str_add(out, ", \"source\": ");
        cli_print_json_string(out, p->entry[i].source);
        rg_str_add(out, "}");
    }
    rg_str_add(out, "]}");
}

static void list(const rg_profiles *all, bool json) {
    rg_str out = {0};
    for (size_t i = 0; i < all->n; i++) {
        if (json) rg_str_add(&out, i ? ",\n  " : "\n  ");
        (json ? list_profile_json : list_profile)(&all->profile[i], &out);
    }
    printf(json ? "{\"profiles\": [%s\n]}\n" : "%s", out.data ? out.data : "");
    rg_str_free(&out);
}

/* ---- a result ------------------------------------------------------------------------------------------ */

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A short decimal that reads back as the fp32 value. */
static void number(rg_str *out, double value) {
    char text[40];
    if (isnan(value) || isinf(value)) {
        rg_str_add(out, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value) break;
    }
    rg_str_add(out, text);
}

static void json_value(rg_str *out, double value) {
    const bool quoted = isnan(value) || isinf(value);
    rg_str_add(out, quoted ? "\"" : "");
    number(out, value);
    rg_str_add(out, quoted ? "\"" : "");
}

static void json_count(rg_str *out, const char *key, uint64_t value) {
    rg_str_printf(out, ", \"%s\": %" PRIu64, key, value);
}

/* An fp32 pattern; formats with scales: the values of a row, NaN and infinities as strings. */
static void json_witness(rg_str *out, const char *key, const rg_diff_result *r, const rg_diff_witness *w) {
    rg_str_printf(out, ", \"%s\": ", key);
    if (r->n_differences == 0) {
        rg_str_add(out, "null");
    } else if (w->n == 0) {
        rg_str_printf(out, "\"0x%08x\"", (unsigned)bits_of(w->point.x));
    } else {
        for (int i = 0; i < w->n; i++) {
            rg_str_add(out, i ? ", " : "[");
            json_value(out, (double)w->value[i]);
        }
        rg_str_add(out, "]");
    }
}

static void json_point(rg_str *out, const rg_diff_result *r, const rg_diff_witness *w) {
    if (r->n_differences == 0) return;
    rg_str_add(out, ", \"x\": ");
    json_value(out, (double)w->point.x);
    rg_str_printf(out, ", \"a_code\": \"0x%02x\", \"b_code\": \"0x%02x\", \"a_value\": ",
                  (unsigned)w->point.a_code, (unsigned)w->point.b_code);
    json_value(out, w->point.a_value);
    rg_str_add(out, ", \"b_value\": ");
    json_value(out, w->point.b_value);
}

static double share(uint64_t n, uint64_t of) {
    return of ? (double)n / (double)of : 0;
}

typedef struct sides {
    const char *name[2], *format; /* format NULL: none asked for */
    rg_quant quant[2];
} sides;

static void json_scales(rg_str *out, const rg_diff_result *r) {
    json_count(out, "code_differences", r->n_code_differences);
    cli_json_number(out, "code_share", share(r->n_code_differences, r->n_inputs));
    if (r->n_scales) {
        json_count(out, "scales", r->n_scales);
        json_count(out, "scale_differences", r->n_scale_differences);
        cli_json_number(out, "scale_share", share(r->n_scale_differences, r->n_scales));
    }
    if (r->tensor_scale[0] > 0) {
        cli_json_number(out, "a_tensor_scale", r->tensor_scale[0]);
        cli_json_number(out, "b_tensor_scale", r->tensor_scale[1]);
    }
    if (!r->n_amax) return;
    json_count(out, "amax_inputs", r->n_amax);
    json_count(out, "amax_differences", r->n_amax_differences);
    cli_json_number(out, "amax_share", share(r->n_amax_differences, r->n_amax));
}

static void json_sides(rg_str *out, const sides *s) {
    for (int i = 0; i < 2; i++) {
        char text[RG_QUANT_TEXT];
        rg_quant_print(&s->quant[i], text, sizeof text);
        rg_str_add(out, i ? ", \"b\": " : "{\"a\": ");
        cli_print_json_string(out, s->name[i]);
        rg_str_add(out, i ? ", \"b_quant\": " : ", \"a_quant\": ");
        cli_print_json_string(out, text);
    }
    rg_str_add(out, ", \"format\": ");
    if (s->format)
        cli_print_json_string(out, s->format);
    else
        rg_str_add(out, "null");
}

static void print_json(const sides *s, const rg_diff_result *r, rg_str *out) {
    json_sides(out, s);
    json_count(out, "differences", r->n_differences);
    cli_json_number(out, "share", share(r->n_differences, r->n_inputs));
    json_count(out, "inputs", r->n_inputs);
    json_count(out, "positive_differences", r->n_positive);
    rg_str_printf(out, ", \"compared\": \"%s\"", r->has_scales || r->by_value ? "values" : "codes");
    json_count(out, "infinity_against_nan", r->n_equated);
    json_witness(out, "first_witness", r, &r->first);
    json_point(out, r, &r->first);
    json_witness(out, "smallest_witness", r, &r->smallest);
    rg_str_add(out, ", \"cause\": ");
    cli_print_json_string(out, r->cause);
    rg_str_add(out, ", \"kinds\": {");
    for (int i = 0; i < RG_DIFF_CLASSES && r->of_kind[i].count; i++)
        rg_str_printf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", r->of_kind[i].kind, r->of_kind[i].count);
    rg_str_add(out, "}");
    if (r->has_scales) json_scales(out, r);
    cli_json_number(out, "largest_relative_difference", r->largest_relative);
    cli_json_number(out, "normal_relative_mse_a", r->relative_mse[0]);
    cli_json_number(out, "normal_relative_mse_b", r->relative_mse[1]);
    rg_str_add(out, "}");
}

static void show_witness(rg_str *out, const char *what, const rg_diff_witness *w) {
    rg_str_printf(out, "  %-14s", what);
    if (w->n == 0) rg_str_printf(out, "0x%08x, ", (unsigned)bits_of(w->point.x));
    for (int i = 0; i < w->n; i++) {
        rg_str_add(out, i ? " " : "[");
        number(out, (double)w->value[i]);
        if (i + 1 == w->n) rg_str_add(out, "]: ");
    }
    number(out, (double)w->point.x);
    rg_str_printf(out, " gives %02x ", (unsigned)w->point.a_code);
    number(out, w->point.a_value);
    rg_str_printf(out, " against %02x ", (unsigned)w->point.b_code);
    number(out, w->point.b_value);
    rg_str_add(out, "\n");
}

static void show_count(rg_str *out, const char *what, uint64_t n, uint64_t of, const char *unit) {
    rg_str_printf(out, "  %-14s%" PRIu64 " of %" PRIu64 " %s, %.4g %%\n", what, n, of, unit,
                  100 * share(n, of));
}

static void print_text(const sides *s, const rg_diff_result *r, rg_str *out) {
    for (int i = 0; i < 2; i++) {
        char text[RG_QUANT_TEXT];
        rg_quant_print(&s->quant[i], text, sizeof text);
        rg_str_printf(out, "%s %s: %s\n", i ? "B" : "A", s->name[i], text);
    }
    const char *unit = r->has_scales ? "values" : r->by_value ? "inputs, by value" : "inputs";
    show_count(out, "differences", r->n_differences, r->n_inputs, unit);
    if (r->has_scales) show_count(out, "codes", r->n_code_differences, r->n_inputs, "elements");
    if (r->n_scales) show_count(out, "scales", r->n_scale_differences, r->n_scales, "scales");
    if (r->n_amax)
        show_count(out, "amax", r->n_amax_differences, r->n_amax, "normal fp32 maxima get another exponent");
    if (r->tensor_scale[0] != r->tensor_scale[1])
        rg_str_printf(out, "  %-14s%.9g against %.9g\n", "tensor scale", r->tensor_scale[0],
                      r->tensor_scale[1]);
    if (r->n_equated)
        rg_str_printf(out, "  %-14sinfinity against NaN, %" PRIu64 " times, is not counted\n", "",
                      r->n_equated);
    rg_str_printf(out, "  %-14s%s\n", "cause", r->cause);
    if (r->n_differences) {
        show_witness(out, "first", &r->first);
        show_witness(out, "smallest", &r->smallest);
    }
    rg_str_printf(out, "  %-14srelative MSE of normal values %.4g against %.4g\n", "error",
                  r->relative_mse[0], r->relative_mse[1]);
}

/* ---- the command --------------------------------------------------------------------------------------- */

static rg_status read_options(const cli_context *context, rg_diff_options *out, rg_error *err) {
    static const char *const inputs[RG_N_DIFF_INPUTS] = {"", "adversarial", "heavy", "gaussian", "ties"};
    const char *input = cli_string(context, "input");
    *out = (rg_diff_options){.n_values = (size_t)cli_int(context, "values", 0),
                             .seed = (uint64_t)cli_int(context, "seed", 1),
                             .enumerate = cli_flag(context, "enumerate")};
    if (!input) return RG_OK;
    for (int i = 1; i < RG_N_DIFF_INPUTS; i++)
        if (strcmp(input, inputs[i]) == 0) {
            out->input = (rg_diff_input)i;
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_USAGE, "--input", "adversarial, heavy, gaussian or ties",
                   "unknown input \"%.60s\"", input);
}

static rg_status one(const rg_profiles *all, sides *s, const rg_diff_options *options, bool json, rg_str *out,
                     rg_error *err) {
    rg_diff_result result;
    for (int i = 0; i < 2; i++) RG_TRY(rg_behaviour(all, s->name[i], s->format, &s->quant[i], err));
    RG_TRY(rg_diff(&s->quant[0], &s->quant[1], options, &result, err));
    (json ? print_json : print_text)(s, &result, out);
    return RG_OK;
}

/* Every format that both profiles have. */
static rg_status every(cli_context *context, const rg_profiles *all, sides *s, const rg_diff_options *options,
                       rg_str *out, rg_error *err) {
    const rg_profile *a = rg_profile_find(all, s->name[0]), *b = rg_profile_find(all, s->name[1]);
    int n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (!rg_profile_format(b, a->entry[i].format)) continue;
        s->format = a->entry[i].format;
        rg_str_add(out, !context->json ? (n ? "\n" : "") : n ? ",\n  " : "{\"formats\": [\n  ");
        RG_TRY(one(all, s, options, context->json, out, err));
        if (!rg_progress_step(context->progress, s->format, (double)(i + 1), (double)a->n))
            return rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "cancelled");
        n++;
    }
    if (n == 0)
        return rg_fail(err, RG_ERR_USAGE, NULL, "profiles that share a format: ridge num diff --list",
                       "%s and %s have no format in common", a->name, b->name);
    if (context->json) rg_str_add(out, "\n]}");
    return RG_OK;
}

static rg_status compare(cli_context *context, const rg_profiles *all, rg_str *out, rg_error *err) {
    sides s = {.name = {context->argument[0], context->argument[1]}, .format = cli_string(context, "format")};
    rg_diff_options options;
    RG_TRY(read_options(context, &options, err));
    const bool profile[] = {rg_profile_find(all, s.name[0]), rg_profile_find(all, s.name[1])};
    char text[RG_QUANT_TEXT];
    if (!s.format && profile[0] && profile[1]) return every(context, all, &s, &options, out, err);
    if (!s.format && (profile[0] || profile[1])) { /* the format of the one that is spelt out */
        rg_quant q;
        RG_TRY(rg_behaviour(all, s.name[profile[0] ? 1 : 0], NULL, &q, err));
        rg_format_print(&q.format, text, sizeof text);
        s.format = text;
    }
    return one(all, &s, &options, context->json, out, err);
}

rg_status cli_num_diff(cli_context *context, rg_error *err) {
    rg_profiles all;
    rg_str out = {0};
    const bool listing = cli_flag(context, "list");
    if (context->n_arguments != (listing ? 0 : 2))
        return rg_fail(err, RG_ERR_USAGE, NULL,
                       listing ? "--list alone" : "two: ridge num diff A B [--format F]", "%d behaviours",
                       context->n_arguments);
    RG_TRY(rg_profiles_open(&all, context->data_dir, err));
    rg_status status = RG_OK;
    if (listing)
        list(&all, context->json);
    else
        status = compare(context, &all, &out, err);
    if (status == RG_OK && !listing) printf("%s%s", out.data ? out.data : "", context->json ? "\n" : "");
    rg_str_free(&out);
    rg_profiles_close(&all);
    return status;
}
