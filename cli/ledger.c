/* ridge ledger: the trail of claims. */
#include "cli.h"
#include "ridge/ledger.h"

#include <jansson.h>
#include <stdlib.h>

static void print_failures(const rg_ledger_report *r) {
    for (size_t i = 0; i < r->n_failed; i++)
        printf("FAILED %s %s\n       %s\n", r->failed[i].claim[0] ? r->failed[i].claim : "(no id)",
               r->failed[i].subject, r->failed[i].reason);
    printf("%zu claims, %zu verified, %zu failed\n", r->claims, r->verified, r->n_failed);
}

static rg_status print_report_json(const rg_ledger_report *r, rg_error *err) {
    rg_str out = {0};
    rg_str_printf(&out, "{\"claims\": %zu, \"verified\": %zu, \"failed\": [", r->claims, r->verified);
    for (size_t i = 0; i < r->n_failed; i++) {
        rg_str_add(&out, i ? ",\n  {\"claim\": " : "\n  {\"claim\": ");
        if (r->failed[i].claim[0])
            cli_print_json_string(&out, r->failed[i].claim);
        else
            rg_str_add(&out, "null");
        rg_str_add(&out, ", \"subject\": ");
        cli_print_json_string(&out, r->failed[i].subject);
        rg_str_add(&out, ", \"reason\": ");
        cli_print_json_string(&out, r->failed[i].reason);
        rg_str_add(&out, "}");
    }
    rg_str_add(&out, "]}");
    if (!out.failed) puts(out.data);
    bool failed = out.failed;
    rg_str_free(&out);
    return failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}

static rg_status verify(cli_context *context, rg_error *err) {
    rg_ledger *ledger;
    rg_ledger_report report;
    RG_TRY(rg_ledger_open_existing(&ledger, context->argument[0], err));
    rg_status status = rg_ledger_verify(ledger, context->program, &report, context->progress, err);
    rg_ledger_close(ledger);
    RG_TRY(status);
    if (context->json)
        status = print_report_json(&report, err);
    else
        print_failures(&report);
    context->failed_after_output = status == RG_OK && report.n_failed > 0;
    rg_ledger_report_free(&report);
    return status;
}

static void print_row(const json_t *claim) {
    const json_t *value = json_object_get(claim, "value");
    const char *unit = json_string_value(json_object_get(claim, "unit"));
    printf("%s  %-9s %14.7g %-10s %s\n", json_string_value(json_object_get(claim, "id")),
           json_string_value(json_object_get(claim, "class")), json_number_value(value), unit ? unit : "-",
           json_string_value(json_object_get(claim, "subject")));
}

static rg_status show_all(cli_context *context, rg_ledger *ledger, rg_error *err) {
    rg_str list = {0};
    rg_status status = rg_ledger_list(ledger, cli_string(context, "subject"), &list, err);
    if (status == RG_OK && context->json) printf("{\"claims\": %s}\n", list.data);
    if (status == RG_OK && !context->json) {
        json_t *claims = json_loadb(list.data, list.len, 0, NULL);
        for (size_t i = 0; i < json_array_size(claims); i++) print_row(json_array_get(claims, i));
        printf("%zu claims\n", json_array_size(claims));
        json_decref(claims);
    }
    rg_str_free(&list);
    return status;
}

static void print_claim(const rg_str *claim, const rg_str *users) {
    json_t *one = json_loadb(claim->data, claim->len, 0, NULL);
    json_t *list = json_loadb(users->data, users->len, 0, NULL);
    char *text = json_dumps(one, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    puts(text ? text : claim->data);
    printf("%zu claims rest on it%s\n", json_array_size(list), json_array_size(list) ? ":" : "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *user = json_array_get(list, i);
        printf("  %s  %s\n", json_string_value(json_object_get(user, "id")),
               json_string_value(json_object_get(user, "subject")));
    }
    free(text);
    json_decref(list);
    json_decref(one);
}

static rg_status show_one(cli_context *context, rg_ledger *ledger, const char *id, rg_error *err) {
    rg_str claim = {0}, users = {0};
    rg_status status = rg_ledger_find(ledger, id, &claim, err);
    if (status == RG_OK) status = rg_ledger_used_by(ledger, id, &users, err);
    if (status == RG_OK && context->json)
        printf("{\"claim\": %s, \"used_by\": %s}\n", claim.data, users.data);
    else if (status == RG_OK)
        print_claim(&claim, &users);
    rg_str_free(&claim);
    rg_str_free(&users);
    return status;
}

static rg_status show(cli_context *context, rg_error *err) {
    rg_ledger *ledger;
    RG_TRY(rg_ledger_open_existing(&ledger, context->argument[0], err));
    rg_status status = context->n_arguments > 1 ? show_one(context, ledger, context->argument[1], err)
                                                : show_all(context, ledger, err);
    rg_ledger_close(ledger);
    return status;
}

static const cli_option no_options[] = {{0}};
static const cli_option show_options[] = {
    {"subject", CLI_STRING, "GLOB", NULL, NULL, 0, 0, false, false,
     "list only claims with such a subject, as 'quality/*/kld_mean' (* also spans /)"},
    {0}};

const cli_command cli_ledger_commands[] = {
    {.noun = "ledger",
     .verb = "verify",
     .arguments = "DIR",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "check every claim of a workspace: digests, inputs, commands",
     .details =
         "Recomputes the id of every line of DIR/claims.jsonl and the SHA-256 of every input file, re-runs\n"
         "the commands of derived claims, and names each claim that does not hold, or rests on one that\n"
         "does not. Exit code 1 when anything failed.",
     .example =
         "ridge ledger verify out/first-study\n"
         "  FAILED 5d1c1cf2a0e7b3a4 roof/llama-3.1-8b/h100-sxm/decode/bound_s\n"
         "         input chip changed: inputs/data/chips/h100-sxm.yaml has SHA-256 8f..., expected 0c...\n"
         "  318 claims, 317 verified, 1 failed",
     .options = no_options,
     .run = verify},
    {.noun = "ledger",
     .verb = "show",
     .arguments = "DIR [ID]",
     .min_arguments = 1,
     .max_arguments = 2,
     .summary = "list the claims of a workspace, or show one and what rests on it",
     .details =
         "With an ID: the claim with its inputs and command, and every claim that rests on it, directly or\n"
         "through others; that is what falls when an assumption is refuted.",
     .example = "ridge ledger show out/first-study --subject 'assumption/*'\n"
                "  0f3c6c2b7f1d9a55  assumed              0.37 1          assumption/bound-ranks\n"
                "  1 claims",
     .options = show_options,
     .run = show},
    {0},
};
