/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/record.c - what a claim says, as text and as a structure
 *
 *     v=2 phase=running nonce=... host=... machine=... boot=... domain=...
 *     addr=... ips=... instance=... adopted=... attach=yes since=... arrival=GUEST
 *     owed=GUEST,GUEST builders=ADDRESS,ADDRESS
 *
 * A GUEST is host;machine;boot;domain;addr, or with ;ips behind it. All values
 * are percent-encoded, so that none holds a blank, a comma, a semicolon or an
 * equals sign.
 */
#include "config.h"

#include "agent/rbd/claim/record.h"

#include <string.h>

#define VERSION_WORD "2"
/* What an address, a UUID or a name may show as it is. */
#define PLAIN ":/[]@"

static const char *const phase_words[] = {
    [STORE_PHASE_NONE] = "none",     [STORE_PHASE_BUILDING] = "building",
    [STORE_PHASE_HANDED] = "handed", [STORE_PHASE_RUNNING] = "running",
    [STORE_PHASE_FENCED] = "fenced", [STORE_PHASE_OLD] = "old",
};

const char *
store_known(const char *text)
{
    return text && text[0] ? text : "?";
}

const char *
store_phase_word(StorePhase phase)
{
    return phase_words[phase];
}

void
store_guest_clear(StoreGuest *guest)
{
    store_place_clear(&guest->place);
    g_clear_pointer(&guest->domain, g_free);
    g_clear_pointer(&guest->addr, g_free);
    g_clear_pointer(&guest->ips, g_free);
}

void
store_guest_free(StoreGuest *guest)
{
    if (!guest)
        return;
    store_guest_clear(guest);
    g_free(guest);
}

static void
guest_free(gpointer guest)
{
    store_guest_free(guest);
}

StoreGuest *
store_guest_copy(const StoreGuest *guest)
{
    StoreGuest *copy = g_new0(StoreGuest, 1);

    store_place_copy(&guest->place, &copy->place);
    copy->domain = g_strdup(guest->domain);
    copy->addr = g_strdup(guest->addr);
    copy->ips = g_strdup(guest->ips);
    return copy;
}

StoreRecord *
store_record_new(StorePhase phase)
{
    StoreRecord *record = g_new0(StoreRecord, 1);

    record->phase = phase;
    record->owed = g_ptr_array_new_with_free_func(guest_free);
    record->builders = g_ptr_array_new_with_free_func(g_free);
    return record;
}

void
store_record_free(StoreRecord *record)
{
    if (!record)
        return;
    store_guest_clear(&record->who);
    g_free(record->nonce);
    g_free(record->instance);
    g_free(record->adopted);
    store_guest_free(record->arrival);
    g_ptr_array_unref(record->owed);
    g_ptr_array_unref(record->builders);
    g_free(record);
}

static gpointer
copy_guest(gconstpointer guest, gpointer unused)
{
    (void)unused;
    return store_guest_copy(guest);
}

static gpointer
copy_text(gconstpointer text, gpointer unused)
{
    (void)unused;
    return g_strdup(text);
}

StoreRecord *
store_record_copy(const StoreRecord *record)
{
    StoreRecord *copy = g_new0(StoreRecord, 1);
    g_autoptr(StoreGuest) who = store_guest_copy(&record->who);

    copy->phase = record->phase;
    copy->who = *who;
    *who = (StoreGuest){0};
    copy->nonce = g_strdup(record->nonce);
    copy->instance = g_strdup(record->instance);
    copy->adopted = g_strdup(record->adopted);
    copy->attach = record->attach;
    copy->since = record->since;
    copy->arrival = record->arrival ? store_guest_copy(record->arrival) : NULL;
    copy->owed = g_ptr_array_copy(record->owed, copy_guest, NULL);
    copy->builders = g_ptr_array_copy(record->builders, copy_text, NULL);
    return copy;
}

/* ---- to text ---------------------------------------------------------------- */

static void
add_escaped(GString *text, const char *value)
{
    g_string_append_uri_escaped(text, value ? value : "", PLAIN, FALSE);
}

static void
add_word(GString *text, const char *key, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(text, " %s=", key);
    add_escaped(text, value);
}

static void
add_guest(GString *text, const StoreGuest *guest)
{
    const char *const fields[] = {guest->place.host, guest->place.machine,
                                  guest->place.boot, guest->domain,
                                  guest->addr};

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (i > 0)
            g_string_append_c(text, ';');
        add_escaped(text, fields[i]);
    }
    if (guest->ips) {
        g_string_append_c(text, ';');
        add_escaped(text, guest->ips);
    }
}

static void
add_lists(GString *text, const StoreRecord *record)
{
    for (guint i = 0; i < record->owed->len; i++) {
        g_string_append(text, i ? "," : " owed=");
        add_guest(text, g_ptr_array_index(record->owed, i));
    }
    for (guint i = 0; i < record->builders->len; i++) {
        g_string_append(text, i ? "," : " builders=");
        add_escaped(text, g_ptr_array_index(record->builders, i));
    }
}

