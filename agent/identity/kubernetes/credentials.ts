/** Who the agent is to the API server, and whom it takes for it: files, because both are replaced while it runs. */
import { readFileSync } from 'node:fs';
import { ApiFailure } from './failure';

export interface CredentialFiles {
  /** The bearer token; absent: none is sent. */
  tokenFile?: string;
  /** Certificates in PEM; absent: the authorities that Node trusts. */
  caFile?: string;
}

export interface Credentials {
  token?: string;
  ca?: string;
}

/**
 * Read anew for every connection: the token of a service account is replaced long before its hour is over.
 *
 * @throws ApiFailure
 */
export function readCredentials({ tokenFile, caFile }: CredentialFiles): Credentials {
  return { token: tokenFile && readToken(tokenFile), ca: caFile && read(caFile, '--kubernetes-ca-file') };
}

function readToken(path: string): string {
  const token = read(path, '--kubernetes-token-file').trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    const fault = token === '' ? 'is empty' : 'has more than one word, or characters a header cannot carry';
    throw new ApiFailure(
      `The token file ${path} ${fault}; give a service account's token with --kubernetes-token-file.`
    );
  }
  return token;
}

function read(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ApiFailure(
      `${path} cannot be read (${code}); in a pod Kubernetes puts it there, elsewhere give ${flag}.`
    );
  }
}
