/* Parallel layouts as text. */
#include "ridge/parallel.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 20 };

static const char *const recomputes[] = {"none", "selective", "full"};
static const char *const schedules[] = {"1f1b", "interleaved", "zero_bubble"};

const char *rg_recompute_name(rg_recompute recompute) {
    return recomputes[recompute];
}

const char *rg_schedule_name(rg_schedule schedule) {
    return schedules[schedule];
}

typedef struct key {
    const char *name;
    size_t offset;
    int64_t least, most, preset; /* preset 0: follows from the others */
} key;

#define KEY(name, member, least, most, preset)                                                               \
    { name, offsetof(rg_layout, member), least, most, preset }
static const key keys[] = {
    KEY("tp", tp, 1, LARGEST, 1), KEY("pp", pp, 1, LARGEST, 1), KEY("dp", dp, 1, LARGEST, 1),
    KEY("ep", ep, 1, LARGEST, 1), KEY("cp", cp, 1, LARGEST, 1), KEY("etp", etp, 1, LARGEST, 0),
    KEY("vp", vp, 1, LARGEST, 1), KEY("zero", zero, 0, 3, 0),   KEY("mbs", microbatch, 1, LARGEST, 1)};
enum { N_KEYS = sizeof keys / sizeof *keys };

static int64_t *member(rg_layout *l, const key *k) {
    return (int64_t *)((char *)l + k->offset);
}

static rg_status bad(const char *part, const char *expected, rg_error *err) {
    return rg_fail(err, RG_ERR_USAGE, "layout", expected, "\"%.60s\"", part);
}

static bool word(const char *value, const char *const *words, int n, int *out) {
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], value) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static rg_status read_sp(const char *part, const char *value, rg_layout *l, rg_error *err) {
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) return bad(part, "sp=0 or sp=1", err);
    l->sp = *value == '1';
    return RG_OK;
}

static rg_status read_recompute(const char *part, const char *value, rg_layout *l, rg_error *err) {
    int i = 0;
    if (!word(value, recomputes, RG_N_RECOMPUTES, &i))
        return bad(part, "recompute=none, selective or full", err);
    l->recompute = (rg_recompute)i;
    return RG_OK;
}

static rg_status read_schedule(const char *part, const char *value, rg_layout *l, rg_error *err) {
    int i = 0;
    if (!word(value, schedules, RG_N_SCHEDULES, &i))
        return bad(part, "schedule=1f1b, interleaved or zero_bubble", err);
    l->schedule = (rg_schedule)i;
    return RG_OK;
}

static const struct {
    const char *name;
    rg_status (*read)(const char *part, const char *value, rg_layout *l, rg_error *err);
} words[] = {{"sp", read_sp}, {"recompute", read_recompute}, {"schedule", read_schedule}};
enum { N_WORDS = sizeof words / sizeof *words };

static rg_status once(const char *part, bool *seen, rg_error *err) {
    if (*seen) return bad(part, "each key once", err);
    *seen = true;
    return RG_OK;
}

/* seen[]: numbers, then words. */
static rg_status read_part(const char *part, rg_layout *l, bool *seen, rg_error *err) {
    char name[24], text[80], *end;
    const char *equals = strchr(part, '=');
    if (!equals || equals == part || (size_t)(equals - part) >= sizeof name)
        return bad(part, "key=value, as tp=8", err);
    snprintf(name, sizeof name, "%.*s", (int)(equals - part), part);
    for (int i = 0; i < N_WORDS; i++) {
        if (strcmp(words[i].name, name) != 0) continue;
        RG_TRY(once(part, &seen[N_KEYS + i], err));
        return words[i].read(part, equals + 1, l, err);
    }
    for (int i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].name, name) != 0) continue;
        const bool digit = equals[1] >= '0' && equals[1] <= '9'; /* strtoll would take blanks and signs */
        const long long v = strtoll(equals + 1, &end, 10);
        snprintf(text, sizeof text, "%s = %lld to %lld", name, (long long)keys[i].least,
                 (long long)keys[i].most);
        if (!digit || *end || v < keys[i].least || v > keys[i].most) return bad(part, text, err);
        RG_TRY(once(part, &seen[i], err));
        *member(l, &keys[i]) = v;
        return RG_OK;
    }
    return bad(part, "tp pp dp ep cp etp vp sp zero mbs recompute schedule", err);
}

