import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../../agent/http/server';
import { readTls } from '../../../agent/http/tls';
import { TokenFile } from '../../../agent/http/token';
import { LIMITS } from '../../../wire/limits';
import { ask, increase, startAgent, type TestAgent } from './agent';

let folder: string;
const file = (name: string) => join(folder, name);
const openssl = (...options: string[]) => execFileSync('openssl', options, { stdio: 'pipe', cwd: folder });

/** A certificate and its key, signed by an authority or by itself. */
function certificate(name: string, authority?: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
  openssl(
    'req',
    '-x509',
    ...key,
    '-out',
    `${name}.crt`,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    ...(authority
      ? ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-addext', 'basicConstraints=critical,CA:FALSE']
      : []),
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1'
  );
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-access-'));
  certificate('server');
  certificate('authority');
  certificate('client', 'authority');
  certificate('stranger');
  writeFileSync(file('token'), 's3cret\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

let agent: TestAgent;
afterEach(() => agent.app.close());

describe('a bearer token', () => {
  beforeEach(async () => {
    agent = await startAgent({ access: { token: new TokenFile(file('token')), clientCertificates: false } });
  });

  const get = (url: string, authorization?: string) =>
    agent.app.inject({ url, headers: authorization === undefined ? {} : { authorization } });

  it.each(['/api/v1/status', '/api/v1/metrics', '/api/v1/labels/pod/values', '/metrics', '/openapi.json', '/nowhere'])(
    'guards %s',
    async (url) => {
      const refused = await get(url);
      expect(refused.statusCode).toBe(401);
      expect(refused.json()).toMatchObject({ code: 'unauthorized' });
      expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
      expect((await get(url, 'Bearer s3cret')).statusCode).toBe(url === '/nowhere' ? 404 : 200);
    }
  );

  it('guards queries before their body is read', async () => {
    const payload = JSON.stringify(ask(increase('A'))).padEnd(LIMITS.bodyBytes + 1);
    const headers = { 'content-type': 'application/json' };
    const refused = await agent.app.inject({ method: 'POST', url: '/api/v1/query', payload, headers });
    expect(refused.statusCode).toBe(401);
  });

  it.each(['/healthz', '/readyz'])('leaves %s open', async (url) => {
    expect((await get(url)).statusCode).toBe(200);
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cre',
    'Bearer s3cret2',
    'Basic s3cret',
    's3cret',
    'Bearer s3cret s3cret',
  ])('refuses "%s"', async (authorization) => {
    const response = await get('/api/v1/status', authorization);
    expect(response.statusCode).toBe(401);
    expect(response.body).not.toContain('s3cre');
  });

  it('takes the scheme in any case', async () => {
    expect((await get('/api/v1/status', 'bearer s3cret')).statusCode).toBe(200);
  });
});

describe('loopback without a secret', () => {
  beforeEach(async () => {
    agent = await startAgent({ access: { clientCertificates: false, loopbackOnly: true } });
  });

  it.each(['localhost', 'localhost:9420', '127.0.0.1:9420', '[::1]:9420', 'agent.localhost:9420'])(
    'answers to %s',
    async (host) => {
      expect((await agent.app.inject({ url: '/api/v1/status', headers: { host } })).statusCode).toBe(200);
    }
  );

  it.each([
    'evil.example',
    'evil.example:9420',
    'localhost.evil.example',
    '10.0.0.1:9420',
    '127.0.0.1.evil.example',
    'a b',
    '[',
  ])('does not answer a page that calls it %s', async (host) => {
    const response = await agent.app.inject({ url: '/api/v1/status', headers: { host } });
    expect(response.statusCode).toBe(401);
    expect(response.json()).toMatchObject({ code: 'unauthorized', details: { field: 'host', received: host } });
  });
});

/** Over a real connection. */
function fetchTls(
  path: string,
  options: RequestOptions = {}
): Promise<{ status: number; body: { code?: string; message?: string } }> {
  const { port } = agent.app.server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { host: '127.0.0.1', port, path, ca: readFileSync(file('server.crt')), agent: false, ...options },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }));
      }
    );
    request.on('error', reject);
    request.end();
  });
}

const pair = (name: string) => ({ cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) });

