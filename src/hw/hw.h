/* Shared inside src/hw: the steps of reading a chip file. */
#ifndef HW_HW_H
#define HW_HW_H

#include "ridge/doc.h"
#include "ridge/hw.h"

/* What is needed while a file is read. */
typedef struct hw_reader {
    rg_doc *doc;
    rg_chip *chip;
    rg_doc_node *sources;
} hw_reader;

/* A copy of `text` that lives as long as the chip; NULL for NULL. */
rg_status hw_keep(rg_chip *chip, const char *text, const char **out, rg_error *err);
/* A string member, kept. */
rg_status hw_string(hw_reader *r, rg_doc_node *map, const char *key, bool need, const char **out,
                    rg_error *err);
/* Keys of `sources:` separated by commas -> their texts joined by "; ". */
rg_status hw_source(hw_reader *r, rg_doc_node *map, const char **out, rg_error *err);
/* "memory.bandwidth" member with unit -> value, at the place of the node in messages. */
rg_status hw_quantity(hw_reader *r, rg_doc_node *map, const char *key, rg_unit unit, double *out,
                      rg_error *err);

rg_status hw_read_numbers(hw_reader *r, rg_error *err);
rg_status hw_read_paths(hw_reader *r, rg_error *err);
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

#endif
