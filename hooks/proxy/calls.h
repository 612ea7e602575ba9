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
#define FRONT_HEADER     28u
#define FRONT_PACKET_MAX (32u * 1024u * 1024u + 4u)
#define FRONT_TEXTS_MAX  8u

#define FRONT_PROGRAM_REMOTE 0x20008086u
#define FRONT_REMOTE_VERSION 1u
#define FRONT_CONNECT_OPEN   1u
#define FRONT_CONNECT_CLOSE  2u

enum front_type {
    FRONT_CALL = 0,
    FRONT_REPLY = 1,
    FRONT_MESSAGE = 2,
    FRONT_STREAM = 3,
    FRONT_CALL_WITH_FDS = 4,
    FRONT_REPLY_WITH_FDS = 5,
    FRONT_STREAM_HOLE = 6,
};

enum front_status {
    FRONT_OK = 0,
    FRONT_ERROR = 1,
    FRONT_CONTINUE = 2,
};

struct front_header {
    uint32_t len;
    uint32_t program;
    uint32_t version;
    uint32_t procedure;
    uint32_t type;
    uint32_t serial;
    uint32_t status;
};

/* From FRONT_HEADER bytes. false: no packet is of that length. */
bool front_header_read(const void *bytes, struct front_header *ret_header);
void front_header_write(void *bytes, const struct front_header *header);

/* What the agent is asked about a call's XML. */
enum front_kind {
    FRONT_PASS,   /* nothing */
    FRONT_DEFINE, /* a domain that libvirt is to have */
    FRONT_MOVE,   /* one that comes from elsewhere, or from a file */
    FRONT_ATTACH, /* a device for a domain */
    FRONT_UPDATE, /* another form of a device of a domain */
    FRONT_COPY,   /* a disk that a domain's disk is copied to */
};

/* Of a call of the remote program. */
enum front_kind front_kind(uint32_t procedure);

/* The arguments of a call, as far as they matter. */
struct front_call {
    enum front_kind kind;
    struct front_text texts[FRONT_TEXTS_MAX]; /* each XML, in order */
    size_t n_texts;
    bool has_domain;
    struct front_text name; /* of the domain */
    uint8_t uuid[16];
    uint32_t flags; /* the last argument, for ATTACH and UPDATE; else 0 */
};

/* payload is what follows the header, and the number of descriptors where
 * there is one. Like libvirt's decoder it minds neither what padding holds nor
 * what follows the arguments: what libvirtd takes must be seen here. false:
 * these are not the procedure's arguments, so that libvirtd has to say what it
 * thinks of them. */
bool front_call_read(uint32_t procedure,
                     const void *payload,
                     size_t len,
                     struct front_call *ret_call);

/* The payload with other texts: news[i], of lens[i] bytes, for each text i,
 * or NULL where it stays. malloc()ed; NULL: it would get too long, or there is
 * no memory. */
uint8_t *front_call_replace(const struct front_call *call,
                            const void *payload,
                            size_t len,
                            const char *const *news,
                            const size_t *lens,
                            size_t *ret_len);

/* Whether CONNECT_OPEN's arguments ask for more than to read. */
bool front_open_is_rw(const void *payload, size_t len);

/* Errors, as virterror.h numbers them. */
enum front_error {
    FRONT_ERROR_HOOK, /* a synchronous hook script failed */
    FRONT_ERROR_RPC,  /* a system call of the RPC code failed */
};

/* A whole reply to the call of that header, which says that it failed, as
 * libvirt's daemon says it (virnetprotocol.x, virNetMessageError). malloc()ed;
 * NULL: no memory. */
uint8_t *front_error_reply(const struct front_header *call,
                           enum front_error error,
                           const char *message,
                           size_t *ret_len);

#endif