describe('TLS', () => {
  const tls = () => ({ cert: file('server.crt'), key: file('server.key') });

  it('answers with the certificate it was given, and to nobody without TLS', async () => {
    agent = await startAgent({}, { tls: tls() });
    expect(await listen(agent.app, { host: '127.0.0.1', port: 0 })).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await fetchTls('/api/v1/status')).toMatchObject({ status: 200, body: { name: 'ringside-agent' } });
    await expect(fetchTls('/api/v1/status', { ca: readFileSync(file('stranger.crt')) })).rejects.toThrow(/self-signed/);
    await expect(fetchTls('/healthz', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    const { port } = agent.app.server.address() as AddressInfo;
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  it('asks for a client certificate of its authority, except for health', async () => {
    const mutual = { ...tls(), clientCa: file('authority.crt') };
    agent = await startAgent({ access: { clientCertificates: true } }, { tls: mutual });
    await listen(agent.app, { host: '127.0.0.1', port: 0 });
    expect(await fetchTls('/api/v1/status', pair('client'))).toMatchObject({ status: 200 });
    const none = await fetchTls('/api/v1/status');
    expect(none).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(none.body.message).toContain('--tls-client-ca');
    const stranger = await fetchTls('/metrics', pair('stranger'));
    expect(stranger).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(stranger.body.message).toContain('not from the authority');
    expect(await fetchTls('/nowhere')).toMatchObject({ status: 401 });
    expect(await fetchTls('/healthz')).toMatchObject({ status: 200 });
  });

  it('asks for both where both are configured', async () => {
    const mutual = { ...tls(), clientCa: file('authority.crt') };
    agent = await startAgent(
      { access: { token: new TokenFile(file('token')), clientCertificates: true } },
      { tls: mutual }
    );
    await listen(agent.app, { host: '127.0.0.1', port: 0 });
    const headers = { authorization: 'Bearer s3cret' };
    expect(await fetchTls('/api/v1/status', { headers })).toMatchObject({ status: 401 });
    expect(await fetchTls('/api/v1/status', pair('client'))).toMatchObject({ status: 401 });
    expect(await fetchTls('/api/v1/status', { headers, ...pair('client') })).toMatchObject({ status: 200 });
  });

  it('takes a new certificate when its files change, and keeps the old one until they fit together', async () => {
    jest.useFakeTimers({
      doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'performance', 'Date', 'queueMicrotask'],
    });
    for (const [from, to] of [
      ['server.crt', 'current.crt'],
      ['server.key', 'current.key'],
    ]) {
      copyFileSync(file(from), file(to));
    }
    agent = await startAgent({}, { tls: { cert: file('current.crt'), key: file('current.key') } });
    await listen(agent.app, { host: '127.0.0.1', port: 0 });
    const stranger = { ca: readFileSync(file('stranger.crt')) };
    expect(await fetchTls('/healthz')).toMatchObject({ status: 200 });
    copyFileSync(file('stranger.crt'), file('current.crt'));
    jest.advanceTimersByTime(30_000);
    expect(await fetchTls('/healthz')).toMatchObject({ status: 200 });
    copyFileSync(file('stranger.key'), file('current.key'));
    jest.advanceTimersByTime(30_000);
    expect(await fetchTls('/healthz', stranger)).toMatchObject({ status: 200 });
    await expect(fetchTls('/healthz')).rejects.toThrow();
    jest.useRealTimers();
  });

  it('says which file is wrong', async () => {
    agent = await startAgent();
    expect(() => readTls({ cert: file('nope.crt'), key: file('server.key') })).toThrow(
      /--tls-cert .*nope\.crt cannot be read \(ENOENT\)/
    );
    expect(() => readTls({ cert: file('token'), key: file('server.key') })).toThrow(/TLS cannot start with --tls-cert/);
    expect(() => readTls({ cert: file('server.crt'), key: file('client.key') })).toThrow(/belongs to it/);
    expect(() => readTls({ ...tls(), clientCa: file('token') })).toThrow(/--tls-client-ca/);
  });
});

describe('on the wire', () => {
  /** Sends bytes and collects what comes until the agent closes. */
  const talk = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { port } = agent.app.server.address() as AddressInfo;
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => (text += chunk));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });

  beforeEach(async () => {
    agent = await startAgent();
    await listen(agent.app, { host: '127.0.0.1', port: 0 });
  });

  it.each([
    ['what is not HTTP', 'hello\r\n\r\n', 'not an HTTP/1.1 request'],
    ['endless headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '16384 bytes'],
  ])('answers %s with an error of ours', async (_what, bytes, message) => {
    const answer = await talk(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    expect(body).toMatchObject({ code: 'malformed_request', message: expect.stringContaining(message) });
  });

  it('says in one sentence why it cannot listen', async () => {
    const { port } = agent.app.server.address() as AddressInfo;
    const second = await startAgent();
    await expect(listen(second.app, { host: '127.0.0.1', port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1, port ${port}: another process does. Is an agent running already?`
    );
    const third = await startAgent();
    await expect(listen(third.app, { host: '192.0.2.1', port: 0 })).rejects.toThrow('no such address');
    await Promise.all([second.app.close(), third.app.close()]);
  });

  it('listens on every address for an empty host, and on IPv6 loopback', async () => {
    for (const [host, url] of [
      ['', '127.0.0.1'],
      ['::1', '[::1]'],
    ]) {
      const other = await startAgent();
      await listen(other.app, { host, port: 0 });
      const { port } = other.app.server.address() as AddressInfo;
      expect((await fetch(`http://${url}:${port}/healthz`, { headers: { connection: 'close' } })).status).toBe(200);
      await other.app.close();
    }
  });
});
