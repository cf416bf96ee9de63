/*
 * Requests at a rate that does not wait for answers, as clients in the world do not.
 *
 * A load that sends the next request when the last one is answered asks least while the server is slowest, and so leaves
 * out what it came to measure. Here every request has a time at which it is due, and its latency counts from there, also
 * when it had to wait for a connection. It spins on its processor: waking up would take as long as an answer.
 *
 * open-loop PORT PATH CONNECTIONS RATE SECONDS
 *
 * RATE 0 is the other kind of load: every connection sends as soon as it has its answer. PORT 0 is a server of its own
 * that answers without looking, which shows what the generator itself can do. Prints one line of JSON; times in
 * nanoseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define MAX_SAMPLES (64u << 20)
#define SECOND 1000000000ull
/* How long after the last request is due an answer is waited for. */
#define GRACE (5 * SECOND)
/* Samples that a p99 is taken of, at least: those of a tenth of a second, where there are more. */
#define LEAST_WINDOW 1000

struct connection {
	int fd;
	/* When its request was due; 0 while it has none. */
	uint64_t due;
	size_t length;
	char answer[16384];
};

static struct connection connections[MAX_CONNECTIONS];
/* A queue, so that all of them take turns: a server's processes have some each. */
static struct connection *idle[MAX_CONNECTIONS];
static unsigned int idle_first, idle_count;
static char request[1024];
static size_t request_length;

struct samples {
	uint32_t *values;
	size_t count, capacity;
};

static struct samples latencies, lags;

static void fail(const char *what)
{
	fprintf(stderr, "open-loop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

/* Four seconds are as good as for ever. */
static void add(struct samples *samples, uint64_t nanoseconds)
{
	if (samples->count == samples->capacity) {
		samples->capacity = samples->capacity ? samples->capacity * 2 : 1 << 16;
		samples->values = realloc(samples->values, samples->capacity * sizeof(uint32_t));
		if (!samples->values || samples->capacity > MAX_SAMPLES)
			fail("more samples than there is memory for");
	}
	samples->values[samples->count++] = nanoseconds < UINT32_MAX ? nanoseconds : UINT32_MAX;
}

static int ascending(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* Nearest rank: the smallest sample that so many of a thousand are not above. */
static uint32_t rank(const struct samples *samples, unsigned int thousandths)
{
	size_t place = (samples->count * thousandths + 999) / 1000;

	return samples->count ? samples->values[place ? place - 1 : 0] : 0;
}

static void print_samples(const char *name, struct samples *samples)
{
	qsort(samples->values, samples->count, sizeof(uint32_t), ascending);
	printf("\"%s\":{\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%u}", name, rank(samples, 500), rank(samples, 990),
	       rank(samples, 999), rank(samples, 1000));
}

/*
 * The rank within each so many samples, in the order of the answers, and of all these the middle one. A machine that is
 * taken away for a moment makes one window slow; it would decide about the rank of all samples together.
 */
static uint32_t usual_rank(const struct samples *samples, size_t window, unsigned int thousandths)
{
	struct samples part = {}, ranks = {};

	if (samples->count < window)
		window = samples->count;
	if (!window)
		return 0;
	part.count = window;
	part.values = malloc(window * sizeof(uint32_t));
	if (!part.values)
		fail("a window of samples");
	for (size_t first = 0; first + window <= samples->count; first += window) {
		memcpy(part.values, samples->values + first, window * sizeof(uint32_t));
		qsort(part.values, window, sizeof(uint32_t), ascending);
		add(&ranks, rank(&part, thousandths));
	}
	free(part.values);
	qsort(ranks.values, ranks.count, sizeof(uint32_t), ascending);
	return rank(&ranks, 500);
}

static int connect_to(unsigned int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void put_idle(struct connection *connection)
{
	idle[(idle_first + idle_count++) % MAX_CONNECTIONS] = connection;
}

/* With one that is idle. */
static void ask(uint64_t due)
{
	struct connection *connection = idle[idle_first];

	idle_first = (idle_first + 1) % MAX_CONNECTIONS;
	idle_count--;
	connection->due = due;
	connection->length = 0;
	/* A request is far smaller than a socket's empty buffer. */
	if (write(connection->fd, request, request_length) != (ssize_t)request_length)
		fail("cannot send");
}

/* Whether the whole answer is there. */
static int is_complete(struct connection *connection)
{
	char *end, *length;

	connection->answer[connection->length] = 0;
	end = strstr(connection->answer, "\r\n\r\n");
	if (!end)
		return 0;
	if (strncmp(connection->answer, "HTTP/1.1 200", 12)) {
		fprintf(stderr, "open-loop: wanted 200, got %.40s\n", connection->answer);
		exit(1);
	}
	length = strcasestr(connection->answer, "\r\ncontent-length:");
	if (!length || length > end) {
		fprintf(stderr, "open-loop: an answer without Content-Length\n");
		exit(1);
	}
	return connection->length >= (size_t)(end + 4 - connection->answer) + strtoul(length + 17, NULL, 10);
}

static void receive(struct connection *connection)
{
	ssize_t got = read(connection->fd, connection->answer + connection->length,
			   sizeof(connection->answer) - 1 - connection->length);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
		fail("the server has closed a connection");
	connection->length += got;
	if (!connection->due || !is_complete(connection))
		return;
	add(&latencies, now() - connection->due);
	connection->due = 0;
	put_idle(connection);
}

/* Answers whatever comes, until its parent ends. */
static unsigned int serve(void)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	struct epoll_event events[64], event = { .events = EPOLLIN };
	int listening = socket(AF_INET, SOCK_STREAM, 0), epoll, count, on = 1;
	char bytes[4096];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listening < 0 || bind(listening, (struct sockaddr *)&address, size) || listen(listening, MAX_CONNECTIONS) ||
	    getsockname(listening, (struct sockaddr *)&address, &size))
		fail("cannot listen");
	switch (fork()) {
	case -1:
		fail("cannot fork");
	case 0:
		break;
	default:
		close(listening);
		return ntohs(address.sin_port);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	epoll = epoll_create1(0);
	event.data.fd = listening;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event);
	while ((count = epoll_wait(epoll, events, 64, -1)) >= 0) {
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd == listening) {
				event.data.fd = accept(listening, NULL, NULL);
				setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
				epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
			} else if (read(fd, bytes, sizeof(bytes)) <= 0 ||
				   write(fd, answer, sizeof(answer) - 1) != sizeof(answer) - 1) {
				close(fd);
			}
		}
	}
	exit(0);
}

