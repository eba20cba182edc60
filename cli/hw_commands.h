/* What the files of "ridge hw" share. */
#ifndef RIDGE_CLI_HW_COMMANDS_H
#define RIDGE_CLI_HW_COMMANDS_H

#include "cli.h"
#include "ridge/system.h"
#include "ridge/technology.h"

/* Members that list and show have in common, without the closing brace. */
void cli_hw_json_chip(rg_str *out, const rg_chip *chip);
void cli_hw_json_conflict(rg_str *out, const rg_chip *chip, const rg_chip_conflict *conflict);
void cli_hw_print_conflict(const rg_chip *chip, const rg_chip_conflict *conflict);
void cli_hw_chip_json(const rg_chip *chip);
void cli_hw_chip_text(const rg_chip *chip);

void cli_hw_json_system(rg_str *out, const rg_system *system);
void cli_hw_json_link(rg_str *out, const rg_link *link);
void cli_hw_system_json(const rg_system *system);
void cli_hw_system_text(const rg_system *system);
void cli_hw_link_json(const rg_link *link);
void cli_hw_link_text(const rg_link *link);

void cli_hw_json_technology(rg_str *out, const rg_technology *technology);
void cli_hw_technology_json(const rg_technology *technology);
void cli_hw_technology_text(const rg_technology *technology);

/* "1 us to 5 us"; "" without a range. Returns buf. */
const char *cli_hw_range(const rg_value *v, rg_unit unit, char *buf, size_t size);
/* A number with range, date and source: a line of a table, members of an object. */
void cli_hw_print_dated(const char *name, const rg_value *v, rg_unit unit, const char *date);
void cli_hw_json_dated(rg_str *out, const rg_value *v, rg_unit unit, const char *date);

rg_status cli_hw_list(cli_context *context, rg_error *err);
rg_status cli_hw_lint(cli_context *context, rg_error *err);
rg_status cli_hw_collective(cli_context *context, rg_error *err);

#endif
