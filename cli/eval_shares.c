/* Paired shares as JSON and as words, for the commands that count right and wrong. */
#include "eval_commands.h"

#include <math.h>
#include <stdlib.h>

static void with_suffix(rg_str *out, const char *key, const char *suffix, double value) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", key, suffix);
    cli_json_number(out, name, value);
}

void cli_eval_json_shares(rg_str *out, const rg_paired_shares *s, const char *suffix) {
    with_suffix(out, "wilson_lo", suffix, s->wilson_lo);
    with_suffix(out, "wilson_hi", suffix, s->wilson_hi);
    with_suffix(out, "difference", suffix, s->difference);
    with_suffix(out, "flips", suffix, (double)(s->to_right + s->to_wrong));
    with_suffix(out, "flips_to_right", suffix, (double)s->to_right);
    with_suffix(out, "flips_to_wrong", suffix, (double)s->to_wrong);
    with_suffix(out, "mcnemar_p", suffix, s->mcnemar_p);
    with_suffix(out, "unpaired_p", suffix, s->unpaired_p);
    with_suffix(out, "detectable", suffix, s->detectable);
    with_suffix(out, "items_needed", suffix, ceil(s->items_needed));
    rg_str_printf(out, ", \"verdict%s\": \"%s\"", suffix, rg_verdict_name(s->verdict));
}

void cli_eval_print_cannot_tell(const char *policy, const rg_paired_shares *s) {
    if (s->verdict != RG_CANNOT_TELL) return;
    printf("%s: cannot tell. ", policy);
    if (isnan(s->detectable))
        printf("%llu items are too few to show any difference", (unsigned long long)s->n);
    else
        printf("%llu items show a difference of %.1f points or more (4 times of 5)", (unsigned long long)s->n,
               100 * s->detectable);
    if (isfinite(s->items_needed))
        printf("; the %+.1f points seen would need about %.0f items\n", 100 * s->difference,
               ceil(s->items_needed));
    else
        printf("; none was seen\n");
}
