/** TLS from PEM files, which may be replaced while the agent runs: certificates of today live for weeks. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server, ServerOptions as HttpsOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { TlsFiles } from '../config';
import { Refusal } from '../refusal';
import { fileIdentity } from './file-identity';

const RECHECK_MS = 30_000;

/** Takes new files for new connections when they change; until they fit together, the old ones stay. */
export function followTls(app: FastifyInstance, files: TlsFiles): void {
  const identity = () => [files.cert, files.key, files.clientCa].map((path) => path && fileIdentity(path)).join('\n');
  let known = identity();
  const timer = setInterval(() => {
    const found = identity();
    if (found === known) {
      return;
    }
    known = found;
    try {
      (app.server as unknown as Server).setSecureContext(readTls(files));
      app.log.info('the TLS files have changed; new connections get the new certificate');
    } catch (error) {
      app.log.error(`${(error as Error).message} The old certificate stays.`);
    }
  }, RECHECK_MS).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}

/** @throws Refusal */
export function readTls({ cert, key, clientCa }: TlsFiles): HttpsOptions {
  const options: HttpsOptions = {
    cert: readPem('--tls-cert', cert),
    key: readPem('--tls-key', key),
    minVersion: 'TLSv1.2',
    // A connection without a right certificate still reaches the health routes; access.ts refuses it the others.
    ...(clientCa && { ca: readAuthority(clientCa), requestCert: true, rejectUnauthorized: false }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new Refusal(
      `TLS cannot start with --tls-cert ${cert} and --tls-key ${key}: ${(error as Error).message}. ` +
        'Give a PEM certificate and the private key that belongs to it.'
    );
  }
  return options;
}

/** OpenSSL takes a file without a certificate for an authority that signed nothing. */
function readAuthority(path: string): Buffer {
  const pem = readPem('--tls-client-ca', path);
  try {
    new X509Certificate(pem);
  } catch {
    throw new Refusal(`--tls-client-ca ${path} holds no certificate in PEM.`);
  }
  return pem;
}

function readPem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Refusal(`${flag} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
