/** Flag values as they are typed: each parser returns what was meant, or says what was expected. */
import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { parseSelector, SelectorError } from '../identity/selector';

export interface ListenAddress {
  /** An IP address or a name; empty for every address of the machine. */
  host: string;
  /** 0: one that is free. */
  port: number;
}

/** `127.0.0.1:9420`, `[::1]:9420`, `localhost:9420`, `:9420`. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535 || (match[1] !== undefined && isIP(match[1]) !== 6)) {
    throw new InvalidArgumentError(
      'Expected host:port, for example 127.0.0.1:9420, [::1]:9420 or :9420 (every address); the port is 0 to 65535.'
    );
  }
  const host = match[1] ?? match[2];
  if (/^[\d.]+$/.test(host) && isIP(host) === 0) {
    throw new InvalidArgumentError(`"${host}" is not an IPv4 address.`);
  }
  if (/[\s/]/.test(host)) {
    throw new InvalidArgumentError(`"${host}" is not a host name.`);
  }
  return { host, port };
}

export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
};

/** A number of bytes: `8388608`, `8MiB`, `8 MB`. */
export function byteParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
    const unit = BYTE_UNITS[match?.[2].toLowerCase() ?? '?'];
    const bytes = Math.floor(Number(match?.[1]) * unit);
    if (!(bytes >= min && bytes <= max)) {
      throw new InvalidArgumentError(
        `Expected a size from ${formatBytes(min)} to ${formatBytes(max)}, for example 8MiB or 8388608.`
      );
    }
    return bytes;
  };
}

/** In the largest unit that divides it: 8388608 is `8MiB`. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size && bytes % size === 0) {
      return `${bytes / size}${unit}`;
    }
  }
  return `${bytes}`;
}

export function wholeNumberParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/**
 * For switches with a twin in the environment: there, a switch has to be able to say no, and "false" must never mean yes.
 */
export function parseSwitch(text: string): boolean {
  switch (text.trim().toLowerCase()) {
    case '1':
    case 'true':
    case 'yes':
      return true;
    case '0':
    case 'false':
    case 'no':
      return false;
    default:
      throw new InvalidArgumentError('Expected yes or no.');
  }
}

/** An empty path is a mistake in a script, not "none": a lost token file must not open the door. */
export function parsePath(text: string): string {
  if (text.trim() === '' || text.includes('\0')) {
    throw new InvalidArgumentError('Expected a path; leave the flag out, or its variable unset, for none.');
  }
  return text;
}

/** A path, or a switch: where a flag has a path by itself, its twin in the environment can say yes and no. */
export function pathOrSwitchParser(path: string): (text: string) => string | undefined {
  return (text) => {
    if (text.includes('/')) {
      return parsePath(text);
    }
    try {
      return parseSwitch(text) ? path : undefined;
    } catch {
      throw new InvalidArgumentError(`Expected the path of a directory, for example ${path}, or yes or no.`);
    }
  };
}

/** A node's name becomes a label on every series. */
export function parseNodeName(text: string): string {
  // Printable, no white space: what a host name, and a Kubernetes node name, can be.
  if (!/^[^\s\p{C}]{1,253}$/u.test(text)) {
    throw new InvalidArgumentError('Expected a name of 1 to 253 characters without spaces.');
  }
  return text;
}

/** `auto`, `off`, or where the API server is. Its names are worth a certificate: there is no plain HTTP. */
export function parseKubernetes(text: string): string {
  if (text === 'auto' || text === 'off') {
    return text;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.username !== '' || url.pathname !== '/') {
    throw new InvalidArgumentError('Expected auto, off, or an address such as https://10.96.0.1:443.');
  }
  return url.origin;
}

/** A namespace's name is a DNS label. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** `shop,payments`. */
export function parseNamespaces(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !NAMESPACE.test(name));
  if (names.length === 0 || wrong !== undefined) {
    throw new InvalidArgumentError(
      `${wrong === undefined ? '' : `"${wrong}" is not the name of a namespace. `}` +
        'Expected names separated by commas, for example shop,payments.'
    );
  }
  return names;
}

/** Checked here, where the mistake was made; parsed again where it is used. */
export function parseSelectorText(text: string): string {
  try {
    parseSelector(text);
    return text;
  } catch (error) {
    throw error instanceof SelectorError ? new InvalidArgumentError(error.message) : error;
  }
}
