/* Policies: roles, globs, the last entry that matches, text, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/num.h"

static rg_policy parse(const char *text) {
    rg_policy p;
    rg_error err = {0};
    if (rg_policy_parse(text, &p, &err) != RG_OK) fail_msg("%s: %s: %s", text, err.where, err.message);
    return p;
}

/* The operand is quantized by `want`; NULL: not at all, be it no entry or an identity. */
static void expect(rg_policy *p, rg_role role, const char *name, bool in_block, const char *want) {
    const rg_quant *q = rg_policy_lookup(p, role, (rg_policy_place){name, in_block ? 3 : -1, 8});
    char text[128] = "nothing";
    if (q) rg_quant_print(q, text, sizeof text);
    if (!want) {
        if (q && !rg_quant_is_identity(q)) fail_msg("%s: %s gets %s", p->text, name, text);
        return;
    }
    rg_quant wanted;
    assert_int_equal(rg_quant_parse(want, &wanted, NULL), RG_OK);
    if (!q || !rg_quant_equal(q, &wanted)) fail_msg("%s: %s gets %s, not %s", p->text, name, text, want);
}

static const char layer[] = "model.layers.3.self_attn.q_proj";

static void reference(void **state) {
    (void)state;
    static const char *const texts[] = {"", "fp32"};
    for (int i = 0; i < 2; i++) {
        rg_policy p = parse(texts[i]);
        for (int role = 0; role < RG_N_ROLES; role++) {
            expect(&p, (rg_role)role, layer, true, NULL);
            expect(&p, (rg_role)role, "lm_head", false, NULL);
        }
        assert_int_equal(rg_policy_check(&p, NULL), RG_OK);
    }
}

static void roles(void **state) {
    (void)state;
    rg_policy p = parse("w=int4,a=mxfp8,kv=e4m3fn");
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int4");
    expect(&p, RG_ROLE_ACTIVATION, layer, true, "mxfp8");
    expect(&p, RG_ROLE_KEY, layer, true, "e4m3fn");
    expect(&p, RG_ROLE_VALUE, layer, true, "e4m3fn");
    p = parse("k=int8,v=int4");
    expect(&p, RG_ROLE_WEIGHT, layer, true, NULL);
    expect(&p, RG_ROLE_ACTIVATION, layer, true, NULL);
    expect(&p, RG_ROLE_KEY, layer, true, "int8");
    expect(&p, RG_ROLE_VALUE, layer, true, "int4");
}

/* The embedding and the output head only where a glob names them. */
static void outside_blocks(void **state) {
    (void)state;
    rg_policy p = parse("w=int4,a=int8");
    expect(&p, RG_ROLE_WEIGHT, "lm_head", false, NULL);
    expect(&p, RG_ROLE_ACTIVATION, "lm_head", false, NULL);
    expect(&p, RG_ROLE_WEIGHT, "model.embed_tokens", false, NULL);
    p = parse("w=int4,w.lm_head=int8");
    expect(&p, RG_ROLE_WEIGHT, "lm_head", false, "int8");
    expect(&p, RG_ROLE_ACTIVATION, "lm_head", false, NULL);
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int4");
    assert_int_equal(rg_policy_check(&p, NULL), RG_OK);
}

static void globs(void **state) {
    (void)state;
    rg_policy p = parse("w=int4,w.*.q_proj=int8,w.down_proj=bf16,w.model.layers.0.*=fp16");
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int8");
    expect(&p, RG_ROLE_WEIGHT, "model.layers.3.self_attn.k_proj", true, "int4");
    expect(&p, RG_ROLE_WEIGHT, "model.layers.3.mlp.down_proj", true, "bf16"); /* its end after a dot */
    expect(&p, RG_ROLE_WEIGHT, "model.layers.3.mlp.updown_proj", true, "int4");
    expect(&p, RG_ROLE_WEIGHT, "model.layers.0.self_attn.q_proj", true, "fp16");
    expect(&p, RG_ROLE_WEIGHT, "model.layers.10.self_attn.v_proj", true, "int4");
    expect(&p, RG_ROLE_ACTIVATION, layer, true, NULL);
    assert_int_equal(rg_policy_check(&p, NULL), RG_OK);
    p = parse("w.layers.?.mlp.up_proj=int3");
    expect(&p, RG_ROLE_WEIGHT, "model.layers.7.mlp.up_proj", true, "int3");
    expect(&p, RG_ROLE_WEIGHT, "model.layers.17.mlp.up_proj", true, NULL);
}

static void later_wins(void **state) {
    (void)state;
    rg_policy p = parse("w=int8,w=int4");
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int4");
    p = parse("kv=int8,v=int4");
    expect(&p, RG_ROLE_KEY, layer, true, "int8");
    expect(&p, RG_ROLE_VALUE, layer, true, "int4");
    p = parse("v=int4,kv=int8");
    expect(&p, RG_ROLE_VALUE, layer, true, "int8");
    p = parse("w.q_proj=int8,w=int4");
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int4");
    p = parse("w=int4,w.q_proj=fp32");
    expect(&p, RG_ROLE_WEIGHT, layer, true, NULL);
    expect(&p, RG_ROLE_WEIGHT, "model.layers.3.self_attn.k_proj", true, "int4");
}

