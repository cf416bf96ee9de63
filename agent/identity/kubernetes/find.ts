/** Where the API server is: Kubernetes tells every container, by its environment and by files. */
import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { quote } from './failure';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
export const TOKEN_FILE = `${SERVICE_ACCOUNT}/token`;
export const CA_FILE = `${SERVICE_ACCOUNT}/ca.crt`;

export interface KubernetesFiles {
  /** Those that were asked for; else the service account's. */
  tokenFile?: string;
  caFile?: string;
}

export interface FoundKubernetes extends KubernetesFiles {
  url: string;
}

/** One sentence, for the status. */
export interface NoKubernetes {
  reason: string;
}

/**
 * @param setting `auto`, `off` or the URL of an API server
 * @param exists whether a file is there; for tests, which have no service account
 */
export function findKubernetes(
  setting: string,
  env: Readonly<Record<string, string | undefined>>,
  files: KubernetesFiles = {},
  exists: (path: string) => boolean = existsSync
): FoundKubernetes | NoKubernetes {
  if (setting === 'off') {
    return { reason: 'No API server: it is not asked, because of --kubernetes off.' };
  }
  const found = {
    tokenFile: files.tokenFile ?? (exists(TOKEN_FILE) ? TOKEN_FILE : undefined),
    caFile: files.caFile ?? (exists(CA_FILE) ? CA_FILE : undefined),
  };
  if (setting !== 'auto') {
    return isServer(setting)
      ? { url: setting.replace(/\/+$/, ''), ...found }
      : { reason: `No API server: "${quote(setting)}" is not a URL like https://10.0.0.1:6443 (--kubernetes).` };
  }
  const host = env.KUBERNETES_SERVICE_HOST;
  if (!host) {
    return {
      reason:
        'No API server: the agent does not run in a pod (KUBERNETES_SERVICE_HOST is not set). ' +
        'Pods are known by their UID; for names give --kubernetes https://host:port.',
    };
  }
  if (found.tokenFile === undefined) {
    return {
      reason:
        `No API server: ${TOKEN_FILE} is missing, so that nothing may be asked. ` +
        "Leave automountServiceAccountToken on in the agent's pod, or give --kubernetes-token-file.",
    };
  }
  const port = env.KUBERNETES_SERVICE_PORT_HTTPS ?? env.KUBERNETES_SERVICE_PORT ?? '443';
  return { url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, ...found };
}

function isServer(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:' && new URL(text).search === '';
}
