/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/qcow2.c - a file of qcow2 is written, front to back
 *
 * Version 3, clusters of 64 KiB, no compression, snapshots or backing file
 * (docs/interop/qcow2.txt of QEMU). Its clusters come one after another, whatever
 * they hold: the header, the first table, then second tables and data in the order
 * of the disk, and last the counts of references, each of which is one. So only one
 * second table is in memory, and there is nothing to look for.
 */
#include "config.h"

#include "agent/cli/qcow2.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAGIC        0x514649fbu
#define CLUSTER_BITS 16u
#define CLUSTER      (1u << CLUSTER_BITS)
/* How many of each are in one cluster. */
#define ENTRIES (CLUSTER / 8)
#define COUNTS  (CLUSTER / 2)
/* Of a table's entry: nobody else refers to that cluster. */
#define SOLE (G_GUINT64_CONSTANT(1) << 63)
/* As far as QEMU goes: a first table of 32 MiB. */
#define SIZE_MAX_BYTES (G_GUINT64_CONSTANT(4194304) * ENTRIES * CLUSTER)
#define HEADER         104u
#define SECTOR         512u

struct CmdQcow2 {
    int fd;
    guint64 size;   /* of the disk, whole sectors */
    guint64 next;   /* the first cluster that is free */
    guint64 *first; /* the first table, all of it, big-endian as the second */
    guint64 n_first;
    guint64 second[ENTRIES]; /* the one that is being filled */
    guint64 second_at;       /* its cluster; 0: there is none yet */
    guint64 second_is;       /* which one it is */
    guint64 data_at;         /* the cluster written to last; 0: none */
    guint64 data_is;         /* and which of the disk's it is */
};

static guint64
parts(guint64 whole, guint64 part)
{
    return (whole + part - 1) / part;
}

static guint64
entry(guint64 cluster)
{
    return GUINT64_TO_BE(cluster << CLUSTER_BITS | SOLE);
}

static gboolean
write_at(const CmdQcow2 *file,
         guint64 at,
         gconstpointer bytes,
         gsize len,
         GError **error)
{
    const guint8 *from = bytes;

    while (len > 0) {
        gssize put = pwrite(file->fd, from, len, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int number = put < 0 ? errno : ENOSPC;

            g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number),
                        "cannot write it: %s", g_strerror(number));
            return FALSE;
        }
        from += put;
        at += (guint64)put;
        len -= (gsize)put;
    }
    return TRUE;
}

CmdQcow2 *
cmd_qcow2_new(int fd, guint64 size, GError **error)
{
    CmdQcow2 *file;

    if (size > SIZE_MAX_BYTES) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "%" G_GUINT64_FORMAT
                    " bytes are more than a file of qcow2 can have: write it "
                    "as raw",
                    size);
        return NULL;
    }
    file = g_new0(CmdQcow2, 1);
    file->fd = fd;
    file->size = parts(size, SECTOR) * SECTOR;
    file->n_first = parts(size, (guint64)CLUSTER * ENTRIES);
    file->first = g_new0(guint64, file->n_first + 1);
    file->next = 1 + MAX(parts(file->n_first, ENTRIES), 1);
    return file;
}

void
cmd_qcow2_free(CmdQcow2 *file)
{
    if (!file)
        return;
    g_free(file->first);
    g_free(file);
}

/* ---- data -------------------------------------------------------------------- */

static gboolean
end_second(const CmdQcow2 *file, GError **error)
{
    return file->second_at == 0 ||
           write_at(file, file->second_at << CLUSTER_BITS, file->second,
                    sizeof(file->second), error);
}

/* The cluster for one of the disk's. */
static gboolean
begin_cluster(CmdQcow2 *file, guint64 is, GError **error)
{
    guint64 table = is / ENTRIES;

    if (file->data_at && file->data_is == is)
        return TRUE;
    g_return_val_if_fail(!file->data_at || is > file->data_is, FALSE);
    g_return_val_if_fail(table < file->n_first, FALSE);
    if (!file->second_at || file->second_is != table) {
        if (!end_second(file, error))
            return FALSE;
        memset(file->second, 0, sizeof(file->second));
        file->second_at = file->next++;
        file->second_is = table;
        file->first[table] = entry(file->second_at);
    }
    file->data_at = file->next++;
    file->data_is = is;
    file->second[is % ENTRIES] = entry(file->data_at);
    return TRUE;
}

