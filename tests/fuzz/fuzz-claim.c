/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-claim.c - any bytes as what stands beside an image, and in it
 *
 * The first byte chooses: a claim, one of version 0.1, a client's address, or a
 * line of words, as the marks are. What a claim says survives its text.
 */
#include "config.h"

#include "agent/rbd/claim/record.h"
#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/names.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_corpora[] = {"tests/fuzz/corpus/claim", NULL};
const unsigned fuzz_pieces = 200;

static void
same_word(const char *a, const char *b)
{
    fuzz_must(strcmp(a ? a : "", b ? b : "") == 0, "a word survives");
}

static void
same_guest(const StoreGuest *a, const StoreGuest *b)
{
    fuzz_must((a == NULL) == (b == NULL), "a guest survives");
    if (!a)
        return;
    same_word(a->place.host, b->place.host);
    same_word(a->place.machine, b->place.machine);
    same_word(a->place.boot, b->place.boot);
    same_word(a->domain, b->domain);
    same_word(a->addr, b->addr);
}

/* Whom a claim names is never forgotten. */
static void
same_lists(const StoreRecord *a, const StoreRecord *b)
{
    fuzz_must(a->owed->len == b->owed->len, "the owed survive");
    for (guint i = 0; i < a->owed->len; i++)
        same_guest(a->owed->pdata[i], b->owed->pdata[i]);
    fuzz_must(a->builders->len == b->builders->len, "the builders survive");
    for (guint i = 0; i < a->builders->len; i++)
        same_word(a->builders->pdata[i], b->builders->pdata[i]);
}

static void
claim(const char *text)
{
    g_autoptr(StoreRecord) record = store_record_parse(text);
    g_autoptr(StoreRecord) again = NULL;
    g_autofree char *written = NULL;

    if (!record)
        return;
    written = store_record_text(record);
    if (!written)
        return; /* it would be too long */
    again = store_record_parse(written);
    fuzz_must(again != NULL, "what was written is read");
    fuzz_must(again->phase == record->phase, "the phase survives");
    fuzz_must(again->attach == record->attach, "why survives");
    fuzz_must(again->since == record->since, "since when survives");
    same_guest(&record->who, &again->who);
    same_guest(record->arrival, again->arrival);
    same_word(record->instance, again->instance);
    same_word(record->adopted, again->adopted);
    same_lists(record, again);
}

static void
old(const char *holder)
{
    g_autoptr(StoreRecord) record = store_record_parse_old(holder);

    fuzz_must(!record || record->phase == STORE_PHASE_OLD, "it is an old one");
}

static void
address(const char *text)
{
    g_autofree char *ip = store_address_ip(text);
    g_autofree char *host = store_client_of_host(text);

    fuzz_must((ip == NULL) == (host == NULL), "both know an address");
    if (host)
        fuzz_must(store_address_same_ip(text, host) ||
                      !store_address_same_ip(text, text),
                  "it is of the same host");
}

static void
word(const char *line)
{
    g_autofree char *id = store_word(line, "id");
    g_autofree char *owner = store_word(line, "owner");

    fuzz_must(strchr(id, ' ') == NULL || strchr(line, ' ') != NULL,
              "a word has no blank");
    fuzz_must(strlen(owner) <= strlen(line), "it is of the line");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const char *) = {claim, old, address, word};
    g_autofree char *text = NULL;

    if (size == 0)
        return 0;
    text = g_strndup((const char *)data + 1, size - 1);
    kinds[data[0] % G_N_ELEMENTS(kinds)](text);
    return 0;
}