char *
store_record_text(const StoreRecord *record)
{
    g_autoptr(GString) text = g_string_new("v=" VERSION_WORD);

    add_word(text, "phase", store_phase_word(record->phase));
    g_string_append_printf(text, " nonce=%08x%08x", g_random_int(),
                           g_random_int());
    add_word(text, "host", record->who.place.host);
    add_word(text, "machine", record->who.place.machine);
    add_word(text, "boot", record->who.place.boot);
    add_word(text, "domain", record->who.domain);
    add_word(text, "addr", record->who.addr);
    add_word(text, "ips", record->who.ips);
    add_word(text, "instance", record->instance);
    add_word(text, "adopted", record->adopted);
    add_word(text, "attach", record->attach ? "yes" : NULL);
    g_string_append_printf(text, " since=%" G_GINT64_FORMAT, record->since);
    if (record->arrival) {
        g_string_append(text, " arrival=");
        add_guest(text, record->arrival);
    }
    add_lists(text, record);
    if (text->len > STORE_CLAIM_MAX)
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- from text -------------------------------------------------------------- */

/* The value of a key as it stands; NULL: it is not there. */
static const char *
raw_word(char *const *words, const char *key)
{
    gsize len = strlen(key);

    for (gsize i = 0; words[i]; i++)
        if (strncmp(words[i], key, len) == 0 && words[i][len] == '=')
            return words[i] + len + 1;
    return NULL;
}

/* A key that is not there is no error; one that cannot be decoded is, as whom
 * a claim names is never forgotten. */
static bool
decode(char *const *words, const char *key, char **ret_value)
{
    const char *raw = raw_word(words, key);

    *ret_value = raw ? g_uri_unescape_string(raw, NULL) : NULL;
    return !raw || *ret_value;
}

static StoreGuest *
parse_guest(const char *text)
{
    g_auto(GStrv) fields = g_strsplit(text, ";", 7);
    g_autoptr(StoreGuest) guest = g_new0(StoreGuest, 1);
    char **const values[] = {&guest->place.host, &guest->place.machine,
                             &guest->place.boot, &guest->domain,
                             &guest->addr,       &guest->ips};
    guint n = g_strv_length(fields);

    if (n != G_N_ELEMENTS(values) && n != G_N_ELEMENTS(values) - 1)
        return NULL;
    for (guint i = 0; i < n; i++) {
        *values[i] = g_uri_unescape_string(fields[i], NULL);
        if (!*values[i])
            return NULL;
    }
    return g_steal_pointer(&guest);
}

static bool
parse_owed(const char *text, StoreRecord *record)
{
    g_auto(GStrv) list = g_strsplit(text, ",", STORE_CLAIM_OWED_MAX + 2);

    for (gsize i = 0; list[i]; i++) {
        StoreGuest *guest = parse_guest(list[i]);

        if (!guest || i == STORE_CLAIM_OWED_MAX) {
            store_guest_free(guest);
            return false;
        }
        g_ptr_array_add(record->owed, guest);
    }
    return true;
}

static bool
parse_builders(const char *text, StoreRecord *record)
{
    g_auto(GStrv) list = g_strsplit(text, ",", STORE_CLAIM_BUILDERS_MAX + 2);

    for (gsize i = 0; list[i]; i++) {
        char *addr = g_uri_unescape_string(list[i], NULL);

        if (!addr || i == STORE_CLAIM_BUILDERS_MAX) {
            g_free(addr);
            return false;
        }
        g_ptr_array_add(record->builders, addr);
    }
    return true;
}

static bool
parse_lists(char *const *words, StoreRecord *record)
{
    const char *arrival = raw_word(words, "arrival");
    const char *owed = raw_word(words, "owed");
    const char *builders = raw_word(words, "builders");

    if (arrival && !(record->arrival = parse_guest(arrival)))
        return false;
    return (!owed || parse_owed(owed, record)) &&
           (!builders || parse_builders(builders, record));
}

static bool
parse_phase(char *const *words, StorePhase *ret_phase)
{
    const char *word = raw_word(words, "phase");

    for (StorePhase phase = STORE_PHASE_BUILDING; phase <= STORE_PHASE_FENCED;
         phase++) {
        if (g_strcmp0(word, phase_words[phase]) != 0)
            continue;
        *ret_phase = phase;
        return true;
    }
    return false;
}

static gint64
parse_since(char *const *words)
{
    const char *text = raw_word(words, "since");

    return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static bool
parse_words(char *const *words, StoreRecord *record)
{
    return decode(words, "nonce", &record->nonce) &&
           decode(words, "host", &record->who.place.host) &&
           decode(words, "machine", &record->who.place.machine) &&
           decode(words, "boot", &record->who.place.boot) &&
           decode(words, "domain", &record->who.domain) &&
           decode(words, "addr", &record->who.addr) &&
           decode(words, "ips", &record->who.ips) &&
           decode(words, "instance", &record->instance) &&
           decode(words, "adopted", &record->adopted) && record->nonce &&
           record->who.domain;
}

StoreRecord *
store_record_parse(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 32);
    g_autoptr(StoreRecord) record = NULL;
    StorePhase phase;

    if (strlen(text) > STORE_CLAIM_MAX ||
        g_strcmp0(raw_word(words, "v"), VERSION_WORD) != 0 ||
        !parse_phase(words, &phase))
        return NULL;
    record = store_record_new(phase);
    record->attach = raw_word(words, "attach") != NULL;
    record->since = parse_since(words);
    if (!parse_words(words, record) || !parse_lists(words, record))
        return NULL;
    return g_steal_pointer(&record);
}

StoreRecord *
store_record_parse_old(const char *holder)
{
    g_auto(GStrv) words = g_strsplit(holder, " ", 16);
    const char *after = raw_word(words, "after");
    const char *owner = raw_word(words, "owner");
    StoreRecord *record = store_record_new(STORE_PHASE_OLD);

    record->nonce = g_strdup(raw_word(words, "number"));
    record->instance = g_strdup(raw_word(words, "instance"));
    record->who.place.host = g_strdup(raw_word(words, "host"));
    record->who.domain = g_strdup(owner ? owner : "");
    record->who.addr = g_strdup(raw_word(words, "addr"));
    record->since = parse_since(words);
    if (after)
        (void)parse_builders(after, record);
    return record;
}