gboolean
cmd_qcow2_put(CmdQcow2 *file,
              guint64 offset,
              const guint8 *bytes,
              gsize len,
              GError **error)
{
    while (len > 0) {
        guint64 in = offset % CLUSTER;
        gsize part = (gsize)MIN(len, CLUSTER - in);

        if (!begin_cluster(file, offset / CLUSTER, error) ||
            !write_at(file, (file->data_at << CLUSTER_BITS) + in, bytes, part,
                      error))
            return FALSE;
        offset += part;
        bytes += part;
        len -= part;
    }
    return TRUE;
}

/* ---- the end ------------------------------------------------------------------ */

typedef struct {
    guint64 clusters; /* all that there are */
    guint64 blocks;   /* of counts */
    guint64 blocks_at;
    guint64 tables; /* of blocks: clusters */
    guint64 tables_at;
} Counts;

/* They count themselves, too. */
static Counts
plan_counts(const CmdQcow2 *file)
{
    Counts counts = {.clusters = file->next};
    guint64 before = 0;

    while (counts.clusters != before) {
        before = counts.clusters;
        counts.blocks = parts(counts.clusters, COUNTS);
        counts.tables = parts(counts.blocks, ENTRIES);
        counts.clusters = file->next + counts.blocks + counts.tables;
    }
    counts.blocks_at = file->next;
    counts.tables_at = file->next + counts.blocks;
    return counts;
}

static gboolean
write_counts(const CmdQcow2 *file, const Counts *counts, GError **error)
{
    g_autofree guint16 *block = g_new(guint16, COUNTS);

    for (guint64 i = 0; i < counts->blocks; i++) {
        guint64 at = entry(counts->blocks_at + i) & ~GUINT64_TO_BE(SOLE);
        guint64 left = counts->clusters - i * COUNTS;

        for (guint64 n = 0; n < COUNTS; n++)
            block[n] = GUINT16_TO_BE(n < left ? 1 : 0);
        if (!write_at(file, (counts->blocks_at + i) << CLUSTER_BITS, block,
                      CLUSTER, error) ||
            !write_at(file, (counts->tables_at << CLUSTER_BITS) + i * 8, &at,
                      sizeof(at), error))
            return FALSE;
    }
    return TRUE;
}

static void
put32(guint8 *at, guint64 value)
{
    guint32 big = GUINT32_TO_BE((guint32)value);

    memcpy(at, &big, sizeof(big));
}

static void
put64(guint8 *at, guint64 value)
{
    value = GUINT64_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static gboolean
write_header(const CmdQcow2 *file, const Counts *counts, GError **error)
{
    guint8 head[HEADER + 8] = {0}; /* with the end of no extensions */

    put32(head, MAGIC);
    put32(head + 4, 3);
    put32(head + 20, CLUSTER_BITS);
    put64(head + 24, file->size);
    put32(head + 36, file->n_first);
    put64(head + 40, CLUSTER);
    put64(head + 48, counts->tables_at << CLUSTER_BITS);
    put32(head + 56, counts->tables);
    put32(head + 96, 4); /* counts have 2^4 bits */
    put32(head + 100, HEADER);
    return write_at(file, 0, head, sizeof(head), error);
}

/* What was not written of the last cluster reads as zeroes. */
static gboolean
set_length(const CmdQcow2 *file, const Counts *counts, GError **error)
{
    if (ftruncate(file->fd, (off_t)(counts->clusters << CLUSTER_BITS)) == 0)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                "cannot write it: %s", g_strerror(errno));
    return FALSE;
}

gboolean
cmd_qcow2_end(CmdQcow2 *file, GError **error)
{
    Counts counts = plan_counts(file);

    return end_second(file, error) && set_length(file, &counts, error) &&
           write_counts(file, &counts, error) &&
           write_at(file, CLUSTER, file->first, file->n_first * 8, error) &&
           write_header(file, &counts, error);
}
