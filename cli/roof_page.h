/* The figures of the page of roof explain, as plotly JSON. */
#ifndef RIDGE_CLI_ROOF_PAGE_H
#define RIDGE_CLI_ROOF_PAGE_H

#include "ridge/report.h"
#include "roof_explain.h"

/* Operators by time, the longest first: order[roof.n_operators]. */
void cli_roof_by_time(const cli_roof_answer *a, size_t *order);
double cli_roof_time(const rg_roof_operator *o); /* the estimate, where there is one, else the bound */

void cli_roof_time_figure(const cli_roof_answer *a, const size_t *order, rg_str *out);
void cli_roof_elasticity_figure(const cli_roof_answer *a, rg_str *out);
/* Empty where nothing multiplies. */
rg_status cli_roof_roofline_figure(const cli_roof_answer *a, rg_str *out, rg_error *err);

#endif
