/* Claims to JSON objects, and what makes an object a claim. */
#include "ledger/ledger.h"

#include <math.h>
#include <string.h>

static const char *const class_names[RG_N_CLAIM_CLASSES] = {"derived", "measured", "simulated", "quoted",
                                                            "assumed"};

const char *rg_claim_class_name(rg_claim_class c) {
    return (int)c >= 0 && c < RG_N_CLAIM_CLASSES ? class_names[c] : "unknown";
}

static bool is_status(const char *text) {
    return !strcmp(text, "open") || !strcmp(text, "supported") || !strcmp(text, "refuted");
}

static rg_status wrong(const rg_claim *c, const char *expected, const char *what, rg_error *err) {
    return rg_fail(err, RG_ERR_USAGE, c->subject ? c->subject : "claim", expected, "%s", what);
}

static rg_status check(const rg_claim *c, rg_error *err) {
    bool assumed = c->kind == RG_ASSUMED;
    if ((int)c->kind < 0 || c->kind >= RG_N_CLAIM_CLASSES)
        return wrong(c, "one of the claim classes", "unknown class", err);
    if (!c->subject || !*c->subject) return wrong(c, "text", "claim without a subject", err);
    if (!isfinite(c->value) && !(assumed && isnan(c->value)))
        return wrong(c, "a finite number", "value is not finite", err);
    if (isfinite(c->value) && (!c->unit || !*c->unit))
        return wrong(c, "a unit, 1 for a ratio", "no unit", err);
    if (isinf(c->lo) || isinf(c->hi) || isnan(c->lo) != isnan(c->hi) || c->lo > c->hi)
        return wrong(c, "lo <= hi, or NaN for both", "interval is none", err);
    if ((assumed || c->kind == RG_QUOTED) && (!c->source || !*c->source))
        return wrong(c, "where it comes from", "quoted and assumed claims need a source", err);
    if (c->status && (!assumed || !is_status(c->status)))
        return wrong(c, "open, supported or refuted, for assumed claims", "wrong status", err);
    if (c->kind == RG_DERIVED && c->command && (!c->result || (*c->result && *c->result != '/')))
        return wrong(c, "a JSON pointer such as /total/bound_s", "derived by a command without a result",
                     err);
    for (size_t i = 0; i < c->n_inputs; i++) {
        const rg_claim_input *in = &c->input[i];
        if (!in->name || !*in->name) return wrong(c, "text", "input without a name", err);
        if (in->path && !*in->path) return wrong(c, "a path", "input with an empty path", err);
        if (!ledger_is_hex(in->sha256, in->path ? 64 : 16))
            return wrong(c, in->path ? "64 lower-case hexadecimal digits" : "id of a claim, 16 digits",
                         "input without its digest", err);
    }
    return RG_OK;
}

/* Sets a member unless the text is NULL; remembers the first key that is not UTF-8. */
static void set_text(json_t *object, const char *key, const char *text, const char **bad) {
    if (text && json_object_set_new(object, key, json_string(text)) != 0 && !*bad) *bad = key;
}

static void set_number(json_t *object, const char *key, double value) {
    json_object_set_new(object, key, isfinite(value) ? json_real(value) : json_null());
}

static json_t *inputs(const rg_claim *c, const char **bad) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_inputs; i++) {
        json_t *in = json_object();
        set_text(in, "name", c->input[i].name, bad);
        set_text(in, "path", c->input[i].path, bad);
        set_text(in, "sha256", c->input[i].sha256, bad);
        json_array_append_new(list, in);
    }
    return list;
}

static json_t *versions(const rg_claim *c, const char **bad) {
    json_t *list = json_array();
    if (c->kind <= RG_SIMULATED) json_array_append_new(list, json_string("ridge=" RG_VERSION));
    for (size_t i = 0; i < c->n_versions; i++)
        if (json_array_append_new(list, json_string(c->version[i])) != 0 && !*bad) *bad = "versions";
    return list;
}

rg_status ledger_claim_json(json_t **out, const rg_claim *c, rg_error *err) {
    RG_TRY(check(c, err));
    const char *bad = NULL;
    json_t *object = json_object();
    set_text(object, "class", rg_claim_class_name(c->kind), &bad);
    set_text(object, "subject", c->subject, &bad);
    set_text(object, "text", c->text, &bad);
    set_number(object, "value", c->value);
    set_text(object, "unit", c->unit, &bad);
    if (!isnan(c->lo)) {
        set_number(object, "lo", c->lo);
        set_number(object, "hi", c->hi);
    }
    set_text(object, "interval", c->interval, &bad);
    set_text(object, "source", c->source, &bad);
    set_text(object, "status", c->kind == RG_ASSUMED && !c->status ? "open" : c->status, &bad);
    set_text(object, "date", c->date, &bad);
    set_text(object, "command", c->command, &bad);
    set_text(object, "result", c->result, &bad);
    json_object_set_new(object, "inputs", inputs(c, &bad));
    json_object_set_new(object, "versions", versions(c, &bad));
    if (!bad) {
        *out = object;
        return RG_OK;
    }
    json_decref(object);
    return rg_fail(err, RG_ERR_USAGE, c->subject, "UTF-8 text", "%s is not UTF-8", bad);
}

static bool optional_strings(const json_t *claim) {
    static const char *const keys[] = {"text",   "unit", "interval", "source",
                                       "status", "date", "command",  "result"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *v = json_object_get(claim, keys[i]);
        if (v && !json_is_string(v)) return false;
    }
    return true;
}

const char *ledger_claim_wrong(const json_t *claim) {
    const char *class = json_string_value(json_object_get(claim, "class"));
    int known = 0;
    for (int c = 0; class && c < RG_N_CLAIM_CLASSES; c++) known |= !strcmp(class, class_names[c]);
    if (!known) return "no known class";
    if (!json_is_string(json_object_get(claim, "subject"))) return "no subject";
    const json_t *value = json_object_get(claim, "value");
    if (!json_is_number(value) && !json_is_null(value)) return "value is neither number nor null";
    if (!optional_strings(claim)) return "a member that should be text is not";
    const json_t *list = json_object_get(claim, "inputs");
    if (!json_is_array(list)) return "inputs are no list";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *in = json_array_get(list, i), *path = json_object_get(in, "path");
        const char *digest = json_string_value(json_object_get(in, "sha256"));
        if (!json_is_string(json_object_get(in, "name"))) return "an input has no name";
        if (path && !json_is_string(path)) return "the path of an input is no text";
        if (!ledger_is_hex(digest, path ? 64 : 16)) return "an input has no digest";
    }
    return NULL;
}
