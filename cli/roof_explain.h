/* What roof explain answers, and its three forms: JSON, a table, a page. */
#ifndef RIDGE_CLI_ROOF_EXPLAIN_H
#define RIDGE_CLI_ROOF_EXPLAIN_H

#include "energy.h"
#include "ridge/elasticity.h"
#include "roof_commands.h"

typedef struct cli_roof_answer {
    const rg_graph *graph;
    const rg_chip *chip;
    rg_phase phase;
    double batch, context;
    const char *policy;
    cli_context *cli;
    rg_roof roof;
    rg_elasticities elasticities;
    cli_energy energy;
    rg_energy *energy_of; /* [roof.n_operators] */
} cli_roof_answer;

void cli_roof_print_json(const cli_roof_answer *a);
void cli_roof_print_table(const cli_roof_answer *a);
rg_status cli_roof_write_page(const cli_roof_answer *a, const char *path, rg_error *err);

#endif
