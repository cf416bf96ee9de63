/**
 * The two questions asked of a container engine: which containers there are, and what becomes of them. Docker's Engine
 * API on a unix socket; podman speaks it too.
 *
 * What answers there is not trusted to be an engine, nor to be well: every answer has a deadline and a size, and what
 * is not understood is left out or is an error with one sentence.
 */
import { get, type IncomingMessage } from 'node:http';
import { GarbageError, Lines } from './pieces';
import { cleanName } from './names';

/** What went wrong, and where it can be changed, what to do: one sentence, with the socket's path in it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

export interface Container {
  /** 64 hexadecimal digits. */
  id: string;
  /** As it is given out by the engine, without the slash in front. */
  name: string;
  /** Untrusted like the rest: whoever takes a value out looks whether it is text. */
  labels: Readonly<Record<string, unknown>>;
}

export interface Conversation {
  socketPath: string;
  /** How long an answer may take. */
  timeoutMs: number;
  /** Ends whatever is under way. */
  signal: AbortSignal;
}

/** About 2 KB are usual for one container. */
const MAX_LIST_BYTES = 8 * 2 ** 20;
/** An event has all labels of its container in it. */
const MAX_EVENT_BYTES = 2 ** 20;
/** Of what the engine says, in a message of ours. */
const QUOTED_LENGTH = 200;
const ID = /^[0-9a-f]{64}$/;
/** In which a container has processes, or is about to. Podman refuses the list for a status that it does not know. */
const STATUSES = ['created', 'running', 'paused'];
/** Podman's word for Docker's destroy is remove. */
const NAMING = ['create', 'start', 'rename'];
const ENDING = ['destroy', 'remove'];

/** @throws EngineError */
export async function listContainers(conversation: Conversation): Promise<Container[]> {
  const path = `/containers/json?all=true&filters=${encodeURIComponent(JSON.stringify({ status: STATUSES }))}`;
  const response = await open(conversation, path);
  const text = await textOf(response, conversation);
  return listIn(text, conversation).flatMap(containerOf);
}

export interface Watch extends Conversation {
  /** Events since then are told as well, as far as the engine remembers them. */
  sinceSeconds: number;
  /** When to stop. */
  forMs: number;
  onNamed(container: Container): void;
  onGone(id: string): void;
}

/**
 * Follows the events of containers for a while.
 *
 * @throws EngineError also when the engine ends the stream before
 */
export async function watchContainers(watch: Watch): Promise<void> {
  const filters = { type: ['container'], event: [...NAMING, ...ENDING] };
  const path = `/events?since=${watch.sinceSeconds}&filters=${encodeURIComponent(JSON.stringify(filters))}`;
  const response = await open(watch, path);
  let over = false;
  const end = setTimeout(() => {
    over = true;
    response.destroy();
  }, watch.forMs);
  try {
    // One that is too large is left out: it is repaired by the next list.
    const lines = new Lines({ maxBytes: MAX_EVENT_BYTES });
    for await (const piece of response) {
      for (const event of lines.push(piece)) {
        tell(watch, event);
      }
    }
  } catch (error) {
    if (!over) {
      throw explained(watch.socketPath, error);
    }
  } finally {
    clearTimeout(end);
  }
  if (!over) {
    throw new EngineError(
      `The engine behind ${watch.socketPath} has ended its stream of events: it may be restarting.`
    );
  }
}

/** @returns the answer as soon as its headers are there, if it is one */
async function open(conversation: Conversation, path: string): Promise<IncomingMessage> {
  const response = await ask(conversation, path);
  if (response.statusCode === 200) {
    return response;
  }
  const said = await textOf(response, conversation);
  const [asked] = path.split('?');
  throw new EngineError(
    `The engine behind ${conversation.socketPath} answered ${asked} with status ${response.statusCode}: ` +
      `"${cleanName(said.trim(), QUOTED_LENGTH)}".`
  );
}

