/* The cause in one line, read off the differences: where inputs lie, and what each behaviour makes of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "num/diff.h"

static const char *const kind_names[DIFF_KINDS] = {
    "nan",          "infinity", "zero",      "negative",      "overflow", "subnormal",   "tie",
    "beside a tie", "between",  "elsewhere", "special block", "scale",    "least scale", "scale at its end"};

/* A short decimal of the fp32 or double; powers of two far from 1 as such. */
static const char *number_text(double v, char buf[48]) {
    int exponent;
    const double f = frexp(fabs(v), &exponent);
    if (isnan(v)) return "NaN";
    if (isinf(v)) return v < 0 ? "-infinity" : "infinity";
    if (f == 0.5 && (exponent > 20 || exponent < -12)) {
        snprintf(buf, 48, "%s2^%d", v < 0 ? "-" : "", exponent - 1);
        return buf;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(buf, 48, "%.*g", digits, v);
        if ((float)strtod(buf, NULL) == (float)v) break;
    }
    return buf;
}

/* All results kept of a side are NaN, or all of both: then only codes tell them apart. */
static bool all_nan(const diff_class *c, int side) {
    for (int k = 0; k < c->n_output[side] && k < 2; k++)
        if (!isnan(c->output[side][k].value)) return false;
    return true;
}

static void side_text(const diff_pair *p, const diff_class *c, int side, rg_str *out) {
    const int digits = (p->q[side]->format.elem.bits + 3) / 4;
    const bool codes = all_nan(c, 0) && all_nan(c, 1);
    char number[48];
    if (c->n_output[side] > 2) {
        rg_str_add(out, "numbers");
        return;
    }
    for (int k = 0; k < c->n_output[side]; k++) {
        rg_str_add(out, k ? " or " : "");
        if (codes)
            rg_str_printf(out, "code %0*x", digits, (unsigned)c->output[side][k].code);
        else
            rg_str_add(out, number_text(c->output[side][k].value, number));
    }
}

static void both_sides(const diff_pair *p, const diff_class *c, rg_str *out) {
    side_text(p, c, 0, out);
    rg_str_add(out, " against ");
    side_text(p, c, 1, out);
}

/* Where a tie goes: what every result of a side has in common. */
static const char *tie_rule(const diff_class *c, int side) {
    const uint64_t beyond = side ? c->count - c->a_beyond : c->a_beyond;
    if (beyond == c->count && c->n_even[side] != c->count) return "away from zero";
    if (c->n_even[side] == c->count) return "to even";
    if (beyond == 0 && c->n_even[side] != 0) return "toward zero";
    return c->n_even[side] == 0 ? "to odd" : "either way";
}

static void share_text(const diff_class *c, rg_str *out) {
    rg_str_printf(out, "from %.3g%% to %.3g%% of a gap", 100 * c->share.least, 100 * c->share.most);
}

static void between_text(const diff_class *c, rg_str *out) {
    rg_str_add(out, "between two numbers, ");
    share_text(c, out);
    rg_str_add(out, c->a_beyond == c->count ? ": the farther from zero against the nearer"
                    : c->a_beyond == 0      ? ": the nearer to zero against the farther"
                                            : ": rounded in other directions");
}

/* The side whose result is not the nearest has rounded twice. */
static void beside_text(const diff_pair *p, const diff_class *c, rg_str *out) {
    const bool a_twice = p->q[0]->cast.via != RG_VIA_NONE;
    rg_str_printf(out, "beside ties, within %.2g%% of a gap",
                  100 * fmax(0.5 - c->share.least, c->share.most - 0.5));
    rg_str_add(out, a_twice             ? ": rounded twice against once"
                    : p->q[1]->cast.via ? ": rounded once against twice"
                                        : ": the tie is met or missed by an earlier rounding");
}