static unsigned long number(const char *text, unsigned long most, const char *what)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value > most) {
		fprintf(stderr, "open-loop: %s is a whole number from 0 to %lu, got \"%s\"\n", what, most, text);
		exit(1);
	}
	return value;
}

int main(int argc, char **argv)
{
	struct epoll_event events[64], event = { .events = EPOLLIN };
	unsigned long port, count, rate, seconds;
	uint64_t sent = 0, planned, noticed = 0, start, end, stopped;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	size_t window;

	if (argc != 6) {
		fprintf(stderr, "Usage: open-loop PORT PATH CONNECTIONS RATE SECONDS\n");
		return 1;
	}
	port = number(argv[1], 65535, "PORT");
	count = number(argv[3], MAX_CONNECTIONS, "CONNECTIONS");
	rate = number(argv[4], 1000000, "RATE");
	seconds = number(argv[5], 3600, "SECONDS");
	request_length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", argv[2]);
	if (request_length >= sizeof(request)) {
		fprintf(stderr, "open-loop: PATH is longer than %zu bytes\n", sizeof(request) / 2);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	if (port == 0)
		port = serve();
	for (unsigned long i = 0; i < count; i++) {
		connections[i].fd = connect_to(port);
		event.data.ptr = &connections[i];
		epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
		put_idle(&connections[i]);
	}

	planned = rate * seconds;
	start = now();
	end = start + seconds * SECOND;
	for (;;) {
		uint64_t time = now();
		uint64_t due = rate ? (time - start) * rate / SECOND + 1 : 0;
		int ready;

		if (rate) {
			if (due > planned)
				due = planned;
			/* Those that could be sent at once and are sent now: what they are late by is the generator's own. */
			for (; noticed < due; noticed++)
				if (noticed - sent < idle_count)
					add(&lags, time - (start + noticed * SECOND / rate));
			while (sent < due && idle_count > 0) {
				ask(start + sent * SECOND / rate);
				sent++;
			}
		} else {
			while (time < end && idle_count > 0) {
				ask(now());
				sent++;
			}
		}
		if ((rate ? sent == planned : time >= end) && idle_count == count)
			break;
		if (time > end + GRACE)
			break;
		ready = epoll_wait(epoll, events, 64, rate ? 0 : 100);
		for (int i = 0; i < ready; i++)
			receive(events[i].data.ptr);
	}
	stopped = now();

	/* What was never answered has taken at least this long. */
	printf("{\"planned\":%llu,\"answered\":%zu,", (unsigned long long)(rate ? planned : sent), latencies.count);
	for (unsigned long i = 0; i < count; i++)
		if (connections[i].due)
			add(&latencies, stopped - connections[i].due);
	for (; sent < planned; sent++)
		add(&latencies, stopped - (start + sent * SECOND / rate));
	printf("\"nanoseconds\":%llu,", (unsigned long long)(stopped - start));
	/* Before they are sorted. */
	window = rate / 10 > LEAST_WINDOW ? rate / 10 : LEAST_WINDOW;
	printf("\"usual\":{\"p50\":%u,\"p99\":%u},", usual_rank(&latencies, window, 500),
	       usual_rank(&latencies, window, 990));
	print_samples("latency", &latencies);
	printf(",");
	print_samples("lag", &lags);
	printf("}\n");
	return 0;
}