static void commas_in_parentheses(void **state) {
    (void)state;
    rg_policy p = parse(
        "w=int4(sym,group=128,scale=bf16),a=mx(e3m2,32,e8m0)@rne(scale=even,sat=finite),kv=int8(sym,row)");
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int4(sym,group=128,scale=bf16)");
    expect(&p, RG_ROLE_ACTIVATION, layer, true, "mx(e3m2,32,e8m0)@rne(scale=even)");
    expect(&p, RG_ROLE_KEY, layer, true, "int8");
}

/* The canonical text parses to the same policy and prints itself. */
static void text(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "fp32",
                                        "w=int4(sym,group=32,scale=fp16),a=mxfp8@rne",
                                        "kv=e4m3fn",
                                        "k=int8,v=int4",
                                        "w=mxfp4@rne(scale=even),w.lm_head=int8(sym,row)",
                                        "w=int8,w=int4",
                                        "w.*.q_proj=nvfp4@rne(scale=4over6)"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rg_policy p = parse(texts[i]), again = parse(p.text);
        assert_string_equal(p.text, again.text);
        assert_int_equal(p.n, again.n);
        for (size_t k = 0; k < p.n; k++) {
            assert_int_equal(p.entry[k].role, again.entry[k].role);
            assert_string_equal(p.entry[k].glob, again.entry[k].glob);
            assert_true(rg_quant_equal(&p.entry[k].quant, &again.entry[k].quant));
        }
    }
    const rg_policy a = parse("w=int4(sym,group=32,scale=fp16)"), b = parse("w=int4");
    assert_string_equal(a.text, b.text);
    const rg_policy none = parse(""), fp32 = parse("fp32");
    assert_string_equal(none.text, fp32.text);
}

static void unmatched(void **state) {
    (void)state;
    rg_error err = {0};
    rg_policy p = parse("w=int4,w.nonsense=int8");
    expect(&p, RG_ROLE_WEIGHT, layer, true, "int4");
    assert_int_equal(rg_policy_check(&p, &err), RG_ERR_USAGE);
    assert_true(strstr(err.message, "nonsense") || strstr(err.where, "nonsense"));
    assert_int_equal(rg_policy_check(&p, NULL), RG_ERR_USAGE);
    /* a weight's glob is not matched by an activation */
    p = parse("w.lm_head=int8");
    expect(&p, RG_ROLE_ACTIVATION, "lm_head", false, NULL);
    assert_int_equal(rg_policy_check(&p, NULL), RG_ERR_USAGE);
}

static void refused(const char *bad, const char *part) {
    rg_policy p, untouched;
    rg_error err = {0};
    memset(&p, 0x5a, sizeof p);
    memset(&untouched, 0x5a, sizeof untouched);
    const rg_status status = rg_policy_parse(bad, &p, &err);
    if (status == RG_OK) fail_msg("\"%.60s\" is accepted as \"%s\"", bad, p.text);
    assert_int_equal(status, RG_ERR_USAGE);
    if (part && !strstr(err.message, part) && !strstr(err.where, part))
        fail_msg("\"%.60s\": no \"%s\" in \"%s: %s\"", bad, part, err.where, err.message);
    assert_memory_equal(&p, &untouched, sizeof p);
}

static void errors(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"int4", NULL},
        {"w", NULL},
        {"w=", NULL},
        {"=int4", NULL},
        {",", NULL},
        {"w=int4,", NULL},
        {",w=int4", NULL},
        {"w=int4,,a=int8", NULL},
        {"x=int4", "x"},
        {"weights=int4", "weights"},
        {"w=int99", "int99"},
        {"w=int4,a=e9m9", "e9m9"},
        {"w.=int4", NULL},
        {"w=int4(sym", NULL},
        {"w=int4)(", NULL},
        {"fp32,w=int4", NULL},
        {"w=int4,fp32", NULL},
        {"w=mxfp4@foo", "foo"},
        {"w=int4(sym,a=int8", NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(bad[i][0], bad[i][1]);
}

/* More entries, longer globs, longer text than there is room for. */
static void limits(void **state) {
    (void)state;
    char longer[8192] = "";
    for (int i = 0; i < 129; i++) strcat(longer, i ? ",w=int8" : "w=int8");
    refused(longer, NULL);
    longer[0] = 0;
    for (int i = 0; i < 65; i++) strcat(longer, i ? ",kv=int8" : "kv=int8");
    refused(longer, NULL);
    memset(longer, 'g', 300);
    memcpy(longer, "w.", 2);
    strcpy(longer + 300, "=int8");
    refused(longer, NULL);
    longer[0] = 0;
    for (int i = 0; i < 60; i++)
        strcat(longer, i ? ",w.a.somewhat.long.glob=int4(sym,group=128,scale=bf16)"
                         : "w.a.somewhat.long.glob=int4(sym,group=128,scale=bf16)");
    refused(longer, NULL);
    memset(longer, 'w', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    refused(longer, NULL);
    memset(longer, '(', sizeof longer - 1);
    refused(longer, NULL);
    memcpy(longer, "w=", 2);
    refused(longer, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference), cmocka_unit_test(roles),      cmocka_unit_test(outside_blocks),
        cmocka_unit_test(globs),     cmocka_unit_test(later_wins), cmocka_unit_test(commas_in_parentheses),
        cmocka_unit_test(text),      cmocka_unit_test(unmatched),  cmocka_unit_test(errors),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
