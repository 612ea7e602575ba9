/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/calls.h - libvirt's calls that carry a domain or a disk
 *
 * One table says where in the arguments of which procedure XML is, and what
 * is to be asked about it. The order of the arguments is that of libvirt's
 * remote_protocol.x. Pure.
 */
#ifndef REMORA_HOOKS_PROXY_CALLS_H
#define REMORA_HOOKS_PROXY_CALLS_H

#include "hooks/proxy/xdr.h"

#define PROXY_TEXTS_MAX 8u
/* libvirt takes no more parameters (REMOTE_DOMAIN_MIGRATE_PARAM_LIST_MAX). */
#define PROXY_DISKS_MAX 64u

/* What the agent is asked about a call's XML. */
enum proxy_kind {
    PROXY_PASS,   /* nothing */
    PROXY_DEFINE, /* a domain that libvirt is to have */
    PROXY_MOVE,   /* one that comes from elsewhere, or from a file */
    PROXY_LEAVE,  /* one that goes elsewhere */
    PROXY_ATTACH, /* a device for a domain */
    PROXY_UPDATE, /* another form of a device of a domain */
    PROXY_COPY,   /* a disk that a domain's disk is copied to */
};

/* Of a call of the remote program. */
enum proxy_kind proxy_kind(uint32_t procedure);

/* The arguments of a call, as far as they matter. */
struct proxy_call {
    enum proxy_kind kind;
    struct proxy_text texts[PROXY_TEXTS_MAX]; /* each XML, in order */
    size_t n_texts;
    bool has_domain;
    uint8_t uuid[16];
    uint32_t flags; /* for ATTACH, UPDATE and LEAVE: where it has any */
    /* Of LEAVE: which of the texts says what the domain is to be there, from 1;
     * 0: none does. And the disks that are to be copied; none: libvirt chooses. */
    size_t there;
    struct proxy_text disks[PROXY_DISKS_MAX];
    size_t n_disks;
};

/* payload is what follows the header, and the number of descriptors where
 * there is one. Like libvirt's decoder it minds neither what padding holds nor
 * what follows the arguments: what libvirtd takes must be seen here. false:
 * these are not the procedure's arguments, so that libvirtd has to say what it
 * thinks of them. */
bool proxy_call_read(uint32_t procedure,
                     const void *payload,
                     size_t len,
                     struct proxy_call *ret_call);

/* The payload with other texts: news[i], of lens[i] bytes, for each text i,
 * or NULL where it stays. malloc()ed; NULL: it would get too long, or there is
 * no memory. */
uint8_t *proxy_call_replace(const struct proxy_call *call,
                            const void *payload,
                            size_t len,
                            const char *const *news,
                            const size_t *lens,
                            size_t *ret_len);

/* Whether CONNECT_OPEN's arguments ask for more than to read. */
bool proxy_open_is_rw(const void *payload, size_t len);

#endif
