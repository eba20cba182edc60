/* Chips that do not exist: numbers composed of bets. A composition is a sum of products of names; each name
   is a bet of the file, a number of a technology ("hbm4e.bandwidth"), or a number of the chip. Dimensions
   must come out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hw/hw.h"
#include "ridge/technology.h"

enum { MAX_FACTORS = 32, MAX_BETS = 256 };

/* Ranges combine as if bets were independent: squares of deviations add, of logarithms in a product. */
typedef struct amount {
    double value, down, up; /* log(value / lo), log(hi / value) */
    hw_dimension dimension;
} amount;

/* ---- bets -------------------------------------------------------------------------------------------- */

static struct rg_chip_bet *bet_of(const rg_chip *chip, const char *name) {
    for (size_t i = 0; i < chip->n_bets; i++)
        if (strcmp(chip->bet[i].name, name) == 0) return &chip->bet[i];
    return NULL;
}

static rg_status add_bet(rg_chip *chip, const struct rg_chip_bet *bet, rg_error *err) {
    if (!chip->bet) chip->bet = rg_arena_alloc(&chip->arena, MAX_BETS, sizeof *chip->bet);
    if (!chip->bet) return rg_fail(err, RG_ERR_MEMORY, chip->file, NULL, "out of memory");
    if (chip->n_bets == MAX_BETS)
        return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file, "at most 256", "more bets than that");
    chip->bet[chip->n_bets++] = *bet;
    return RG_OK;
}

static rg_status read_bets(hw_reader *r, rg_error *err) {
    rg_doc_node *map;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "bets", RG_DOC_MAP, false, &map, err));
    for (rg_doc_node *c = map ? map->child : NULL; c; c = c->next) {
        struct rg_chip_bet bet = {0};
        c->used = true;
        if (strpbrk(c->key, ". +="))
            return hw_wrong(r, c, err, "a name without dot, space, + and =", "bet \"%.60s\"", c->key);
        RG_TRY(hw_keep(r->arena, c->key, &bet.name, err));
        RG_TRY(hw_dated(r, c, &bet.v, &bet.unit, &bet.date, err));
        RG_TRY(add_bet(r->chip, &bet, err));
    }
    return RG_OK;
}

/* "hbm4e.bandwidth" of data/technology becomes a bet of the chip; *found: there is such a number. */
static rg_status take_technology(hw_reader *r, const char *name, bool *found, rg_error *err) {
    char id[64];
    const char *dot = strchr(name, '.');
    rg_technology t;
    rg_error why = {0};
    *found = false;
    if (!dot || !r->data_dir || (size_t)(dot - name) >= sizeof id) return RG_OK;
    snprintf(id, sizeof id, "%.*s", (int)(dot - name), name);
    if (rg_technology_open(&t, id, r->data_dir, &why) != RG_OK)
        return why.status == RG_ERR_PARSE
                   ? rg_fail(err, why.status, why.where, why.expected, "%s", why.message)
                   : RG_OK;
    rg_status status = RG_OK;
    for (size_t i = 0; status == RG_OK && i < t.n_numbers && !*found; i++) {
        if (strcmp(t.number[i].name, dot + 1) != 0) continue;
        struct rg_chip_bet bet = {.unit = t.number[i].unit, .v = t.number[i].v};
        *found = true;
        status = hw_keep(r->arena, name, &bet.name, err);
        if (status == RG_OK) status = hw_keep(r->arena, t.number[i].v.source, &bet.v.source, err);
        if (status == RG_OK) status = hw_keep(r->arena, t.number[i].date, &bet.date, err);
        if (status == RG_OK) status = hw_keep(r->arena, t.id, &bet.technology, err);
        if (status == RG_OK) status = add_bet(r->chip, &bet, err);
    }
    rg_technology_close(&t);
    return status;
}

/* ---- compositions ------------------------------------------------------------------------------------ */

