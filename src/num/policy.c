/* Policies: role[.glob]=FORMAT[@...], separated by commas. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "ridge/datapath.h"
#include "ridge/num.h"

typedef struct role_name {
    const char *name;
    rg_role first, last;
} role_name;

static const role_name roles[] = {{"w", RG_ROLE_WEIGHT, RG_ROLE_WEIGHT},
                                  {"a", RG_ROLE_ACTIVATION, RG_ROLE_ACTIVATION},
                                  {"kv", RG_ROLE_KEY, RG_ROLE_VALUE},
                                  {"q", RG_ROLE_QUERY, RG_ROLE_QUERY},
                                  {"k", RG_ROLE_KEY, RG_ROLE_KEY},
                                  {"v", RG_ROLE_VALUE, RG_ROLE_VALUE},
                                  {"s", RG_ROLE_SCORE, RG_ROLE_SCORE},
                                  {"p", RG_ROLE_PROBABILITY, RG_ROLE_PROBABILITY},
                                  {"r", RG_ROLE_ROUTER, RG_ROLE_ROUTER},
                                  {"res", RG_ROLE_RESIDUAL, RG_ROLE_RESIDUAL},
                                  {"o", RG_ROLE_OUTPUT, RG_ROLE_OUTPUT},
                                  {"dp", RG_ROLE_DATAPATH, RG_ROLE_DATAPATH},
                                  {"rot", RG_ROLE_ROTATION, RG_ROLE_ROTATION}};
enum { N_ROLES = sizeof roles / sizeof *roles };
static const char role_list[] = "w a kv q k v s p r res o dp rot, or window sinks first last";

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

/* hadamard(N) */
static rg_status read_rotation(const char *text, rg_policy_entry *entry, rg_error *err) {
    int end = 0;
    if (strcmp(text, "fp32") == 0) return RG_OK; /* none: lets a glob be taken back */
    if (sscanf(text, "hadamard(%d)%n", &entry->rotation, &end) == 1 && end && !text[end] &&
        entry->rotation >= 2 && entry->rotation <= 4096 && !(entry->rotation & (entry->rotation - 1)))
        return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "policy", "hadamard(N), N a power of two in [2, 4096]", "rot=%.60s",
                   text);
}

/* What an entry's text says beside its role and glob; its canonical text goes to `canonical`. */
static rg_status read_value(const char *text, rg_policy_entry *entry, char canonical[RG_QUANT_TEXT],
                            rg_error *err) {
    if (entry->role == RG_ROLE_DATAPATH) {
        RG_TRY(read_datapath(text, entry, err));
        snprintf(canonical, RG_QUANT_TEXT, "%s", entry->datapath);
    } else if (entry->role == RG_ROLE_ROTATION) {
        RG_TRY(read_rotation(text, entry, err));
        snprintf(canonical, RG_QUANT_TEXT, "%s", text);
    } else {
        RG_TRY(rg_quant_parse(text, &entry->quant, err));
        rg_quant_print(&entry->quant, canonical, RG_QUANT_TEXT);
    }
    return RG_OK;
}

static rg_status add_text(rg_policy *policy, const char *left, size_t n_left, const char *right,
                          rg_error *err) {
    const size_t used = strlen(policy->text);
    const int added = snprintf(policy->text + used, sizeof policy->text - used, "%s%.*s=%s", used ? "," : "",
                               (int)n_left, left, right);
    if ((size_t)added < sizeof policy->text - used) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "policy", "at most 2047 characters", "the policy is too long");
}

/* window=N and its like; *is_number says whether the entry was one. */
static rg_status add_number(rg_policy *policy, const char *text, size_t n, bool *is_number, rg_error *err) {
    const struct {
        const char *name;
        int64_t *out;
    } numbers[] = {{"window", &policy->window},
                   {"sinks", &policy->sinks},
                   {"first", &policy->first},
                   {"last", &policy->last}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strlen(numbers[i].name) != n || memcmp(numbers[i].name, text, n) != 0) continue;
        int end = 0;
        long long v = -1;
        *is_number = true;
        if (sscanf(text + n, "=%lld%n", &v, &end) != 1 || text[n + (size_t)end] || v < 0 || v > INT32_MAX)
            return rg_fail(err, RG_ERR_USAGE, "policy", "a whole number", "\"%.60s\"", text);
        *numbers[i].out = v;
        return add_text(policy, text, n, text + n + 1, err);
    }
    return RG_OK;
}

