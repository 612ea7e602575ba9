/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/freeze.c - a guest's file systems stand still for a moment
 *
 * Two processes and a socket between them. The other one, the keeper, does all
 * that touches the guest. It ends with the socket, and thaws before that; signals
 * of a terminal do not reach it.
 */
#include "config.h"

#include "agent/cli/freeze.h"

#include "agent/virt/error.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A guest that stands still for longer than this has been disturbed enough. */
#define FROZEN_MAX_MS (20 * 1000)
/* libvirt itself gives an agent that says nothing five seconds. */
#define ANSWER_MS (60 * 1000)

typedef enum {
    SAYS_FREEZE,
    SAYS_THAW,
    SAYS_DONE,
    SAYS_ABSENT, /* there is no guest agent; text says why */
    SAYS_FAILED,
    SAYS_LATE, /* it was thawed before it was asked for */
} Says;

typedef struct {
    Says says;
    char uri[160];
    char uuid[40];
    char text[320];
} Message;

struct CmdFreeze {
    int fd;
    pid_t pid;
    Message frozen; /* what was asked for */
    bool lost;      /* the keeper has not answered */
};

bool
cmd_freeze_is_absent(int code)
{
    switch (code) {
    case VIR_ERR_ARGUMENT_UNSUPPORTED: /* none is configured */
    case VIR_ERR_AGENT_UNRESPONSIVE:   /* it does not run */
    case VIR_ERR_AGENT_UNSYNCED:
    case VIR_ERR_OPERATION_INVALID: /* the guest does not run */
    case VIR_ERR_NO_SUPPORT:
        return true;
    default:
        return false;
    }
}

/* ---- the guest ------------------------------------------------------------------- */

static bool
set_frozen(const Message *asked, bool freeze, Message *said)
{
    g_autoptr(virConnect) conn = NULL;
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    int code;

    virt_quiet();
    conn = virConnectOpen(asked->uri);
    if (conn)
        domain = virDomainLookupByUUIDString(conn, asked->uuid);
    if (domain && (freeze ? virDomainFSFreeze(domain, NULL, 0, 0)
                          : virDomainFSThaw(domain, NULL, 0, 0)) >= 0) {
        said->says = SAYS_DONE;
        return true;
    }
    code = virGetLastErrorCode();
    virt_fail(&error, "%s", freeze ? "cannot freeze" : "cannot thaw");
    said->says = domain && freeze && cmd_freeze_is_absent(code) ? SAYS_ABSENT
                                                                : SAYS_FAILED;
    g_strlcpy(said->text, error->message, sizeof(said->text));
    return false;
}

/* ---- the keeper ------------------------------------------------------------------ */

typedef struct {
    int fd;
    bool frozen;
    bool late;
    Message asked;
} Keeper;

/* false: the other one is gone, and ret_message is as it was. */
static bool
receive(int fd, Message *ret_message)
{
    Message message;
    ssize_t got;

    do {
        got = recv(fd, &message, sizeof(message), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(message))
        return false;
    *ret_message = message;
    return true;
}

static void
thaw(Keeper *keeper, Message *said)
{
    (void)set_frozen(&keeper->asked, false, said);
    keeper->frozen = false;
}

/* One that failed may have frozen a part, or may be about to. */
static void
answer_freeze(Keeper *keeper, Message *said)
{
    Message nothing = {0};

    keeper->late = false;
    keeper->frozen = set_frozen(&keeper->asked, true, said);
    if (!keeper->frozen && said->says == SAYS_FAILED)
        thaw(keeper, &nothing);
}

static void
answer_thaw(Keeper *keeper, Message *said)
{
    said->says = keeper->late ? SAYS_LATE : SAYS_DONE;
    if (keeper->frozen)
        thaw(keeper, said);
}

static void
wait_for_word(Keeper *keeper)
{
    struct pollfd poll_fd = {.fd = keeper->fd, .events = POLLIN};
    Message nothing = {0};

    if (!keeper->frozen || poll(&poll_fd, 1, FROZEN_MAX_MS) != 0)
        return;
    thaw(keeper, &nothing);
    keeper->late = true;
}

static void
keep(int fd)
{
    Keeper keeper = {.fd = fd};
    Message nothing = {0};

    for (;;) {
        Message said = {0};

        wait_for_word(&keeper);
        if (!receive(fd, &keeper.asked))
            break;
        if (keeper.asked.says == SAYS_FREEZE)
            answer_freeze(&keeper, &said);
        else
            answer_thaw(&keeper, &said);
        (void)send(fd, &said, sizeof(said), MSG_NOSIGNAL);
    }
    if (keeper.frozen)
        thaw(&keeper, &nothing);
}

/* A session of its own: what ends a whole group of processes must not end it. */
static void
be_keeper(int fd)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    (void)setsid();
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        (void)signal(numbers[i], SIG_IGN);
    keep(fd);
    _exit(0);
}

