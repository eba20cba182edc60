/* Joules and dollars of an answer. */
#include "energy.h"

#include <math.h>

#include "ridge/hw.h"

rg_status cli_energy_open(const cli_context *context, const rg_chip *chip, const rg_calibrations *all,
                          cli_energy *out, rg_error *err) {
    rg_error why;
    double cap_w;
    const char *cap = cli_string(context, "power-cap");
    const rg_status status = rg_power_of(&out->power, chip, all, cap ? err : &why);
    if (!cap) return RG_OK;
    RG_TRY(status);
    RG_TRY(rg_units_parse(cap, RG_UNIT_W, &cap_w, err));
    return rg_power_cap(&out->power, cap_w, err);
}

void cli_energy_price(const cli_context *context, const rg_chip *chip, double usd_per_chip_h, double chips,
                      double flop, double estimate_s, cli_energy *e) {
    e->cost = rg_cost_of(chip, cli_number(context, "usd-per-hour", usd_per_chip_h), chips, e->tokens, flop,
                         e->energy.kind ? e->energy.estimate_s : estimate_s);
}

void cli_energy_json_joules(rg_str *out, const rg_energy *e) {
    cli_json_number(out, "energy_j", e->kind ? e->energy_j : (double)NAN);
    cli_json_number(out, "energy_lo80_j", e->kind ? e->lo80_j : (double)NAN);
    cli_json_number(out, "energy_hi80_j", e->kind ? e->hi80_j : (double)NAN);
    cli_json_string(out, "energy_class", e->kind);
}

void cli_energy_json(rg_str *out, const cli_energy *e) {
    const bool known = e->energy.kind;
    cli_energy_json_joules(out, &e->energy);
    cli_json_number(out, "power_w", known ? e->energy.power_w : (double)NAN);
    cli_json_number(out, "tokens_per_j", known ? e->tokens / e->energy.energy_j : (double)NAN);
    cli_json_number(out, "power_cap_w", e->power.cap_w > 0 ? e->power.cap_w : (double)NAN);
    cli_json_number(out, "capped_s", known ? e->energy.estimate_s : (double)NAN);
    cli_json_number(out, "usd_per_h", e->cost.usd_per_h);
    cli_json_number(out, "usd_per_mtoken", e->cost.usd_per_mtoken);
    cli_json_number(out, "flop_per_usd", e->cost.flop_per_usd);
    cli_json_number(out, "peak_flop_per_usd", e->cost.peak_flop_per_usd);
}

void cli_energy_print(const cli_energy *e, const char *margin) {
    if (e->energy.kind && !isnan(e->energy.energy_j)) {
        printf("%senergy  %.4g J, 80 %% between %.4g and %.4g J: %.4g token/J; board power %.0f W; %s\n",
               margin, e->energy.energy_j, e->energy.lo80_j, e->energy.hi80_j, e->tokens / e->energy.energy_j,
               e->energy.power_w, e->energy.kind);
        if (e->power.cap_w > 0)
            printf("%scap     %.0f W: estimate %.6g s under it\n", margin, e->power.cap_w,
                   e->energy.estimate_s);
    }
    if (!isnan(e->cost.usd_per_mtoken))
        printf("%scost    %.4g USD per million tokens at %.4g USD/h; %.3g FLOP per USD\n", margin,
               e->cost.usd_per_mtoken, e->cost.usd_per_h, e->cost.flop_per_usd);
}
