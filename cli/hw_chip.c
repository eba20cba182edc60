/* ridge hw: a chip as text and as JSON. */
#include <math.h>
#include <string.h>

#include "hw_commands.h"

/* Members that list and show have in common, without the closing brace. */
void cli_hw_json_chip(rg_str *out, const rg_chip *c) {
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

void cli_hw_json_conflict(rg_str *out, const rg_chip *c, const rg_chip_conflict *x) {
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

void cli_hw_print_conflict(const rg_chip *c, const rg_chip_conflict *x) {
    char text[48];
    const rg_chip_number *used = rg_chip_find(c, x->path);
    printf("  %-20s %s %s:", x->topic, c->id, x->path);
    for (size_t k = 0; k < x->n; k++)
        printf("%s %s (%s)", k ? " or" : "", x->claim[k].text, x->claim[k].source);
    printf("; used %s: %s\n", used ? rg_units_print(used->v.value, used->unit, text, sizeof text) : "none",
           x->why);
}

static void json_numbers(rg_str *out, const rg_chip *c) {
    rg_str_add(out, ",\n \"numbers\": [");
    for (size_t i = 0; i < c->n_numbers; i++) {
        const rg_chip_number *n = &c->number[i];
        rg_str_add(out, i ? ",\n  {\"path\": " : "\n  {\"path\": ");
        cli_print_json_string(out, n->path);
        cli_json_number(out, "value", n->v.value);
        cli_json_number(out, "lo", n->v.hi > 0 ? n->v.lo : NAN);
        cli_json_number(out, "hi", n->v.hi > 0 ? n->v.hi : NAN);
        cli_json_string(out, "unit", rg_unit_name(n->unit));
        cli_json_string(out, "source", n->v.source);
        cli_json_string(out, "estimated", n->estimated);
        rg_str_add(out, "}");
    }
    rg_str_add(out, "]");
}

static void json_bets(rg_str *out, const rg_chip *c) {
    rg_str_add(out, ",\n \"bets\": [");
    for (size_t i = 0; i < c->n_bets; i++) {
        rg_str_add(out, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
        cli_print_json_string(out, c->bet[i].name);
        cli_hw_json_dated(out, &c->bet[i].v, c->bet[i].unit, c->bet[i].date);
        cli_json_string(out, "technology", c->bet[i].technology);
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

void cli_hw_chip_json(const rg_chip *c) {
    rg_str out = {0};
    cli_hw_json_chip(&out, c);
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
    json_bets(&out, c);
    json_paths(&out, c);
    rg_str_add(&out, ",\n \"conflicts\": [");
    for (size_t i = 0; i < c->n_conflicts; i++) {
        if (i) rg_str_add(&out, ", ");
        cli_hw_json_conflict(&out, c, &c->conflict[i]);
    }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void show_numbers(const rg_chip *c) {
    char text[48];
    printf("\n%-20s %16s %10s  %s\n", "number", "value", "FLOP/B", "source");
    for (size_t i = 0; i < c->n_numbers; i++) {
        const rg_chip_number *n = &c->number[i];
        char point[32] = "", range[104];
        if (strncmp(n->path, "rates.", 6) == 0)
            snprintf(point, sizeof point, "%.1f", rg_chip_ridge_point(c, n->path + 6));
        printf("%-20s %16s %10s  ", n->path, rg_units_print(n->v.value, n->unit, text, sizeof text), point);
        if (n->v.hi > 0) printf("%s: ", cli_hw_range(&n->v, n->unit, range, sizeof range));
        printf("%s%s%s\n", n->v.source, n->estimated ? "; ESTIMATED: " : "",
               n->estimated ? n->estimated : "");
    }
}

/* What composed numbers are made of. */
static void show_bets(const rg_chip *c) {
    if (c->n_bets) printf("\nBets:\n");
    for (size_t i = 0; i < c->n_bets; i++)
        cli_hw_print_dated(c->bet[i].name, &c->bet[i].v, c->bet[i].unit, c->bet[i].date);
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

void cli_hw_chip_text(const rg_chip *c) {
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
    show_bets(c);
    show_paths(c);
    if (c->n_conflicts) printf("\nPublished values that disagree:\n");
    for (size_t i = 0; i < c->n_conflicts; i++) cli_hw_print_conflict(c, &c->conflict[i]);
}
