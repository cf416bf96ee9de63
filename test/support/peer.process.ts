/** The process behind `Peer`: takes orders over Node's IPC channel, and ends when that closes. */
import { Agent, request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Conversation, LoadAnswer, LoadPlan, LoadRequest, Order, Reply } from './script';
import { gate, play } from './player';

interface Listener {
  server: Server;
  conversations: Array<Promise<Conversation>>;
}

const listeners = new Map<number, Listener>();

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  const reply = (message: Reply) => process.send?.(message);
  follow(order).then(
    (result) => reply({ id: order.id, result }),
    (error) => reply({ id: order.id, error: String(error) })
  );
});

async function follow(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'listen':
      return listen(order);
    case 'connect':
      return converse(order);
    case 'conversations':
      return conversations(order);
    case 'open':
      return gate(order.gate).open();
    case 'arrival':
      return gate(order.gate).arrival;
    case 'requests':
      return load(order.plan);
  }
}

/** The n-th connection gets the n-th script; the last one serves all that come after. */
function listen({ host, port = 0, scripts }: Extract<Order, { do: 'listen' }>): Promise<number> {
  const kept: Array<Promise<Conversation>> = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    kept.push(play(socket, scripts[Math.min(kept.length, scripts.length - 1)]));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 511 }, () => {
      const { port: bound } = server.address() as { port: number };
      listeners.set(bound, { server, conversations: kept });
      resolve(bound);
    });
  });
}

async function conversations({ port, count }: Extract<Order, { do: 'conversations' }>): Promise<Conversation[]> {
  const listener = listeners.get(port);
  if (!listener) {
    throw new Error(`Nothing listens on ${port}`);
  }
  // A client may have gone before the accept of its connection has run.
  while (listener.conversations.length < count) {
    await new Promise((resolve) => listener.server.once('connection', resolve));
  }
  return Promise.all(listener.conversations);
}

function converse({ host, port, script, stepTimeoutMs }: Extract<Order, { do: 'connect' }>): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host, port, allowHalfOpen: true, noDelay: true }, () => {
      socket.off('error', reject);
      resolve(play(socket, script, stepTimeoutMs));
    });
    socket.once('error', reject);
  });
}

async function load(plan: LoadPlan): Promise<LoadAnswer[]> {
  // An agent that is limited to some sockets uses them again, whatever it was told.
  const agent = plan.keepAlive && new Agent({ keepAlive: true, maxSockets: plan.concurrency });
  const answers: LoadAnswer[] = [];
  const waiting = [...plan.requests].reverse();
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      answers.push(await ask(plan, next, agent));
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, worker));
  if (agent) {
    agent.destroy();
  }
  return answers;
}

const BODY = Buffer.alloc(65_536, 'x');

function ask({ host, port }: LoadPlan, wanted: LoadRequest, agent: Agent | false): Promise<LoadAnswer> {
  const { method, path, bodyBytes = 0, chunked = false } = wanted;
  const length: Record<string, string | number> = chunked ? {} : bodyBytes ? { 'content-length': bodyBytes } : {};
  return new Promise((resolve) => {
    const started = process.hrtime.bigint();
    const done = (status: number) =>
      resolve({ method, status, nanoseconds: Number(process.hrtime.bigint() - started) });
    const outgoing = request({ host, port, method, path, agent, headers: { ...length, ...wanted.headers } });
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode ?? 0));
      response.on('error', () => done(0));
    });
    outgoing.on('error', () => done(0));
    for (let left = bodyBytes; left > 0; left -= BODY.length) {
      outgoing.write(BODY.subarray(0, Math.min(left, BODY.length)));
    }
    outgoing.end();
  });
}