function ask({ socketPath, timeoutMs, signal }: Conversation, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path, signal, agent: false, headers: { host: 'localhost' } });
    const deadline = setTimeout(() => request.destroy(tooSlow(socketPath, timeoutMs)), timeoutMs);
    // Also later, when the answer is destroyed.
    request.on('error', (error) => {
      clearTimeout(deadline);
      reject(explained(socketPath, error));
    });
    request.once('response', (response) => {
      clearTimeout(deadline);
      resolve(response);
    });
  });
}

async function textOf(response: IncomingMessage, { socketPath, timeoutMs }: Conversation): Promise<string> {
  const deadline = setTimeout(() => response.destroy(tooSlow(socketPath, timeoutMs)), timeoutMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      bytes += chunk.length;
      if (bytes > MAX_LIST_BYTES) {
        throw new EngineError(
          `The engine behind ${socketPath} has more to say about its containers than ${MAX_LIST_BYTES} bytes: ` +
            'remove what is not needed, or see whether one of them has labels of an absurd size.'
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw explained(socketPath, error);
  } finally {
    clearTimeout(deadline);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function listIn(text: string, { socketPath }: Conversation): unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) {
      return list;
    }
  } catch {
    // Not even that.
  }
  throw notAnEngine(socketPath, `a list was asked for, and "${cleanName(text, QUOTED_LENGTH)}" came`);
}

function containerOf(entry: unknown): Container[] {
  const { Id: id, Names: names, Labels: labels } = Object(entry);
  // Links give a container further names: /other/alias.
  const name = Array.isArray(names) && names.find((each) => typeof each === 'string' && /^\/?[^/]+$/.test(each));
  return isId(id) && name ? [{ id, name: name.replace('/', ''), labels: Object(labels) }] : [];
}

function tell({ onNamed, onGone }: Watch, event: unknown): void {
  const { Type: type, Action: action, Actor: actor } = Object(event);
  const { ID: id, Attributes: attributes } = Object(actor);
  if (type !== 'container' || !isId(id)) {
    return;
  }
  const { name } = Object(attributes);
  if (ENDING.includes(action)) {
    onGone(id);
  } else if (NAMING.includes(action) && typeof name === 'string' && name !== '') {
    // The engine has put the labels among the attributes, its own last.
    onNamed({ id, name, labels: attributes });
  }
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && ID.test(id);
}

function tooSlow(socketPath: string, timeoutMs: number): EngineError {
  return new EngineError(
    `The engine behind ${socketPath} did not answer within ${timeoutMs / 1000} s: it is overloaded or stuck.`
  );
}

function notAnEngine(socketPath: string, what: string): EngineError {
  return new EngineError(`What listens on ${socketPath} does not speak Docker's Engine API: ${what}.`);
}

function explained(socketPath: string, error: unknown): EngineError {
  if (error instanceof EngineError) {
    return error;
  }
  if (error instanceof GarbageError) {
    return notAnEngine(socketPath, error.message);
  }
  const { code = '', message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new EngineError(
        `The socket ${socketPath} may not be used by this agent (${code}): run it as root or as a member of the ` +
          "socket's group, or start it with --docker off."
      );
    case 'ENOENT':
      return new EngineError(
        `There is no socket ${socketPath}: start the engine, mount its socket if the agent is in a container, or ` +
          'start the agent with --docker off.'
      );
    case 'ECONNREFUSED':
      return new EngineError(`Nothing listens on the socket ${socketPath}: start the engine.`);
    case 'ECONNRESET':
    case 'EPIPE':
      return new EngineError(`The engine behind ${socketPath} has hung up: it may be restarting.`);
    default:
      return code.startsWith('HPE_')
        ? notAnEngine(socketPath, `HTTP was expected (${code})`)
        : new EngineError(`The engine behind ${socketPath} cannot be asked: ${cleanName(message, QUOTED_LENGTH)}.`);
  }
}
