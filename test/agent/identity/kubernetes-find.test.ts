import { CA_FILE, findKubernetes, TOKEN_FILE } from '../../../agent/identity/kubernetes/find';

const IN_POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
const here = () => true;
const nowhere = () => false;

it('finds the server that Kubernetes tells every container of', () => {
  expect(findKubernetes('auto', IN_POD, {}, here)).toEqual({
    url: 'https://10.96.0.1:443',
    tokenFile: TOKEN_FILE,
    caFile: CA_FILE,
  });
});

it.each([
  ['fd00:10:96::1', '6443', 'https://[fd00:10:96::1]:6443'],
  ['kubernetes.default', undefined, 'https://kubernetes.default:443'],
])('at %s', (host, port, url) => {
  const env = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port };
  expect(findKubernetes('auto', env, {}, here)).toMatchObject({ url });
});

it('prefers the port for HTTPS', () => {
  const env = { ...IN_POD, KUBERNETES_SERVICE_PORT_HTTPS: '6443' };
  expect(findKubernetes('auto', env, {}, here)).toMatchObject({ url: 'https://10.96.0.1:6443' });
});

it('takes the files it is given', () => {
  expect(findKubernetes('auto', IN_POD, { tokenFile: '/t', caFile: '/c' }, nowhere)).toEqual({
    url: 'https://10.96.0.1:443',
    tokenFile: '/t',
    caFile: '/c',
  });
});

it('takes the server it is given, in a pod and elsewhere', () => {
  expect(findKubernetes('https://api.example:6443/', IN_POD, {}, here)).toEqual({
    url: 'https://api.example:6443',
    tokenFile: TOKEN_FILE,
    caFile: CA_FILE,
  });
  expect(findKubernetes('https://api.example:6443', {}, {}, nowhere)).toEqual({
    url: 'https://api.example:6443',
    tokenFile: undefined,
    caFile: undefined,
  });
});

it.each([
  ['off', IN_POD, here, '--kubernetes off'],
  ['auto', {}, here, 'does not run in a pod (KUBERNETES_SERVICE_HOST is not set)'],
  ['auto', IN_POD, nowhere, `${TOKEN_FILE} is missing`],
  ['http://api.example:8080', IN_POD, here, '"http://api.example:8080" is not a URL like https://'],
  ['nonsense', IN_POD, here, '"nonsense" is not a URL'],
  ['\u001b[2J', IN_POD, here, '"\uFFFD[2J" is not a URL'],
])('says why there is none: %s', (setting, env, exists, words) => {
  const found = findKubernetes(setting, env, {}, exists);
  expect(found).toEqual({ reason: expect.stringMatching(/^No API server: /) });
  expect(found).toEqual({ reason: expect.stringContaining(words) });
});
