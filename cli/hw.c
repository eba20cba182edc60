/* ridge hw: chips, systems and links, their numbers with sources, and the checks over them. */
#include "hw_commands.h"
#include "hw_open.h"

/* Links and technologies: --set has nothing to change. */
static rg_status show_part(cli_context *context, rg_error *err) {
    const char *name = context->argument[0];
    rg_link link;
    rg_technology technology;
    rg_error why = {0};
    rg_status status = rg_link_open(&link, name, context->data_dir, &why);
    const bool is_link = status == RG_OK;
    if (status == RG_ERR_USAGE || status == RG_ERR_IO)
        status = rg_technology_open(&technology, name, context->data_dir, &why);
    if (status == RG_ERR_USAGE || status == RG_ERR_IO)
        return rg_fail(err, RG_ERR_USAGE, NULL, "an id or alias that \"ridge hw list\" prints",
                       "unknown chip, system, link or technology \"%.80s\"", name);
    if (status != RG_OK) return rg_fail(err, status, why.where, why.expected, "%s", why.message);
    if (cli_nth(context, "set", 0))
        status = rg_fail(err, RG_ERR_USAGE, "--set", "a chip or a system", "%s is neither", name);
    else if (is_link)
        (context->json ? cli_hw_link_json : cli_hw_link_text)(&link);
    else
        (context->json ? cli_hw_technology_json : cli_hw_technology_text)(&technology);
    if (is_link)
        rg_link_close(&link);
    else
        rg_technology_close(&technology);
    return status;
}

/* A name is that of a chip, else of a system, else of a link or technology. */
static rg_status show(cli_context *context, rg_error *err) {
    const char *name = context->argument[0];
    rg_chip chip;
    rg_system system;
    rg_status status = rg_chip_open(&chip, name, context->data_dir, err);
    if (status == RG_OK) {
        rg_chip_close(&chip);
        RG_TRY(cli_open_chip(context, name, &chip, err));
        (context->json ? cli_hw_chip_json : cli_hw_chip_text)(&chip);
        rg_chip_close(&chip);
        return RG_OK;
    }
    if (status == RG_ERR_USAGE) status = rg_system_open(&system, name, context->data_dir, err);
    if (status == RG_OK) {
        rg_system_close(&system);
        RG_TRY(cli_open_system(context, name, &system, err));
        (context->json ? cli_hw_system_json : cli_hw_system_text)(&system);
        rg_system_close(&system);
        return RG_OK;
    }
    if (status != RG_ERR_USAGE) return status;
    return show_part(context, err);
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const cli_option no_options[] = {{0}};
static const cli_option show_options[] = {CLI_SET, {0}};
static const cli_option collective_options[] = {
    {"op", CLI_STRING, "OP", NULL, "all-reduce", 0, 0, false, false,
     "all-reduce, all-gather, reduce-scatter, all-to-all, send"},
    {"ranks", CLI_INT, "N", NULL, NULL, 1, 1e9, false, false,
     "of the group; all chips of the first level unless given"},
    {"stride", CLI_INT, "N", "chip", "1", 1, 1e9, false, false,
     "distance of two ranks: 8 for one chip in each node of 8"},
    {"bytes", CLI_STRING, "SIZE", NULL, NULL, 0, 0, false, false,
     "as '64 MB': the buffer of a rank, gathered for all-gather; a table of sizes unless given"},
    {"dtype", CLI_STRING, "TYPE", NULL, "half", 0, 0, false, false, "half or int8, for measured constants"},
    CLI_SET,
    {0}};

const cli_command cli_hw_commands[] = {
    {.noun = "hw",
     .verb = "list",
     .arguments = "",
     .summary = "list chips with peak rates and memory, systems, links, technologies",
     .details =
         "Files of data/chips, systems, links and technology; docs/chips.md, systems.md and technology.md\n"
         "say how to add one.",
     .example = "ridge hw list\n"
                "  id                          aliases        year     fp32     bf16      fp8      fp4     "
                "int8       GB     GB/s confidence\n"
                "  a100-sxm-40                 a100-40        2020     19.5      312        -        -      "
                "624       40     1555 high\n"
                "  a100-sxm-80                 a100 a100-80   2020     19.5      312        -        -      "
                "624       80     2039 high\n"
                "  b200-sxm                    b200           2024       80     2250     4500     9000     "
                "4500      180     7700 high\n"
                "  ...",
     .options = no_options,
     .run = cli_hw_list},
    {.noun = "hw",
     .verb = "show",
     .arguments = "NAME",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "show a chip, system, link or technology: every number with its source",
     .details =
         "Of a chip also which formats it multiplies how; a name is a chip's, else a system's, else a "
         "link's.\n"
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
     .verb = "collective",
     .arguments = "SYSTEM",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "time of a collective on a system: bound, estimate, interval",
     .details =
         "A chip is a system too: its own scale-up domain. docs/systems.md explains model and classes.",
     .example = "ridge hw collective dgx-h100 --op all-reduce --ranks 64 --bytes '1 GB'\n"
                "  all-reduce of 64 ranks, 1 apart, on dgx-h100\n"
                "         bytes        bound     estimate    80 % from           to  algorithm    level      "
                "  class\n"
                "          1 GB     4.375 ms     6.227 ms     5.724 ms      9.18 ms  tree         infiniband "
                "  assumed",
     .options = collective_options,
     .run = cli_hw_collective},
    {.noun = "hw",
     .verb = "lint",
     .arguments = "",
     .summary = "check the numbers of all chips and systems against arithmetic and each other",
     .details =
         "Peaks from units x clock, ratios of peaks, equal paths within an architecture, memory that cannot\n"
         "be, clashing names, sparse peaks, systems that contradict their chip. What a file accounts for is "
         "\"explained\". Exit code 1 when\n"
         "something is not. Recorded disagreements between sources are listed by topic.",
     .example = "ridge hw lint\n"
                "  explained ratio    b300-sxm                    rates.fp4          fp4/fp8 is ...\n"
                "  ...\n"
                "  ... 0 of them unexplained; 10 topics on which sources disagree",
     .options = no_options,
     .run = cli_hw_lint},
    {0},
};
