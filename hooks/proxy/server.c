/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/server.c - the proxy's parent: accepts, forks, brokers, reaps
 */
#include "config.h"

#include "hooks/proxy/server.h"

#include "hooks/proxy/broker.h"
#include "hooks/proxy/child.h"
#include "hooks/proxy/ratelimit.h"
#include "hooks/proxy/users.h"
#include "hooks/wire/io.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long to wait when there is no descriptor left for the next client. */
#define PAUSE_NS       (50 * 1000 * 1000)
#define EVENTS_AT_ONCE 64

struct client {
    pid_t relay;
    int broker; /* our end */
    uid_t uid;
    gid_t gid;
    pid_t pid;
    bool gone; /* its relay has ended; freed after this round of events */
    struct client *next;
};

struct server {
    const struct proxy_server_setup *setup;
    int epoll;
    int signals;
    bool over;
    pid_t self;
    char own[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    struct proxy_ratelimit rejected; /* clients that were turned away */
    struct proxy_ratelimit *failed;  /* relays that could not begin */
    struct proxy_users users;
    struct client *clients;
};

/* ---- a new client ---------------------------------------------------------- */

static void
say_rejected(struct server *server, uid_t uid, const char *why)
{
    char line[256];
    int len;

    if (!proxy_ratelimit_allows(&server->rejected, wire_clock_ms()))
        return;
    len = snprintf(line, sizeof(line), "a client of user %u is turned away: %s",
                   (unsigned)uid, why);
    wire_say(NULL, line,
             (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

static bool
poll_for(const struct server *server, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* What is opened here is the client's, or closed again. */
static bool
start_relay(struct server *server,
            struct client *client,
            int socket,
            const struct proxy_identity *identity)
{
    wire_autoclose int parent_end = -1;
    wire_autoclose int relay_end = -1;
    struct proxy_child child = {
        .client = socket,
        .identity = identity,
        .upstream = server->setup->upstream,
        .own = server->own,
        .limit = server->failed,
        .parent = server->self,
    };

    if (proxy_broker_pair(&parent_end, &relay_end) < 0 ||
        !poll_for(server, parent_end, client))
        return false;
    child.broker = relay_end;
    client->relay = fork();
    if (client->relay < 0)
        return false;
    if (client->relay == 0)
        proxy_child_run(&child);
    client->broker = parent_end;
    parent_end = -1;
    return true;
}

static bool
add_client(struct server *server,
           int socket,
           const struct proxy_identity *identity)
{
    struct client *client = calloc(1, sizeof(*client));

    if (!client)
        return false;
    client->uid = identity->uid;
    client->gid = identity->gid;
    client->pid = identity->pid;
    if (!start_relay(server, client, socket, identity)) {
        free(client);
        return false;
    }
    client->next = server->clients;
    server->clients = client;
    return true;
}

static void
receive(struct server *server, int socket)
{
    struct proxy_identity identity;
    struct wire_error error;
    const char *reason;

    if (!proxy_identity_of(socket, &identity, &error)) {
        say_rejected(server, (uid_t)-1, error.line);
        return;
    }
    reason = proxy_users_enter(&server->users, identity.uid, wire_clock_ms());
    if (!reason && !add_client(server, socket, &identity)) {
        reason = strerror(errno);
        proxy_users_leave(&server->users, identity.uid);
    }
    if (reason)
        say_rejected(server, identity.uid, reason);
    proxy_identity_clear(&identity);
}

static void
accept_one(struct server *server)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    wire_autoclose int socket =
        accept4(server->setup->listen, NULL, NULL, SOCK_CLOEXEC);

    if (socket >= 0)
        receive(server, socket);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
             errno == ENOMEM)
        (void)nanosleep(&pause, NULL);
}

/* ---- a relay --------------------------------------------------------------- */

/* Closing does not take it out of the epoll while a relay that was forked just
 * now has it, too. */
static void
drop_broker(struct server *server, struct client *client)
{
    if (client->broker >= 0)
        (void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, client->broker, NULL);
    wire_close(&client->broker);
}

/* false: its relay cannot be told. */
static bool
broker_for(struct server *server, struct client *client, uint8_t number)
{
    enum proxy_broker given;

    if (!proxy_users_may_ask(&server->users, client->uid, wire_clock_ms()))
        return proxy_broker_deny(client->broker, number, PROXY_BROKER_OFTEN);
    given = proxy_broker_give(client->broker, number, server->setup->agent_path,
                              client->uid, client->gid, client->pid);
    if (given == PROXY_BROKER_HERE)
        proxy_users_count_ask(&server->users, client->uid);
    return given != PROXY_BROKER_LOST;
}

static void
serve(struct server *server, struct client *client)
{
    bool served = false;
    uint8_t number = 0;

    if (client->broker < 0)
        return;
    switch (proxy_broker_listen(client->broker, &number)) {
    case PROXY_BROKER_QUIET:
        return;
    case PROXY_BROKER_ASKED:
        served = broker_for(server, client, number);
        break;
    case PROXY_BROKER_OVER:
    default:
        break;
    }
    if (!served)
        drop_broker(server, client);
}

static void
mark_gone(struct server *server, pid_t relay)
{
    for (struct client *client = server->clients; client; client = client->next)
        if (client->relay == relay) {
            client->gone = true;
            drop_broker(server, client);
            proxy_users_leave(&server->users, client->uid);
            return;
        }
}

static void
free_gone(struct server *server)
{
    struct client **at = &server->clients;

    while (*at) {
        struct client *client = *at;

        if (client->gone) {
            *at = client->next;
            free(client);
        } else {
            at = &client->next;
        }
    }
}

/* ---- signals --------------------------------------------------------------- */

static void
reap(struct server *server)
{
    pid_t relay;

    while ((relay = waitpid(-1, NULL, WNOHANG)) > 0)
        mark_gone(server, relay);
}

static void
take_signals(struct server *server)
{
    struct signalfd_siginfo info;

    while (read(server->signals, &info, sizeof(info)) == sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            server->over = true;
    reap(server);
}

static int
open_signals(void)
{
    sigset_t wanted;

    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    /* An administrator may send it to all daemons, so that they read their
     * configuration again. The proxy has none. */
    (void)signal(SIGHUP, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &wanted, NULL) < 0)
        return -1;
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- the loop -------------------------------------------------------------- */

static void
handle(struct server *server, void *what)
{
    if (what == &server->signals)
        take_signals(server);
    else if (what == server)
        accept_one(server);
    else
        serve(server, what);
}

static void
loop(struct server *server)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    while (!server->over) {
        int n = epoll_wait(server->epoll, events, EVENTS_AT_ONCE, -1);

        for (int i = 0; i < n; i++)
            handle(server, events[i].data.ptr);
        free_gone(server);
    }
}

static void
end_relays(struct server *server)
{
    for (struct client *client = server->clients; client;
         client = client->next) {
        /* A client may have stopped its relay: SIGKILL works all the same. */
        (void)kill(client->relay, SIGKILL);
        client->gone = true;
        drop_broker(server, client);
    }
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    free_gone(server);
}

/* Where clients connect to; empty if that is no file. A relay must not take it
 * for libvirtd's socket. */
static void
find_own(struct server *server)
{
    struct sockaddr_un address = {0};
    socklen_t len = sizeof(address);

    if (getsockname(server->setup->listen, (struct sockaddr *)&address, &len) ==
        0)
        memcpy(server->own, address.sun_path, sizeof(address.sun_path));
}

bool
proxy_server_run(const struct proxy_server_setup *setup,
                 void (*ready)(void),
                 struct wire_error *error)
{
    struct server server = {
        .setup = setup,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .signals = open_signals(),
        .self = getpid(),
        .failed = proxy_ratelimit_new(),
    };
    bool begun = server.failed && server.epoll >= 0 && server.signals >= 0 &&
                 poll_for(&server, server.signals, &server.signals) &&
                 poll_for(&server, setup->listen, &server);

    proxy_users_init(&server.users, setup->max_clients, setup->max_per_user);
    find_own(&server);
    if (begun) {
        ready();
        loop(&server);
        end_relays(&server);
    } else {
        wire_error_set(error, "cannot begin: %s", strerror(errno));
    }
    proxy_ratelimit_free(server.failed);
    proxy_users_clear(&server.users);
    wire_close(&server.epoll);
    wire_close(&server.signals);
    return begun;
}
