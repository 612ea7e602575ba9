/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/calls.h - libvirt's calls that carry a domain or a disk
 *
 * One table says where in the arguments of which procedure XML is, and what
 * is to be asked about it. The numbers and the order of the arguments are
 * libvirt's remote_protocol.x; they never change, since old clients and new
 * daemons must understand each other. Pure.
 */
#ifndef REMORA_HOOKS_PROXY_CALLS_H
#define REMORA_HOOKS_PROXY_CALLS_H

#include "hooks/proxy/xdr.h"

/* A packet: its length, which counts itself, and six numbers. */
#define PROXY_HEADER     28u
#define PROXY_PACKET_MAX (32u * 1024u * 1024u + 4u)
#define PROXY_TEXTS_MAX  8u

#define PROXY_PROGRAM_REMOTE 0x20008086u
#define PROXY_REMOTE_VERSION 1u
#define PROXY_CONNECT_OPEN   1u
#define PROXY_CONNECT_CLOSE  2u

enum proxy_type {
    PROXY_CALL = 0,
    PROXY_REPLY = 1,
    PROXY_MESSAGE = 2,
    PROXY_STREAM = 3,
    PROXY_CALL_WITH_FDS = 4,
    PROXY_REPLY_WITH_FDS = 5,
    PROXY_STREAM_HOLE = 6,
};

enum proxy_status {
    PROXY_OK = 0,
    PROXY_ERROR = 1,
    PROXY_CONTINUE = 2,
};

struct proxy_header {
    uint32_t len;
    uint32_t program;
    uint32_t version;
    uint32_t procedure;
    uint32_t type;
    uint32_t serial;
    uint32_t status;
};

/* From PROXY_HEADER bytes. false: no packet is of that length. */
bool proxy_header_read(const void *bytes, struct proxy_header *ret_header);
void proxy_header_write(void *bytes, const struct proxy_header *header);

/* What the agent is asked about a call's XML. */
enum proxy_kind {
    PROXY_PASS,   /* nothing */
    PROXY_DEFINE, /* a domain that libvirt is to have */
    PROXY_MOVE,   /* one that comes from elsewhere, or from a file */
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
    struct proxy_text name; /* of the domain */
    uint8_t uuid[16];
    uint32_t flags; /* the last argument, for ATTACH and UPDATE; else 0 */
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

/* Errors, as virterror.h numbers them. */
enum proxy_error {
    PROXY_ERROR_HOOK, /* a synchronous hook script failed */
    PROXY_ERROR_RPC,  /* a system call of the RPC code failed */
};

/* A whole reply to the call of that header, which says that it failed, as
 * libvirt's daemon says it (virnetprotocol.x, virNetMessageError). malloc()ed;
 * NULL: no memory. */
uint8_t *proxy_error_reply(const struct proxy_header *call,
                           enum proxy_error error,
                           const char *message,
                           size_t *ret_len);

#endif
