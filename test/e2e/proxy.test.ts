/** The preview's data proxy answers as Grafana's does, or what is seen on the preview would prove nothing. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { startPreview, type Preview } from '../../preview/server';

interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let upstream: Server;
let preview: Preview;
let seen: Seen[] = [];
let answer: { status: number; headers?: Record<string, string>; body?: string } = { status: 200 };

beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const agentUrl = `http://127.0.0.1:${(upstream.address() as { port: number }).port}/agents/`;
  preview = await startPreview({ agentUrl, listen: '127.0.0.1:0', token: 'secret' });
});
afterAll(async () => {
  await preview?.close();
  upstream?.close();
});
beforeEach(() => {
  seen = [];
  answer = { status: 200, headers: { 'content-type': 'application/json', 'set-cookie': 'a=b' }, body: '{"fine":true}' };
});

const ask = (path: string, init?: RequestInit) => fetch(`${preview.url}/api/datasources/proxy/uid/${path}`, init);

test('a request goes on as it came: method, path, parameters, body', async () => {
  const body = JSON.stringify({ queries: [1, 2, 3] });
  const response = await ask('ringside/api/v1/query?a=1&a=2', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(await response.json()).toEqual({ fine: true });
  expect(seen).toMatchObject([{ method: 'POST', url: '/agents/api/v1/query?a=1&a=2', body }]);
});

test('the browser’s cookies and credentials stay; the token is put in', async () => {
  const response = await ask('ringside/api/v1/status', {
    headers: { cookie: 'session=1', authorization: 'Basic abc' },
  });
  expect(seen[0].headers.cookie).toBeUndefined();
  expect(seen[0].headers.authorization).toBe('Bearer secret');
  expect(response.headers.get('set-cookie')).toBeNull();
});

test('401 becomes 400 with Grafana’s words', async () => {
  answer = { status: 401, headers: { 'content-type': 'application/json' }, body: '{"code":"unauthorized"}' };
  const response = await ask('ringside/api/v1/status');
  expect({ status: response.status, text: await response.text() }).toEqual({
    status: 400,
    text: 'Authentication to data source failed',
  });
});

test('other errors come through as they are', async () => {
  answer = { status: 503, headers: { 'content-type': 'application/json' }, body: '{"code":"not_ready"}' };
  const response = await ask('ringside/api/v1/status');
  expect({ status: response.status, body: await response.json() }).toEqual({
    status: 503,
    body: { code: 'not_ready' },
  });
});

test('a data source that is not there', async () => {
  expect((await ask('another/api/v1/status')).status).toBe(404);
});

test('a secret stays until it is replaced, and an empty one takes it away', async () => {
  await save({ jsonData: { timeout: 5 } });
  await ask('ringside/api/v1/status');
  expect(seen.at(-1)!.headers.authorization).toBe('Bearer secret');
  await save({ secureJsonData: { token: '' } });
  await ask('ringside/api/v1/status');
  expect(seen.at(-1)!.headers.authorization ?? '').toBe('');
  await save({ secureJsonData: { token: 'secret' } });
});

test('basic auth and custom headers, as the settings have them', async () => {
  await save({
    basicAuth: true,
    basicAuthUser: 'me',
    jsonData: { httpHeaderName1: 'X-Tenant' },
    secureJsonData: { basicAuthPassword: 'pass', httpHeaderValue1: 'blue' },
  });
  await ask('ringside/elsewhere');
  expect(seen[0].headers).toMatchObject({ authorization: `Basic ${btoa('me:pass')}`, 'x-tenant': 'blue' });
});

async function save(settings: object): Promise<void> {
  const response = await fetch(`${preview.url}/api/datasources/uid/ringside`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  });
  expect(response.status).toBe(200);
}