/* The next word of "a x b + c" and what stands before it: 'x', '+', 0 for the first. NULL: the end. */
static const char *next_word(const char *p, char *before, char word[96]) {
    *before = 0;
    p += strspn(p, " ");
    if ((*p == 'x' || *p == '+') && p[1] == ' ') {
        *before = *p++;
        p += strspn(p, " ");
    }
    const size_t n = strcspn(p, " ");
    if (n == 0 || n >= 96) return NULL;
    memcpy(word, p, n);
    word[n] = 0;
    return p + n;
}

static bool look_up(const rg_chip *chip, const char *name, amount *out) {
    const struct rg_chip_bet *bet = bet_of(chip, name);
    const rg_chip_number *number = bet ? NULL : rg_chip_find(chip, name);
    if (!bet && !number) return false;
    const rg_value *v = bet ? &bet->v : &number->v;
    *out = (amount){.value = v->value, .dimension = hw_dimension_of(bet ? bet->unit : number->unit)};
    if (v->hi > 0) {
        out->down = log(v->value / v->lo);
        out->up = log(v->hi / v->value);
    }
    return true;
}

static bool same_dimension(const amount *a, const amount *b) {
    return memcmp(&a->dimension, &b->dimension, sizeof a->dimension) == 0;
}

static void multiply(amount *a, const amount *b) {
    a->value *= b->value;
    a->down = hypot(a->down, b->down);
    a->up = hypot(a->up, b->up);
    for (size_t i = 0; i < sizeof a->dimension.exponent; i++)
        a->dimension.exponent[i] = (int8_t)(a->dimension.exponent[i] + b->dimension.exponent[i]);
}

static amount added(const amount *a, const amount *b) {
    const double sum = a->value + b->value;
    const double down = hypot(a->value * -expm1(-a->down), b->value * -expm1(-b->down));
    const double up = hypot(a->value * expm1(a->up), b->value * expm1(b->up));
    return (amount){sum, -log1p(-down / sum), log1p(up / sum), b->dimension};
}

/* NULL, or what is wrong. */
static const char *evaluate(const rg_chip *chip, const char *text, amount *out) {
    amount sum = {0}, product = {0}, one;
    char word[96], before;
    int factors = 0;
    bool summed = false;
    for (const char *p = text; *p;) {
        p = next_word(p, &before, word);
        if (!p || (before == 0) != (factors == 0)) return "no sum of products";
        if (++factors > MAX_FACTORS) return "more than 32 factors";
        if (!look_up(chip, word, &one)) return "a name that is no bet and no number";
        if (before == '+') {
            if (summed && !same_dimension(&sum, &product)) return "a sum of different dimensions";
            sum = summed ? added(&sum, &product) : product;
            summed = true;
        }
        if (before == 'x')
            multiply(&product, &one);
        else
            product = one;
    }
    if (!factors) return "nothing in it";
    if (summed && !same_dimension(&sum, &product)) return "a sum of different dimensions";
    *out = summed ? added(&sum, &product) : product;
    return isfinite(out->value * exp(out->up)) && out->value * exp(-out->down) > 0 ? NULL
                                                                                   : "a value out of range";
}

static rg_status put(rg_chip *chip, const struct rg_chip_composition *c, const amount *a, rg_error *err) {
    const bool ranged = a->down > 0 || a->up > 0;
    const rg_value v = {.value = a->value,
                        .lo = ranged ? a->value * exp(-a->down) : 0,
                        .hi = ranged ? a->value * exp(a->up) : 0,
                        .source = c->text,
                        .given = true};
    rg_chip_number *old = (rg_chip_number *)rg_chip_find(chip, c->path);
    if (!old) return hw_add_number(chip, c->path, hw_unit_of(c->path), v, "composed of bets", err);
    old->v = v;
    hw_sync(chip);
    return RG_OK;
}