static rg_status add_entry(rg_policy *policy, const char *text, rg_error *err) {
    const char *equals = strchr(text, '='), *dot = memchr(text, '.', equals ? (size_t)(equals - text) : 0);
    if (!equals || equals == text)
        return rg_fail(err, RG_ERR_USAGE, "policy", "role[.glob]=FORMAT", "cannot read \"%.80s\"", text);
    const size_t n_role = (size_t)((dot ? dot : equals) - text);
    size_t r = 0;
    bool is_number = false;
    RG_TRY(add_number(policy, text, n_role, &is_number, err));
    if (is_number) return RG_OK;
    while (r < N_ROLES && (strlen(roles[r].name) != n_role || memcmp(roles[r].name, text, n_role) != 0)) r++;
    if (r == N_ROLES)
        return rg_fail(err, RG_ERR_USAGE, "policy", role_list, "unknown role \"%.*s\" in \"%.60s\"",
                       (int)(n_role < 40 ? n_role : 40), text, text);
    rg_policy_entry entry = {.role = roles[r].first};
    if (dot) {
        const size_t n_glob = (size_t)(equals - dot - 1);
        if (n_glob == 0 || n_glob >= sizeof entry.glob)
            return rg_fail(err, RG_ERR_USAGE, "policy", "a glob of 1 to 95 characters after the dot",
                           "\"%.80s\"", text);
        memcpy(entry.glob, dot + 1, n_glob);
    }
    char canonical[RG_QUANT_TEXT];
    RG_TRY(read_value(equals + 1, &entry, canonical, err));
    for (rg_role role = roles[r].first; role <= roles[r].last; role++) {
        if (policy->n == RG_POLICY_ENTRIES)
            return rg_fail(err, RG_ERR_USAGE, "policy", "at most 128 entries (kv counts as two)",
                           "too many entries");
        entry.role = role;
        policy->entry[policy->n++] = entry;
    }
    return add_text(policy, text, (size_t)(equals - text), canonical, err);
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

static rg_policy_entry *lookup(rg_policy *policy, rg_role role, rg_policy_place at) {
    rg_policy_entry *found = NULL;
    for (size_t i = 0; i < policy->n; i++) {
        rg_policy_entry *e = &policy->entry[i];
        if (e->role != role || (e->glob[0] ? !matches(e->glob, at.name) : at.layer < 0)) continue;
        e->matched = true;
        found = e;
    }
    const bool kept = at.layer >= 0 && (at.layer < policy->first || at.layer >= at.n_layers - policy->last);
    return kept ? NULL : found;
}

const rg_quant *rg_policy_lookup(rg_policy *policy, rg_role role, rg_policy_place place) {
    const rg_policy_entry *e = lookup(policy, role, place);
    return e ? &e->quant : NULL;
}

const char *rg_policy_datapath(rg_policy *policy, rg_policy_place place) {
    const rg_policy_entry *e = lookup(policy, RG_ROLE_DATAPATH, place);
    return e ? e->datapath : NULL;
}

int rg_policy_rotation(rg_policy *policy, rg_policy_place place) {
    const rg_policy_entry *e = lookup(policy, RG_ROLE_ROTATION, place);
    return e ? e->rotation : 0;
}

static const char *role_text(rg_role role) {
    for (size_t i = 0; i < N_ROLES; i++)
        if (roles[i].first == role && roles[i].last == role) return roles[i].name;
    return "";
}

rg_status rg_policy_check(const rg_policy *policy, rg_error *err) {
    for (size_t i = 0; i < policy->n; i++) {
        const rg_policy_entry *e = &policy->entry[i];
        if (e->matched) continue;
        return rg_fail(err, RG_ERR_USAGE, "policy", "a name that the model has: ridge model graph lists them",
                       e->glob[0] ? "%s.%s matches no operator" : "%s%s matches no operator",
                       role_text(e->role), e->glob);
    }
    return RG_OK;
}