/* What tp leaves over of ep; experts are split as all else without ep. */
static int64_t preset_etp(const rg_layout *l) {
    if (l->ep == 1) return l->tp;
    return !l->sp && l->ep < l->tp && l->tp % l->ep == 0 ? l->tp / l->ep : 1;
}

static rg_status check(const rg_layout *l, rg_error *err) {
    if (l->tp % l->etp)
        return rg_fail(err, RG_ERR_USAGE, "layout", "etp that divides tp", "etp=%lld with tp=%lld",
                       (long long)l->etp, (long long)l->tp);
    if (l->tp * l->cp * l->dp % (l->ep * l->etp))
        return rg_fail(err, RG_ERR_USAGE, "layout", "ep x etp that divides tp x cp x dp",
                       "ep=%lld x etp=%lld over %lld ranks", (long long)l->ep, (long long)l->etp,
                       (long long)(l->tp * l->cp * l->dp));
    if (l->vp > 1 && l->pp == 1)
        return rg_fail(err, RG_ERR_USAGE, "layout", "pp above 1 beside vp", "vp=%lld", (long long)l->vp);
    if (l->schedule == RG_SCHEDULE_INTERLEAVED && l->vp == 1)
        return rg_fail(err, RG_ERR_USAGE, "layout", "vp above 1", "schedule=interleaved with vp=1");
    return RG_OK;
}

rg_status rg_layout_complete(rg_layout *l, rg_error *err) {
    for (int i = 0; i < N_KEYS; i++)
        if (!*member(l, &keys[i])) *member(l, &keys[i]) = keys[i].preset;
    if (l->vp > 1 && l->schedule == RG_SCHEDULE_1F1B) l->schedule = RG_SCHEDULE_INTERLEAVED;
    if (!l->etp) l->etp = preset_etp(l);
    return check(l, err);
}

rg_status rg_layout_parse(const char *text, rg_layout *out, rg_error *err) {
    rg_layout l = {0};
    bool seen[N_KEYS + N_WORDS] = {false};
    for (int i = 0; i < N_KEYS; i++) *member(&l, &keys[i]) = keys[i].preset;
    for (const char *p = text; *p;) {
        const size_t n = strcspn(p, ",");
        char part[80];
        if (n >= sizeof part) return bad(p, "short parts", err);
        snprintf(part, sizeof part, "%.*s", (int)n, p);
        RG_TRY(read_part(part, &l, seen, err));
        p += n;
        if (*p == ',' && !*++p) return bad(text, "a part behind each comma", err);
    }
    RG_TRY(rg_layout_complete(&l, err));
    *out = l;
    return RG_OK;
}

const char *rg_layout_print(const rg_layout *l, char *buf, size_t size) {
    size_t at = 0;
    buf[0] = 0;
    for (int i = 0; i < N_KEYS; i++) {
        const int64_t v = *(const int64_t *)((const char *)l + keys[i].offset);
        const int64_t preset = strcmp(keys[i].name, "etp") == 0 ? preset_etp(l) : keys[i].preset;
        if ((i > 0 && v == preset) || at >= size) continue; /* tp always: no layout is an empty text */
        at += (size_t)snprintf(buf + at, size - at, "%s%s=%lld", at ? "," : "", keys[i].name, (long long)v);
    }
    if (l->sp && at < size) at += (size_t)snprintf(buf + at, size - at, ",sp=1");
    if (l->recompute && at < size)
        at += (size_t)snprintf(buf + at, size - at, ",recompute=%s", recomputes[l->recompute]);
    if (l->schedule == RG_SCHEDULE_ZERO_BUBBLE && at < size)
        snprintf(buf + at, size - at, ",schedule=zero_bubble");
    return buf;
}
