/* Joules and dollars of an answer: the options, and how they are printed. */
#ifndef RIDGE_CLI_ENERGY_H
#define RIDGE_CLI_ENERGY_H

#include "cli.h"
#include "ridge/energy.h"

#define CLI_USD_OPTION                                                                                       \
    {                                                                                                        \
        "usd-per-hour", CLI_NUMBER, "X", "USD/h", NULL, 1e-6, 1e6, false, false,                             \
            "price of a chip (default: of the system's file, else cost.rent of the chip's)"                  \
    }
#define CLI_ENERGY_OPTIONS                                                                                   \
    {"power-cap", CLI_STRING,                                                                                \
     "POWER",     NULL,                                                                                      \
     NULL,        0,                                                                                         \
     0,           false,                                                                                     \
     false,       "cap of a board below its own, as 500W: what would draw more takes longer"},               \
        CLI_USD_OPTION

typedef struct cli_energy {
    rg_power power;   /* kind NULL: the chip's file does not say enough */
    rg_energy energy; /* of all chips; kind NULL then, too */
    rg_cost cost;
    double tokens;
} cli_energy;

/* The constants, under the cap that was asked for; with a cap a chip that lacks numbers is an error. */
rg_status cli_energy_open(const cli_context *context, const rg_chip *chip, const rg_calibrations *all,
                          cli_energy *out, rg_error *err);
/* Prices what `energy` took, else `estimate_s`. usd_per_chip_h 0: the chip's own. */
void cli_energy_price(const cli_context *context, const rg_chip *chip, double usd_per_chip_h, double chips,
                      double flop, double estimate_s, cli_energy *e);

/* , "energy_j": ..., "energy_class": ...; null where nothing is known. */
void cli_energy_json_joules(rg_str *out, const rg_energy *e);
/* These and power, tokens per joule, cap, prices. */
void cli_energy_json(rg_str *out, const cli_energy *e);
/* Lines that begin with `margin`. */
void cli_energy_print(const cli_energy *e, const char *margin);

#endif
