/** HTTP/1.x messages as text, for peers that write their own bytes. */

export interface MessageOptions {
  headers?: Record<string, string | number>;
  body?: string;
  version?: '1.0' | '1.1';
  /** Add a content length for the body; default when there is a body. */
  length?: boolean;
}

export const CRLF = '\r\n';
/** What ends a header: what to wait for before answering a request without a body. */
export const HEAD_END = CRLF + CRLF;

export function request(method = 'GET', options: MessageOptions & { target?: string } = {}): string {
  const { target = '/', version = '1.1' } = options;
  return message(`${method} ${target} HTTP/${version}`, { ...options, headers: { Host: 'test', ...options.headers } });
}

export function answer(status = 200, options: MessageOptions & { reason?: string } = {}): string {
  const { version = '1.1', reason = 'Because' } = options;
  const bodiless = status < 200 || status === 204 || status === 304;
  return message(`HTTP/${version} ${status} ${reason}`, { length: !bodiless, ...options });
}

/** A body in chunks; `extension` goes behind every size, `trailers` behind the last chunk. */
export function chunks(parts: readonly string[], { extension = '', trailers = '' } = {}): string {
  const sized = [...parts, ''].map((part) => part.length.toString(16) + extension + CRLF + (part && part + CRLF));
  return sized.join('') + trailers + CRLF;
}

/** The header of a message whose body comes in chunks. */
export const CHUNKED = { 'Transfer-Encoding': 'chunked' };

function message(startLine: string, { headers = {}, body, length = body !== undefined }: MessageOptions): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  if (length && !('Transfer-Encoding' in headers) && !('Content-Length' in headers)) {
    lines.push(`Content-Length: ${body?.length ?? 0}`);
  }
  return [startLine, ...lines].join(CRLF) + HEAD_END + (body ?? '');
}
