/** A certificate authority of a test's own, and a certificate from it for this machine. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  /** PEM files. */
  caFile: string;
  certFile: string;
  keyFile: string;
  cert: Buffer;
  key: Buffer;
}

const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/**
 * @param folder where the files go
 * @param names as in openssl's `subjectAltName=…`
 */
export function makeCertificates(folder: string, { names = NAMES, days = 1 } = {}): Certificates {
  const [caFile, caKeyFile, certFile, keyFile] = ['ca.crt', 'ca.key', 'server.crt', 'server.key'].map((name) =>
    join(folder, name)
  );
  const openssl = (...args: string[]) => execFileSync('openssl', ['req', '-x509', ...args], { stdio: 'pipe' });
  openssl(...KEY, '-subj', '/CN=kubernetes', '-days', '1', '-keyout', caKeyFile, '-out', caFile);
  openssl(
    ...[...KEY, '-subj', '/CN=kube-apiserver', '-days', String(days), '-CA', caFile, '-CAkey', caKeyFile],
    ...['-addext', names, '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', keyFile, '-out', certFile]
  );
  return { caFile, certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
