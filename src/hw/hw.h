/* Shared inside src/hw: the steps of reading a chip file. */
#ifndef HW_HW_H
#define HW_HW_H

#include "ridge/doc.h"
#include "ridge/hw.h"

/* What is needed while a file is read. */
typedef struct hw_reader {
    rg_doc *doc;
    rg_arena *arena;      /* of what is read */
    rg_chip *chip;        /* chip files */
    const char *data_dir; /* NULL: a text, not a file of a folder */
    rg_doc_node *sources;
} hw_reader;

/* ---- any file (read.c) ------------------------------------------------------------------------------- */

/* A copy of `text` in the arena; NULL for NULL. */
rg_status hw_keep(rg_arena *arena, const char *text, const char **out, rg_error *err);
/* RG_ERR_PARSE at the place of the node. */
rg_status hw_wrong(const hw_reader *r, const rg_doc_node *node, rg_error *err, const char *expected,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Before anything else: a map with sources:. After it: no source and no key that nobody asked for. */
rg_status hw_begin(hw_reader *r, const char *what, rg_error *err);
rg_status hw_end(hw_reader *r, rg_error *err);
/* A string member, kept. */
rg_status hw_string(hw_reader *r, rg_doc_node *map, const char *key, bool need, const char **out,
                    rg_error *err);
rg_status hw_read_aliases(hw_reader *r, size_t *n, const char ***out, rg_error *err);
rg_status hw_year(hw_reader *r, int *out, rg_error *err);
/* Keys of `sources:` separated by commas -> their texts joined by "; ". */
rg_status hw_source(hw_reader *r, rg_doc_node *map, const char **out, rg_error *err);
/* A positive number with unit, at the place of the node in messages. */
rg_status hw_quantity(hw_reader *r, rg_doc_node *map, const char *key, rg_unit unit, double *out,
                      rg_error *err);
/* {value: 2 us, range: [1 us, 5 us], source: key, estimated: why}, range and estimated may be absent;
   estimated NULL: such a key is unknown. */
rg_status hw_value(hw_reader *r, rg_doc_node *node, rg_unit unit, rg_value *out, const char **estimated,
                   rg_error *err);
/* The same as a member; absent and not needed: *out is left alone. */
rg_status hw_member(hw_reader *r, rg_doc_node *map, const char *key, rg_unit unit, bool need, rg_value *out,
                    rg_error *err);
/* A share as a member: neither the number nor its range is above 1. */
rg_status hw_share(hw_reader *r, rg_doc_node *map, const char *key, bool need, rg_value *out, rg_error *err);
/* Stems of the .yaml files of data_dir/folder, sorted, in the arena. */
rg_status hw_list(const char *data_dir, const char *folder, rg_arena *arena, const char ***ids, size_t *n,
                  rg_error *err);
/* {value, range, date, source} in whatever unit the value has. */
rg_status hw_dated(hw_reader *r, rg_doc_node *node, rg_value *v, rg_unit *unit, const char **date,
                   rg_error *err);
/* The file of this id or alias; none: RG_ERR_USAGE, "unknown WHAT". */
rg_status hw_open_by_name(rg_doc *out, const char *data_dir, const char *folder, const char *name,
                          const char *expected, const char *what, rg_error *err);
/* data_dir/folder/id.yaml, whose id: must be its name. */
rg_status hw_open(rg_doc *out, const char *data_dir, const char *folder, const char *id, rg_error *err);
/* The id of the file that has this id or, in aliases:, this name; NULL: none. In the arena. */
rg_status hw_find(const char *data_dir, const char *folder, const char *name, rg_arena *arena,
                  const char **id, rg_error *err);

/* What-if: "x1.3" scales `old` (may be NULL), a bare number is SI, else a number with its unit. */
rg_status hw_new_value(const char *assignment, const char *text, rg_unit unit, const rg_value *old,
                       double *out, rg_error *err);
rg_status hw_no_set(rg_error *err, const char *assignment, const char *expected, const char *what);

/* ---- units ------------------------------------------------------------------------------------------- */

/* Exponents of operation, byte, s, J, mm, USD, h: what a product of numbers is a number of. */
typedef struct hw_dimension {
    int8_t exponent[7];
} hw_dimension;
hw_dimension hw_dimension_of(rg_unit unit);
const char *hw_unit_sample(rg_unit unit); /* for messages: what is expected, with an example */
/* A number in whatever unit its text says. */
rg_status hw_units_any(const char *text, double *out, rg_unit *unit, rg_error *err);

/* ---- chip files -------------------------------------------------------------------------------------- */

rg_status hw_read_numbers(hw_reader *r, rg_error *err);
rg_status hw_read_paths(hw_reader *r, rg_error *err);
rg_status hw_read_compositions(hw_reader *r, rg_error *err); /* bets:, compose: */
/* *found: the chip has such a bet; it is changed and all numbers composed of it. */
rg_status hw_set_bet(rg_chip *chip, const char *name, const char *assignment, const char *text, bool *found,
                     rg_error *err);
rg_status hw_read_notes(hw_reader *r, rg_error *err); /* conflicts, derived, odd */

/* Adds a number (path and source kept by the caller) and brings rate[], memory_* and tdp_w up to date. */
rg_status hw_add_number(rg_chip *chip, const char *path, rg_unit unit, rg_value v, const char *estimated,
                        rg_error *err);
void hw_sync(rg_chip *chip);
/* Paths that a unit of rate type `type` would serve, put before all others; nothing when the type is unknown.
 */
rg_status hw_add_hypothetical(rg_chip *chip, const char *type, rg_error *err);
/* Unit of a number's path, RG_N_UNITS when a chip has no such number. */
rg_unit hw_unit_of(const char *path);

/* ---- lint -------------------------------------------------------------------------------------------- */

/* Adds a finding; its texts live as long as the lint. `explained` may be NULL. */
rg_status hw_find_fault(rg_chip_lint *l, const char *subject, const char *check, const char *path,
                        const char *message, const char *explained, rg_error *err);
/* Systems against their chips and each other, links of chips; opens every system and link of the folder. */
rg_status hw_lint_systems(rg_chip_lint *l, const char *data_dir, rg_error *err);

#endif
