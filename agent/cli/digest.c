/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/digest.c - checksums of what passes by, each in a thread of its own
 */
#include "config.h"

#include "agent/cli/digest.h"

#include <openssl/evp.h>
#include <string.h>

/* So much at a time, and so many of them that wait at most. */
#define CHUNK  (1024u * 1024u)
#define CHUNKS 8u

typedef struct {
    GBytes *bytes; /* NULL: zeroes */
    guint64 len;   /* 0: that was all */
} Chunk;

typedef struct {
    EVP_MD_CTX *context;
    GThread *thread;
    GMutex lock; /* guards the next three */
    GCond changed;
    Chunk queue[CHUNKS];
    guint queued;
} Sum;

struct CmdDigest {
    Sum *sums;
    guint n;
    char **hex;
    bool ended;
};

static const guint8 zeroes[CHUNK];

/* ---- one of them ------------------------------------------------------------------- */

static Chunk
take(Sum *sum)
{
    Chunk chunk;

    g_mutex_lock(&sum->lock);
    while (sum->queued == 0)
        g_cond_wait(&sum->changed, &sum->lock);
    chunk = sum->queue[0];
    sum->queued--;
    memmove(sum->queue, sum->queue + 1, sum->queued * sizeof(Chunk));
    g_cond_signal(&sum->changed);
    g_mutex_unlock(&sum->lock);
    return chunk;
}

static void
put(Sum *sum, GBytes *bytes, guint64 len)
{
    g_mutex_lock(&sum->lock);
    while (sum->queued == CHUNKS)
        g_cond_wait(&sum->changed, &sum->lock);
    sum->queue[sum->queued++] = (Chunk){bytes ? g_bytes_ref(bytes) : NULL, len};
    g_cond_signal(&sum->changed);
    g_mutex_unlock(&sum->lock);
}

static void
add_zeroes(Sum *sum, guint64 len)
{
    while (len > 0) {
        gsize now = (gsize)MIN(len, sizeof(zeroes));

        (void)EVP_DigestUpdate(sum->context, zeroes, now);
        len -= now;
    }
}

static gpointer
work(gpointer data)
{
    Sum *sum = data;

    for (;;) {
        Chunk chunk = take(sum);

        if (chunk.len == 0)
            return NULL;
        if (chunk.bytes)
            (void)EVP_DigestUpdate(sum->context,
                                   g_bytes_get_data(chunk.bytes, NULL),
                                   (gsize)chunk.len);
        else
            add_zeroes(sum, chunk.len);
        g_clear_pointer(&chunk.bytes, g_bytes_unref);
    }
}

static char *
hex_of(EVP_MD_CTX *context)
{
    guint8 raw[EVP_MAX_MD_SIZE];
    guint len = 0;
    GString *hex = g_string_new(NULL);

    if (EVP_DigestFinal_ex(context, raw, &len) != 1)
        len = 0;
    for (guint i = 0; i < len; i++)
        g_string_append_printf(hex, "%02x", raw[i]);
    return g_string_free(hex, FALSE);
}

/* ---- all of them ------------------------------------------------------------------- */

/* One that gives as much as is asked of it has no length of its own. */
static bool
sum_begin(Sum *sum, const char *name)
{
    const EVP_MD *kind = EVP_get_digestbyname(name);

    if (!kind || (EVP_MD_flags(kind) & EVP_MD_FLAG_XOF))
        return false;
    sum->context = EVP_MD_CTX_new();
    if (!sum->context || EVP_DigestInit_ex(sum->context, kind, NULL) != 1) {
        EVP_MD_CTX_free(sum->context);
        return false;
    }
    g_mutex_init(&sum->lock);
    g_cond_init(&sum->changed);
    sum->thread = g_thread_new("checksum", work, sum);
    return true;
}

CmdDigest *
cmd_digest_new(const char *const *names, const char **ret_bad)
{
    CmdDigest *digest = g_new0(CmdDigest, 1);
    guint n = g_strv_length((char **)(gpointer)names);

    digest->sums = g_new0(Sum, n + 1);
    for (; digest->n < n; digest->n++) {
        if (sum_begin(&digest->sums[digest->n], names[digest->n]))
            continue;
        *ret_bad = names[digest->n];
        cmd_digest_free(digest);
        return NULL;
    }
    return digest;
}

static void
put_all(CmdDigest *digest, GBytes *bytes, guint64 len)
{
    for (guint i = 0; i < digest->n; i++)
        put(&digest->sums[i], bytes, len);
}

void
cmd_digest_add(CmdDigest *digest, const guint8 *bytes, guint64 len)
{
    if (digest->n == 0 || len == 0)
        return;
    if (!bytes) {
        put_all(digest, NULL, len);
        return;
    }
    for (guint64 at = 0; at < len; at += CHUNK) {
        gsize now = (gsize)MIN(CHUNK, len - at);
        g_autoptr(GBytes) chunk = g_bytes_new(bytes + at, now);

        put_all(digest, chunk, now);
    }
}

static void
end(CmdDigest *digest)
{
    if (digest->ended)
        return;
    digest->ended = true;
    put_all(digest, NULL, 0);
    for (guint i = 0; i < digest->n; i++)
        (void)g_thread_join(digest->sums[i].thread);
}

char **
cmd_digest_sums(CmdDigest *digest)
{
    if (digest->hex)
        return digest->hex;
    end(digest);
    digest->hex = g_new0(char *, digest->n + 1);
    for (guint i = 0; i < digest->n; i++)
        digest->hex[i] = hex_of(digest->sums[i].context);
    return digest->hex;
}

void
cmd_digest_free(CmdDigest *digest)
{
    end(digest);
    for (guint i = 0; i < digest->n; i++) {
        EVP_MD_CTX_free(digest->sums[i].context);
        g_mutex_clear(&digest->sums[i].lock);
        g_cond_clear(&digest->sums[i].changed);
    }
    g_strfreev(digest->hex);
    g_free(digest->sums);
    g_free(digest);
}

const char *
cmd_digest_name_of(const char *sum)
{
    static const struct {
        gsize len;
        const char *name;
    } known[] = {
        {32, "md5"},    {40, "sha1"},   {56, "sha224"},
        {64, "sha256"}, {96, "sha384"}, {128, "sha512"},
    };
    gsize len = strlen(sum);

    if (strspn(sum, "0123456789abcdefABCDEF") != len)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].len == len)
            return known[i].name;
    return NULL;
}
