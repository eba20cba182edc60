/* Policies: role[.glob]=FORMAT[@...], separated by commas. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "ridge/datapath.h"
#include "ridge/num.h"

enum { MAX_ENTRIES = sizeof((rg_policy *)0)->entry / sizeof(rg_policy_entry) };

static const struct {
    const char *name;
    rg_role first, last;
} roles[] = {{"w", RG_ROLE_WEIGHT, RG_ROLE_WEIGHT}, {"a", RG_ROLE_ACTIVATION, RG_ROLE_ACTIVATION},
             {"kv", RG_ROLE_KEY, RG_ROLE_VALUE},    {"k", RG_ROLE_KEY, RG_ROLE_KEY},
             {"v", RG_ROLE_VALUE, RG_ROLE_VALUE},   {"dp", RG_ROLE_DATAPATH, RG_ROLE_DATAPATH}};

/* A comma outside parentheses, or the end. */
static const char *entry_end(const char *p) {
    for (int depth = 0; *p; p++) {
        if (*p == ',' && depth == 0) break;
        depth += (*p == '(') - (*p == ')');
    }
    return p;
}

/* The text of a datapath; dot(...) is checked and made canonical, names are looked up where the data is
 * known. */
static rg_status read_datapath(const char *text, rg_policy_entry *entry, rg_error *err) {
    rg_datapath *dp = NULL;
    if (strncmp(text, "dot(", 4) == 0) RG_TRY(rg_datapath_open(&dp, text, NULL, err));
    const int n = snprintf(entry->datapath, sizeof entry->datapath, "%s", dp ? rg_datapath_text(dp) : text);
    rg_datapath_close(dp);
    if (n > 0 && (size_t)n < sizeof entry->datapath) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "policy", "a datapath of 1 to 191 characters", "dp=%.60s", text);
}

static rg_status add_entry(rg_policy *policy, const char *text, rg_error *err) {
    const char *equals = strchr(text, '='), *dot = memchr(text, '.', equals ? (size_t)(equals - text) : 0);
    if (!equals || equals == text)
        return rg_fail(err, RG_ERR_USAGE, "policy", "role[.glob]=FORMAT", "cannot read \"%.80s\"", text);
    const size_t n_role = (size_t)((dot ? dot : equals) - text);
    size_t r = 0, n = sizeof roles / sizeof *roles;
    while (r < n && (strlen(roles[r].name) != n_role || memcmp(roles[r].name, text, n_role) != 0)) r++;
    if (r == n)
        return rg_fail(err, RG_ERR_USAGE, "policy", "w a kv k v dp", "unknown role \"%.*s\" in \"%.60s\"",
                       (int)(n_role < 40 ? n_role : 40), text, text);
    rg_policy_entry entry = {0};
    if (dot) {
        const size_t n_glob = (size_t)(equals - dot - 1);
        if (n_glob == 0 || n_glob >= sizeof entry.glob)
            return rg_fail(err, RG_ERR_USAGE, "policy", "a glob of 1 to 95 characters after the dot",
                           "\"%.80s\"", text);
        memcpy(entry.glob, dot + 1, n_glob);
    }
    const bool is_datapath = roles[r].first == RG_ROLE_DATAPATH;
    if (is_datapath)
        RG_TRY(read_datapath(equals + 1, &entry, err));
    else
        RG_TRY(rg_quant_parse(equals + 1, &entry.quant, err));
    for (rg_role role = roles[r].first; role <= roles[r].last; role++) {
        if (policy->n == MAX_ENTRIES)
            return rg_fail(err, RG_ERR_USAGE, "policy", "at most 32 entries (kv counts as two)",
                           "too many entries");
        entry.role = role;
        policy->entry[policy->n++] = entry;
    }
    char quant[RG_QUANT_TEXT];
    if (is_datapath)
        snprintf(quant, sizeof quant, "%s", entry.datapath);
    else
        rg_quant_print(&entry.quant, quant, sizeof quant);
    const size_t used = strlen(policy->text);
    const int added = snprintf(policy->text + used, sizeof policy->text - used, "%s%.*s=%s", used ? "," : "",
                               (int)(equals - text), text, quant);
    if ((size_t)added >= sizeof policy->text - used)
        return rg_fail(err, RG_ERR_USAGE, "policy", "at most 511 characters", "the policy is too long");
    return RG_OK;
}

rg_status rg_policy_parse(const char *text, rg_policy *out, rg_error *err) {
    rg_policy policy = {0};
    const bool reference = text[0] == 0 || strcmp(text, "fp32") == 0;
    for (const char *p = text; !reference;) {
        while (*p == ' ') p++;
        const char *end = entry_end(p);
        size_t n = (size_t)(end - p);
        while (n && p[n - 1] == ' ') n--;
        char entry[256];
        if (n >= sizeof entry)
            return rg_fail(err, RG_ERR_USAGE, "policy", "entries of at most 255 characters",
                           "\"%.60s...\" is too long", p);
        memcpy(entry, p, n);
        entry[n] = 0;
        RG_TRY(add_entry(&policy, entry, err));
        if (!*end) break;
        p = end + 1;
    }
    if (reference) memcpy(policy.text, "fp32", sizeof "fp32");
    *out = policy;
    return RG_OK;
}

/* The whole name, or its end after a dot. */
static bool matches(const char *glob, const char *name) {
    for (;;) {
        if (fnmatch(glob, name, 0) == 0) return true;
        name = strchr(name, '.');
        if (!name) return false;
        name++;
    }
}

static rg_policy_entry *lookup(rg_policy *policy, rg_role role, const char *name, bool in_block) {
    rg_policy_entry *found = NULL;
    for (size_t i = 0; i < policy->n; i++) {
        rg_policy_entry *e = &policy->entry[i];
        if (e->role != role || (e->glob[0] ? !matches(e->glob, name) : !in_block)) continue;
        e->matched = true;
        found = e;
    }
    return found;
}

const rg_quant *rg_policy_lookup(rg_policy *policy, rg_role role, const char *name, bool in_block) {
    const rg_policy_entry *e = lookup(policy, role, name, in_block);
    return e ? &e->quant : NULL;
}

const char *rg_policy_datapath(rg_policy *policy, const char *name, bool in_block) {
    const rg_policy_entry *e = lookup(policy, RG_ROLE_DATAPATH, name, in_block);
    return e ? e->datapath : NULL;
}

rg_status rg_policy_check(const rg_policy *policy, rg_error *err) {
    for (size_t i = 0; i < policy->n; i++) {
        const rg_policy_entry *e = &policy->entry[i];
        if (e->matched) continue;
        const char *role[RG_N_ROLES] = {"w", "a", "k", "v", "dp"};
        return rg_fail(err, RG_ERR_USAGE, "policy", "a name that the model has: ridge model graph lists them",
                       e->glob[0] ? "%s.%s matches no operator" : "%s%s matches no operator", role[e->role],
                       e->glob);
    }
    return RG_OK;
}
