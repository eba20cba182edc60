/* Energy and cost of work on a chip: joules of its board from FLOP, bytes and time.

   P = idle + pJ/FLOP x FLOP/s + pJ/byte x byte/s, at most the board's limit. Constants: data/calibration/
   power.yaml, fitted to measured board power where a chip has such measurements ("calibrated"), those of a
   chip of the same architecture ("transferred"), or shares of the TDP ("assumed"). Host, network, cooling and
   losses of conversion are not in it. docs/energy.md. */
#ifndef RIDGE_ENERGY_H
#define RIDGE_ENERGY_H

#include "ridge/perf.h"
#include "ridge/serve.h"
#include "ridge/step.h"
#include "ridge/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_range {
    double value, lo, hi;
} rg_range;

enum { RG_POWER_TYPES = 16 };

typedef struct rg_power { /* of one chip's board; no pointers of its own */
    const char *kind;     /* "calibrated", "transferred", "assumed": the idle power and the bytes */
    rg_range idle_w, byte_j, vector_flop_j;
    double limit_w; /* what the board reaches under load */
    double cap_w;   /* below that: a lower limit, 0: none */
    size_t n_types;
    struct rg_power_type {
        char name[8]; /* "bf16", as the chip's rates */
        rg_range flop_j, convert_j;
        double log_lo, log_hi; /* ln(measured / estimated power): 10 % and 90 % of unseen kernels */
        const char *kind;
    } type[RG_POWER_TYPES];
} rg_power;

/* A chip without power.tdp is RG_ERR_UNSUPPORTED. The result keeps pointers into nothing. */
rg_status rg_power_of(rg_power *out, const rg_chip *chip, const rg_calibrations *all, rg_error *err);
/* A cap for the board in W: a limit below the chip's own. One that does not exceed idle power: RG_ERR_USAGE.
 */
rg_status rg_power_cap(rg_power *power, double cap_w, rg_error *err);

/* Work of one chip and how long it takes: an operator, a step, a request. */
typedef struct rg_energy_work {
    double matrix_flop, vector_flop, bytes;
    double converted; /* activations that a kernel of its own makes narrow */
    const char *type; /* of the matrix work: "fp8"; of "fp8+bf16" the first counts; NULL: bf16, else fp16 */
    double estimate_s, lo80_s, hi80_s;
    const char *kind; /* of the times */
} rg_energy_work;

typedef struct rg_energy {
    double energy_j, lo80_j, hi80_j; /* NAN: no estimate of the time */
    double estimate_s;               /* the time, longer where a cap stretches it */
    double power_w;
    const char *kind; /* the weakest of times and constants: calibrated > transferred > assumed */
} rg_energy;

/* A cap (rg_power_cap) below what the work draws stretches its time until the energy above idle fits: dynamic
   energy per FLOP and byte is taken as it is at full clock, which is on the safe side. */
rg_energy rg_energy_of(const rg_power *power, const rg_energy_work *work);
/* Sums energies and times of what runs one after the other; ends of intervals add, as if all errors had one
   sign. Begin with a zeroed sum. */
void rg_energy_add(rg_energy *sum, const rg_energy *one);
/* Of a pass and, when not NULL, of each of its operators. */
rg_energy rg_energy_of_roof(const rg_power *power, const rg_roof *roof, rg_energy *each);
/* Of a step on all chips of its layout, which draw idle power while they wait for each other. power_w: of one
   board. Without vector work. */
rg_energy rg_energy_of_step(const rg_power *power, const rg_chip *chip, const rg_step *step);
/* Of a training step, always "assumed": its FLOP, and a memory that streams at full bandwidth while norms,
   activations, sums and the optimizer run, which are mostly traffic; that of the multiplies is left out. */
rg_energy rg_energy_of_train(const rg_power *power, const rg_chip *chip, const rg_train_step *step);
/* Of a second of service on all chips, in which tokens_per_s tokens are made: multiplies at the MFU of the
   bf16 (else fp16) rate and its joules, whatever types the policy names, and weights and caches once a step,
   as far as the memory delivers them while multiplies and attention run. The kind is NULL, and nothing else
   is said, unless the verdict is ok, one pool does both phases and the chip has such a rate. */
rg_energy rg_energy_of_serve(const rg_power *power, const rg_chip *chip, const rg_serve_result *served);

/* What an hour of chips buys. NAN: no price. */
typedef struct rg_cost {
    double usd_per_h;         /* of all chips */
    double usd_per_mtoken;    /* of a million tokens at the estimated time */
    double flop_per_usd;      /* done */
    double peak_flop_per_usd; /* at the dense bf16 rate */
} rg_cost;
/* `tokens` and `flop` of all chips in `time_s`; usd_per_chip_h > 0, or 0: the chip's cost.rent. */
rg_cost rg_cost_of(const rg_chip *chip, double usd_per_chip_h, double chips, double tokens, double flop,
                   double time_s);

#ifdef __cplusplus
}
#endif
#endif