/* ---- who asks --------------------------------------------------------------------- */

CmdFreeze *
cmd_freeze_new(GError **error)
{
    CmdFreeze *freeze;
    int fds[2];
    pid_t pid = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) {
        pid = fork();
        if (pid == 0) {
            (void)close(fds[0]);
            be_keeper(fds[1]);
        }
        (void)close(fds[1]);
    }
    if (pid < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot start a process to thaw the guest: %s",
                    g_strerror(errno));
        return NULL;
    }
    freeze = g_new0(CmdFreeze, 1);
    freeze->fd = fds[0];
    freeze->pid = pid;
    return freeze;
}

void
cmd_freeze_free(CmdFreeze *freeze)
{
    if (!freeze)
        return;
    (void)close(freeze->fd);
    /* One that hangs thaws when it hangs no more. */
    if (!freeze->lost)
        (void)waitpid(freeze->pid, NULL, 0);
    g_free(freeze);
}

static bool
ask(CmdFreeze *freeze, const Message *asked, Message *said)
{
    struct pollfd poll_fd = {.fd = freeze->fd, .events = POLLIN};

    if (!freeze->lost)
        freeze->lost =
            send(freeze->fd, asked, sizeof(*asked), MSG_NOSIGNAL) < 0 ||
            poll(&poll_fd, 1, ANSWER_MS) <= 0 || !receive(freeze->fd, said);
    return !freeze->lost;
}

static gboolean
fail(GError **error, const char *text, const char *next)
{
    g_set_error(error, VIRT_ERROR, VIRT_ERROR_FAILED, "%s%s", text, next);
    return FALSE;
}

gboolean
cmd_freeze_begin(CmdFreeze *freeze,
                 const char *uri,
                 const char *uuid,
                 char **ret_why,
                 GError **error)
{
    Message said = {0};

    freeze->frozen = (Message){.says = SAYS_FREEZE};
    g_strlcpy(freeze->frozen.uri, uri, sizeof(freeze->frozen.uri));
    g_strlcpy(freeze->frozen.uuid, uuid, sizeof(freeze->frozen.uuid));
    if (!ask(freeze, &freeze->frozen, &said))
        return fail(error, "the guest agent does not answer",
                    ": see to it, or leave it out (--no-freeze)");
    *ret_why = said.says == SAYS_ABSENT ? g_strdup(said.text) : NULL;
    if (said.says == SAYS_DONE || said.says == SAYS_ABSENT)
        return TRUE;
    return fail(error, said.text,
                ": if it is frozen already, thaw it (virsh domfsthaw), or "
                "leave that out (--no-freeze)");
}

gboolean
cmd_freeze_end(CmdFreeze *freeze, GError **error)
{
    Message asked = freeze->frozen;
    Message said = {0};

    asked.says = SAYS_THAW;
    /* Without its keeper it is thawed here. */
    if (!ask(freeze, &asked, &said))
        (void)set_frozen(&asked, false, &said);
    if (said.says == SAYS_LATE)
        return fail(error, "the guest was thawed before there was a snapshot",
                    ": try again, or leave that out (--no-freeze)");
    return said.says == SAYS_DONE ||
           fail(error, said.text, ": thaw it (virsh domfsthaw)");
}
