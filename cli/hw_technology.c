/* ridge hw: a technology as text and as JSON, and numbers with ranges. */
#include <math.h>

#include "hw_commands.h"

const char *cli_hw_range(const rg_value *v, rg_unit unit, char *buf, size_t size) {
    char lo[48], hi[48];
    *buf = 0;
    if (v->hi > 0)
        snprintf(buf, size, "%s to %s", rg_units_print(v->lo, unit, lo, sizeof lo),
                 rg_units_print(v->hi, unit, hi, sizeof hi));
    return buf;
}

void cli_hw_print_dated(const char *name, const rg_value *v, rg_unit unit, const char *date) {
    char value[48], range[104];
    printf("  %-22s %14s  %-32s %-8s %s\n", name, rg_units_print(v->value, unit, value, sizeof value),
           cli_hw_range(v, unit, range, sizeof range), date, v->source);
}

void cli_hw_json_dated(rg_str *out, const rg_value *v, rg_unit unit, const char *date) {
    cli_json_number(out, "value", v->value);
    cli_json_number(out, "lo", v->hi > 0 ? v->lo : NAN);
    cli_json_number(out, "hi", v->hi > 0 ? v->hi : NAN);
    cli_json_string(out, "unit", rg_unit_name(unit));
    cli_json_string(out, "date", date);
    cli_json_string(out, "source", v->source);
}

void cli_hw_json_technology(rg_str *out, const rg_technology *t) {
    rg_str_add(out, "{\"id\": ");
    cli_print_json_string(out, t->id);
    cli_json_string(out, "name", t->name);
    cli_json_string(out, "kind", t->kind);
    cli_json_number(out, "year", t->year);
    rg_str_add(out, ", \"numbers\": [");
    for (size_t i = 0; i < t->n_numbers; i++) {
        rg_str_add(out, i ? ", {\"name\": " : "{\"name\": ");
        cli_print_json_string(out, t->number[i].name);
        cli_hw_json_dated(out, &t->number[i].v, t->number[i].unit, t->number[i].date);
        rg_str_add(out, "}");
    }
    rg_str_add(out, "]");
    cli_json_string(out, "notes", t->notes);
    rg_str_add(out, "}");
}

void cli_hw_technology_json(const rg_technology *t) {
    rg_str out = {0};
    cli_hw_json_technology(&out, t);
    cli_json_end(&out);
}

void cli_hw_technology_text(const rg_technology *t) {
    printf("%s (%s): %s, %d\n", t->name, t->id, t->kind, t->year);
    if (t->notes) printf("notes: %s\n", t->notes);
    printf("\n  %-22s %14s  %-32s %-8s %s\n", "number", "value", "range", "date", "source");
    for (size_t i = 0; i < t->n_numbers; i++)
        cli_hw_print_dated(t->number[i].name, &t->number[i].v, t->number[i].unit, t->number[i].date);
}
