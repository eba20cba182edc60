/* ridge rtl: a number format as a unit of logic. */
#include "cli.h"
#include "ridge/rtl.h"

#include <stdlib.h>

static rg_status gen(cli_context *context, rg_error *err) {
    rg_rtl_unit unit;
    const char *dir = cli_string(context, "o");
    RG_TRY(rg_rtl_unit_parse(context->argument[0], &unit, err));
    RG_TRY(rg_rtl_generate(&unit, dir, err));
    if (!context->json) {
        printf("%s in %s: %s, %d result bits\n", unit.text, dir, unit.exact ? "exact" : "aligned",
               unit.output_bits);
        return RG_OK;
    }
    rg_str out = {0};
    rg_str_add(&out, "{\"unit\": ");
    cli_print_json_string(&out, unit.text);
    rg_str_add(&out, ", \"dir\": ");
    cli_print_json_string(&out, dir);
    rg_str_printf(&out, ", \"exact\": %s, \"output_bits\": %d}", unit.exact ? "true" : "false",
                  unit.output_bits);
    if (!out.failed) puts(out.data);
    rg_str_free(&out);
    return RG_OK;
}

static rg_status verify(cli_context *context, rg_error *err) {
    rg_rtl_verify_result r;
    const char *dir = context->argument[0];
    RG_TRY(rg_rtl_verify(dir, &r, err));
    const unsigned long long vectors = r.vectors, mismatches = r.mismatches;
    if (context->json)
        printf("{\"vectors\": %llu, \"mismatches\": %llu, \"exhaustive\": %s, \"simulator\": \"%s\"}\n",
               vectors, mismatches, r.exhaustive ? "true" : "false", r.simulator);
    else
        printf("%llu of %llu vectors agree (%s), %s\n", vectors - mismatches, vectors,
               r.exhaustive ? "every input" : "corner cases and random", r.simulator);
    if (mismatches == 0) return RG_OK;
    context->failed_after_output = true;
    fprintf(stderr, "ridge: %s: %llu of %llu vectors differ from the C datapath; the first is %s\n", dir,
            mismatches, vectors, r.first);
    return RG_OK;
}

static void print_ppa_json(const rg_rtl_ppa_result *r) {
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"area_um2", r->area_um2}, {"area_ge", r->area_ge}, {"delay_ns", r->delay_ns}};
    rg_str out = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rg_str_printf(&out, "%s\"%s\": ", i ? ", " : "{", numbers[i].key);
        cli_print_json_number(&out, numbers[i].value);
    }
    rg_str_printf(&out, ", \"cells\": %lld, \"met\": %s, \"library_sha256\": \"%s\", \"tools\": ",
                  (long long)r->cells, r->met ? "true" : "false", r->library_sha256.hex);
    cli_print_json_string(&out, r->tools);
    rg_str_add(&out, "}");
    if (!out.failed) puts(out.data);
    rg_str_free(&out);
}

static void print_ppa(const rg_rtl_ppa_result *r, double target_ns) {
    const double um2_per_ge = r->area_um2 / r->area_ge;
    printf("%-17s %12s %9s %9s %7s\n", "recipe", "um2", "GE", "ns", "cells");
    for (size_t i = 0; i < r->n_points; i++) {
        const rg_rtl_point *p = &r->point[i];
        printf("%-17s %12.6g %9.0f %9.4g %7lld\n", p->recipe, p->area_um2, p->area_um2 / um2_per_ge,
               p->delay_ns, (long long)p->cells);
    }
    if (target_ns > 0)
        printf("%s at %g ns: %s, %.0f GE, %.4g ns\n", r->met ? "smallest" : "none is fast enough; fastest",
               target_ns, r->recipe, r->area_ge, r->delay_ns);
    else
        printf("fastest: %s, %.0f GE, %.4g ns\n", r->recipe, r->area_ge, r->delay_ns);
    printf("netlist %s (%s)\n", r->netlist, r->tools);
}

static rg_status ppa(cli_context *context, rg_error *err) {
    const rg_rtl_ppa_options options = {.liberty = cli_string(context, "liberty"),
                                        .delay_ns = cli_number(context, "delay", 0),
                                        .limit_s = cli_number(context, "limit", 0)};
    rg_rtl_ppa_result *r = calloc(1, sizeof *r);
    if (!r) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    const rg_status status = rg_rtl_ppa(context->argument[0], &options, r, err);
    if (status == RG_OK && context->json) print_ppa_json(r);
    if (status == RG_OK && !context->json) print_ppa(r, options.delay_ns);
    free(r);
    return status;
}

static const cli_option no_options[] = {{0}};
static const cli_option gen_options[] = {{"o", CLI_STRING, "DIR", NULL, NULL, 0, 0, false, true,
                                          "the folder to write: rtl/, sim/, README.md, unit.json"},
                                         {0}};
static const cli_option ppa_options[] = {
    {"liberty", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "cell library, plain or .gz (default: OSU 0.18 um of Debian's qflow-tech-osu018)"},
    {"delay", CLI_NUMBER, "NS", "ns", NULL, 0, 1e6, false, false,
     "the delay to meet with the least area; 0 or none: the fastest there is"},
    {"limit", CLI_NUMBER, "S", "s", "120", 0.001, 1e6, false, false, "time limit of each tool run"},
    {0}};

const cli_command cli_rtl_commands[] = {
    {.noun = "rtl",
     .verb = "gen",
     .arguments = "UNIT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "write a dot-product unit as Verilog, with test vectors",
     .details =
         "UNIT is dot(a=FORMAT,b=FORMAT,n=N[,align=F]): N products of elements, summed. Integers and floats "
         "of\n"
         "few binades are summed exactly; other floats are aligned to the largest product with F fraction "
         "bits\n"
         "kept (25 by default) and given as fp32, truncated. Of block formats the unit takes the elements:\n"
         "scales ride outside. Plain Verilog-2005, combinational; the vectors come from the C datapath.",
     .example = "ridge rtl gen 'dot(a=e4m3fn,b=e2m1,n=8)' -o unit\n"
                "  dot(a=e4m3fn,b=e2m1,n=8) in unit: exact, 27 result bits",
     .options = gen_options,
     .run = gen},
    {.noun = "rtl",
     .verb = "verify",
     .arguments = "DIR",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "simulate a unit against the vectors of its C datapath",
     .details =
         "Runs iverilog, or verilator for large units and where iverilog is missing, over every input (up\n"
         "to 16 input bits) or 65,536 vectors. Exit code 1 when a result differs, with the first vector\n"
         "that does.",
     .example = "ridge rtl verify unit\n"
                "  65536 of 65536 vectors agree (corner cases and random), iverilog 11.0",
     .options = no_options,
     .run = verify},
    {.noun = "rtl",
     .verb = "ppa",
     .arguments = "DIR",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "synthesise a unit: area at a delay, or the least delay",
     .details =
         "Runs yosys with several recipes and times each netlist with OpenSTA. With --delay the smallest "
         "that\n"
         "meets it is the result (exit code 0 also when none does: met says so), without it the fastest.\n"
         "GE are gate equivalents: areas of the library's drive-1 NAND2. No wires, one corner: compare "
         "units\n"
         "of one library at one delay, do not read absolute figures.",
     .example = "ridge rtl ppa unit --delay 15\n"
                "  recipe                     um2        GE        ns   cells\n"
                "  small                    63599      2650     5.407    2460\n"
                "  ...\n"
                "  quickest                132788      5533     4.065    4459\n"
                "  smallest at 15 ns: small, 2650 GE, 5.407 ns",
     .options = ppa_options,
     .run = ppa},
    {0},
};