/* Names of technologies become bets before the first evaluation. */
static rg_status take_names(hw_reader *r, const rg_doc_node *node, rg_error *err) {
    char word[96], before;
    amount unused;
    for (const char *p = node->text; *p;) {
        p = next_word(p, &before, word);
        if (!p) return hw_wrong(r, node, err, "NAME x NAME + NAME ...", "\"%.80s\"", node->text);
        bool found = look_up(r->chip, word, &unused);
        if (!found) RG_TRY(take_technology(r, word, &found, err));
        if (!found)
            return hw_wrong(r, node, err, "a bet, TECHNOLOGY.NUMBER, or a number of the chip",
                            "unknown \"%.80s\"", word);
    }
    return RG_OK;
}

static rg_status read_composition(hw_reader *r, rg_doc_node *node, rg_error *err) {
    struct rg_chip_composition *c = &r->chip->composition[r->chip->n_compositions];
    amount a = {0};
    node->used = true;
    const rg_unit unit = hw_unit_of(node->key);
    if (unit == RG_N_UNITS)
        return hw_wrong(r, node, err, "a number that docs/chips.md lists", "a chip has no \"%.60s\"",
                        node->key);
    if (node->kind != RG_DOC_SCALAR) return hw_wrong(r, node, err, "NAME x NAME + NAME ...", "no text");
    if (rg_chip_find(r->chip, node->key))
        return hw_wrong(r, node, err, "a number given or composed, once", "\"%.60s\" twice", node->key);
    RG_TRY(take_names(r, node, err));
    const char *why = evaluate(r->chip, node->text, &a);
    if (why) return hw_wrong(r, node, err, "NAME x NAME + NAME ...", "%s: \"%.80s\"", why, node->text);
    const amount wanted = {.dimension = hw_dimension_of(unit)};
    if (!same_dimension(&a, &wanted))
        return hw_wrong(r, node, err, "names whose units multiply to the number's", "\"%.80s\" is not in %s",
                        node->text, rg_unit_name(unit));
    RG_TRY(hw_keep(r->arena, node->key, &c->path, err));
    RG_TRY(hw_keep(r->arena, node->text, &c->text, err));
    r->chip->n_compositions++;
    return put(r->chip, c, &a, err);
}

rg_status hw_read_compositions(hw_reader *r, rg_error *err) {
    rg_doc_node *map;
    RG_TRY(read_bets(r, err));
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "compose", RG_DOC_MAP, false, &map, err));
    if (!map) return RG_OK;
    r->chip->composition = rg_arena_alloc(r->arena, map->n + 1, sizeof *r->chip->composition);
    if (!r->chip->composition) return rg_fail(err, RG_ERR_MEMORY, r->doc->file, NULL, "out of memory");
    for (rg_doc_node *c = map->child; c; c = c->next) RG_TRY(read_composition(r, c, err));
    return RG_OK;
}

/* ---- what if ----------------------------------------------------------------------------------------- */

/* In the order of the file, so that a number stands after those it is made of. */
static rg_status recompose(rg_chip *chip, bool *good, rg_error *err) {
    *good = true;
    for (size_t i = 0; *good && i < chip->n_compositions; i++) {
        amount a;
        *good = !evaluate(chip, chip->composition[i].text, &a);
        if (*good) RG_TRY(put(chip, &chip->composition[i], &a, err));
    }
    return RG_OK;
}

rg_status hw_set_bet(rg_chip *chip, const char *name, const char *assignment, const char *text, bool *found,
                     rg_error *err) {
    struct rg_chip_bet *bet = bet_of(chip, name);
    double value = 0;
    bool good;
    *found = bet != NULL;
    if (!bet) return RG_OK;
    RG_TRY(hw_new_value(assignment, text, bet->unit, &bet->v, &value, err));
    const struct rg_chip_bet before = *bet;
    const char *source = rg_arena_printf(&chip->arena, "set by hand (%s); was %.6g: %s", assignment,
                                         bet->v.value, bet->v.source);
    if (!source) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    bet->v = (rg_value){.value = value, .source = source, .given = true};
    RG_TRY(recompose(chip, &good, err));
    if (good) return RG_OK;
    *bet = before;
    RG_TRY(recompose(chip, &good, err));
    return hw_no_set(err, assignment, "a value that numbers can be composed of", "a value out of range");
}