static void scale_text(const diff_class *c, rg_str *out) {
    char a[48], b[48];
    const char *who = c->a_beyond == c->count ? "larger" : c->a_beyond == 0 ? "smaller" : "larger or smaller";
    rg_str_printf(out, "scales: that of A is %s", who);
    if (c->ratio.least == c->ratio.most)
        rg_str_printf(out, ", %s times", number_text(c->ratio.least, a));
    else
        rg_str_printf(out, ", up to %.4g times", c->ratio.most);
    rg_str_printf(out, ", where amax / 2^k lies from %s to %s", number_text(c->fraction.least, a),
                  number_text(c->fraction.most, b));
}

static void clause(const diff_pair *p, const diff_class *c, diff_kind kind, rg_str *out) {
    char least[48], most[48];
    const float below = nextafterf((float)c->magnitude.least, 0);
    switch (kind) {
    case DIFF_NAN:
        rg_str_add(out, "NaN: ");
        break;
    case DIFF_INFINITY:
        rg_str_add(out, "infinity: ");
        break;
    case DIFF_ZERO:
        rg_str_add(out, "zero: ");
        break;
    case DIFF_NEGATIVE:
        rg_str_add(out, "negative numbers: ");
        break;
    case DIFF_OVERFLOW:
        number_text((double)below, least);
        number_text(c->magnitude.least, most);
        if (strlen(least) < strlen(most))
            rg_str_printf(out, "overflow above %s: ", least);
        else
            rg_str_printf(out, "overflow from %s: ", most);
        break;
    case DIFF_SUBNORMAL:
        rg_str_printf(
            out, "below the least normal number %s: ", number_text(fmax(p->normal[0], p->normal[1]), least));
        break;
    case DIFF_TIE:
        rg_str_printf(out, "ties: %s against %s", tie_rule(c, 0), tie_rule(c, 1));
        return;
    case DIFF_BESIDE:
        beside_text(p, c, out);
        return;
    case DIFF_BETWEEN:
        between_text(c, out);
        return;
    case DIFF_SCALE:
        scale_text(c, out);
        return;
    case DIFF_LEAST:
        rg_str_printf(out, "scales below the least normal one, %s: %s",
                      number_text(rg_elem_min_normal(&p->q[0]->format.scale), least),
                      c->a_beyond ? "raised to it against kept" : "kept against raised to it");
        return;
    case DIFF_SPECIAL:
        rg_str_add(out, "blocks that hold NaN or infinity: ");
        break;
    case DIFF_END:
        rg_str_printf(
            out, "scales at the end of their range, up to |x| = %s: ", number_text(c->magnitude.most, most));
        break;
    default:
        rg_str_printf(out, "from %s to %s: ", number_text(c->magnitude.least, least),
                      number_text(c->magnitude.most, most));
    }
    both_sides(p, c, out);
}

static const char *unit(diff_kind kind) {
    return kind == DIFF_SCALE || kind == DIFF_LEAST ? " blocks" : "";
}

void diff_explain(const diff_pair *p, const diff_tally *t, rg_diff_result *out) {
    rg_str text = {0};
    bool done[DIFF_KINDS] = {false};
    if (p->n_other_codes)
        rg_str_printf(&text, "%u of %u codes stand for other numbers", (unsigned)p->n_other_codes,
                      (unsigned)p->n_codes);
    for (int n = 0; n < RG_DIFF_CLASSES; n++) {
        int best = -1;
        for (int k = 0; k < DIFF_KINDS; k++)
            if (!done[k] && t->kind[k].count && (best < 0 || t->kind[k].count > t->kind[best].count))
                best = k;
        if (best < 0) break;
        done[best] = true;
        out->of_kind[n].kind = kind_names[best];
        out->of_kind[n].count = t->kind[best].count;
        rg_str_add(&text, text.len ? "; " : "");
        clause(p, &t->kind[best], (diff_kind)best, &text);
        rg_str_printf(&text, " (%llu%s)", (unsigned long long)t->kind[best].count, unit((diff_kind)best));
    }
    snprintf(out->cause, sizeof out->cause, "%s", text.len ? text.data : "no difference");
    rg_str_free(&text);
}
